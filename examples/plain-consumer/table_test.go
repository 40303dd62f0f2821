// Package plainconsumer_test runs the example's jq program.
package plainconsumer_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

func at(t *testing.T, text string) event.Time {
	t.Helper()
	var moment event.Time
	if err := moment.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return moment
}

func TestTable(t *testing.T) {
	jq, err := exec.LookPath("jq")
	if err != nil {
		t.Skip("jq is not installed")
	}
	early, late := at(t, "2026-03-02T09:00:00Z"), at(t, "2026-03-02T10:00:00Z")
	score := func(entity string, version uint32, as event.Time, level event.Level, decision event.Decision, lapses ...event.Lapse) event.Score {
		return event.Score{
			Entity: entity, Tenant: "t", Subject: "s", Score: 10*float64(version) + 0.25, Version: version, AsOf: as, ReauthAfter: as,
			Level: level, Decision: decision, Lapses: lapses, Event: event.Cause{ID: "e", Time: as},
			Reasons: []event.Contribution{{Detection: "new_device"}, {Detection: "rule:night"}},
		}
	}
	calm := score("user:t/calm", 9, early, event.None, event.Allow)
	calm.Reasons, calm.ReauthAfter = nil, 0
	fallen := score("user:t/fallen", 4, late, event.Low, event.Allow)
	fallen.Event, fallen.ReauthAfter = event.Cause{}, 0
	records := []event.Score{
		score("user:t/alice", 2, early, event.High, event.Revoke),
		score("user:t/alice", 1, early, event.Low, event.Allow), // a repeat
		score("user:t/bob", 3, early, event.High, event.Revoke,
			event.Lapse{At: at(t, "2026-03-02T11:00:00Z"), Level: event.Medium, Decision: event.StepUp},
			event.Lapse{At: at(t, "2026-03-02T13:00:00Z"), Level: event.None, Decision: event.Allow}),
		score("user:t/carol", 5, early, event.Medium, event.StepUp, event.Lapse{At: late, Level: event.None, Decision: event.Allow}),
		score("user:t/fallen", 4, early, event.Medium, event.StepUp),
		fallen,
		score("user:t/fallen", 4, early, event.Medium, event.StepUp), // a repeat
		score("user:t/rebuilt", 8, early, event.High, event.Revoke),
		score("user:t/rebuilt", 1, late, event.Medium, event.StepUp),
		score("session:t/over", 7, early, event.High, event.Revoke),
		calm,
	}
	var input strings.Builder
	line := func(key string, payload any) {
		raw, err := json.Marshal(map[string]any{"topic": "risk.scores", "partition": 0, "key": key, "payload": payload})
		if err != nil {
			t.Fatal(err)
		}
		input.Write(append(raw, '\n'))
	}
	for i := range records {
		line(records[i].Entity, string(publish.AppendScore(nil, &records[i])))
	}
	line("session:t/over", nil)
	line("user:t/alice", "not a score")

	cmd := exec.Command(jq, "-rn", "--arg", "now", "2026-03-02T12:00:00.000Z", "-f", "table.jq")
	cmd.Stdin = strings.NewReader(input.String())
	got, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	want := strings.Join([]string{
		"allow\tlow\t40.25\t-\tuser:t/fallen\tnew_device,rule:night",
		"step_up\tmedium\t30.25\t2026-03-02T09:00:00.000Z\tuser:t/bob\tnew_device,rule:night",
		"revoke\thigh\t20.25\t2026-03-02T09:00:00.000Z\tuser:t/alice\tnew_device,rule:night",
		"step_up\tmedium\t10.25\t2026-03-02T10:00:00.000Z\tuser:t/rebuilt\tnew_device,rule:night",
		"",
	}, "\n")
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
