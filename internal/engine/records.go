package engine

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// Records collects what a lane publishes, as the topics would hold it in the
// end: every detection, and the last record of each entity.
type Records struct {
	config     string
	detections map[string][]byte // JSON lines by subject key
	scores     map[string][]byte // the last record by entity
	top        map[string]*event.Score
}

func newRecords(config string) *Records {
	return &Records{config: config, detections: map[string][]byte{}, scores: map[string][]byte{}, top: map[string]*event.Score{}}
}

// Detections implements Sink.
func (r *Records) Detections(e *event.Event, detections []event.Detection) {
	key := event.Key(e.Tenant, e.User.Subject)
	lines := r.detections[key]
	for i := range detections {
		lines = publish.AppendDetection(lines, e, &detections[i], r.config)
		lines = append(lines, '\n')
	}
	r.detections[key] = lines
}

// Score implements Sink.
func (r *Records) Score(record *event.Score) {
	r.scores[record.Entity] = publish.AppendScore(nil, record)
	r.top[record.Entity] = record
}

// Gone implements Sink.
func (r *Records) Gone(record *event.Score) {
	delete(r.scores, record.Entity)
	delete(r.top, record.Entity)
}

// Top returns the last record of every user, in no particular order.
func (r *Records) Top() []*event.Score {
	var users []*event.Score
	for _, rec := range r.top {
		if rec.Session == "" {
			users = append(users, rec)
		}
	}
	return users
}

// WriteTo writes detections.jsonl and scores.jsonl into dir, sorted by key.
func (r *Records) WriteTo(dir string) error {
	err := writeFile(filepath.Join(dir, "detections.jsonl"), func(w io.Writer) error {
		for _, key := range slices.Sorted(maps.Keys(r.detections)) {
			if _, err := w.Write(r.detections[key]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "scores.jsonl"), func(w io.Writer) error {
		for _, key := range slices.Sorted(maps.Keys(r.scores)) {
			if _, err := fmt.Fprintf(w, "%s\n", r.scores[key]); err != nil {
				return err
			}
		}
		return nil
	})
}

// WriteOut writes the records and the state that a replay ends with into dir:
// detections.jsonl, scores.jsonl and state.jsonl.
func (r *Replay) WriteOut(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := r.records.WriteTo(dir); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "state.jsonl"), r.WriteState)
}

func writeFile(path string, fill func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	err = fill(w)
	if err == nil {
		err = w.Flush()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// writeState writes the canonical state of the partitions: each subject, each
// source and each fall to come, sorted by key. Two states are the same when
// these bytes are.
func writeState(w io.Writer, partitions ...*Partition) error {
	lines := map[string][]byte{}
	for _, p := range partitions {
		for key, value := range p.store.All() {
			line, err := appendEntry(nil, string(key), value)
			if err != nil {
				return fmt.Errorf("state of %q: %w", key, err)
			}
			lines[string(key)] = line
		}
	}
	for _, key := range slices.Sorted(maps.Keys(lines)) {
		if _, err := w.Write(lines[key]); err != nil {
			return err
		}
	}
	return nil
}
