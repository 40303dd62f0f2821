package detectors

import (
	"fmt"
	"math"

	"github.com/riskstream/riskstream/event"
)

const unusualHours = "unusual_hours"

// UnusualHoursConfig holds the thresholds of unusual_hours.
type UnusualHoursConfig struct {
	Enabled bool    `yaml:"enabled"`
	Share   float64 `yaml:"share"` // of the sign-ins, within two hours of the time of day, below which it is unusual
	Days    int     `yaml:"days"`  // on which the subject must have signed in before the hours mean something
}

const (
	weekday = iota
	weekend
	kindsOfDay
)

const (
	// hourReach is how far an hour lies from one that is like it: people are
	// not punctual, and clocks are put forward.
	hourReach = 2

	// hourStep is how long after the last one a sign-in is counted again. A
	// busy night weighs no more than a few sign-ins.
	hourStep = 3 * 3600

	// leastCounted is what must be counted before hours that are rare in it are
	// rare. Ours: at the default share, less than one of the sign-ins.
	leastCounted = 20

	// placeHolds is for how long, in seconds, people are taken to be where they
	// were seen last when they come through an office that is not located. Ours.
	placeHolds = 12 * 3600

	// mostInHour is the count at which all are halved, rounded up: what is not
	// repeated fades to one within weeks.
	mostInHour = 15 // 4 bits
	hourBytes  = 24 / 2

	// From dayBegins to dayEnds people sign in on weekdays, whatever their habits:
	// the daily volume of the RBA dataset peaks from 06 to 20 h.
	dayBegins, dayEnds = 6, 20

	// otherDayShare is what a habit of weekdays says of weekends, and the other
	// way round.
	otherDayShare = 0.5
)

// hours is when a subject signs in: a histogram of the hours of a day in the
// subject's own time, for weekdays and weekends.
type hours struct {
	counted seconds                      // the newest sign-in that was counted
	counts  [kindsOfDay][hourBytes]uint8 // two hours in each byte, the earlier one in the low half
}

func (h *hours) at(day, hour int) int { return int(h.counts[day][hour/2] >> (hour % 2 * 4) & 15) }

// detectUnusualHours sees a sign-in at a time of day at which the subject
// hardly ever signs in. It goes by the sun where the person is, so that a
// journey changes no hours; a habit of the night is a habit like any other. The
// day of weekdays is unusual for nobody.
func (s *Set) detectUnusualHours(at *sighting, m *Memory, out []event.Detection) []event.Detection {
	cfg, h := &s.cfg.UnusualHours, &m.hours
	if !cfg.Enabled || int(m.progress.days) < cfg.Days || m.mayHaveMoved(at) {
		return out
	}
	local := m.localTime(at)
	day, hour := hourOf(local)
	if day == weekday && dayBegins <= hour && hour < dayEnds {
		return out
	}
	near := float64(h.near(day, hour)) + otherDayShare*float64(h.near(1-day, hour))
	total := h.total()
	if total < leastCounted || near >= cfg.Share*float64(total) {
		return out
	}
	when := [...]string{"a weekday", "a weekend"}[day]
	_, nearest := hourOf(local + event.Hour/2)
	return append(out, event.Detection{
		Name:     unusualHours,
		Strength: 1,
		Key:      uint64(day)<<8 | uint64(hour/(2*hourReach)), // one night is one thing
		Summary:  fmt.Sprintf("Sign-in at about %02d:00 on %s where this user was last located; they hardly ever sign in then", nearest, when),
		Evidence: []event.Fact{
			event.Number("local_hour", float64(nearest)),
			event.Text("day", when),
			event.Number("weight_near", near),
			event.Number("weight_counted", float64(total)),
		},
	})
}

// teachHour counts a sign-in, unless another was counted just before.
func (m *Memory) teachHour(at *sighting) {
	h := &m.hours
	if at.at < h.counted.plus(hourStep) && h.counted != 0 {
		return
	}
	h.counted = at.at
	day, hour := hourOf(m.localTime(at))
	h.counts[day][hour/2] += 1 << (hour % 2 * 4)
	if h.at(day, hour) < mostInHour {
		return
	}
	const lowBits = 0x77 // of both halves, after the shift
	for day := range h.counts {
		for i := range h.counts[day] {
			h.counts[day][i] -= h.counts[day][i] >> 1 & lowBits // a single count stays
		}
	}
}

func (h *hours) total() int {
	sum := 0
	for day := range h.counts {
		for _, n := range h.counts[day] {
			sum += int(n&15) + int(n>>4)
		}
	}
	return sum
}

// near is how many sign-ins were counted around an hour, on that kind of day.
func (h *hours) near(day, hour int) int {
	sum := 0
	for d := -hourReach; d <= hourReach; d++ {
		sum += h.at(day, (hour+d+24)%24)
	}
	return sum
}

// localTime is the time by the sun where the person is: where the sign-in comes
// from, be it an office. An address that stands in for the person's own says
// nothing of the longitude; then it is that of the place where the person was
// seen last.
func (m *Memory) localTime(at *sighting) event.Time {
	lon := at.lon
	if !at.tellsPlace() {
		lon = m.anchors.newestPlace().lon
	}
	const hourOfSun = 15 // degrees
	return at.at.time() + event.Time(math.Round(float64(lon)/hourOfSun))*event.Hour
}

// mayHaveMoved reports that the sign-in comes from an office nobody knows where,
// so long after the person was seen elsewhere that they may have travelled to it.
func (m *Memory) mayHaveMoved(at *sighting) bool {
	return at.is(corporate) && !at.tellsPlace() && at.at.since(m.anchors.newestPlace().at) > placeHolds
}

// tellsPlace reports that the address is located where the person is.
func (s *sighting) tellsPlace() bool { return s.is(located) && !s.is(satellite) && s.kinds == 0 }

// hourOf is the hour of a local time, and whether the day is a weekend.
func hourOf(local event.Time) (day, hour int) {
	days := int64(local) / int64(event.Day)
	hour = int((int64(local) - days*int64(event.Day)) / int64(event.Hour))
	const thursday = 4 // the first day of 1970
	if d := (days + thursday) % 7; d == 0 || d == 6 {
		return weekend, hour
	}
	return weekday, hour
}

// newestPlace is where the person was last, offices left out if there is any
// other; the zero value if nothing is known.
func (as *anchors) newestPlace() anchor {
	var newest anchor
	for i := range as {
		a := &as[i]
		if a.at > newest.at && a.traits&corporate == 0 || newest.at == 0 && a.at != 0 {
			newest = *a
		}
	}
	return newest
}
