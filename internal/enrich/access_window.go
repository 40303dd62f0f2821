package enrich

import (
	"strings"
	"time"
	_ "time/tzdata" // zones are known on every machine

	"github.com/riskstream/riskstream/event"
)

// accessWindow is when a user may use what was given to them for a time: from
// an instant until another, or on some days and hours, or both.
type accessWindow struct {
	to            []string   // apps and resources, by id or name; an end of * stands for anything; none is everything
	from, until   event.Time // 0 is open
	days          weekdays   // 0 is every day
	opens, closes int        // minutes of the day; over midnight when it closes first
	zone          *time.Location
}

// weekdays is a set of time.Weekday.
type weekdays uint8

const wholeDay = 24 * 60 // minutes

// verdict says how an event lies to the windows for what it touches: inside of
// one is enough. What no window is for needs none.
func verdict(windows []accessWindow, ev *event.Event) event.AccessWindow {
	var said event.AccessWindow
	for i := range windows {
		w := &windows[i]
		if !w.covers(ev) {
			continue
		}
		if w.holds(ev.Time) {
			return event.InsideWindow
		}
		said = event.OutsideWindow
	}
	return said
}

func (w *accessWindow) covers(ev *event.Event) bool {
	if len(w.to) == 0 {
		return true
	}
	for _, pattern := range w.to {
		for _, name := range [...]string{ev.App.ID, ev.App.Name, ev.Resource.ID, ev.Resource.Name} {
			if name != "" && named(name, pattern) {
				return true
			}
		}
	}
	return false
}

// named compares as the directory's other names are: upper and lower case are
// the same.
func named(name, pattern string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
	}
	return strings.EqualFold(name, pattern)
}

func (w *accessWindow) holds(t event.Time) bool {
	if t < w.from || w.until != 0 && t >= w.until {
		return false
	}
	local := t.Std().In(w.zone)
	minute, day := local.Hour()*60+local.Minute(), local.Weekday()
	if w.opens < w.closes {
		return w.opens <= minute && minute < w.closes && w.days.has(day)
	}
	if minute < w.closes { // the hours after midnight are of the day before
		return w.days.has((day + 6) % 7)
	}
	return w.opens <= minute && w.days.has(day)
}

func (d weekdays) has(day time.Weekday) bool { return d == 0 || d>>day&1 != 0 }
