package ingest

import (
	"bytes"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// maxText bounds every string of an event, in bytes. The longest that says
// something, a user agent, stays below it.
const maxText = 512

// text reads a string or number at path: cleaned by cleanText, "" when absent,
// of another type or null-like. The text is borrowed; see borrow.
func text(v *fastjson.Value, path ...string) string {
	v = v.Get(path...)
	if v == nil {
		return ""
	}
	switch v.Type() {
	case fastjson.TypeString:
		return cleanText(v.GetStringBytes())
	case fastjson.TypeNumber:
		return cleanText(v.MarshalTo(nil))
	default:
		return ""
	}
}

// firstText is the first of several members of v that text can read.
func firstText(v *fastjson.Value, names ...string) string {
	for _, name := range names {
		if s := text(v, name); s != "" {
			return s
		}
	}
	return ""
}

// cleanText makes outside bytes fit to stand in an event: control characters
// and those that reorder or break lines become spaces, invalid UTF-8 becomes
// U+FFFD, space around goes, null-likes become "", and the rest is cut to
// maxText bytes at a rune's boundary. What it returns may be b itself, borrowed.
func cleanText(b []byte) string {
	b = bytes.TrimSpace(b)
	if len(b) <= maxText && plain(b) {
		if nullLike(b) {
			return ""
		}
		return borrow(b)
	}
	if len(b) > 4*maxText { // what is cut off need not be cleaned
		b = b[:4*maxText]
	}
	cleaned := make([]byte, 0, min(len(b), maxText)+utf8.UTFMax)
	for len(b) > 0 && len(cleaned) < maxText {
		r, size := utf8.DecodeRune(b)
		b = b[size:]
		if disruptive(r) {
			r = ' '
		}
		if len(cleaned)+utf8.RuneLen(r) > maxText {
			break
		}
		cleaned = utf8.AppendRune(cleaned, r)
	}
	cleaned = bytes.TrimSpace(cleaned)
	if nullLike(cleaned) {
		return ""
	}
	return borrow(cleaned)
}

// plain reports whether b is printable ASCII, the common case.
func plain(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// disruptive runes could forge or hide log lines: controls, line and paragraph
// separators, and the overrides of writing direction.
func disruptive(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		(r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}

// nullLike knows the ways in which logs write "nothing".
func nullLike(b []byte) bool {
	switch len(b) {
	case 0:
		return true
	case 1:
		return b[0] == '-'
	case 3:
		return equalFold(b, "n/a")
	case 4:
		return equalFold(b, "null")
	case 6:
		return equalFold(b, "<null>") || equalFold(b, "(null)")
	case 9:
		return equalFold(b, "undefined")
	}
	return false
}

// equalFold compares ASCII without case; lower must be lower case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// flag reads a boolean, or the words true and false in any case.
func flag(v *fastjson.Value, path ...string) event.Flag {
	v = v.Get(path...)
	if v == nil {
		return event.Unknown
	}
	switch v.Type() {
	case fastjson.TypeTrue:
		return event.True
	case fastjson.TypeFalse:
		return event.False
	case fastjson.TypeString:
		switch b := v.GetStringBytes(); {
		case equalFold(b, "true"):
			return event.True
		case equalFold(b, "false"):
			return event.False
		}
	}
	return event.Unknown
}

// number reads a finite number, also one written as a string.
func number(v *fastjson.Value, path ...string) (float64, bool) {
	s := text(v, path...)
	if s == "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// asNumber reads the number of an autonomous system: 64500, "64500" or
// "AS64500"; 0 when there is none.
func asNumber(v *fastjson.Value, path ...string) uint32 {
	v = v.Get(path...)
	if v != nil && v.Type() == fastjson.TypeNumber { // the common form without a copy
		if n, err := v.Uint64(); err == nil && n <= math.MaxUint32 {
			return uint32(n)
		}
	}
	s := text(v)
	if len(s) > 2 && strings.EqualFold(s[:2], "as") {
		s = s[2:]
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// lower is the lower-case form in which native method and protocol names
// stand in an event.
func lower(s string) string { return strings.ToLower(s) }

// address reads an IP address; see parseAddress.
func address(v *fastjson.Value, path ...string) netip.Addr {
	return parseAddress(text(v, path...))
}

// parseAddress reads an IP address with or without port, IPv6 also in
// brackets, without its zone; IPv4 inside IPv6 becomes IPv4. Names, GUIDs,
// lists and the unspecified address are the invalid Addr: absent. A list (from
// X-Forwarded-For) is not guessed at, since anybody can send one.
func parseAddress(s string) netip.Addr {
	if s == "" || len(s) > 80 {
		return netip.Addr{}
	}
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 || !portOrNothing(s[end+1:]) {
			return netip.Addr{}
		}
		s = s[1:end]
	} else if strings.Count(s, ":") == 1 {
		colon := strings.IndexByte(s, ':')
		if !portOrNothing(s[colon:]) {
			return netip.Addr{}
		}
		s = s[:colon]
	}
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	ip = ip.Unmap().WithZone("")
	if ip.IsUnspecified() {
		return netip.Addr{}
	}
	return ip
}

func portOrNothing(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != ':' {
		return false
	}
	_, err := strconv.ParseUint(s[1:], 10, 16)
	return err == nil
}

const (
	// cityRadiusKM is the accuracy given to a place that a log names by its
	// city (DESIGN.md, Location).
	cityRadiusKM = 50

	// countryRadiusKM is the accuracy given to coordinates without a city.
	// They are mostly the middle of a country, which is some 2,000 km from the
	// coasts of the larger ones; taken for a city, a mobile network that is
	// located by country only would look like travel.
	countryRadiusKM = 2000
)

// located sets the log's own coordinates, in degrees. Call it after the
// country and city are set: the city decides the accuracy. 0,0 and what is not
// on Earth mean unknown; without coordinates the place has no distance to
// anything.
func located(geo *event.Geo, lat, lon float64) {
	onEarth := lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 // false for NaN
	if !onEarth || (lat == 0 && lon == 0) {
		return
	}
	geo.Lat, geo.Lon, geo.Located = lat, lon, true
	geo.AccuracyKM = cityRadiusKM
	if geo.City == "" {
		geo.AccuracyKM = countryRadiusKM
	}
}

// place reads coordinates from two members of v and sets them; see located.
func place(geo *event.Geo, v *fastjson.Value, latName, lonName string) {
	lat, okLat := number(v, latName)
	lon, okLon := number(v, lonName)
	if okLat && okLon {
		located(geo, lat, lon)
	}
}
