package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
)

// A campaign is found by notes that the source lane leaves for itself in its
// own input, across partitions and a restart. What it tells stands in
// risk.events once, and a replay of that comes to the same.
func TestCampaignIsFoundLive(t *testing.T) {
	w, _ := faulty(t)
	first := w.start()
	lines := fixtureLines(t, "password_spray_distributed")
	apps := fixtureLines(t, "unsanctioned_app_gains_users")
	half := len(lines) - 20
	w.produceLines("idp.okta", lines[:half])
	w.produceLines("idp.entra", apps[:len(apps)/2])
	w.waitScored(first)
	first.stop(t)
	second := w.start()
	w.produceLines("idp.okta", lines[half:len(lines)-1])
	w.produceLines("idp.entra", apps[len(apps)/2:])
	w.waitScored(second) // the campaign is known at its networks
	w.produceLines("idp.okta", lines[len(lines)-1:])
	w.waitScored(second)
	w.produce(1_100) // a company's everyday life, and broken records
	w.waitScored(second)
	second.stop(t)
	w.check(second)

	told := map[string]int{}
	var d event.Decoder
	for _, r := range readTopic(t, w.ctx, w.addr, w.cfg.Kafka.Topics().Events) {
		if e, err := d.Decode(r.Value); err != nil {
			t.Error(err)
		} else if e.Kind == event.KindSignal {
			told[fmt.Sprintf("%s %s%s from %t networks", e.Code, e.Outcome, e.User.Subject, e.Signal.Networks > 4)]++
		}
	}
	want := map[string]int{
		"password_spray anna.berg@corp.example from true networks":        1,
		"password_spray failureanna.berg@corp.example from true networks": 1,
	}
	for _, i := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13} { // from the 25th attempt on
		want[fmt.Sprintf("password_spray failurestaff%d@corp.example from true networks", i)] = 1
	}
	for i := range 12 {
		want[fmt.Sprintf("unsanctioned_app staff%d@corp.example from false networks", i)] = 1
	}
	want["unsanctioned_app anna.berg@corp.example from false networks"] = 1
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func fixtureLines(t *testing.T, name string) [][]byte {
	t.Helper()
	raw, err := os.ReadFile("../../fixtures/" + name + "/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(bytes.Lines(raw))
}

// produceLines produces raw events one after the other, at their own times.
func (w *world) produceLines(topic string, lines [][]byte) {
	w.t.Helper()
	var records []*kgo.Record
	for _, line := range lines {
		records = append(records, &kgo.Record{Topic: topic, Key: []byte("one"), Value: line, Timestamp: publishedAt(w.t, line)})
	}
	if err := w.client.ProduceSync(w.ctx, records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

func publishedAt(t *testing.T, line []byte) time.Time {
	t.Helper()
	var raw struct {
		Published time.Time
		Records   []struct{ Time time.Time }
	}
	if err := json.NewDecoder(strings.NewReader(string(line))).Decode(&raw); err != nil {
		t.Fatal(err)
	}
	if len(raw.Records) > 0 {
		return raw.Records[0].Time
	}
	return raw.Published
}
