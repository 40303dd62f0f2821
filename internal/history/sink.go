package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/riskstream/riskstream/internal/publish"
)

const (
	// insertTime bounds an insert in the engine. It is shorter than the session
	// of the group, so that an insert of a sink that has lost its partitions is
	// over before the next owner asks what is stored.
	insertTime = 30 * time.Second
	// sessionTime is after how long without a word partitions go to another
	// sink. The history is in no hurry.
	sessionTime = 45 * time.Second
	// openRows bounds the rows that are gathered and not sent.
	openRows = 4 * batchRows
	openSize = 4 * batchBytes

	pollTime    = 100 * time.Millisecond
	pollRecords = 10_000
	drainTime   = 10 * time.Second
	longestWait = 10 * time.Second // between two attempts to insert
)

// Sink copies the committed records of riskstream's topics into the history, as
// one member of a consumer group. It keeps its own place: on assignment it goes
// on behind the highest offset that is stored, so what the group has committed
// only shows the lag. A batch is inserted again and again, with the same rows
// under the same token, until it is in; meanwhile Kafka keeps what comes.
type Sink struct {
	store   *Store
	tables  map[string]string // by topic
	group   string
	member  string // of the group
	metrics *Metrics
	log     *slog.Logger
	client  *kgo.Client
	while   context.Context // ends a while after the sink is told to stop

	spares   spares
	givingUp atomic.Bool // partitions are to leave: an insert that fails is not tried again

	mu       sync.Mutex // guards what follows against callbacks
	open     map[place]batch
	ready    []batch       // to be inserted, in order
	sent     []batch       // being inserted
	onItsWay chan struct{} // closed when what was sent is in; nil when nothing is
}

// place is a partition of a topic.
type place struct {
	topic     string
	partition int32
}

// NewSink makes a sink for riskstream's topics. instance names the process, the
// same after a restart: it finds its partitions as it left them.
func NewSink(store *Store, kafka publish.KafkaConfig, instance string, metrics *Metrics, log *slog.Logger) *Sink {
	return &Sink{
		store: store, group: kafka.Group("history"), member: instance, metrics: metrics, log: log,
		tables: tablesByTopic(kafka.Topics()), open: map[place]batch{},
	}
}

// Run copies until ctx ends, and then what it has read. Any other return is an
// error, after which a fresh sink may start.
func (s *Sink) Run(ctx context.Context, opts []kgo.Opt) error {
	while, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drainTime, end) })()
	s.while = while
	var topics []string
	for topic := range s.tables {
		topics = append(topics, topic)
	}
	slices.Sort(topics)
	client, err := kgo.NewClient(slices.Concat(opts, []kgo.Opt{
		kgo.ConsumerGroup(s.group), kgo.InstanceID(s.member), kgo.ConsumeTopics(topics...),
		kgo.SessionTimeout(sessionTime), kgo.RebalanceTimeout(sessionTime),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.AdjustFetchOffsetsFn(func(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			return offsets, s.seek(ctx, offsets)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { s.giveUp(gone) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { s.giveUp(gone) }),
	})...)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	s.client = client
	defer client.Close()
	for ctx.Err() == nil {
		if err := s.cycle(ctx); err != nil {
			return fmt.Errorf("history: %w", err)
		}
	}
	client.AllowRebalance()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	s.send(func(*batchInfo) bool { return true })
	s.settle()
	return nil
}

// seek sets where partitions are read from: behind what is stored. It waits for
// a history that does not answer, since nothing can be done without it.
func (s *Sink) seek(ctx context.Context, offsets map[string]map[int32]kgo.Offset) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, longestWait) {
		stored, err := s.store.stored(ctx)
		if err == nil {
			for topic, partitions := range offsets {
				for partition := range partitions {
					partitions[partition] = kgo.NewOffset().AtStart()
					if last, ok := stored[place{topic, partition}]; ok {
						partitions[partition] = kgo.NewOffset().At(last + 1)
					}
				}
			}
			return nil
		}
		s.log.Error("the history does not say what is stored; it is asked again", "in", pause.String(), "error", err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.while.Done():
			return context.Cause(s.while)
		case <-time.After(pause):
		}
	}
}

