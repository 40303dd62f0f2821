package engine

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
)

// replayDump writes risk.events to one file per partition and replays them.
func replayDump(t *testing.T, cfg *config.Config, log []*kgo.Record, until event.Time) string {
	t.Helper()
	pipeline, err := NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer pipeline.Close()
	replay, err := pipeline.NewReplay(ingest.Source{}, io.Discard, func(d ingest.DeadLetter) { t.Errorf("dead letter in the dump: %s", d.Err) })
	if err != nil {
		t.Fatal(err)
	}
	replay.Collect()
	for len(log) > 0 {
		var dump bytes.Buffer
		partition := log[0].Partition
		for len(log) > 0 && log[0].Partition == partition {
			dump.Write(log[0].Value)
			dump.WriteByte('\n')
			log = log[1:]
		}
		if err := replay.File(&dump); err != nil {
			t.Fatal(err)
		}
	}
	replay.FallUntil(until)
	dir := t.TempDir()
	if err := replay.WriteOut(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// liveDetections are the detections by key, in log order. One that is there
// twice shows, unless repeats are allowed: then the last of each counts, which
// comes in the right order.
func liveDetections(records []*kgo.Record, repeats bool) []byte {
	last := map[string]int{}
	for i, r := range records {
		last[string(r.Value)] = i
	}
	byKey := map[string][]byte{}
	for i, r := range records {
		if !repeats || last[string(r.Value)] == i {
			byKey[string(r.Key)] = append(append(byKey[string(r.Key)], r.Value...), '\n')
		}
	}
	var out bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		out.Write(byKey[key])
	}
	return out.Bytes()
}

// liveScores is what compaction would leave of risk.scores.
func liveScores(records []*kgo.Record) []byte {
	last := map[string][]byte{}
	for _, r := range records {
		if r.Value == nil {
			delete(last, string(r.Key))
		} else {
			last[string(r.Key)] = r.Value
		}
	}
	var out bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(last)) {
		out.Write(last[key])
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func compare(t *testing.T, name, dir string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 {
		t.Errorf("%s: the replay gives nothing to compare with", name)
	}
	if bytes.Equal(want, got) {
		t.Logf("%s: %d bytes, equal", name, len(want))
		return
	}
	wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	differ := 0
	for i := range max(len(wantLines), len(gotLines)) {
		var w, g string
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if w != g {
			if differ++; differ <= 3 {
				t.Errorf("%s:%d differs\nreplay %s\nlive   %s", name, i+1, w, g)
			}
		}
	}
	t.Errorf("%s: %d lines differ (%d in the replay, %d live)", name, differ, len(wantLines), len(gotLines))
}

func originOf(t *testing.T, deadLetter []byte) event.Origin {
	t.Helper()
	var d struct {
		Origin struct {
			Topic     string
			Partition int32
			Offset    int64
		}
	}
	if err := json.Unmarshal(deadLetter, &d); err != nil {
		t.Fatalf("dead letter: %v", err)
	}
	return event.Origin{Topic: d.Origin.Topic, Partition: d.Origin.Partition, Offset: d.Origin.Offset}
}
