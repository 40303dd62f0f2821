package simulate

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"

	"github.com/riskstream/riskstream/event"
)

// Files that Population.Write makes beside the configuration.
const (
	MergedFile = "events.jsonl"
	LabelsFile = "labels.jsonl"
)

// logFiles are the files of the providers.
var logFiles = map[string]string{
	TopicOkta: "okta.jsonl", TopicEntra: "entra.jsonl", TopicKeycloak: "keycloak.jsonl", TopicFiles: "files.jsonl",
}

// Written counts what Write has written.
type Written struct {
	Events    int
	Attacks   int // events that are part of one
	Takeovers int
	Stories   int // events of hard negatives
}

// Write writes all that is left of the population into a directory, which it
// makes: a file of logs for each provider or, merged, one for all of them; the
// labels, a line for each event; and the configuration to read the logs with.
// Each file is in time order. A replay reads one file after the other, so that
// only the merged one has it see the providers' events as they happened.
//
// step is told from time to time up to when it has come; an error of it ends
// the work.
func (p *Population) Write(dir string, merged bool, step func(event.Time) error) (w Written, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return w, err
	}
	if _, err := p.WriteConfiguration(dir); err != nil {
		return w, err
	}
	logs, err := createLogs(dir, merged)
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, logs.close()) }()
	var line []byte
	for {
		r, ok := p.Next()
		if !ok {
			return w, nil
		}
		w.count(&r.Truth)
		line = append(r.Truth.appendJSON(line[:0], r.Time), '\n')
		if err := logs.write(&r, line); err != nil {
			return w, err
		}
		if w.Events%4096 == 0 {
			if err := step(r.Time); err != nil {
				return w, err
			}
		}
	}
}

func (w *Written) count(t *Truth) {
	w.Events++
	if t.Attack != "" {
		w.Attacks++
	}
	if t.Compromise {
		w.Takeovers++
	}
	if t.Story != "" {
		w.Stories++
	}
}

// appendJSON writes a label: one line of LabelsFile without its end. What does
// not apply is left out.
func (t *Truth) appendJSON(b []byte, at event.Time) []byte {
	w := event.NewWriter(append(b, '{'))
	w.Text("event_id", t.EventID)
	w.Time("time", at)
	w.Text("user", t.User)
	w.Text("attack", t.Attack)
	w.Text("variant", t.Variant)
	if t.Campaign != 0 {
		w.Int("campaign", int64(t.Campaign))
	}
	w.Text("story", t.Story)
	if t.Compromise {
		w.Flag("compromise", event.True)
	}
	if t.InHands {
		w.Flag("in_hands", event.True)
	}
	return append(w.Bytes(), '}')
}

// logs are the open files.
type logs struct {
	labels  *bufio.Writer
	byTopic map[string]*bufio.Writer
	writers []*bufio.Writer
	files   []*os.File
}

func createLogs(dir string, merged bool) (*logs, error) {
	l := &logs{byTopic: map[string]*bufio.Writer{}}
	create := func(name string) (*bufio.Writer, error) {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		w := bufio.NewWriterSize(file, 1<<16)
		l.files, l.writers = append(l.files, file), append(l.writers, w)
		return w, nil
	}
	var err error
	if l.labels, err = create(LabelsFile); err != nil {
		return nil, err
	}
	var all *bufio.Writer
	if merged {
		if all, err = create(MergedFile); err != nil {
			return nil, err
		}
	}
	for topic, name := range logFiles {
		if l.byTopic[topic] = all; merged {
			continue
		}
		if l.byTopic[topic], err = create(name); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// write writes a record and its label.
func (l *logs) write(r *Record, label []byte) error {
	w := l.byTopic[r.Topic]
	w.Write(r.Value) // a writer that has failed goes on failing
	if err := w.WriteByte('\n'); err != nil {
		return err
	}
	_, err := l.labels.Write(label)
	return err
}

func (l *logs) close() error {
	var errs []error
	for _, w := range l.writers {
		errs = append(errs, w.Flush())
	}
	for _, file := range l.files {
		errs = append(errs, file.Close())
	}
	return errors.Join(errs...)
}
