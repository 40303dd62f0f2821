package detectors

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSpoken(t *testing.T) {
	const minute, hour, day = 60, 3600, 86400
	for span, want := range map[uint32]string{
		0:                          "0 seconds",
		1:                          "1 second",
		59:                         "59 seconds",
		minute:                     "1 minute",
		minute + 51:                "1 min 51 s",
		5 * minute:                 "5 minutes",
		10*minute - 1:              "9 min 59 s",
		50*minute + 40:             "51 minutes",
		2*hour - 1:                 "120 minutes",
		2 * hour:                   "2 hours",
		2*hour + 46*minute + 40:    "2 h 47 min",
		10*hour - 1:                "10 hours",
		13*hour + 46*minute:        "14 hours",
		2 * day:                    "2 days",
		2*day + 9*hour + 50*minute: "2 d 10 h",
		10*day - 1:                 "10 days",
		20*day + 13*hour:           "21 days",
		math.MaxUint32:             "49710 days",
	} {
		if got := spoken(span); got != want {
			t.Errorf("%d seconds are %q, want %q", span, got, want)
		}
	}
}

// What is told is the span to within a twentieth, so that who divides by it comes
// to the speed beside it.
func TestSpokenRoundsLittle(t *testing.T) {
	seconds := map[string]float64{
		"s": 1, "second": 1, "seconds": 1, "min": 60, "minute": 60, "minutes": 60,
		"h": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400,
	}
	rapid.Check(t, func(t *rapid.T) {
		span := rapid.Uint32Range(1, 30*86400).Draw(t, "span")
		told, words := 0.0, strings.Fields(spoken(span))
		for i := 0; i+1 < len(words); i += 2 {
			n, err := strconv.ParseFloat(words[i], 64)
			if err != nil || seconds[words[i+1]] == 0 {
				t.Fatalf("%d seconds are %q", span, spoken(span))
			}
			told += n * seconds[words[i+1]]
		}
		if math.Abs(told-float64(span)) > 0.05*float64(span) {
			t.Errorf("%d seconds are %q", span, spoken(span))
		}
	})
}
