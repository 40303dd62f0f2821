package ingest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// A string of an event that were still borrowed would change as soon as its
// record, or the next one, is overwritten.
func TestEventsOutliveTheirRecords(t *testing.T) {
	files, err := filepath.Glob("../fixtures/*/events.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, name := range []string{"okta", "keycloak"} {
		files = append(files, filepath.Join("testdata", name+".jsonl"))
	}
	p, err := NewParser(Source{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var kept []event.Event
	var want [][]byte
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for record := range bytes.Lines(content) {
			p.Parse(record, event.Origin{}, func(e *event.Event) {
				kept, want = append(kept, *e), append(want, e.AppendJSON(nil))
			}, func(DeadLetter) {})
			overwrite(record)
		}
	}
	noise := bytes.Repeat([]byte(`{"eventType":"#.######################","actor":{"id":"################################"}}`+"\n"), 200)
	p.Parse(noise, event.Origin{}, func(*event.Event) {}, func(DeadLetter) {}) // into every buffer of the parser
	if len(kept) < 1000 {
		t.Fatalf("only %d events", len(kept))
	}
	for i := range kept {
		if got := kept[i].AppendJSON(nil); !bytes.Equal(got, want[i]) {
			t.Fatalf("an event has changed:\ngot  %s\nwant %s", got, want[i])
		}
	}
}

func overwrite(b []byte) {
	for i := range b {
		b[i] = '#'
	}
}
