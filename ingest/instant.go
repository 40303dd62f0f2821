package ingest

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// instant reads a time at path; see parseInstant.
func instant(v *fastjson.Value, path ...string) event.Time {
	v = v.Get(path...)
	if v == nil {
		return 0
	}
	if v.Type() == fastjson.TypeString { // the common form without a copy
		if t, ok := isoInstant(v.GetStringBytes()); ok {
			return t
		}
	}
	return parseInstant(text(v))
}

// firstInstant is the first of several members of v that holds a time.
func firstInstant(v *fastjson.Value, names ...string) event.Time {
	for _, name := range names {
		if t := instant(v, name); t != 0 {
			return t
		}
	}
	return 0
}

// parseInstant reads a time in any form that identity logs were seen to use:
// RFC 3339 with any fraction, also with a space for the T, without seconds or
// without a zone (UTC then); Unix seconds, milli-, micro- or nanoseconds; the
// American and the e-mail forms. What cannot be read, or lies outside
// event.MinTime to event.MaxTime (which .NET's year 1 and Windows' year 1601
// do), is 0: absent.
func parseInstant(s string) event.Time {
	if t, ok := isoInstant([]byte(s)); ok {
		return t
	}
	if t, ok := epoch(s); ok {
		return t
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return inRange(t.UnixMilli())
		}
	}
	return 0
}

// layouts of the rarer forms, all in UTC unless they say otherwise.
var layouts = [...]string{
	"1/2/2006 3:04:05 PM",
	"1/2/2006 3:04:05 PM -07:00",
	"1/2/2006 15:04:05",
	"1/2/2006 15:04:05 -07:00",
	"Jan 2, 2006 3:04:05 PM",
	"Jan 2, 2006, 3:04:05 PM",
	"20060102T150405Z",
	time.RFC1123,
	time.RFC1123Z,
	time.ANSIC,
	time.UnixDate,
}

// inRange is the time if it is a plausible one, else 0.
func inRange(ms int64) event.Time {
	if t := event.Time(ms); t >= event.MinTime && t <= event.MaxTime {
		return t
	}
	return 0
}

// epoch reads Unix time, whose unit follows from its size: between 1990 and
// 2200 the units do not overlap.
func epoch(s string) (event.Time, bool) {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "/Date("), ")/")
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		for _, ms := range [...]int64{n, n / 1000, n / 1_000_000} {
			if t := inRange(ms); t != 0 {
				return t, true
			}
		}
		if n > 0 && n < int64(event.MaxTime) {
			return inRange(n * 1000), true
		}
		return 0, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > math.MaxInt64/2 {
		return 0, false
	}
	if t := inRange(int64(math.Round(f * 1000))); t != 0 { // seconds with a fraction
		return t, true
	}
	return inRange(int64(f)), true
}

// isoInstant reads 2006-01-02T15:04[:05[.fraction]][zone] without allocating.
// ok is false when s has another form; a time of that form that is out of
// range is 0 and ok.
func isoInstant(s []byte) (t event.Time, ok bool) {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	if len(s) < len("2006-01-02T15:04") || (s[4] != '-' && s[4] != '/') || s[7] != s[4] ||
		(s[10] != 'T' && s[10] != 't' && s[10] != ' ') || s[13] != ':' {
		return 0, false
	}
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:10])
	hour, ok4 := digits(s[11:13])
	minute, ok5 := digits(s[14:16])
	if !(ok1 && ok2 && ok3 && ok4 && ok5) || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 {
		return 0, false
	}
	s = s[16:]
	second, ms := 0, 0
	if len(s) >= 3 && s[0] == ':' {
		if second, ok = digits(s[1:3]); !ok || second > 60 {
			return 0, false
		}
		s = s[3:]
		ms, s = fraction(s)
	}
	offset, ok := zone(s)
	if !ok {
		return 0, false
	}
	std := time.Date(year, time.Month(month), day, hour, minute, second, ms*1_000_000, time.UTC)
	if std.Day() != day && second < 60 { // 31 February
		return 0, false
	}
	return inRange(std.UnixMilli() - int64(offset)*60_000), true
}

// fraction reads .123 or ,123 to milliseconds, cutting off the rest.
func fraction(s []byte) (ms int, rest []byte) {
	if len(s) < 2 || (s[0] != '.' && s[0] != ',') {
		return 0, s
	}
	i, scale := 1, 100
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		ms += int(s[i]-'0') * scale
		scale /= 10
	}
	return ms, s[i:]
}

// zone reads nothing, Z, UTC, GMT, ±07, ±0700 or ±07:00 to minutes east of
// UTC.
func zone(s []byte) (minutes int, ok bool) {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	switch string(s) {
	case "", "Z", "z", "UTC", "GMT":
		return 0, true
	}
	if len(s) < 3 || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	hours, ok := digits(s[1:3])
	rest := s[3:]
	if len(rest) == 3 && rest[0] == ':' {
		rest = rest[1:]
	}
	east := 0
	if len(rest) > 0 {
		var okRest bool
		if east, okRest = digits(rest); !okRest || len(rest) != 2 || east > 59 {
			return 0, false
		}
	}
	if !ok || hours > 18 {
		return 0, false
	}
	east += hours * 60
	if s[0] == '-' {
		east = -east
	}
	return east, true
}

// digits reads a short run of decimal digits.
func digits(s []byte) (n int, ok bool) {
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
