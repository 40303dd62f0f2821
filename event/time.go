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
func (t Time) AppendText(b []byte) []byte {
	if t < MinTime || t > MaxTime { // the general way also knows years without four digits
		return t.Std().AppendFormat(b, Layout)
	}
	year, month, day := t.Std().Date()
	b = appendTwo(b, year/100)
	b = appendTwo(b, year%100)
	b = appendTwo(append(b, '-'), int(month))
	b = appendTwo(append(b, '-'), day)
	ms := int(t % Day)
	b = appendTwo(append(b, 'T'), ms/int(Hour))
	b = appendTwo(append(b, ':'), ms/int(Minute)%60)
	b = appendTwo(append(b, ':'), ms/int(Second)%60)
	b = append(b, '.', byte('0'+ms/100%10))
	return append(appendTwo(b, ms%100), 'Z')
}

// appendTwo appends a number below 100 in two digits.
func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return t.AppendText(nil), nil }

// UnmarshalText reads RFC 3339 with any fraction and zone.
func (t *Time) UnmarshalText(b []byte) error {
	if own, ok := parseLayout(b); ok {
		*t = own
		return nil
	}
	std, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return fmt.Errorf("time %.40q is not RFC 3339", b)
	}
	*t = TimeOf(std)
	return nil
}

// parseLayout reads what AppendText writes. What is not quite that is not ok,
// and left to the general way.
func parseLayout(b []byte) (t Time, ok bool) {
	if len(b) != len(Layout) {
		return 0, false
	}
	for i, c := range []byte(Layout) {
		digit := b[i] >= '0' && b[i] <= '9'
		if isDigit := c >= '0' && c <= '9'; isDigit != digit || !isDigit && b[i] != c {
			return 0, false
		}
	}
	two := func(at int) int { return int(b[at]-'0')*10 + int(b[at+1]-'0') }
	month, day, hour, minute, second := two(5), two(8), two(11), two(14), two(17)
	if month < 1 || month > 12 || day < 1 || day > 28 && day > daysIn(month, two(0)*100+two(2)) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	std := time.Date(two(0)*100+two(2), time.Month(month), day, hour, minute, second, 0, time.UTC)
	return Time(std.Unix())*Second + Time(b[20]-'0')*100 + Time(two(21)), true
}

// daysIn is the number of days of a month.
func daysIn(month, year int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
