package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// laneWorker owns some partitions of risk.events: one goroutine, one Kafka
// session. It rebuilds the state of a newly assigned partition by reading it
// from its start, and publishes from the committed offset on.
type laneWorker struct {
	lane    *Lane
	topics  publish.Topics
	now     func() time.Time // decides when a level has fallen, nothing else
	metrics *Metrics
	log     *slog.Logger
	drain   time.Duration // how long the end may take
	limit   int           // most subjects in a partition
	bytes   int           // most bytes of a record

	client     *kgo.Client
	while      context.Context // ends a while after the worker is told to stop
	sink       *kafkaSink
	errors     readErrors
	decoder    event.Decoder
	lastCommit time.Time

	mu         sync.Mutex // guards partitions against rebalance callbacks
	partitions map[int32]*lanePartition
	joined     bool
	closing    bool // the state is kept for whoever looks at it last

	unready atomic.Pointer[string] // why it is not ready; to read without waiting
	size    atomic.Pointer[stateSize]

	measured time.Time // when size was noted
}

// run consumes until ctx ends, then drains: it finishes what it has read,
// waits for acknowledgements, commits and leaves the group. Any other return
// is an error, after which a fresh worker may start from the committed offset.
func (w *laneWorker) run(ctx context.Context, opts []kgo.Opt, group string) error {
	while, end := outlasting(ctx, w.drain)
	w.partitions = map[int32]*lanePartition{}
	begun := make(chan struct{}) // callbacks come as soon as the client is made
	client, err := kgo.NewClient(slices.Concat(opts, sessionOptions(group, w.topics.Events), []kgo.Opt{
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
			w.assign(assigned[w.topics.Events])
		}),
		kgo.AdjustFetchOffsetsFn(func(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			<-begun
			return offsets, w.fromStart(ctx, offsets[w.topics.Events])
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
			<-begun
			w.revoke(revoked[w.topics.Events])
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { w.forget(lost[w.topics.Events]) }),
		kgo.KeepControlRecords(), // they take up offsets; without them a log that ends with one would never be read to its end
		kgo.ProducerBatchMaxBytes(int32(w.bytes)),
	})...)
	if err != nil {
		end()
		return fmt.Errorf("subject lane: %w", err)
	}
	w.client, w.while = client, while
	w.sink = &kafkaSink{client: client, while: while, limit: w.bytes, log: w.log, topics: w.topics, config: w.lane.config, metrics: w.metrics}
	w.errors = readErrors{log: w.log, metrics: w.metrics, tooLarge: w.stepOver}
	close(begun)
	defer func() {
		end() // after a failure, nothing is waited for
		leave(client)
	}()

	for ctx.Err() == nil {
		if err := w.cycle(ctx); err != nil {
			return fmt.Errorf("subject lane: %w", err)
		}
	}
	if err := w.finish(); err != nil {
		return fmt.Errorf("subject lane: %w", err)
	}
	return nil
}

// cycle is one poll and all that follows from it.
func (w *laneWorker) cycle(ctx context.Context) error {
	fetches := poll(ctx, w.client)
	defer w.client.AllowRebalance()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.errors.of(w.client, fetches); err != nil {
		return err
	}
	fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
		p := w.partitions[fetched.Partition]
		if p == nil {
			return
		}
		for _, record := range fetched.Records {
			w.process(p, record)
		}
		w.open(p)
		w.metrics.lag(w.topics.Events, fetched.Partition, fetched.HighWatermark-p.next)
	})
	w.publishFalls()
	w.tellReadiness()
	w.noteSize()
	if time.Since(w.lastCommit) >= commitEvery {
		return w.commit()
	}
	return w.sink.err()
}

// process takes one record through the lane. A record that is no event is
// counted and stepped over: it came from another producer, since ingest
// writes only what it can read.
func (w *laneWorker) process(p *lanePartition, record *kgo.Record) {
	rebuilding := record.Offset < p.liveFrom
	if p.next = record.Offset; !rebuilding {
		w.open(p)
	}
	p.next++
	if record.Attrs.IsControl() {
		return
	}
	e, err := w.decoder.Decode(record.Value)
	if err != nil {
		w.metrics.laneErrors.Inc()
		w.log.Error("not an event; stepped over", "topic", record.Topic, "partition", record.Partition, "offset", record.Offset, "error", err)
		return
	}
	w.sink.cause(record, rebuilding)
	started := time.Now()
	result := w.lane.Process(p.Partition, &e, w.sink)
	w.metrics.processed(&result, e.Time, started, rebuilding)
	if rebuilding {
		p.rebuiltTo = max(p.rebuiltTo, e.Time)
	}
}

// stepOver passes over a batch of risk.events that cannot be read. w.mu is held.
func (w *laneWorker) stepOver(batch *kgo.ErrDecompressTooLarge) {
	w.metrics.laneErrors.Inc()
	if p := w.partitions[batch.Partition]; p != nil {
		p.next = batch.NextOffset
		w.open(p)
	}
}

// publishFalls publishes the levels that time has lowered.
func (w *laneWorker) publishFalls() {
	now := event.TimeOf(w.now())
	for _, p := range w.partitions {
		if p.restored {
			w.sink.cause(nil, false)
			w.lane.Fall(p.Partition, now, w.sink)
		} else {
			w.passOverFalls(p, now)
		}
	}
}

// passOverFalls keeps the timetable of a partition that is being rebuilt from
// filling with falls that were published long since. An event is not in
// risk.events more than 5 minutes before its own time, and whatever fell before
// it came was published no later than its offset was committed.
func (w *laneWorker) passOverFalls(p *lanePartition, now event.Time) {
	w.sink.cause(nil, true)
	w.lane.Fall(p.Partition, min(p.rebuiltTo-maxAhead, now), w.sink)
}

// maxAhead is how far ahead of its Kafka timestamp ingest lets an event be.
const maxAhead = 5 * event.Minute

// commit waits until everything produced is acknowledged and commits what was
// processed. w.mu is held.
func (w *laneWorker) commit() error {
	w.lastCommit = time.Now()
	done := offsets{}
	for id, p := range w.partitions {
		if p.next > p.committed && p.restored {
			done.set(w.topics.Events, id, kgo.EpochOffset{Epoch: -1, Offset: p.next})
		}
	}
	if len(done) == 0 {
		return w.sink.err()
	}
	if err := w.client.Flush(w.while); err != nil {
		return fmt.Errorf("waiting for acknowledgements: %w", context.Cause(w.while))
	}
	if err := w.sink.err(); err != nil {
		return err
	}
	committed, err := done.commit(w.while, w.client)
	if committed {
		for id, at := range done[w.topics.Events] {
			w.partitions[id].committed = at.Offset
		}
	}
	return err
}

func (w *laneWorker) finish() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closing = true
	return w.commit()
}
