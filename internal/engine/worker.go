package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// commitEvery bounds how much is done again after a crash.
const commitEvery = 100 * time.Millisecond

// heartbeatEvery is how soon a worker learns that the group rebalances. A
// cooperative rebalance takes two rounds, so the client's 3 s would hold up
// moving partitions for 6.
const heartbeatEvery = 500 * time.Millisecond

// laneWorker owns some partitions of risk.events: one goroutine, one Kafka
// session. It rebuilds the state of a newly assigned partition by reading it
// from its start, and publishes from the committed offset on.
type laneWorker struct {
	lane    *Lane
	topics  publish.Topics
	now     func() time.Time // decides when a level has fallen, nothing else
	metrics *Metrics
	log     *slog.Logger
	limit   int // most subjects in a partition

	client     *kgo.Client
	sink       *kafkaSink
	decoder    event.Decoder
	lastCommit time.Time

	mu         sync.Mutex // guards partitions against rebalance callbacks
	partitions map[int32]*lanePartition
	joined     bool
	closing    bool // the state is kept for whoever looks at it last
}

// lanePartition is a partition of risk.events that the worker owns.
type lanePartition struct {
	*Partition
	next      int64 // offset after the last one processed
	committed int64 // offset up to which the group has committed
	liveFrom  int64 // offset from which records are published
	started   time.Time
	restored  bool
}

// run consumes until ctx ends, then drains: it finishes what it has read,
// waits for acknowledgements, commits and leaves the group. Any other return
// is an error, after which a fresh worker may start from the committed offset.
func (w *laneWorker) run(ctx context.Context, opts []kgo.Opt, group string) error {
	w.partitions = map[int32]*lanePartition{}
	begun := make(chan struct{}) // callbacks come as soon as the client is made
	client, err := kgo.NewClient(append(slices.Clone(opts),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(w.topics.Events),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(100*time.Millisecond),
		kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(heartbeatEvery),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
			w.assign(assigned[w.topics.Events])
		}),
		kgo.AdjustFetchOffsetsFn(w.fromStart),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
			w.revoke(ctx, revoked[w.topics.Events])
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { w.forget(lost[w.topics.Events]) }),
		kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(200_000),
	)...)
	if err != nil {
		return fmt.Errorf("subject lane: %w", err)
	}
	w.client = client
	w.sink = &kafkaSink{client: client, topics: w.topics, config: w.lane.config, metrics: w.metrics}
	close(begun)
	defer client.Close()

	for ctx.Err() == nil {
		if err := w.cycle(ctx); err != nil {
			return err
		}
	}
	return w.drain()
}

// cycle is one poll and all that follows from it.
func (w *laneWorker) cycle(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, commitEvery)
	fetches := w.client.PollRecords(wait, 10_000)
	cancel()
	defer w.client.AllowRebalance()

	var failed error
	fetches.EachError(func(topic string, partition int32, err error) {
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			failed = fmt.Errorf("subject lane: reading %s/%d: %w", topic, partition, err)
		}
	})
	if failed != nil {
		return failed
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
		p := w.partitions[fetched.Partition]
		if p == nil {
			return
		}
		for _, record := range fetched.Records {
			w.process(p, record)
		}
		w.metrics.lag(w.topics.Events, fetched.Partition, fetched.HighWatermark-p.next)
	})
	w.publishFalls()
	if time.Since(w.lastCommit) >= commitEvery {
		return w.commit(context.WithoutCancel(ctx))
	}
	return w.sink.err()
}

// process takes one record through the lane. A record that is no event is
// counted and stepped over: it came from another producer, since ingest
// writes only what it can read.
func (w *laneWorker) process(p *lanePartition, record *kgo.Record) {
	p.next = record.Offset + 1
	e, err := w.decoder.Decode(record.Value)
	if err != nil {
		w.metrics.laneErrors.Inc()
		w.log.Error("not an event; stepped over", "topic", record.Topic, "partition", record.Partition, "offset", record.Offset, "error", err)
		return
	}
	w.sink.cause(record, record.Offset < p.liveFrom)
	started := time.Now()
	result := w.lane.Process(p.Partition, &e, w.sink)
	w.metrics.processed(&result, e.Time, started, w.sink.muted)
	w.restored(p)
}

// restored opens a partition for publication once its state is rebuilt.
func (w *laneWorker) restored(p *lanePartition) {
	if p.restored || p.next < p.liveFrom {
		return
	}
	p.restored = true
	w.metrics.restoreSeconds.Observe(time.Since(p.started).Seconds())
}

