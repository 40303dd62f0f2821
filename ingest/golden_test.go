package ingest

import (
	"bytes"
	cmdline "flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/riskstream/riskstream/event"
)

var update = cmdline.Bool("update", false, "write testdata/*.want.jsonl anew, to be read before it is committed")

// TestSourceFiles normalises each testdata/<format>.jsonl, with the format
// recognised and with it configured, and compares with what was read and
// found right before.
func TestSourceFiles(t *testing.T) {
	for _, name := range []string{"okta", "keycloak"} {
		t.Run(name, func(t *testing.T) {
			native, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			wantFile := filepath.Join("testdata", name+".want.jsonl")
			for _, format := range []string{"", name} {
				p, err := NewParser(Source{Format: format}, Options{})
				if err != nil {
					t.Fatal(err)
				}
				var got []byte
				err = p.ParseFile(bytes.NewReader(native),
					func(e *event.Event, _ int) { got = append(e.AppendJSON(got), '\n') },
					func(d DeadLetter) { t.Errorf("line %d: %s: %s", d.Line, d.Reason, d.Err) })
				if err != nil {
					t.Fatal(err)
				}
				if *update {
					if err := os.WriteFile(wantFile, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(wantFile)
				if err != nil {
					t.Fatal(err)
				}
				gotLines, wantLines := bytes.Split(got, newline), bytes.Split(want, newline)
				if len(gotLines) != len(wantLines) {
					t.Fatalf("%d events, want %d", len(gotLines)-1, len(wantLines)-1)
				}
				for i := range gotLines {
					if !bytes.Equal(gotLines[i], wantLines[i]) {
						t.Errorf("event %d, format %q:\n got %s\nwant %s", i+1, format, gotLines[i], wantLines[i])
					}
				}
			}
		})
	}
}
