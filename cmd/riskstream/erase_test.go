package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/erase"
)

func TestErasureForPeople(t *testing.T) {
	there := []erase.Found{{Where: "risk.scores", What: "the user's score", Count: 1}, {Where: "history", What: "rows of events", Count: 16}}
	remains := []erase.Remains{
		{Where: "risk.events", What: "the user's events", Until: event.TimeOf(time.Date(2026, 6, 7, 8, 0, 0, 0, time.UTC)), Note: "retention.ms of 90 days, and segment.ms"},
		{Where: "risk.source_state", What: "hashes", Note: "until others come in from there"},
	}
	const rest = `
what remains, or may, elsewhere (UTC):
  risk.events: the user's events
      until 2026-06-07 08:00:00 (retention.ms of 90 days, and segment.ms)
  risk.source_state: hashes
      until others come in from there
`
	signal := &erase.Position{Topic: "risk.events"}
	for _, test := range []struct {
		name   string
		report erase.Report
		want   string
	}{
		{"erased", erase.Report{Signal: signal, Before: there}, "default/anna\x1b is erased:\n  risk.scores: the user's score (1)\n  history: rows of events (16)\n"},
		{"unknown", erase.Report{Signal: signal}, "default/anna\x1b is not there, and was not: is that the name?\n"},
		{"left", erase.Report{Signal: signal, Before: there, Found: there[1:]}, "default/anna\x1b is there again, or still: what came after the erasure begins anew, and what the history stores late comes back. Erase once more.\n  history: rows of events (16)\n"},
		{"verified", erase.Report{}, "default/anna\x1b is not there, of what must be gone after an erasure\n"},
		{"there", erase.Report{Found: there[:1]}, "default/anna\x1b is there:\n  risk.scores: the user's score (1)\n"},
	} {
		test.report.Tenant, test.report.Subject, test.report.Remains = "default", "anna\x1b", remains
		var out strings.Builder
		if err := writeErasure(&out, &test.report); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.ReplaceAll(test.want, "\x1b", "")+rest, out.String()); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}
