package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/simulate"
)

// world is a broker with the sources of a simulated company, and a
// configuration for engines.
type world struct {
	t       *testing.T
	ctx     context.Context
	addr    string
	prefix  string
	company *simulate.Company
	cfg     *config.Config
	client  *kgo.Client
	admin   *kadm.Client
	now     time.Time // the clock of the falls stands at a time after every event

	stepEnds event.Time // where inStep waits next
}

// patient is how long a test may take: on a busy machine a tenth of it, and less
// than after which go test ends all tests without saying what they waited for.
const patient = 5 * time.Minute

func newWorld(t *testing.T, addr, prefix string, users int, opts ...kgo.Opt) *world {
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	t.Cleanup(cancel)
	company := simulate.New(simulate.Config{Seed: 7, Users: users})
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(addr))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w := &world{
		t: t, ctx: ctx, addr: addr, prefix: prefix, company: company,
		cfg: liveConfig(t, addr, prefix, company), client: client, admin: kadm.NewClient(client),
		now: company.LiveFrom().Std().Add(30 * 24 * time.Hour),
	}
	forever := "-1" // the company's events are older than Kafka's default retention
	for _, source := range w.cfg.Sources {
		if _, err := w.admin.CreateTopic(ctx, 3, 1, map[string]*string{"retention.ms": &forever}, source.Topic); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// step is how much of the company's time inStep produces at once. Less than the
// 24 h after which an event teaches nothing: at full speed one topic would be
// read days ahead of another, which no live log is.
const step = 20 * event.Hour

// inStep is produce for engines that run: it waits, step by step, until they
// have read what there is.
func (w *world) inStep(events int) {
	w.t.Helper()
	w.flushing(events, func(at event.Time) bool {
		if at < w.stepEnds {
			return false
		}
		w.stepEnds = at + step
		return true
	})
}

// produce produces events of the company, and among them a few records that
// cannot be read.
func (w *world) produce(events int) {
	w.t.Helper()
	w.flushing(events, func(event.Time) bool { return false })
}

// flushing produces, and waits for ingest before each event that wait says.
func (w *world) flushing(events int, wait func(event.Time) bool) {
	w.t.Helper()
	var failed error
	for i := range events {
		record := w.company.Next()
		if wait(record.Time) {
			if err := w.client.Flush(w.ctx); err != nil {
				w.t.Fatal(err)
			}
			w.wait("ingest to keep step", func() bool { return ingested(w.ctx, w.admin, w.cfg) })
		}
		value := record.Value
		if i%1000 == 999 {
			value = []byte(`{"broken":`)
		}
		w.client.Produce(w.ctx, &kgo.Record{Topic: w.prefix + record.Topic, Key: mail.Find(record.Value), Value: value, Timestamp: record.Time.Std()}, func(_ *kgo.Record, err error) {
			failed = errors.Join(failed, err)
		})
	}
	if err := w.client.Flush(w.ctx); err != nil || failed != nil {
		w.t.Fatal(err, failed)
	}
}

func (w *world) start() *running {
	w.t.Helper()
	return w.startWith(func(*Engine) {})
}

// startAs starts an engine of another name than start does, to run beside it.
func (w *world) startAs(instance string) *running {
	w.t.Helper()
	cfg := *w.cfg
	cfg.Engine.Instance, cfg.Engine.StateDir = instance, filepath.Join(cfg.Engine.StateDir, instance)
	return w.startWith(func(e *Engine) { e.cfg = &cfg })
}

// warnings is a log that ends with the test: a client whose group has it wait is
// not waited for, and may end later.
func warnings(t *testing.T) *slog.Logger {
	out := &outputOf{t: t}
	t.Cleanup(func() {
		out.mu.Lock()
		defer out.mu.Unlock()
		out.t = nil
	})
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// outputOf is the output of a test, as long as there is one.
type outputOf struct {
	mu sync.Mutex
	t  *testing.T
}

func (o *outputOf) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.t == nil {
		return len(p), nil
	}
	return o.t.Output().Write(p)
}

// startWith starts an engine that prepare has changed.
func (w *world) startWith(prepare func(*Engine)) *running {
	w.t.Helper()
	log := warnings(w.t)
	pipeline, err := NewPipeline(w.cfg, log)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { pipeline.Close() })
	ctx, cancel := context.WithCancel(w.ctx)
	registry := prometheus.NewRegistry()
	r := &running{New(w.cfg, pipeline, log, registry, func() time.Time { return w.now }), cancel, make(chan error, 1), registry}
	r.Engine.session = 6 * time.Second // the least that brokers take
	prepare(r.Engine)
	go func() { r.done <- r.Run(ctx) }()
	return r
}

