package engine

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// worker runs a stage over some partitions of its input: one goroutine that
// alone owns their state, one consumer in the stage's group, one producer.
//
// Two things go on beside that goroutine: a transaction is committed while the
// next records are read and decoded (transaction.go), and partitions that are
// new to the worker are restored (restore.go).
type worker struct {
	stage       *stage
	topics      publish.Topics
	exactlyOnce bool
	member      string // of the group, the same after a restart
	group       string
	snapshots   *snapshots       // nil: none are kept
	now         func() time.Time // decides when a level has fallen, nothing else
	metrics     *Metrics
	log         *slog.Logger
	drain       time.Duration // how long the end may take
	session     time.Duration // of the group
	config      string        // hash of the configuration, for the records
	memory      int           // most bytes of state of a partition
	bytes       int           // most bytes of a record

	transactionalID string // of the producers, with their numbers
	inputID         kadm.TopicID
	changelogID     kadm.TopicID
	consumer        *kgo.Client
	producers       []*kgo.Client   // they take turns; see transaction.begin
	producer        *kgo.Client     // whose turn it is
	while           context.Context // ends a while after the worker is told to stop
	out             *outbox
	changes         []kgo.Record // of the changelog, in the transaction: state
	advances        []kgo.Record // and how far the input has come with it
	errors          readErrors
	pacer           pacer
	batch           batch
	restored        chan restored
	job             *snapshotJob // nil while no snapshot is being written

	mu         sync.Mutex // guards what follows against rebalance callbacks
	partitions map[int32]*lanePartition
	tx         transaction
	rewind     bool // what was read is not what comes next
	joined     bool
	closing    bool // the state is kept for whoever looks at it last

	unready  atomic.Pointer[string] // why it is not ready; to read without waiting
	size     atomic.Pointer[stateSize]
	measured time.Time // when size was noted
}

// maxEvents is the most events in a transaction. Each changes at most one key,
// of at most some 10 KB.
const maxEvents = 20_000

// produceAgain is how soon a record that was refused for the moment is sent
// again.
const produceAgain = 20 * time.Millisecond

// run works until ctx ends, then drains: it finishes what it has read, commits,
// and writes snapshots. Any other return is an error, after which a fresh
// worker may start from what was committed.
func (w *worker) run(ctx context.Context, opts []kgo.Opt) error {
	while, end := outlasting(ctx, w.drain)
	defer end()
	w.while = while
	w.partitions = map[int32]*lanePartition{}
	w.restored = make(chan restored, 1024)
	w.tx = transaction{worker: w, cost: shortestCommit}
	w.pacer = pacer{pause: w.stage.pause}
	defer w.disconnect(end)
	if err := w.connect(ctx, opts); err != nil {
		return fmt.Errorf("%s: %w", w.stage.name, err)
	}
	for ctx.Err() == nil {
		if err := w.cycle(ctx); err != nil {
			return fmt.Errorf("%s: %w", w.stage.name, err)
		}
	}
	if err := w.finish(); err != nil {
		return fmt.Errorf("%s: %w", w.stage.name, err)
	}
	return nil
}

// connect makes the producers, which end what their predecessors of the same
// name have left open, before the consumer, which may be given partitions at
// once.
func (w *worker) connect(ctx context.Context, opts []kgo.Opt) error {
	turns := 1
	if w.exactlyOnce {
		turns = 2
	}
	for turn := range turns {
		if err := w.addProducer(ctx, opts, turn); err != nil {
			return err
		}
	}
	w.producer = w.producers[0]
	w.out = &outbox{client: w.producer, while: w.while, limit: w.bytes, log: w.log, topics: w.topics, config: w.config, metrics: w.metrics}
	w.errors = readErrors{log: w.log, metrics: w.metrics, tooLarge: w.stepOver}
	var err error
	if w.inputID, err = topicID(ctx, w.admin(), w.stage.input); err != nil {
		return err
	}
	if w.changelogID, err = topicID(ctx, w.admin(), w.stage.changelog); err != nil {
		return err
	}
	return w.join(opts)
}

