package enforce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

const (
	// readyCheck is how often the ends of the partitions are asked for until the
	// table is ready; a third of StaleAfter, at most endsCheck, from then on.
	readyCheck = 250 * time.Millisecond
	endsCheck  = 10 * time.Second
	// sweepEvery is how often spent records are forgotten.
	sweepEvery = time.Minute
	// maxDecompress bounds what one compressed batch may grow to.
	maxDecompress = 64 << 20
	// metadataMaxAge is how long a new partition may go unnoticed.
	metadataMaxAge = 30 * time.Second
)

// follower reads the topic into the records, and knows how old they are: it
// asks the brokers where each partition ends, and once everything before that
// end is read, the partition's records are as new as the question. So silence
// on a quiet topic is told from silence of a broken one, and a partition whose
// reading has stopped for whatever reason is noticed.
type follower struct {
	topic   string
	check   time.Duration
	now     func() time.Time
	log     *slog.Logger
	records *records
	client  *kgo.Client
	started time.Time

	ready     chan struct{}
	readyOnce sync.Once
	all       atomic.Pointer[[]*partition] // the values of partitions, to read without a lock

	mu         sync.Mutex
	partitions map[int32]*partition
}

// partition is how far one partition has been read.
type partition struct {
	id    int32
	start time.Time                 // of the table, which knew nothing before
	heard atomic.Pointer[time.Time] // everything committed until then is in the table; nil: never

	next int64 // offset after the last one read
	// The open question: everything before end was committed at asked.
	open  bool
	end   int64
	asked time.Time
}

// age is the time since which the partition may have scores that are not in
// the table; known is false while it has not been read to an end at all.
func (p *partition) age(now time.Time) (age time.Duration, known bool) {
	heard := p.heard.Load()
	if heard == nil {
		return max(0, now.Sub(p.start)), false
	}
	return max(0, now.Sub(*heard)), true
}

func newFollower(c Config, r *records) *follower {
	f := &follower{
		topic: c.Topic, check: min(c.StaleAfter/3, endsCheck), now: c.Now, log: c.Logger,
		records: r, ready: make(chan struct{}), partitions: make(map[int32]*partition), started: c.Now(),
	}
	f.all.Store(new([]*partition))
	return f
}

func (f *follower) connect(c Config) error {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("riskstream-enforce"),
		kgo.WithLogger(publish.ClientLog(c.Logger)),
		kgo.ConsumeTopics(c.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// Ends of transactions take up offsets: without seeing them, the last
		// offset of a partition would never be reached.
		kgo.KeepControlRecords(),
		kgo.MaxDecompressBatchBytes(maxDecompress),
		kgo.MetadataMaxAge(metadataMaxAge),
	}, c.Options...)...)
	if err != nil {
		return err
	}
	if group, ok := client.OptValue(kgo.ConsumerGroup).(string); ok && group != "" {
		client.Close()
		return fmt.Errorf("Config.Options has the consumer group %q; each enforcement point needs all scores, so it may not share them in a group", group)
	}
	f.client = client
	return nil
}

// consume takes in records until ctx ends.
func (f *follower) consume(ctx context.Context) {
	defer f.client.Close()
	for ctx.Err() == nil {
		fetches := f.client.PollFetches(ctx)
		fetches.EachError(func(topic string, partition int32, err error) {
			if !errors.Is(err, context.Canceled) {
				f.log.Error("scores cannot be read; decisions rest on what is known and are marked stale in time",
					"topic", topic, "partition", partition, "error", err)
			}
		})
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			if len(fetched.Records) == 0 {
				return
			}
			p := f.partition(fetched.Partition)
			for _, r := range fetched.Records {
				f.take(r, p)
			}
			f.readTo(p, fetched.Records[len(fetched.Records)-1].Offset+1)
		})
	}
}

// take applies one record. One that cannot be read is stepped over: it may not
// keep the scores behind it from being known.
func (f *follower) take(r *kgo.Record, p *partition) {
	if r.Attrs.IsControl() {
		return
	}
	if r.Value == nil {
		f.records.remove(string(r.Key))
		return
	}
	score, err := publish.DecodeScore(r.Value)
	if err == nil && score.Entity != string(r.Key) {
		err = fmt.Errorf("its key %.60q is not its entity %.60q", r.Key, score.Entity)
	}
	if err != nil {
		f.log.Error("a record of the scores was stepped over", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "error", err)
		return
	}
	f.records.put(score, p)
}

// partition returns the state of a partition, which is new when the topic grew.
func (f *follower) partition(id int32) *partition {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.partitions[id]
	if p == nil {
		p = &partition{id: id, start: f.started}
		f.partitions[id] = p
		all := append([]*partition{p}, *f.all.Load()...)
		f.all.Store(&all)
	}
	return p
}

// readTo notes that everything before next is in the table, and answers the
// open question if that was what was missing.
func (f *follower) readTo(p *partition, next int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p.next = next
	f.answer(p)
}

// answer closes the open question once everything before its end is read. f.mu
// is held.
func (f *follower) answer(p *partition) {
	if p.open && p.next >= p.end {
		asked := p.asked
		p.open = false
		p.heard.Store(&asked)
	}
}

// ask opens the question whether everything before end, which was committed at
// asked, has been read. An older question that is still open stays: its answer
// says how far behind the table is.
func (f *follower) ask(p *partition, end int64, asked time.Time) (behind bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.open {
		return true
	}
	p.open, p.end, p.asked = true, end, asked
	f.answer(p)
	return false
}

// watchEnds asks for the partitions' ends until ctx ends.
func (f *follower) watchEnds(ctx context.Context) {
	swept := f.now()
	for {
		f.checkEnds(ctx)
		if now := f.now(); now.Sub(swept) >= sweepEvery {
			f.records.sweep(event.TimeOf(now))
			swept = now
		}
		wait := f.check
		if !f.isReady() {
			wait = min(wait, readyCheck)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func (f *follower) checkEnds(ctx context.Context) {
	// A question must not wait longer than the knowledge may age.
	ctx, cancel := context.WithTimeout(ctx, max(f.check, time.Second))
	defer cancel()
	asked := f.now()
	// An error may concern some brokers only; the others' answers count.
	ends, err := kadm.NewClient(f.client).ListCommittedOffsets(ctx, f.topic)
	if err != nil && ctx.Err() == nil {
		f.log.Warn("the ends of the scores' partitions are not known", "topic", f.topic, "error", err)
	}
	complete := len(ends[f.topic]) > 0
	for id, end := range ends[f.topic] {
		if end.Err != nil {
			complete = false
			continue
		}
		p := f.partition(id)
		if f.ask(p, end.Offset, asked) {
			f.stepOverGap(ctx, p)
		}
		complete = complete && p.heard.Load() != nil
	}
	if complete {
		f.readyOnce.Do(func() { close(f.ready) })
	}
}

func (f *follower) isReady() bool {
	select {
	case <-f.ready:
		return true
	default:
		return false
	}
}

// age is the oldest partition's; before any is known, the time since the start.
// known is false while any has not been read to an end.
func (f *follower) age(now time.Time) (oldest time.Duration, known bool) {
	all := *f.all.Load()
	if len(all) == 0 {
		return max(0, now.Sub(f.started)), false
	}
	known = true
	for _, p := range all {
		age, knownHere := p.age(now)
		oldest, known = max(oldest, age), known && knownHere
	}
	return oldest, known
}
