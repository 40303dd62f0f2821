package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Load is what a load generator, a process of its own, is to do. It reads this
// as JSON from its standard input.
type Load struct {
	Broker     string
	Topic      string // of the raw events
	Partitions int32
	Seed       uint64
	Phase      uint32 // stands in the events' ids
	Subjects   int
	Events     int
	First      bool          // introduce every subject, instead of the mixed workload
	End        time.Time     // of the events' own times; open-loop events happen when they are sent
	Span       time.Duration // of the events' own times
	Rate       int           // events a second of an open loop; 0 produces a backlog
	Scores     string        // topic that an open loop reads what comes of the events from
	Skip       time.Duration // at the start of an open loop, not measured
	Drain      *Drain        // what a committed backlog goes through; nil does not wait for it
}

// Loaded is the load generator's answer, a line of JSON.
type Loaded struct {
	Bytes   int64         `json:",omitempty"` // of values
	Took    time.Duration `json:",omitempty"` // from the backlog's commit to the engine's last one
	Latency *Latency      `json:",omitempty"`
}

// RunLoad is the load generator: it reads a Load, and answers when it is done.
// A backlog waits, produced but in an open transaction, until another line
// comes, so that whoever reads only what is committed gets it at once.
func RunLoad(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := json.NewDecoder(in)
	answer := json.NewEncoder(out)
	var load Load
	if err := lines.Decode(&load); err != nil {
		return fmt.Errorf("reading the load: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l, err := newLoader(load)
	if err != nil {
		return err
	}
	defer l.client.Close()
	if load.Rate > 0 {
		latency, err := l.openLoop(ctx)
		if err != nil {
			return err
		}
		return answer.Encode(Loaded{Bytes: l.bytes, Latency: latency})
	}
	if err := l.backlog(ctx); err != nil {
		return err
	}
	if err := answer.Encode(Loaded{Bytes: l.bytes}); err != nil {
		return err
	}
	var commit bool
	if err := lines.Decode(&commit); err != nil {
		return fmt.Errorf("waiting for the word to commit: %w", err)
	}
	began := time.Now()
	if err := l.client.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
		return fmt.Errorf("committing the backlog: %w", err)
	}
	if load.Drain == nil {
		return answer.Encode(Loaded{})
	}
	ended, err := load.Drain.wait(ctx, kadm.NewClient(l.client), load.Topic, l.ends())
	if err != nil {
		return err
	}
	return answer.Encode(Loaded{Took: ended.Sub(began)})
}

// loader produces raw events as an identity provider's connector does, each
// subject's in order.
type loader struct {
	load      Load
	client    *kgo.Client
	generator *generator
	bytes     int64
	ahead     []atomic.Int64 // by partition: behind the last acknowledged event
	failed    atomic.Pointer[error]
}

func newLoader(load Load) (*loader, error) {
	g, err := newGenerator(load.Seed, load.Phase, load.Subjects)
	if err != nil {
		return nil, err
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(load.Broker),
		kgo.DefaultProduceTopic(load.Topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(50_000),
		kgo.ProducerLinger(0),
	}
	if load.Rate == 0 {
		opts = append(opts, kgo.TransactionalID(fmt.Sprintf("%s-load-%d", load.Topic, load.Phase)),
			kgo.TransactionTimeout(10*time.Minute), kgo.ProducerLinger(20*time.Millisecond))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	return &loader{load: load, client: client, generator: g, ahead: make([]atomic.Int64, load.Partitions)}, nil
}

func (l *loader) produce(ctx context.Context, e *rawEvent) {
	value := l.generator.append(make([]byte, 0, 2816), e)
	l.bytes += int64(len(value))
	partition := int32(e.person.hash % uint64(l.load.Partitions))
	l.client.Produce(ctx, &kgo.Record{Value: value, Partition: partition}, l.acknowledge)
}

func (l *loader) acknowledge(r *kgo.Record, err error) {
	if err != nil {
		err = fmt.Errorf("producing to %s: %w", r.Topic, err)
		l.failed.CompareAndSwap(nil, &err)
		return
	}
	l.ahead[r.Partition].Store(r.Offset + 1) // in order within a partition
}

// backlog produces all events in a transaction that stays open.
func (l *loader) backlog(ctx context.Context) error {
	if err := l.client.BeginTransaction(); err != nil {
		return err
	}
	at := timesOf(l.load.End, l.load.Span, l.load.Events)
	next := l.generator.next
	if l.load.First {
		next = l.generator.first
	}
	for i := range l.load.Events {
		e := next(at(i))
		l.produce(ctx, &e)
		if failed := l.failed.Load(); failed != nil {
			return *failed
		}
	}
	return l.flush(ctx)
}

func (l *loader) flush(ctx context.Context) error {
	err := l.client.Flush(ctx)
	if failed := l.failed.Load(); failed != nil {
		err = *failed
	}
	return err
}

// ends are the offsets behind the last event of each partition.
func (l *loader) ends() map[int32]int64 {
	ends := map[int32]int64{}
	for i := range l.ahead {
		if at := l.ahead[i].Load(); at > 0 {
			ends[int32(i)] = at
		}
	}
	return ends
}

// settleTime is how long an open loop waits, after its last event, for scores
// that have not come. What comes later counts as missing.
const settleTime = 15 * time.Second

// openLoop sends events at a fixed rate, whatever becomes of them, and measures
// from the moment at which each marked one should have been sent to the moment
// at which its score is read. An engine that falls behind is not waited for,
// and a late send counts against it too.
func (l *loader) openLoop(ctx context.Context) (*Latency, error) {
	reader, err := newScoreReader(ctx, l.load)
	if err != nil {
		return nil, err
	}
	defer reader.close()
	period := time.Second / time.Duration(l.load.Rate)
	start := time.Now().Add(100 * time.Millisecond)
	skip := uint64(l.load.Skip / period)
	reader.begin(ctx, start, period, skip)
	due := make(map[uint64]bool)
	for i := range l.load.Events {
		at := start.Add(time.Duration(i) * period)
		if wait := time.Until(at); wait > 0 {
			time.Sleep(wait)
		}
		e := l.generator.next(at.UTC())
		if e.marked && e.index >= skip {
			due[e.index] = true
		}
		l.produce(ctx, &e)
		if failed := l.failed.Load(); failed != nil {
			return nil, *failed
		}
	}
	if err := l.flush(ctx); err != nil {
		return nil, err
	}
	latency := reader.wait(ctx, due)
	latency.Rate = l.load.Rate
	if latency.Events == 0 {
		return nil, errors.New("no score came of the marked events")
	}
	return latency, ctx.Err()
}
