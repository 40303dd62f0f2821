package torture

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

func TestCompareLines(t *testing.T) {
	want := map[string][]string{"a": {"1", "2", "2", "3"}, "b": {"4"}, "c": {"5", "6"}}
	for _, test := range []struct {
		name string
		got  map[string][]string
		want diff
	}{
		{"equal", want, diff{}},
		{"lost", map[string][]string{"a": {"1", "2", "3"}, "b": {}, "c": {"5", "6"}}, diff{Lost: 2}},
		{"doubled", map[string][]string{"a": {"1", "1", "2", "2", "3", "1"}, "b": {"4"}, "c": {"5", "6"}}, diff{Doubled: 2}},
		{"foreign", map[string][]string{"a": {"1", "2", "2", "3", "9"}, "b": {"4"}, "c": {"5", "6"}, "d": {"7"}}, diff{Foreign: 2}},
		{"disordered", map[string][]string{"a": {"2", "1", "2", "3"}, "b": {"4"}, "c": {"5", "6"}}, diff{Disordered: 1}},
	} {
		test.want.Want = 7
		got := compareLines(want, test.got)
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(diff{}, "Example")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if test.name != "equal" && got.Example == "" {
			t.Errorf("%s: no example", test.name)
		}
	}
}

// record is a record of risk.scores that an event has caused, or a fall where
// id is "".
func record(entity string, version uint32, id string, level event.Level) *kgo.Record {
	s := event.Score{Entity: entity, Score: 1, Level: level, AsOf: 1, Version: version, Event: event.Cause{ID: id}}
	if entity[0] == 's' {
		s.Session = "s"
	}
	return &kgo.Record{Key: []byte(entity), Value: publish.AppendScore(nil, &s)}
}

func TestCheckScores(t *testing.T) {
	user := func(version uint32, id string, level event.Level) *kgo.Record {
		return record("user:default/ann", version, id, level)
	}
	session := func(version uint32, id string) *kgo.Record {
		return record("session:default/s", version, id, event.Low)
	}
	gone := &kgo.Record{Key: []byte("session:default/s")}
	first, fall, second := user(1, "e1", event.Low), user(1, "", event.None), user(2, "e2", event.Low)
	for _, test := range []struct {
		name    string
		records []*kgo.Record
		want    scoreLog
	}{
		{"as it should be", []*kgo.Record{first, fall, second}, scoreLog{}},
		{"no fall between", []*kgo.Record{first, second}, scoreLog{}},
		{"doubled", []*kgo.Record{first, fall, first, second}, scoreLog{Doubled: 1}},
		{"fall doubled", []*kgo.Record{first, fall, fall, second}, scoreLog{FallsDoubled: 1}},
		{"lost", []*kgo.Record{first, user(4, "e4", event.Low), second}, scoreLog{Lost: 2, Disordered: 1}},
		{"the last one lost", []*kgo.Record{first, fall}, scoreLog{Different: 1}},
		{"all lost", nil, scoreLog{Different: 1}},
		{"sessions skip versions and end", []*kgo.Record{first, session(1, "e1"), session(9, "e9"), gone, session(10, "e10"), gone, second}, scoreLog{}},
		{"session doubled", []*kgo.Record{first, session(1, "e1"), session(1, "e1"), gone, gone, second}, scoreLog{Doubled: 1}},
		{"session has not ended", []*kgo.Record{first, second, session(2, "e2")}, scoreLog{Different: 1}},
	} {
		test.want.Records = len(test.records)
		got, err := checkScores(test.records, map[string]string{"user:default/ann": string(second.Value)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(scoreLog{}, "Example")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestCheckRaw(t *testing.T) {
	at := func(offset int64, index int32) *kgo.Record {
		e := event.Event{
			Time: 1, Kind: event.KindEvent, ID: "x", Action: event.SignIn, Outcome: event.Success, Provider: "okta", Tenant: "default",
			Origin: event.Origin{Topic: "idp.okta", TopicID: "id", Partition: 2, Offset: offset, Index: index},
		}
		return &kgo.Record{Value: e.AppendJSON(nil)}
	}
	signal := event.Event{Time: 1, Kind: event.KindSignal, ID: "x", Action: event.IDPSignal, Outcome: event.OutcomeUnknown, Provider: "riskstream", Tenant: "default"}
	noRaw := &kgo.Record{Value: signal.AppendJSON(nil)}
	letter := func(offset int64) *kgo.Record {
		return &kgo.Record{Value: fmt.Appendf(nil, `{"origin":{"topic":"idp.okta","partition":2,"offset":%d}}`, offset)}
	}
	var raw []position
	for offset := range int64(6) {
		raw = append(raw, position{"idp.okta", 2, offset})
	}
	for _, test := range []struct {
		name      string
		log, dead []*kgo.Record
		want      rawLog
	}{
		{"all there", []*kgo.Record{at(0, 0), at(0, 1), at(1, 0), at(3, 0), at(4, 0), at(5, 0)}, []*kgo.Record{letter(2)}, rawLog{Events: 6, Dead: 1}},
		{
			"repeated from the committed offset",
			[]*kgo.Record{at(0, 0), at(1, 0), at(0, 0), at(1, 0), at(3, 0), at(4, 0), at(5, 0)},
			[]*kgo.Record{letter(2), letter(2)},
			rawLog{Events: 7, Repeats: 2, Dead: 1},
		},
		{"with signals", []*kgo.Record{at(0, 0), noRaw, at(1, 0), at(3, 0), noRaw, at(4, 0), at(5, 0)}, []*kgo.Record{letter(2)}, rawLog{Events: 7, Dead: 1}},
		{"overtaken", []*kgo.Record{at(0, 0), at(3, 0), at(1, 0), at(4, 0), at(5, 0)}, []*kgo.Record{letter(2)}, rawLog{Events: 5, Repeats: 1, Dead: 1, Missing: 1}},
		{"missing, and a record that is no event", []*kgo.Record{at(0, 0), at(1, 0), {Value: []byte("{")}, at(3, 0), at(4, 0)}, nil, rawLog{Events: 4, NoEvent: 1, Missing: 2}},
	} {
		got, err := checkRaw(test.log, test.dead, raw)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(rawLog{}, "Example")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