// publishFalls publishes the levels that time has lowered. The partition's
// records are behind its newest event only while it is being rebuilt.
func (w *laneWorker) publishFalls() {
	now := event.TimeOf(w.now())
	for _, p := range w.partitions {
		if p.restored {
			w.sink.cause(nil, false)
			w.lane.Fall(p.Partition, now, w.sink)
		}
	}
}

// commit waits until everything produced is acknowledged and commits what was
// processed.
func (w *laneWorker) commit(ctx context.Context) error {
	w.lastCommit = time.Now()
	offsets := map[int32]kgo.EpochOffset{}
	for id, p := range w.partitions {
		if p.next > p.committed && p.restored {
			offsets[id] = kgo.EpochOffset{Epoch: -1, Offset: p.next}
		}
	}
	if len(offsets) == 0 {
		return w.sink.err()
	}
	if err := w.client.Flush(ctx); err != nil {
		return fmt.Errorf("subject lane: waiting for acknowledgements: %w", err)
	}
	if err := w.sink.err(); err != nil {
		return err
	}
	var failed error
	w.client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{w.topics.Events: offsets}, commitError(&failed))
	if failed != nil {
		return fmt.Errorf("subject lane: committing offsets: %w", failed)
	}
	for id, offset := range offsets {
		w.partitions[id].committed = offset.Offset
	}
	return nil
}

func (w *laneWorker) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	w.mu.Lock()
	w.closing = true
	err := w.commit(ctx)
	w.mu.Unlock()
	w.client.AllowRebalance()
	return err
}

func (w *laneWorker) assign(ids []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.joined = true
	for _, id := range ids {
		w.partitions[id] = &lanePartition{Partition: NewPartition(w.limit), started: time.Now(), liveFrom: -1}
	}
}

// fromStart makes the client read newly assigned partitions from their start,
// and notes from which offset on their records have not been published.
func (w *laneWorker) fromStart(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	first, err := kadm.NewClient(w.client).ListStartOffsets(ctx, w.topics.Events)
	if err != nil {
		return nil, fmt.Errorf("subject lane: start of %s: %w", w.topics.Events, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, committed := range offsets[w.topics.Events] {
		p := w.partitions[id]
		if p == nil {
			continue
		}
		start, _ := first.Lookup(w.topics.Events, id)
		p.liveFrom = max(committed.EpochOffset().Offset, start.Offset)
		p.committed, p.next = p.liveFrom, start.Offset
		w.restored(p)
		offsets[w.topics.Events][id] = kgo.NewOffset().At(start.Offset)
	}
	return offsets, nil
}

// revoke commits what was processed of partitions that another worker takes.
func (w *laneWorker) revoke(ctx context.Context, ids []int32) {
	w.mu.Lock()
	err := w.commit(context.WithoutCancel(ctx))
	w.mu.Unlock()
	if err != nil {
		w.log.Warn("partitions leave without a commit; their next owner repeats some records", "error", err)
	}
	w.forget(ids)
}

func (w *laneWorker) forget(ids []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return
	}
	for _, id := range ids {
		delete(w.partitions, id)
	}
}

// ready reports whether the worker has joined its group and every partition it
// owns is rebuilt; else why not.
func (w *laneWorker) ready() (ok bool, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.joined {
		return false, "a lane has not joined its group yet"
	}
	for id, p := range w.partitions {
		if !p.restored {
			return false, fmt.Sprintf("rebuilding %s/%d: at offset %d of %d", w.topics.Events, id, p.next, p.liveFrom)
		}
	}
	return true, ""
}

// stateSize adds up what the partitions of many lanes hold and have counted.
type stateSize struct {
	entries, bytes        int
	evicted, fallsSkipped uint64
	ruleErrors            map[string]uint64
	policyErrors          map[string]uint64
}

func newStateSize() stateSize {
	return stateSize{ruleErrors: map[string]uint64{}, policyErrors: map[string]uint64{}}
}

func (w *laneWorker) measure(into *stateSize) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.partitions {
		into.entries += p.store.subjects.len()
		into.bytes += p.store.bytes()
		into.evicted += p.store.evicted
		into.fallsSkipped += p.falls.skipped
	}
	for rule, n := range w.lane.rules.Errors() {
		into.ruleErrors[rule] += n
	}
	for policy, n := range w.lane.scorer.Failures() {
		into.policyErrors[policy] += n
	}
}
