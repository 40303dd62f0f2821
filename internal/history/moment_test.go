package history

import (
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestParseMoment(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-25T13:00:00Z":           "2026-11-25T13:00:00.000Z",
		"2026-11-25T13:00:00.5+02:00":    "2026-11-25T11:00:00.500Z",
		"2026-11-25":                     "2026-11-25T00:00:00.000Z",
		"0s":                             "2026-11-25T12:00:00.000Z",
		"90m":                            "2026-11-25T10:30:00.000Z",
		"30d":                            "2026-10-26T12:00:00.000Z",
		"99999d":                         event.MinTime.String(), // before all events
		"0001-01-01":                     event.MinTime.String(),
		"9999-12-31T23:59:59.999999999Z": event.MaxTime.String(),
	} {
		if got, err := ParseMoment(text, noon); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
	if open, err := ParseMoment("", noon); open != 0 || err != nil {
		t.Errorf("the open end: %v, %v", open, err)
	}
	for _, text := range []string{"tomorrow", "-5h", "-1d", "100000d", "d", "2026-13-01", "12", " 30d"} {
		if got, err := ParseMoment(text, noon); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzParseMoment(f *testing.F) {
	for _, text := range []string{"", "30d", "12h", "2026-11-25", "2026-11-25T13:00:00Z", "9223372036854775807ns", "0000-01-01"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseMoment(text, noon)
		if err == nil && text != "" && (got < event.MinTime || got > event.MaxTime) {
			t.Errorf("%v", got)
		}
	})
}
