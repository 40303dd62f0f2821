package engine

import (
	"cmp"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/kafkatest"
)

// past is the world's next raw events as a history has them: archived, user
// after user.
func (w *world) past(events int) *archive {
	w.t.Helper()
	pipeline, err := NewPipeline(w.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	defer pipeline.Close()
	r, err := pipeline.NewReplay(ingest.Source{}, io.Discard, func(d ingest.DeadLetter) { w.t.Errorf("dead letter: %s", d.Err) })
	if err != nil {
		w.t.Fatal(err)
	}
	var kept archive
	r.Observe(&kept)
	var log strings.Builder
	for range events {
		log.Write(w.company.Next().Value)
		log.WriteByte('\n')
	}
	if err := r.File(strings.NewReader(log.String())); err != nil {
		w.t.Fatal(err)
	}
	return &kept
}

// warm warms an engine up from the archive.
func (w *world) warm(e *Engine, kept *archive) error {
	byUser := slices.Clone(kept.events)
	slices.SortStableFunc(byUser, func(a, b event.Event) int { return cmp.Compare(a.User.Subject, b.User.Subject) })
	return e.Warm(w.ctx, func(each func(*event.Event) error) error {
		for i := range byUser {
			if err := each(&byUser[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// engine is an engine that is not started.
func (w *world) engine() *Engine {
	w.t.Helper()
	log := warnings(w.t)
	pipeline, err := NewPipeline(w.cfg, log)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { pipeline.Close() })
	return New(w.cfg, pipeline, log, prometheus.NewRegistry(), func() time.Time { return w.now })
}

func TestWarmEngineGoesOnWhereTheHistoryEnds(t *testing.T) {
	testWarmEngineGoesOnWhereTheHistoryEnds(t, kafkatest.Fake(t), "")
}

// A new deployment that was warmed up makes of what follows what one would that
// has seen everything: the same scores and the same state.
func testWarmEngineGoesOnWhereTheHistoryEnds(t *testing.T, addr, prefix string) {
	w := newWorld(t, addr, prefix, 24)
	kept := w.past(4_000)
	if err := w.warm(w.engine(), kept); err != nil {
		t.Fatal(err)
	}
	e := w.start()
	w.inStep(2_000)
	w.waitScored(e)
	e.stop(t)

	topics := w.cfg.Kafka.Topics()
	var log []*kgo.Record
	for i := range kept.events {
		log = append(log, &kgo.Record{Partition: -1, Value: kept.events[i].AppendJSON(nil)})
	}
	log = append(log, readTopic(t, w.ctx, addr, topics.Events)...)
	want := replayDump(t, w.cfg, log, event.TimeOf(w.now))
	compare(t, "scores.jsonl", want, liveScores(readTopic(t, w.ctx, addr, topics.Scores)))
	compare(t, "state.jsonl", want, e.state(t))

	// Asked for again, nothing happens.
	before := ends(w.ctx, w.admin, topics.State)
	if err := w.warm(w.engine(), kept); err != nil || ends(w.ctx, w.admin, topics.State) != before {
		t.Errorf("warmed up again: %v", err)
	}
}

// Events that stand in Kafka would be taken for new ones beside what the
// history has of them.
func TestNoWarmUpBesideEvents(t *testing.T) {
	w := newWorld(t, kafkatest.Fake(t), "", 24)
	w.ensureTopics()
	if err := w.client.ProduceSync(w.ctx, &kgo.Record{Topic: w.cfg.Kafka.Topics().Events, Value: []byte("{}")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := w.warm(w.engine(), w.past(10)); err == nil || !strings.Contains(err.Error(), "for a new deployment") {
		t.Errorf("got %v", err)
	}
}

// A warm-up that was cut off is done again, and leaves what it would have left
// at once.
func TestWarmUpAfterOneThatWasCutOff(t *testing.T) {
	w := newWorld(t, kafkatest.Fake(t), "", 24)
	kept := w.past(2_000)
	broken := archive{events: kept.events[:1_000]}
	err := w.engine().Warm(w.ctx, func(each func(*event.Event) error) error {
		for i := range broken.events {
			if err := each(&broken.events[i]); err != nil {
				return err
			}
		}
		return io.ErrUnexpectedEOF
	})
	if err == nil {
		t.Fatal("the error of reading is lost")
	}
	if err := w.warm(w.engine(), kept); err != nil {
		t.Fatal(err)
	}
	e := w.start()
	w.wait("the state to be there", func() bool { return e.Ready() == nil && e.settled(int(w.cfg.Kafka.Partitions)) })
	e.stop(t)
	var log []*kgo.Record
	for i := range kept.events {
		log = append(log, &kgo.Record{Value: kept.events[i].AppendJSON(nil)})
	}
	want := replayDump(t, w.cfg, log, event.TimeOf(w.now))
	compare(t, "scores.jsonl", want, liveScores(readTopic(t, w.ctx, w.addr, w.cfg.Kafka.Topics().Scores)))
	compare(t, "state.jsonl", want, e.state(t))
}
