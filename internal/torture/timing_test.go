package torture

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
)

func TestTimings(t *testing.T) {
	began := time.Unix(1000, 0)
	at := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	came := func(offset int64, s int) *kgo.Record {
		e := event.Event{
			Time: 1, Kind: event.KindEvent, ID: "x", Action: event.SignIn, Outcome: event.Success, Provider: "okta", Tenant: "default",
			Origin: event.Origin{Topic: "idp.okta", TopicID: "id", Partition: 2, Offset: offset},
		}
		return &kgo.Record{Value: e.AppendJSON(nil), Partition: 1, Timestamp: at(s)}
	}
	went := func(offset int64, s int) *kgo.Record {
		return &kgo.Record{Partition: 1, Timestamp: at(s), Value: fmt.Appendf(nil, `{"origin":{"topic":"idp.okta","topic_id":"id","partition":2,"offset":%d,"index":0}}`, offset)}
	}
	list, err := timings(
		[]*kgo.Record{came(0, 0), came(1, 1), came(2, 3), came(1, 4), came(3, 8)},
		[]*kgo.Record{went(0, 1), went(1, 7), went(1, 7), went(2, 7), went(1, 9), went(3, 10)},
	)
	if err != nil {
		t.Fatal(err)
	}
	events := list[1]
	if len(events) != 4 {
		t.Fatalf("%d events, want 4: %v", len(events), events)
	}
	if wait, from := longestWait(events, at(0), at(9)); wait != 6*time.Second || from != at(1) {
		t.Errorf("the longest wait is %v from %v; want 6 s from the second on, to the first of three detections", wait, from)
	}
	if wait, _ := longestWait(events, at(2), at(5)); wait != 4*time.Second {
		t.Errorf("the longest wait of those that came then is %v, want 4 s", wait)
	}
	if after, on := wentOn(events, at(2)); after != 5*time.Second || !on {
		t.Errorf("went on after %v, %v; want 5 s", after, on)
	}
	if _, on := wentOn(events, at(11)); on {
		t.Error("went on where nothing came")
	}
}

// A record that was made while its producer was cut off has not waited in the
// log.
func TestARecordThatComesLateHasNotWaited(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(1000+s), 0) }
	came := func(offset int64, s int) *kgo.Record {
		e := event.Event{
			Time: 1, Kind: event.KindEvent, ID: "x", Action: event.SignIn, Outcome: event.Success, Provider: "okta", Tenant: "default",
			Origin: event.Origin{Topic: "idp.okta", TopicID: "id", Offset: offset},
		}
		return &kgo.Record{Value: e.AppendJSON(nil), Timestamp: at(s)}
	}
	went := &kgo.Record{Timestamp: at(11), Value: []byte(`{"origin":{"topic":"idp.okta","topic_id":"id","offset":1}}`)}
	list, err := timings([]*kgo.Record{came(0, 9), came(1, 1)}, []*kgo.Record{went})
	if err != nil {
		t.Fatal(err)
	}
	if wait, _ := longestWait(list[0], at(0), at(20)); wait != 2*time.Second {
		t.Errorf("waited for %v, want 2 s: the record before it was made at 9", wait)
	}
}
