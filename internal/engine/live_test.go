package engine

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/riskstream/riskstream/internal/kafkatest"
	"github.com/riskstream/riskstream/internal/simulate"
)

// TestLiveEqualsReplay runs the engine against an in-process broker; with the
// build tag realkafka, TestRealLiveEqualsReplay runs the same on Apache Kafka.
func TestLiveEqualsReplay(t *testing.T) {
	testLiveEqualsReplay(t, kafkatest.Fake(t), "", 8_000, 24)
}

// testLiveEqualsReplay sends raw events of three identity providers through
// the engine, which is stopped and started again on the way, and then compares
// what it left behind with a replay of what stands in risk.events.
func testLiveEqualsReplay(t *testing.T, addr, prefix string, events, users int) {
	w := newWorld(t, addr, prefix, users)
	first := w.start()
	w.inStep(events / 2)
	first.stop(t) // in the middle of the last step
	second := w.start()
	w.inStep(events - events/2)
	w.waitScored(second)
	second.stop(t)
	checkStories(t, w.company, w.check(second))
}

// checkStories holds the detections against what the company knows to have
// happened. A replay runs the same detectors, so that a broken one shows here
// and not in the comparison.
func checkStories(t *testing.T, company *simulate.Company, detections []byte) {
	t.Helper()
	raised := map[string]map[string]bool{}
	for line := range bytes.Lines(detections) {
		var d struct{ Subject, Name string }
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		if raised[d.Subject] == nil {
			raised[d.Subject] = map[string]bool{}
		}
		raised[d.Subject][d.Name] = true
	}
	want := map[string][]string{
		"impossible_travel":    {"impossible_travel", "new_device"},
		"brute_force_success":  {"failed_login_burst", "brute_force_success", "new_device", "new_network"},
		"password_guessing":    {"failed_login_burst"},
		"anonymous_new_device": {"anonymous_ip", "new_device"},
		"business_trip":        {"new_country"},
		"new_phone":            {"new_device"},
	}
	for _, story := range company.Stories() {
		for _, name := range want[story.Name] {
			if !raised[story.Person][name] {
				t.Errorf("story %s of %s (%s): no %s among %v", story.Name, story.Person, story.About, name, slices.Sorted(maps.Keys(raised[story.Person])))
			}
		}
		delete(want, story.Name)
	}
	for name := range want {
		t.Errorf("the company has no story %s", name)
	}
}
