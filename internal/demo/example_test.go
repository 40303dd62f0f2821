package demo

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/riskstream/riskstream/internal/simulate"
)

var update = flag.Bool("update", false, "rewrite the example log")

// TestExampleLog holds the log that the README replays to the company that it
// comes from: what Okta would have logged of twelve people in three weeks, and
// of the day on which the stories happen. Ordinary visits to apps are left out,
// which would be most of the file.
func TestExampleLog(t *testing.T) {
	const file = "../../examples/okta.jsonl.gz"
	day := 24 * time.Hour
	company := simulate.New(simulate.Config{Seed: 1, Users: simulate.MinUsers, LiveSpan: day})
	var want bytes.Buffer
	for {
		record := company.Next()
		if record.Time >= company.LiveFrom().Add(day) {
			break
		}
		visit := record.Label == simulate.Ordinary && bytes.Contains(record.Value, []byte(`"user.authentication.sso"`))
		if record.Topic == simulate.TopicOkta && !visit {
			want.Write(append(record.Value, '\n'))
		}
	}
	if *update {
		writeCompressed(t, file, want.Bytes())
	}
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is no longer what the company logs (%d lines, want %d); rewrite it with -update and look at what the README says of it",
			file, strings.Count(string(got), "\n"), bytes.Count(want.Bytes(), []byte("\n")))
	}
}

func writeCompressed(t *testing.T, file string, data []byte) {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
