package history

import (
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// FuzzRecords: whatever stands in a topic, it becomes a row or an error.
func FuzzRecords(f *testing.F) {
	e := anEvent(1)
	d := event.Detection{Name: "new_device", Group: event.GroupDevice, Summary: "x", Evidence: []event.Fact{event.Number("n", 1), event.Text("t", "x")}, Rule: &event.RuleInfo{ID: "r", Tags: []string{"a"}}}
	s := aScore(&e, &d)
	f.Add([]byte("default/x"), e.AppendJSON(nil))
	f.Add([]byte("default/x"), publish.AppendDetection(nil, &e, &d, "c"))
	f.Add([]byte(s.Entity), publish.AppendScore(nil, &s))
	f.Add([]byte("idp.okta"), publish.AppendDeadLetter(nil, publish.DeadLetter{Reason: "no_time", Raw: []byte{0xff}}))
	f.Add([]byte("session:default/s"), []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		var events eventReader
		var detections detectionReader
		var letters deadLetterReader
		var row eventRow
		if err := events.read(key, value, &row); err == nil && (row.ID == "" || row.Time == 0) {
			t.Error("an event without id or time")
		}
		var detection detectionRow
		if err := detections.read(key, value, &detection); err == nil && (detection.Name == "" || detection.time == 0) {
			t.Error("a detection without name or time")
		}
		var score scoreRow
		if err := (scoreReader{}).read(key, value, &score); err == nil && !score.ended && score.Version == 0 {
			t.Error("a score without version")
		}
		var letter deadLetterRow
		if err := letters.read(key, value, &letter); err == nil && letter.reason == "" {
			t.Error("a dead letter without reason")
		}
	})
}
