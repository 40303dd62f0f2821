package event_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/event"
)

// Times are written and read by hand; package time is the judge.
func TestTimeIsWrittenAsLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := event.Time(rapid.Int64Range(int64(event.MinTime)-1_000, int64(event.MaxTime)+1_000).Draw(t, "ms"))
		if got, want := at.String(), at.Std().Format(event.Layout); got != want {
			t.Fatalf("%d: got %s, want %s", int64(at), got, want)
		}
		var back event.Time
		if err := back.UnmarshalText([]byte(at.String())); err != nil || back != at {
			t.Fatalf("%s was read as %s: %v", at, back, err)
		}
	})
}

func TestTimeIsReadAsRFC3339(t *testing.T) {
	agree := func(t interface {
		Helper()
		Errorf(string, ...any)
	}, text string,
	) {
		t.Helper()
		std, wantErr := time.Parse(time.RFC3339, text)
		var got event.Time
		err := got.UnmarshalText([]byte(text))
		if (err != nil) != (wantErr != nil) || err == nil && got != event.TimeOf(std) {
			t.Errorf("%q: got %d, %v; want %d, %v", text, got, err, std.UnixMilli(), wantErr)
		}
	}
	for _, text := range []string{
		"2024-02-29T23:59:59.999Z", "2023-02-29T00:00:00.000Z", "2000-02-29T00:00:00.000Z", "1900-02-29T00:00:00.000Z",
		"2024-04-31T00:00:00.000Z", "2024-00-10T00:00:00.000Z", "2024-13-10T00:00:00.000Z", "2024-01-00T00:00:00.000Z",
		"2024-01-01T24:00:00.000Z", "2024-01-01T00:60:00.000Z", "2024-01-01T00:00:60.000Z", "0000-01-01T00:00:00.000Z",
		"2024-01-01t00:00:00.000z", "2024-01-01T00:00:00,000Z", "2024-01-01T00:00:00.00+Z", "2024-01-01T00:00:00.1234", "",
	} {
		agree(t, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(event.Time(rapid.Int64Range(int64(event.MinTime), int64(event.MaxTime)).Draw(t, "ms")).String())
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] = rapid.SampledFrom([]byte("0123456789-:.TZ +")).Draw(t, "byte")
		}
		agree(t, string(text))
	})
}