func (w *world) wait(what string, done func() bool) {
	w.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-w.ctx.Done():
			w.t.Fatalf("waiting for %s: %v\n%s", what, w.ctx.Err(), w.offsets())
		case <-tick.C:
		}
	}
}

// offsets tells how far each group is in what it reads.
func (w *world) offsets() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	topics := w.cfg.Kafka.Topics()
	reads := map[string][]string{"ingest": nil, "source-lane": {topics.Activity}, "subject-lane": {topics.Events}}
	for _, source := range w.cfg.Sources {
		reads["ingest"] = append(reads["ingest"], source.Topic)
	}
	var out strings.Builder
	for _, group := range slices.Sorted(maps.Keys(reads)) {
		committed, err := w.admin.FetchOffsets(ctx, w.cfg.Kafka.Group(group))
		if err != nil {
			fmt.Fprintf(&out, "%s: %v\n", group, err)
			continue
		}
		ends, err := w.admin.ListEndOffsets(ctx, reads[group]...)
		if err != nil {
			fmt.Fprintf(&out, "%s: %v\n", group, err)
			continue
		}
		ends.Each(func(end kadm.ListedOffset) {
			at, ok := committed.Lookup(end.Topic, end.Partition)
			if !ok || at.At != end.Offset {
				fmt.Fprintf(&out, "%s is at %d (committed: %v) of %d in %s/%d\n", group, at.At, ok, end.Offset, end.Topic, end.Partition)
			}
		})
	}
	return out.String()
}

// scored is how many records of risk.events are committed as scored.
func (w *world) scored() int64 {
	return committed(w.ctx, w.admin, w.cfg.Kafka.Group("subject-lane"))
}

// waitScored waits until one engine has all partitions and nothing left to do.
func (w *world) waitScored(e *running) {
	w.t.Helper()
	w.wait("everything to be scored", func() bool {
		return e.Ready() == nil && e.settled(int(w.cfg.Kafka.Partitions)) && idle(w.ctx, w.admin, w.cfg)
	})
}

// scoreAll has one engine score everything, and checks it.
func (w *world) scoreAll() {
	w.t.Helper()
	e := w.start()
	w.waitScored(e)
	e.stop(w.t)
	w.check(e)
}

func (w *world) ensureTopics() {
	w.t.Helper()
	if _, err := w.cfg.Kafka.EnsureTopics(w.ctx, w.admin); err != nil {
		w.t.Fatal(err)
	}
}

// check compares what the engines have left behind with a replay of
// risk.events; last is the stopped engine that had all partitions in the end.
// It returns the live detections.
func (w *world) check(last *running) (detections []byte) {
	w.t.Helper()
	topics := w.cfg.Kafka.Topics()
	log := readTopic(w.t, w.ctx, w.addr, topics.Events)
	checkNothingLost(w.t, w.ctx, w.admin, w.cfg, log, readTopic(w.t, w.ctx, w.addr, topics.DeadLetter))
	want := replayDump(w.t, w.cfg, log, event.TimeOf(w.now))
	detections = liveDetections(readTopic(w.t, w.ctx, w.addr, topics.Detections), w.cfg.Engine.Delivery == config.AtLeastOnce)
	compare(w.t, "detections.jsonl", want, detections)
	compare(w.t, "scores.jsonl", want, liveScores(readTopic(w.t, w.ctx, w.addr, topics.Scores)))
	compare(w.t, "state.jsonl", want, last.state(w.t))
	return detections
}

func liveConfig(t *testing.T, addr, prefix string, company *simulate.Company) *config.Config {
	directory := filepath.Join(t.TempDir(), "directory.yaml")
	if err := os.WriteFile(directory, company.Directory(), 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`
kafka: {brokers: [%q], topic_prefix: %q, replication_factor: 1, partitions: 4}
sources:
  - {topic: %[2]sidp.okta, format: okta}
  - {topic: %[2]sidp.entra, format: entra}
  - {topic: %[2]sidp.keycloak, format: keycloak}
geoip:
  city: ../../fixtures/geoip/city.mmdb
  asn: ../../fixtures/geoip/asn.mmdb
  anonymous: ../../fixtures/geoip/anonymous.mmdb
directory: %[3]q
engine: {workers: 2, state_dir: %[4]q}
`, addr, prefix, directory, t.TempDir())
	cfg, err := config.Parse("riskstream.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// mail keys raw records by the person they name, as a connector does that keeps
// each person's events in order over several partitions.
var mail = regexp.MustCompile(`[a-z.]+@[a-z.]+`)
