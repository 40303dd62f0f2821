// Package backtest says what rules would have done: events of the past go
// through the real lanes twice, with the rules and without them, and what comes
// of it is counted.
package backtest

import (
	"io"
	"sync"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/engine"
)

// Span is the stretch of event time that is counted; a zero end is open. Events
// before it warm the state up.
type Span struct{ Since, Until event.Time }

func (s Span) has(t event.Time) bool { return t >= s.Since && (s.Until == 0 || t < s.Until) }

// Backtest tries the rules that one pipeline has and another has not.
type Backtest struct {
	with, without *side
	rules         []RuleReport // under test, in order of their ids
	span          Span
}

// side is one of the two replays.
type side struct {
	pipeline *engine.Pipeline
	replay   *engine.Replay
	tally    *tally
}

// New prepares a backtest. Rules that only with has are under test.
func New(with, without *engine.Pipeline, span Span) *Backtest {
	known := map[string]bool{}
	for _, rule := range without.Rules() {
		known[rule.ID] = true
	}
	b := &Backtest{span: span}
	tested := map[string]int{}
	for _, rule := range with.Rules() {
		if !known[rule.ID] {
			tested["rule:"+rule.ID] = len(b.rules)
			b.rules = append(b.rules, RuleReport{ID: rule.ID, Title: rule.Name, Severity: rule.Severity})
		}
	}
	b.with, b.without = newSide(with, span, tested), newSide(without, span, nil)
	return b
}

func newSide(p *engine.Pipeline, span Span, tested map[string]int) *side {
	return &side{pipeline: p, tally: newTally(span, tested)}
}

// watched has the side's tally watch a replay.
func (s *side) watched(r *engine.Replay) {
	s.replay = r
	r.Observe(s.tally)
}

// batchSize is how many events go to the lanes at once.
const batchSize = 512

// Stored tries the rules on the events of a history, which read hands on user
// after user. Reading and the two lanes go on beside one another.
func (b *Backtest) Stored(read func(each func(*event.Event) error) error) error {
	for _, s := range []*side{b.with, b.without} {
		s.watched(s.pipeline.NewReplayOfStored(io.Discard))
	}
	var lanes sync.WaitGroup
	filling, working := make([]event.Event, 0, batchSize), make([]event.Event, 0, batchSize)
	work := func() {
		lanes.Wait()
		filling, working = working[:0], filling
		for _, s := range []*side{b.with, b.without} {
			lanes.Go(func() {
				for i := range working {
					s.replay.Stored(&working[i])
				}
			})
		}
	}
	err := read(func(e *event.Event) error {
		if filling = append(filling, *e); len(filling) == batchSize {
			work()
		}
		return nil
	})
	work()
	lanes.Wait()
	return err
}

// Files prepares for log files, which File then reads; rejected is told of each
// dead letter.
func (b *Backtest) Files(source ingest.Source, rejected func(ingest.DeadLetter)) error {
	for _, s := range []*side{b.with, b.without} {
		replay, err := s.pipeline.NewReplay(source, io.Discard, rejected)
		if err != nil {
			return err
		}
		s.watched(replay)
		rejected = func(ingest.DeadLetter) {} // once is enough
	}
	return nil
}

// File tries the rules on a log file, after those before it.
func (b *Backtest) File(in io.Reader) error {
	copied, copy := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		err := b.without.replay.File(copied)
		io.Copy(io.Discard, copied) // what it did not read must not block the other
		failed <- err
	}()
	err := b.with.replay.File(io.TeeReader(in, copy))
	copy.CloseWithError(io.EOF)
	if other := <-failed; err == nil {
		err = other
	}
	return err
}

// Report is what was counted.
func (b *Backtest) Report() *Report { return report(b) }
