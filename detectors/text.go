package detectors

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/riskstream/riskstream/event"
)

// placeName is the place of an event in words: "Berlin (DE)".
func placeName(g *event.Geo) string {
	city := g.City
	if city == "" {
		city = g.Name
	}
	return withCountry(city, countryName(countryCode(g.Country)))
}

func withCountry(city, country string) string {
	switch {
	case city != "" && country != "":
		return city + " (" + country + ")"
	case city != "" || country != "":
		return city + country
	}
	return "an unnamed place"
}

// networkName is the source network of an event in words.
func networkName(s *event.Source) string {
	as := ""
	if s.AS.Number != 0 {
		as = "AS" + strconv.FormatUint(uint64(s.AS.Number), 10)
	}
	switch name := s.AS.Organization; {
	case name != "" && as != "":
		return name + " (" + as + ")"
	case name != "" || as != "":
		return name + as
	case s.IP.IsValid():
		return event.Network(s.IP).String()
	}
	return "an unknown network"
}

// grouped writes a count with thousands separators: 14,081.
func grouped(f float64) string {
	b := strconv.AppendFloat(nil, f, 'f', 0, 64)
	for i := len(b) - 3; i > 0; i -= 3 {
		b = append(b[:i], append([]byte{','}, b[i:]...)...)
	}
	return string(b)
}

// spoken writes a span of seconds, rounded by at most a twentieth, so that it
// agrees with the speed that is told beside it: "51 minutes", "2 h 47 min".
func spoken(span uint32) string {
	const second, minute, hour, day = 1, 60, 3600, 86400
	switch {
	case span < minute:
		return plural(span, "second")
	case span < 10*minute:
		return inTwoUnits(span, minute, "minute", "min", second, "s")
	case span < 2*hour:
		return plural(rounded(span, minute), "minute")
	case span < 10*hour:
		return inTwoUnits(span, hour, "hour", "h", minute, "min")
	case span < 2*day:
		return plural(rounded(span, hour), "hour")
	case span < 10*day:
		return inTwoUnits(span, day, "day", "d", hour, "h")
	}
	return plural(rounded(span, day), "day")
}

// inTwoUnits writes a span in short units, or by the larger one's name where
// nothing is left for the smaller.
func inTwoUnits(span, large uint32, name, short string, small uint32, smallShort string) string {
	span = rounded(span, small) * small
	n, rest := span/large, span%large/small
	if rest == 0 {
		return plural(n, name)
	}
	return fmt.Sprintf("%d %s %d %s", n, short, rest, smallShort)
}

// rounded is the span in the nearest whole number of units.
func rounded(span, unit uint32) uint32 { return span/unit + (span%unit+unit/2)/unit }

func plural(n uint32, unit string) string {
	text := strconv.FormatUint(uint64(n), 10) + " " + unit
	if n != 1 {
		text += "s"
	}
	return text
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// shortened cuts a text to so many bytes, on a rune's edge and with an
// ellipsis.
func shortened(s string, most int) string {
	const ellipsis = "…"
	if len(s) <= most {
		return s
	}
	cut := most - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.TrimRight(s[:cut], " ") + ellipsis
}
