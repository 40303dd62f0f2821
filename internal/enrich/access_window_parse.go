package enrich

import (
	"slices"
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
)

// weekdayNames are the words for time.Weekday, whose week begins on Sunday.
var weekdayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (p *directoryParser) accessWindow(item *node, what string) accessWindow {
	w := accessWindow{closes: wholeDay, zone: time.UTC}
	var bounded, daily bool // what it says
	var zoneAt, untilAt *node
	ok := p.object(item, what, []string{"to", "from", "until", "days", "hours", "zone"}, func(key string, value *node) {
		switch key {
		case "to":
			p.list(value, what+".to", func(name *node, _ string) {
				if text := p.text(name, "to"); text != "" && p.count(name) {
					w.to = append(w.to, text)
				}
			})
			if len(w.to) == 0 {
				p.fail(value, "to is empty; leave it out for everything that the user does")
			}
		case "from":
			w.from, bounded = p.instant(value, key), true
		case "until":
			w.until, untilAt, bounded = p.instant(value, key), value, true
		case "days":
			daily = true
			p.list(value, what+".days", func(day *node, _ string) {
				if name := p.oneOf(day, "days", weekdayNames[:]...); name != "" {
					w.days |= 1 << slices.Index(weekdayNames[:], name)
				}
			})
		case "hours":
			w.opens, w.closes = p.hours(value, key)
			daily = true
		case "zone":
			w.zone, zoneAt = p.zone(value, key), value
		}
	})
	switch {
	case !ok:
	case !bounded && !daily:
		p.fail(item, "%s limits nothing: give from, until, days or hours", what)
	case zoneAt != nil && !daily:
		p.fail(zoneAt, "zone is of days and hours; from and until have their own")
	case untilAt != nil && w.until != 0 && w.until <= w.from:
		p.fail(untilAt, "until is not after from")
	}
	return w
}

// instant reads a moment with its offset: 2026-03-01T08:00:00+01:00.
func (p *directoryParser) instant(n *node, key string) event.Time {
	text := p.text(n, key)
	if text == "" {
		return 0
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || event.TimeOf(t) < event.MinTime || event.TimeOf(t) > event.MaxTime {
		p.fail(n, "%s is %.60q; want a moment like 2026-03-01T08:00:00+01:00", key, text)
		return 0
	}
	return event.TimeOf(t)
}

// hours reads a span of the day: 08:00-18:00, or 22:00-06:00 over midnight.
func (p *directoryParser) hours(n *node, key string) (opens, closes int) {
	text := p.text(n, key)
	from, to, _ := strings.Cut(text, "-")
	opens, ok := minuteOf(from)
	closes, ok2 := minuteOf(to)
	if text != "" && (!ok || !ok2 || opens == closes || opens == wholeDay) {
		p.fail(n, "%s is %.60q; want a span like 08:00-18:00", key, text)
		return 0, wholeDay
	}
	return opens, closes
}

// minuteOf reads a time of day; 24:00 is its end.
func minuteOf(clock string) (minute int, ok bool) {
	if clock == "24:00" {
		return wholeDay, true
	}
	t, err := time.Parse("15:04", clock)
	return t.Hour()*60 + t.Minute(), err == nil && len(clock) == len("15:04")
}

// zone reads a name of the time zone database.
func (p *directoryParser) zone(n *node, key string) *time.Location {
	text := p.text(n, key)
	zone, err := time.LoadLocation(text)
	if text != "" && (err != nil || text == "Local") {
		p.fail(n, "%s is %.60q; want a time zone like Europe/Berlin", key, text)
	}
	if zone == nil {
		return time.UTC
	}
	return zone
}