// admin is a client for questions to the brokers, whoever's turn it is.
func (w *worker) admin() *kgo.Client { return w.producers[0] }

func (w *worker) addProducer(ctx context.Context, opts []kgo.Opt, turn int) error {
	options := slices.Concat(opts, []kgo.Opt{
		kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(1 << 20), // the worker bounds what it produces
		kgo.ProducerBatchMaxBytes(int32(w.bytes)),
		kgo.RecordPartitioner(changelogPartitioner(w.stage.changelog)),
	})
	id := fmt.Sprintf("%s-%d", w.transactionalID, turn)
	if w.exactlyOnce {
		options = append(options, kgo.TransactionalID(id), kgo.TransactionTimeout(transactionTimeout),
			// Brokers refuse a record whose partition joins a transaction while
			// another joins it, so all are sent at once. What is refused all the
			// same is sent again after the next look at the metadata, which by
			// default is up to 5 s away.
			kgo.ManualFlushing(), kgo.MetadataMinAge(produceAgain))
	}
	producer, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	w.producers = append(w.producers, producer)
	if !w.exactlyOnce {
		return nil
	}
	if err := w.endForgotten(ctx, producer, id); err != nil {
		return err
	}
	if _, _, err := producer.ProducerID(ctx); err != nil {
		return fmt.Errorf("transactional id %s: %w", id, err)
	}
	return nil
}

// join makes the consumer, a member of the stage's group.
func (w *worker) join(opts []kgo.Opt) (err error) {
	begun := make(chan struct{}) // callbacks come as soon as the client is made
	w.consumer, err = kgo.NewClient(slices.Concat(opts, sessionOptions(w.group, w.member, w.session, w.stage.input), []kgo.Opt{
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
			<-begun
			w.assign(assigned[w.stage.input])
		}),
		kgo.AdjustFetchOffsetsFn(func(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			<-begun
			w.restore(opts, offsets[w.stage.input])
			return offsets, nil
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
			<-begun
			w.revoke(revoked[w.stage.input])
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
			<-begun
			w.lose(lost[w.stage.input])
		}),
		kgo.KeepControlRecords(), // they take up offsets; without them a log that ends with one would never be read to its end
	})...)
	close(begun)
	return err
}

// disconnect leaves the group to wait for a member of the same name.
func (w *worker) disconnect(end func()) {
	end() // after a failure, nothing is waited for
	w.job.stop()
	if w.consumer != nil {
		leave(w.consumer)
	}
	for _, producer := range w.producers {
		producer.Close()
	}
}

// cycle is one poll and all that follows from it.
func (w *worker) cycle(ctx context.Context) error {
	fetches := w.poll(ctx)
	defer w.consumer.AllowRebalance()
	w.batch.decode(fetches)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.tx.settle(); err != nil {
		return err
	}
	if err := w.errors.of(w.consumer, fetches); err != nil {
		return err
	}
	if err := w.openRestored(); err != nil {
		return err
	}
	if w.rewind {
		w.rewindAll()
		return nil
	}
	if !w.tx.open {
		w.continueSnapshots()
	}
	if commitsEarly {
		if err := w.commitAhead(); err != nil {
			return err
		}
	}
	if err := w.processBatch(); err != nil {
		return err
	}
	if err := w.publishFalls(); err != nil {
		return err
	}
	w.tellReadiness()
	w.warnOfWaiting()
	w.noteSize()
	if w.tx.open && time.Since(w.tx.began) >= w.tx.interval() {
		w.tx.end()
	}
	return nil
}

// poll returns what comes while the transaction stays open. It keeps rebalances
// away until AllowRebalance.
func (w *worker) poll(ctx context.Context) kgo.Fetches {
	w.pacer.wait(ctx)
	wait := longestCommit
	w.mu.Lock()
	if w.tx.open {
		wait = max(w.tx.interval()-time.Since(w.tx.began), 0)
	}
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fetches := w.consumer.PollRecords(ctx, pollRecords)
	w.pacer.polled(fetches.NumRecords())
	return fetches
}

