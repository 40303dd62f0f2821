package simulate

import (
	"time"

	"github.com/riskstream/riskstream/event"
)

// farthestEast is the largest offset from UTC that a local day may have: the
// day of a person begins up to this long before the UTC day of its date.
const farthestEast = 14 * event.Hour

// People sign in between daybreak and nightfall, local time.
const (
	daybreak  = 6 * event.Hour
	nightfall = 23 * event.Hour
)

// midnight is the begin of t's UTC day.
func midnight(t event.Time) event.Time { return t - t%event.Day }

// weekend reports whether the date that begins at t (UTC) is no working day.
func weekend(t event.Time) bool {
	d := t.Std().Weekday()
	return d == time.Saturday || d == time.Sunday
}

// window places the hours of a day in event time: as they are, or squeezed.
type window struct {
	from     event.Time
	skip     event.Time // the hour of the day that falls on from
	num, den int64      // event time per hour of the day
}

// dayIn is a local day at its true length.
func dayIn(s *site, day event.Time) window {
	return window{from: day - s.utcOffset, num: 1, den: 1}
}

// squeezed is the waking hours of a day within span.
func squeezed(from, span event.Time) window {
	return window{from: from, skip: daybreak, num: int64(span), den: int64(nightfall - daybreak)}
}

// at is the moment of an hour of the day, given as the time since midnight.
func (w window) at(hour event.Time) event.Time {
	return w.from + event.Time(int64(hour-w.skip)*w.num/w.den)
}
