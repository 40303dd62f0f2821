package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/history"
)

func TestTimelineForPeople(t *testing.T) {
	began := event.TimeOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	entries := []history.Entry{
		{Time: began, EventID: "e-1", Action: "sign_in", Outcome: "success", IP: "198.51.100.7", City: "Berlin", Country: "DE", Network: "Example Net", App: "Mail"},
		{
			Time: began + event.Minute, EventID: "e-2", Action: "sign_in", Outcome: "failure", IP: "203.0.113.9", App: "Mail\x1b[2J",
			Detections: []history.Evidence{{Name: "new_device", Points: 20.2, Summary: "a device never seen before"}},
			Score:      &history.Verdict{Score: 96.4, Level: "high", Decision: "step_up"},
		},
		{Time: began + event.Hour, Score: &history.Verdict{Score: 39, Level: "low", Decision: "allow"}},
	}
	var out strings.Builder
	if err := writeTimeline(&out, history.Subject{Tenant: "default", Name: "anna.weber@corp.example"}, entries); err != nil {
		t.Fatal(err)
	}
	want := `anna.weber@corp.example, 3 entries (UTC)
2026-03-02 08:00:00  sign_in          198.51.100.7 Berlin DE Example Net  Mail                          e-1
2026-03-02 08:01:00  sign_in failure  203.0.113.9                         Mail[2J  96.40 high, step_up  e-2
    +20.20 new_device: a device never seen before
2026-03-02 09:00:00  time passed                                                   39.00 low
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
