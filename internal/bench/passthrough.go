package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// passThrough is the yardstick: the same way from topic to topic as the
// engine's, in transactions, with nothing done on it. The first hop keys each
// record by its subject, the second copies it; values stay as they are. The
// sessions have the engine's settings: the same number of workers, polls,
// fetches, compression and commit interval.
type passThrough struct {
	broker              string
	source, middle, out string
	workers             int
	hop1, hop2          atomic.Int64 // records in committed transactions
	joined              atomic.Int32 // partitions that a worker reads, of both hops
}

// The engine's own settings of its sessions.
const (
	commitEvery  = 100 * time.Millisecond
	pollRecords  = 10_000
	maxBuffered  = 200_000
	maxBatch     = 1_000_000
	fetchMaxWait = 100 * time.Millisecond
	// A group of several members settles in two rounds, each as long as this.
	heartbeatEvery = 500 * time.Millisecond
)

// run copies until ctx ends; an error of a worker ends all.
func (p *passThrough) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for i := range p.workers {
		for hop, work := range []func(context.Context, int) error{p.first, p.second} {
			workers.Go(func() {
				if err := work(ctx, i); err != nil && ctx.Err() == nil {
					cancel(fmt.Errorf("pass-through, hop %d: %w", hop+1, err))
				}
			})
		}
	}
	workers.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (p *passThrough) first(ctx context.Context, worker int) error {
	return p.copy(ctx, fmt.Sprintf("hop1-%d", worker), p.source, p.middle, &p.hop1, func(r *kgo.Record) []byte { return subjectOf(r.Value) })
}

func (p *passThrough) second(ctx context.Context, worker int) error {
	return p.copy(ctx, fmt.Sprintf("hop2-%d", worker), p.middle, p.out, &p.hop2, func(r *kgo.Record) []byte { return r.Key })
}

// subjectOf is the actor's name in an Okta event, which stands in front.
func subjectOf(value []byte) []byte {
	_, rest, _ := bytes.Cut(value, []byte(`"alternateId":"`))
	subject, _, _ := bytes.Cut(rest, []byte{'"'})
	return subject
}

func (p *passThrough) copy(ctx context.Context, id, from, to string, done *atomic.Int64, key func(*kgo.Record) []byte) error {
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(p.broker),
		kgo.TransactionalID(p.out+"-"+id),
		kgo.MetadataMinAge(20*time.Millisecond), // as the engine: see produceAgain there
		kgo.ConsumerGroup(p.out+"-to-"+to),
		kgo.ConsumeTopics(from),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.HeartbeatInterval(heartbeatEvery),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(maxBatch),
		kgo.MaxBufferedRecords(maxBuffered),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
			p.joined.Add(int32(len(assigned[from])))
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
			p.joined.Add(-int32(len(revoked[from])))
		}),
	)
	if err != nil {
		return err
	}
	defer session.Close()
	for ctx.Err() == nil {
		n, err := transaction(ctx, session, to, key)
		if err != nil {
			return err
		}
		done.Add(int64(n))
	}
	return nil
}

// transaction copies what comes within commitEvery. It returns how many
// records were committed.
func transaction(ctx context.Context, session *kgo.GroupTransactSession, to string, key func(*kgo.Record) []byte) (int, error) {
	fetches := session.PollRecords(ctx, pollRecords)
	if ctx.Err() != nil || fetches.IsClientClosed() {
		return 0, nil
	}
	if fetches.Empty() {
		return 0, fetches.Err()
	}
	if err := session.Begin(); err != nil {
		return 0, err
	}
	promise := kgo.AbortingFirstErrPromise(session.Client())
	until, cancel := context.WithTimeout(ctx, commitEvery)
	defer cancel()
	n := 0
	for {
		records := fetches.Records()
		n += len(records)
		copies := make([]kgo.Record, len(records))
		for i, r := range records {
			copies[i] = kgo.Record{Topic: to, Key: key(r), Value: r.Value}
			session.Produce(ctx, &copies[i], promise.Promise())
		}
		if until.Err() != nil {
			break
		}
		fetches = session.PollRecords(until, pollRecords)
	}
	err := promise.Err()
	committed, endErr := session.End(context.WithoutCancel(ctx), kgo.TransactionEndTry(err == nil))
	if err := errors.Join(err, endErr); err != nil {
		return 0, err
	}
	if !committed { // a rebalance came between: the records come again
		return 0, nil
	}
	return n, nil
}
