package event

import (
	"fmt"
	"time"
)

// Time is a moment in event time: Unix milliseconds, UTC. The zero Time is
// "absent". It is written as RFC 3339 with milliseconds.
type Time int64

// Milliseconds of common spans, to add to a Time.
const (
	Second Time = 1000
	Minute      = 60 * Second
	Hour        = 60 * Minute
	Day         = 24 * Hour
)

// Layout is the form in which every time is written.
const Layout = "2006-01-02T15:04:05.000Z"

// MinTime and MaxTime bound what a log may claim: 1990 to 2200. Outside it a
// parser has misread a unit.
const (
	MinTime Time = 631152000000
	MaxTime Time = 7258118400000
)

// TimeOf converts t; the sub-millisecond part is cut off.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Std converts to a time.Time in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add moves t by d; the sub-millisecond part of d is cut off.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Sub is the time from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

func (t Time) String() string { return string(t.AppendText(nil)) }

// AppendText appends the RFC 3339 form.
func (t Time) AppendText(b []byte) []byte { return t.Std().AppendFormat(b, Layout) }

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return t.AppendText(nil), nil }

// UnmarshalText reads RFC 3339 with any fraction and zone.
func (t *Time) UnmarshalText(b []byte) error {
	std, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return fmt.Errorf("time %.40q is not RFC 3339", b)
	}
	*t = TimeOf(std)
	return nil
}
