package ingest

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// edits change a native event of testdata before it is parsed: values by
// dotted path, where absent removes a member.
type edits map[string]any

type absentValue struct{}

var absent = absentValue{}

// edited is the native event of a file, changed by edits.
func edited(t testing.TB, file string, change edits) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		t.Fatal(err)
	}
	for path, value := range change {
		at := root
		parts := strings.Split(path, "/")
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		last := parts[len(parts)-1]
		if value == absent {
			delete(at, last)
		} else {
			at[last] = value
		}
	}
	out, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// parsed is what a source makes of a record that holds one event.
func parsed(t testing.TB, source Source, record []byte) event.Event {
	t.Helper()
	events, dead := parsedAll(t, source, record)
	if len(events) != 1 || len(dead) != 0 {
		t.Fatalf("want one event, got %d and dead letters %v", len(events), reasons(dead))
	}
	return events[0]
}

func parsedAll(t testing.TB, source Source, record []byte) (events []event.Event, dead []DeadLetter) {
	t.Helper()
	p, err := NewParser(source, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Parse(record, event.Origin{},
		func(e *event.Event) { events = append(events, *e) },
		func(d DeadLetter) { dead = append(dead, d) })
	return events, dead
}

// said is an event in its JSON form, without the tenant that all tests share.
func said(e event.Event) string {
	e.Tenant = ""
	return string(e.AppendJSON(nil))
}

// reasons are dead letters as a failed test shows them.
func reasons(dead []DeadLetter) []string {
	var out []string
	for _, d := range dead {
		out = append(out, d.Reason+": "+d.Err)
	}
	return out
}