// cycle is one poll and all that follows from it. While much is waiting for an
// insert, nothing is read.
func (s *Sink) cycle(ctx context.Context) error {
	if inserted := s.full(); inserted != nil {
		select {
		case <-ctx.Done():
		case <-inserted:
		}
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	fetches := s.client.PollRecords(wait, pollRecords)
	defer s.client.AllowRebalance()
	for _, e := range fetches.Errors() {
		var lost *kgo.ErrDataLoss
		var session *kgo.ErrGroupSession
		switch {
		case errors.As(e.Err, &lost), errors.As(e.Err, &session), errors.Is(e.Err, kgo.ErrClientClosed):
			return fmt.Errorf("reading %s/%d: %w", e.Topic, e.Partition, e.Err)
		case errors.Is(e.Err, context.DeadlineExceeded), errors.Is(e.Err, context.Canceled):
		default:
			s.log.Error("a partition cannot be read; it is tried again", "topic", e.Topic, "partition", e.Partition, "error", e.Err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		for _, record := range p.Records {
			s.add(record)
		}
		if n := len(p.Records); n > 0 {
			s.metrics.lag(p.Topic, p.Partition, p.HighWatermark-p.Records[n-1].Offset-1)
		}
	})
	if s.arrived() {
		now := time.Now()
		s.send(func(b *batchInfo) bool { return b.due(now) })
	}
	return nil
}

// add puts a record into the open batch of its partition. s.mu is held.
func (s *Sink) add(record *kgo.Record) {
	at := place{record.Topic, record.Partition}
	b := s.open[at]
	if b != nil && !b.fits(record) {
		s.ready = append(s.ready, b)
		b = nil
	}
	if b == nil {
		b = s.spares.take(s.tables[record.Topic], record.Topic, record.Partition)
		s.open[at] = b
	}
	if err := b.add(record); err != nil {
		s.metrics.unreadable.WithLabelValues(record.Topic).Inc()
		s.log.Error("a record is stepped over: it is not riskstream's", "topic", record.Topic, "partition", record.Partition, "offset", record.Offset, "error", err)
	}
}

// full returns, if so much is gathered that nothing more may be read, what is
// closed when that is no longer so; else nil.
func (s *Sink) full() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arrived() {
		return nil
	}
	rows, size := 0, 0
	count := func(b *batchInfo) { rows, size = rows+b.rows, size+b.bytes }
	for _, b := range s.open {
		count(b.info())
	}
	for _, b := range s.ready {
		count(b.info())
	}
	if rows < openRows && size < openSize {
		return nil
	}
	return s.onItsWay
}

// arrived reports that nothing is on its way. s.mu is held.
func (s *Sink) arrived() bool {
	if s.onItsWay == nil {
		return true
	}
	select {
	case <-s.onItsWay:
		s.settle()
		return true
	default:
		return false
	}
}

// send inserts what is ready, and the open batches that are chosen, in the
// background. s.mu is held and nothing is on its way.
func (s *Sink) send(chosen func(*batchInfo) bool) {
	s.sent, s.ready = s.ready, nil
	for at, b := range s.open {
		if b.info().rows > 0 && chosen(b.info()) {
			s.sent = append(s.sent, b)
			delete(s.open, at)
		}
	}
	if len(s.sent) == 0 {
		return
	}
	done := make(chan struct{})
	s.onItsWay = done
	sent := s.sent
	go func() {
		defer close(done)
		s.insertAll(sent)
	}()
}

// atOnce is how many batches are inserted beside one another: the engine sorts
// and writes with one thread for each, and the client prepares the next.
const atOnce = 2

// insertAll inserts batches, those of a partition one after the other: what is
// stored of a partition has no gap.
func (s *Sink) insertAll(sent []batch) {
	var places []place
	of := map[place][]batch{}
	for _, b := range sent {
		at := place{b.info().topic, b.info().partition}
		if of[at] == nil {
			places = append(places, at)
		}
		of[at] = append(of[at], b)
	}
	slots := make(chan struct{}, atOnce)
	var inserting sync.WaitGroup
	for _, at := range places {
		slots <- struct{}{}
		inserting.Go(func() {
			defer func() { <-slots }()
			for _, b := range of[at] {
				s.insert(b)
				if !b.info().in {
					return // it was given up, and what comes behind it must not be there without it
				}
			}
		})
	}
	inserting.Wait()
}

// settle waits until what was sent is in, or was given up. s.mu is held.
func (s *Sink) settle() {
	if s.onItsWay == nil {
		return
	}
	<-s.onItsWay
	var left []batch
	for _, b := range s.sent {
		if b.info().in {
			s.spares.give(b)
		} else {
			left = append(left, b)
		}
	}
	s.onItsWay, s.sent, s.ready = nil, nil, append(left, s.ready...)
}

// insert inserts a batch until it is in, or the sink ends.
func (s *Sink) insert(b batch) {
	info := b.info()
	for pause := 100 * time.Millisecond; s.while.Err() == nil && !s.givingUp.Load(); pause = min(2*pause, longestWait) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(s.while, insertTime+5*time.Second)
		err := b.insert(ctx, s.store.conn)
		cancel()
		if err == nil {
			info.in = true
			s.metrics.inserted(info, time.Since(began))
			s.commit(info)
			return
		}
		s.metrics.retries.WithLabelValues(info.table).Inc()
		s.log.Error("a batch is not in the history yet; it is inserted again", "in", pause.String(), "table", info.table, "topic", info.topic,
			"partition", info.partition, "offset", info.first, "rows", info.rows, "error", err, "code", codeOf(err))
		select {
		case <-s.while.Done():
		case <-time.After(pause):
		}
	}
}

// codeOf is the engine's number for an error, 0 if it is not the engine's.
func codeOf(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return 0
}

// commit lets the group know, for those who watch its lag.
func (s *Sink) commit(b *batchInfo) {
	s.client.CommitOffsets(s.while, map[string]map[int32]kgo.EpochOffset{b.topic: {b.partition: {Epoch: -1, Offset: b.next}}},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) {
			if err != nil && !errors.Is(err, context.Canceled) {
				s.log.Warn("offsets are not committed; lag looks larger than it is", "error", err)
			}
		})
}

// giveUp forgets what was gathered of partitions that go to another sink, which
// reads it again. What is being inserted is waited for, since the next owner
// must find it; what fails is left.
func (s *Sink) giveUp(gone map[string][]int32) {
	s.givingUp.Store(true)
	defer s.givingUp.Store(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	for topic, partitions := range gone {
		for _, partition := range partitions {
			delete(s.open, place{topic, partition})
			s.ready = slices.DeleteFunc(s.ready, func(b batch) bool { return b.info().topic == topic && b.info().partition == partition })
			s.metrics.noLag(topic, partition)
		}
	}
}