// processBatch takes what was read through the stage. w.mu is held.
func (w *worker) processBatch() error {
	for i := range w.batch.records {
		record := &w.batch.records[i]
		p := w.partitions[record.partition]
		if p == nil || !p.ready {
			continue // given up meanwhile
		}
		if record.offset < p.next {
			w.rewind = true // the client was not told yet where to read when open did so
			continue
		}
		if err := w.tx.begin(); err != nil {
			return err
		}
		w.process(p, record)
		if w.tx.events++; w.tx.events >= maxEvents || w.out.bytes >= sendBytes {
			if err := w.tx.finish(); err != nil || w.rewind {
				return err
			}
		}
	}
	for _, partition := range w.batch.partitions {
		if p := w.partitions[partition.id]; p != nil && p.ready {
			w.metrics.lag(w.stage.input, partition.id, partition.highWatermark-p.next)
		}
	}
	return nil
}

// process takes one record into the partition. w.mu is held.
func (w *worker) process(p *lanePartition, record *decoded) {
	rebuilding := p.rebuilding(record.offset)
	p.next, p.changed = record.offset+1, true
	if !record.control {
		w.evaluate(p, record, rebuilding)
	}
	if rebuilding && !p.rebuilding(p.next) {
		w.passFalls(p)
	}
}

// evaluate takes one record through the stage. A record that is no event is
// counted and stepped over: it came from another producer, since riskstream
// writes only what it can read.
func (w *worker) evaluate(p *lanePartition, record *decoded, rebuilding bool) {
	if record.err != nil {
		w.metrics.laneErrors.Inc()
		w.log.Error("not an event; stepped over", "topic", w.stage.input, "partition", p.id, "offset", record.offset, "error", record.err)
		return
	}
	w.out.cause(record.headers, rebuilding)
	started := time.Now()
	result := w.stage.process(p.Partition, &record.event, w.out)
	w.metrics.processed(w.stage.name, &result, record.event.Time, started, rebuilding)
	if rebuilding {
		p.rebuiltTo = max(p.rebuiltTo, record.event.Time)
	}
}

// stepOver passes over a batch of the input that cannot be read. w.mu is held.
func (w *worker) stepOver(batch *kgo.ErrDecompressTooLarge) {
	if w.rewind {
		return // what was taken back comes first, then the batch again
	}
	w.metrics.laneErrors.Inc()
	if p := w.partitions[batch.Partition]; p != nil && p.ready && p.next < batch.NextOffset {
		if err := w.tx.begin(); err == nil {
			p.next, p.changed = batch.NextOffset, true
		}
	}
}

// fallsAtOnce bounds the falls of a cycle, and so of a transaction. After an hour without the
// engine, or after an attack on everybody, so many are due at once that the
// transaction would time out, and again after each restart.
const fallsAtOnce = pollRecords

// publishFalls publishes the levels that time has lowered. w.mu is held.
func (w *worker) publishFalls() error {
	now := event.TimeOf(w.now())
	left := fallsAtOnce
	for _, p := range w.partitions {
		switch {
		case !p.ready || !p.falls.isDue(now) || left == 0:
			continue
		case p.rebuilding(p.next):
			w.passFalls(p)
			continue
		}
		if err := w.tx.begin(); err != nil {
			return err
		}
		w.out.cause(nil, false)
		left -= w.stage.fall(p.Partition, now, left, w.out)
		p.changed = true
	}
	return nil
}

// passFalls drops the falls of which the newest event that was read to rebuild
// state proves that they were published: an event is not in the log more than
// maxAhead before its own time.
func (w *worker) passFalls(p *lanePartition) {
	w.out.cause(nil, true)
	w.stage.fall(p.Partition, min(p.rebuiltTo-maxAhead, event.TimeOf(w.now())), math.MaxInt, w.out)
}

// maxAhead is how far ahead of its Kafka timestamp ingest lets an event be.
const maxAhead = 5 * event.Minute

// finish ends the worker's work in good order.
func (w *worker) finish() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closing = true
	if err := w.tx.finish(); err != nil {
		return err
	}
	w.commitLag()
	w.writeSnapshots()
	return nil
}
