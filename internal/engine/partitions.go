package engine

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/state"
)

// lanePartition is a partition of the input that the worker owns.
type lanePartition struct {
	*Partition
	id      int32
	started time.Time
	warned  time.Time   // when the log last said that restoring takes long
	ready   bool        // restored: its records are processed
	gone    atomic.Bool // given up: its restoring may end

	changed   bool       // in this transaction
	rebuiltTo event.Time // newest event that was read to rebuild state
	progress  []byte     // the progress record of this transaction
	logged    int64      // end of the changelog, as far as it is this worker's

	snapshotLast time.Time // when the last snapshot was begun
	snapshotAt   int64     // end of the changelog then
}

// assign takes note of partitions that are the worker's now. Nothing of them is
// read before they are restored.
func (w *worker) assign(ids []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.joined = true
	for _, id := range ids {
		now := time.Now()
		w.partitions[id] = &lanePartition{id: id, started: now, warned: now}
	}
	w.consumer.PauseFetchPartitions(map[string][]int32{w.stage.input: ids})
	w.tellReadiness()
}

// openRestored begins with the partitions that have been restored since it was
// last called. w.mu is held.
func (w *worker) openRestored() error {
	for {
		select {
		case r := <-w.restored:
			if w.partitions[r.partition.id] != r.partition {
				continue // given up meanwhile
			}
			if r.err != nil {
				return fmt.Errorf("restoring %s/%d: %w", w.stage.input, r.partition.id, r.err)
			}
			w.open(r.partition)
		default:
			return nil
		}
	}
}

// open reads a partition's input from where its state is. w.mu is held.
func (w *worker) open(p *lanePartition) {
	p.ready = true
	w.rewind = true // all partitions, see readOn
	w.consumer.ResumeFetchPartitions(map[string][]int32{w.stage.input: {p.id}})
	w.metrics.restoreSeconds.Observe(time.Since(p.started).Seconds())
	w.tellReadiness()
}

// revoke commits what was processed before partitions go to another worker.
func (w *worker) revoke(ids []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	if err := w.tx.finish(); err != nil {
		w.log.Warn("partitions leave without a commit; their next owner does some records again", "error", err)
	} else {
		w.commitLag()
	}
	w.forget(ids)
}

// lose takes back what was processed of partitions that are another's already.
func (w *worker) lose(ids []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.tx.drop(fmt.Errorf("the group has given %s to others", w.stage.input)); err != nil {
		w.log.Warn("partitions were lost, and the transaction could not be taken back", "error", err)
	}
	w.forget(ids)
}

// forget drops partitions. w.mu is held.
func (w *worker) forget(ids []int32) {
	w.rewind = true // of the others, see readOn
	for _, id := range ids {
		w.metrics.noLag(w.stage.input, id)
		if p := w.partitions[id]; p != nil && !w.closing {
			p.gone.Store(true)
			delete(w.partitions, id)
		}
	}
	w.tellReadiness()
}

// tellReadiness notes whether the worker has joined its group and every
// partition it owns is restored; else why not. w.mu is held.
func (w *worker) tellReadiness() {
	var why string
	if !w.joined {
		why = "the " + w.stage.name + " has not joined its group yet"
	}
	for id, p := range w.partitions {
		switch {
		case !p.ready:
			why = fmt.Sprintf("restoring the state of %s/%d", w.stage.input, id)
		case p.rebuilding(p.next):
			why = fmt.Sprintf("rebuilding the state of %s/%d: at offset %d of %d", w.stage.input, id, p.next, p.liveFrom)
		}
	}
	w.unready.Store(&why)
}

// notReady reports why the worker is not ready, or "". It does not wait for
// the worker, who may be waiting for Kafka.
func (w *worker) notReady() (why string) {
	if why := w.unready.Load(); why != nil {
		return *why
	}
	return "the " + w.stage.name + " has not joined its group yet"
}

// patience is for how long a partition may be restored before the log says so,
// and then again each time. One that was left in the middle of a transaction is
// free after 15 s.
const patience = 30 * time.Second

// warnOfWaiting tells who reads the log which partitions stand still. w.mu is
// held.
func (w *worker) warnOfWaiting() {
	for id, p := range w.partitions {
		if p.ready || time.Since(p.warned) < patience {
			continue
		}
		p.warned = time.Now()
		w.log.Warn("a partition is not restored yet: its state is large, or a transaction hangs in it or in the group's offsets (see \"A transaction hangs\" in docs/operations.md)",
			"topic", w.stage.input, "partition", id, "for", time.Since(p.started).Round(time.Second).String())
	}
}

// stateSize adds up what the partitions of a stage's workers hold and have
// counted.
type stateSize struct {
	stage          string
	entries, bytes int
	evicted        [len(tierNames)]uint64
	damaged        uint64
	ruleErrors     map[string]uint64
	policyErrors   map[string]uint64
}

func (s *stateSize) add(other *stateSize) {
	s.stage = other.stage
	s.entries += other.entries
	s.bytes += other.bytes
	for tier, n := range other.evicted {
		s.evicted[tier] += n
	}
	s.damaged += other.damaged
	for rule, n := range other.ruleErrors {
		s.ruleErrors[rule] += n
	}
	for policy, n := range other.policyErrors {
		s.policyErrors[policy] += n
	}
}

// measureEvery is how old the gauges of the state may be.
const measureEvery = 5 * time.Second

// noteSize leaves the size of the state where metrics find it without waiting
// for the worker, who may be waiting for Kafka. w.mu is held.
func (w *worker) noteSize() {
	if time.Since(w.measured) < measureEvery {
		return
	}
	w.measured = time.Now()
	size := stateSize{stage: w.stage.name}
	w.stage.measure(&size)
	for _, p := range w.partitions {
		if p.ready {
			size.entries += p.store.Len() - p.store.Count(state.Timetable)
			size.bytes += p.store.Bytes()
			for tier := range size.evicted {
				size.evicted[tier] += p.store.Evicted(state.Tier(tier))
			}
		}
	}
	w.size.Store(&size)
}
