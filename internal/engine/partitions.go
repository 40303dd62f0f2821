package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
)

// lanePartition is a partition of risk.events that the worker owns.
type lanePartition struct {
	*Partition
	next      int64 // offset after the last one processed
	committed int64 // offset up to which the group has committed
	liveFrom  int64 // offset from which records are published
	started   time.Time
	restored  bool
	rebuiltTo event.Time // newest event that was read to rebuild state
}

// assign begins with empty states for partitions that are the worker's now.
func (w *laneWorker) assign(ids []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.joined = true
	for _, id := range ids {
		w.partitions[id] = &lanePartition{Partition: NewPartition(w.limit), started: time.Now(), liveFrom: -1}
	}
	w.tellReadiness()
}

// fromStart makes the client read newly assigned partitions from their start,
// and notes from which offset on their records have not been published.
func (w *laneWorker) fromStart(ctx context.Context, from map[int32]kgo.Offset) error {
	admin := kadm.NewClient(w.client)
	starts, err := admin.ListStartOffsets(ctx, w.topics.Events)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("subject lane: start of %s: %w", w.topics.Events, err)
	}
	ends, err := admin.ListEndOffsets(ctx, w.topics.Events)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("subject lane: end of %s: %w", w.topics.Events, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, committed := range from {
		p := w.partitions[id]
		if p == nil {
			continue
		}
		start, startKnown := starts.Lookup(w.topics.Events, id)
		end, endKnown := ends.Lookup(w.topics.Events, id)
		if !startKnown || !endKnown {
			return fmt.Errorf("subject lane: the brokers do not say where %s/%d begins and ends", w.topics.Events, id)
		}
		p.liveFrom = w.liveFrom(id, committed.EpochOffset().Offset, start.Offset, end.Offset)
		p.committed, p.next = p.liveFrom, start.Offset
		w.open(p)
		from[id] = kgo.NewOffset().At(start.Offset)
	}
	w.tellReadiness()
	return nil
}

// liveFrom is the offset from which on a partition's records have not been
// published: the committed one, if the log has it. A group that has committed
// nothing has a negative one.
func (w *laneWorker) liveFrom(id int32, committed, start, end int64) int64 {
	switch {
	case committed < 0:
		return start
	case committed < start:
		w.log.Warn("events are gone before they were scored: retention has removed them", "topic", w.topics.Events, "partition", id,
			"from", committed, "to", start)
		return start
	case committed > end:
		// Of what is there nobody knows what was published; twice is better
		// than never.
		w.log.Warn("the log is shorter than what was committed, so it was cut or created anew: all of it is published again",
			"topic", w.topics.Events, "partition", id, "committed", committed, "end", end)
		return start
	}
	return committed
}

// open lets a partition publish once its state is rebuilt. w.mu is held.
func (w *laneWorker) open(p *lanePartition) {
	if p.restored || p.liveFrom < 0 || p.next < p.liveFrom {
		return
	}
	w.passOverFalls(p, event.TimeOf(w.now()))
	p.restored = true
	w.metrics.restoreSeconds.Observe(time.Since(p.started).Seconds())
}

// revoke commits what was processed of partitions that another worker takes.
func (w *laneWorker) revoke(ids []int32) {
	w.mu.Lock()
	err := w.commit()
	w.mu.Unlock()
	if err != nil {
		w.log.Warn("partitions leave without a commit; their next owner repeats some records", "error", err)
	}
	w.forget(ids)
}

func (w *laneWorker) forget(ids []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		w.metrics.noLag(w.topics.Events, id)
		if !w.closing {
			delete(w.partitions, id)
		}
	}
	w.tellReadiness()
}

// tellReadiness notes whether the worker has joined its group and every
// partition it owns is rebuilt; else why not. w.mu is held.
func (w *laneWorker) tellReadiness() {
	var why string
	if !w.joined {
		why = "a lane has not joined its group yet"
	}
	for id, p := range w.partitions {
		if !p.restored {
			why = fmt.Sprintf("rebuilding %s/%d: at offset %d of %d", w.topics.Events, id, p.next, p.liveFrom)
		}
	}
	w.unready.Store(&why)
}

// ready reports why the worker is not ready, or "". It does not wait for the
// worker, who may be waiting for Kafka.
func (w *laneWorker) ready() (why string) {
	if why := w.unready.Load(); why != nil {
		return *why
	}
	return "a lane has not joined its group yet"
}

// stateSize adds up what the partitions of many lanes hold and have counted.
type stateSize struct {
	entries, bytes        int
	evicted, fallsSkipped uint64
	ruleErrors            map[string]uint64
	policyErrors          map[string]uint64
}

func (s *stateSize) add(other *stateSize) {
	s.entries += other.entries
	s.bytes += other.bytes
	s.evicted += other.evicted
	s.fallsSkipped += other.fallsSkipped
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
func (w *laneWorker) noteSize() {
	if time.Since(w.measured) < measureEvery {
		return
	}
	w.measured = time.Now()
	size := stateSize{ruleErrors: w.lane.rules.Errors(), policyErrors: w.lane.scorer.Failures()}
	for _, p := range w.partitions {
		size.entries += p.store.subjects.len()
		size.bytes += p.store.bytes()
		size.evicted += p.store.evicted
		size.fallsSkipped += p.falls.skipped
	}
	w.size.Store(&size)
}
