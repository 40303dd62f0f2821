package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// transactionTimeout is after how long the brokers abort a transaction that its
// worker has left behind. Until then no reader gets past it, and no other
// worker takes its partitions over. The brokers look every 10 s.
const transactionTimeout = 5 * time.Second

// retryOffsets is how long offsets are offered to a group that rebalances.
const retryOffsets = 3 * time.Second

// transaction is what a worker does at once in Kafka: the records that a
// stretch of its input causes, the changelog of the state that it leads to, and
// the input's offsets. Either all of it is read by others, or nothing.
type transaction struct {
	worker *worker

	turn    int // index of the producer
	open    bool
	began   time.Time
	events  int
	offsets offsets       // to commit, once it is ending
	ending  chan ending   // nil unless it is being committed in the background
	cost    time.Duration // of a commit, averaged
	aborted int           // in a row
	failed  error         // fatal: the state is not what was committed, and the worker must end
}

// ending is how a transaction has ended.
type ending struct {
	committed bool
	err       error // why not; what is beyond repair is fatal
	fatal     bool  // the outcome is unknown, or nothing more can be produced
	took      time.Duration
}

// Bounds of the time between two commits. A commit costs the brokers some ten
// requests whatever is in it, so the more it takes, the more is put in.
const (
	shortestCommit = 5 * time.Millisecond
	longestCommit  = 100 * time.Millisecond
)

// interval is how long a transaction stays open.
func (t *transaction) interval() time.Duration {
	return min(max(2*t.cost, t.worker.stage.shortest), longestCommit)
}

// begin begins a transaction unless one is open. Two producers take turns: when
// a commit has been answered, the brokers still have to write its ends to all
// partitions, and refuse the same producer's next records until then.
func (t *transaction) begin() error {
	if t.open {
		return nil
	}
	w := t.worker
	t.turn = (t.turn + 1) % len(w.producers)
	w.producer = w.producers[t.turn]
	w.out.client = w.producer
	if w.exactlyOnce {
		if err := w.producer.BeginTransaction(); err != nil {
			return fmt.Errorf("beginning a transaction: %w", err)
		}
	}
	t.open, t.began, t.events = true, time.Now(), 0
	return nil
}

// end commits the open transaction in the background; settle waits for it.
// Meanwhile the worker reads and decodes what comes next, and changes no state.
func (t *transaction) end() {
	w := t.worker
	t.open = false
	t.offsets = w.fillChangelog()
	ended := make(chan ending, 1)
	t.ending = ended
	began := time.Now()
	go func() {
		var e ending
		if w.exactlyOnce {
			e = t.commit()
		} else {
			e = t.flushInOrder()
		}
		e.took = time.Since(began)
		ended <- e
	}()
}

// commit commits the transaction, or aborts it.
func (t *transaction) commit() ending {
	w := t.worker
	w.produceAll(w.changes)
	w.produceAll(w.advances)
	err := w.flush()
	if err == nil {
		err = w.commitInTransaction(w.while, t.offsets)
	}
	if err != nil {
		return t.abort(err)
	}
	// Whether a commit without an answer has happened, only the log tells: a
	// fresh worker reads it there.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.while), 2*flushTime)
	defer cancel()
	if err := w.producer.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return ending{fatal: true, err: fmt.Errorf("committing a transaction: %w", err)}
	}
	return ending{committed: true}
}

func (t *transaction) abort(why error) ending {
	w := t.worker
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.while), w.drain)
	defer cancel()
	err := w.producer.AbortBufferedRecords(ctx)
	if err == nil {
		err = w.producer.EndTransaction(ctx, kgo.TryAbort)
	}
	if err != nil {
		return ending{fatal: true, err: errors.Join(why, fmt.Errorf("aborting the transaction: %w", err))}
	}
	return ending{err: why}
}

// flushInOrder is the end without transactions: what events cause is
// acknowledged before the state, and that before it is said how far the input
// has come, since the client does not keep what is behind a refused record from
// being written. A crash in between publishes some records again, with the same
// bytes.
func (t *transaction) flushInOrder() ending {
	w := t.worker
	for _, next := range [][]kgo.Record{nil, w.changes, w.advances} { // detections and scores are produced already
		w.produceAll(next)
		if err := w.flush(); err != nil {
			return ending{fatal: true, err: err}
		}
	}
	w.offerLag(t.offsets)
	return ending{committed: true}
}

// offerLag commits offsets in the background: without transactions they are for
// those who watch lag, nothing else.
func (w *worker) offerLag(done offsets) {
	w.consumer.CommitOffsets(w.while, done, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) {
		if err != nil && !errors.Is(err, context.Canceled) { // by the next ones
			w.log.Warn("offsets are not committed; lag looks larger than it is", "error", err)
		}
	})
}

// commitLag commits the offsets of everything that is done, before partitions
// leave.
func (w *worker) commitLag() {
	if w.exactlyOnce {
		return
	}
	done := offsets{}
	for id, p := range w.partitions {
		if p.ready {
			done.set(w.stage.input, id, kgo.EpochOffset{Epoch: -1, Offset: p.next})
		}
	}
	if _, err := done.commit(w.while, w.consumer); err != nil {
		w.log.Warn("offsets are not committed; lag looks larger than it is", "error", err)
	}
}

// settle waits for the transaction that is ending, if there is one, and makes
// what was in it part of the state, or takes it back. It returns what only a
// fresh worker can mend. w.mu is held.
func (t *transaction) settle() error {
	if t.ending == nil {
		return t.failed
	}
	e := <-t.ending
	t.ending = nil
	w := t.worker
	if e.fatal {
		t.failed = e.err // kept, because a callback of the group can only log it
		return e.err
	}
	if e.committed {
		t.cost = (7*t.cost + e.took) / 8
		w.metrics.commitSeconds.Observe(e.took.Seconds())
		t.aborted = 0
		w.committed(t.offsets)
		return nil
	}
	w.metrics.aborts.Inc()
	w.log.Warn("a transaction is taken back and done again", "error", e.err)
	w.rollback()
	if t.aborted++; t.aborted > 3 {
		return fmt.Errorf("%d transactions in a row were taken back: %w", t.aborted, e.err)
	}
	return nil
}

// drop aborts the transaction that is open, after settling one that is ending.
func (t *transaction) drop(why error) error {
	if err := t.settle(); err != nil {
		return err
	}
	if !t.open {
		return nil
	}
	t.open = false
	if !t.worker.exactlyOnce {
		t.worker.rollback()
		return nil
	}
	ended := make(chan ending, 1)
	ended <- t.abort(why)
	t.ending = ended
	return t.settle()
}

// finish commits what is open and waits for it.
func (t *transaction) finish() error {
	if err := t.settle(); err != nil {
		return err
	}
	if t.open {
		t.end()
	}
	return t.settle()
}

// commitInTransaction puts the offsets into the transaction, as a member of
// the consumer's group: one that the group no longer knows is refused. While
// the group rebalances the generation changes; the worker's partitions are its
// own until it gives them up, so it tries again with the new one.
func (w *worker) commitInTransaction(ctx context.Context, done offsets) error {
	deadline := time.Now().Add(retryOffsets)
	for pause := 5 * time.Millisecond; ; pause *= 2 {
		err := w.offerOffsets(ctx, done)
		again := errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.ConcurrentTransactions) || isComing(err)
		if err == nil || !again || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func (w *worker) offerOffsets(ctx context.Context, done offsets) error {
	id, epoch, err := w.producer.ProducerID(ctx)
	if err != nil {
		return fmt.Errorf("producer id: %w", err)
	}
	request := kmsg.NewPtrTxnOffsetCommitRequest()
	request.TransactionalID = fmt.Sprintf("%s-%d", w.transactionalID, w.tx.turn)
	request.Group = w.group
	request.ProducerID, request.ProducerEpoch = id, epoch
	request.MemberID, request.Generation = w.consumer.GroupMetadata()
	request.InstanceID = &w.member
	for topic, partitions := range done {
		t := kmsg.NewTxnOffsetCommitRequestTopic()
		t.Topic, t.TopicID = topic, w.inputID
		for id, at := range partitions {
			p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
			p.Partition, p.Offset, p.LeaderEpoch = id, at.Offset, at.Epoch
			t.Partitions = append(t.Partitions, p)
		}
		request.Topics = append(request.Topics, t)
	}
	response, err := request.RequestWith(ctx, w.producer)
	if err != nil {
		return fmt.Errorf("offsets in a transaction: %w", err)
	}
	for _, topic := range response.Topics {
		for _, p := range topic.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("offset of %s/%d in a transaction: %w", w.stage.input, p.Partition, err)
			}
		}
	}
	return nil
}

// requireTransactions refuses brokers on which a commit that comes late could
// hit the transaction after it (KIP-890).
func requireTransactions(ctx context.Context, client *kgo.Client) error {
	response, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(response.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("features of the brokers: %w", err)
	}
	level := int16(0)
	for _, f := range response.FinalizedFeatures {
		if f.Name == "transaction.version" {
			level = f.MaxVersionLevel
		}
	}
	if level < 2 {
		return fmt.Errorf("the brokers have transaction.version=%d, and exactly_once needs 2: a commit that comes late could hit the wrong transaction (KIP-890). "+
			"Raise it with kafka-features.sh upgrade --feature transaction.version=2 (Kafka 4.0 or later), or set engine.delivery: at_least_once", level)
	}
	return nil
}

// topicID asks for the id of a topic. Brokers that have not heard yet that the
// topic was created are asked again for a while.
func topicID(ctx context.Context, client *kgo.Client, topic string) (kadm.TopicID, error) {
	for began := time.Now(); ; {
		topics, err := kadm.NewClient(client).ListTopics(kadm.WithAuthorizedOps(ctx), topic)
		if err == nil {
			err = topics[topic].Err
		}
		switch {
		case err == nil:
			return topics[topic].ID, nil
		case !errors.Is(err, kerr.UnknownTopicOrPartition), time.Since(began) > startTime:
			return kadm.TopicID{}, fmt.Errorf("id of topic %s: %w", topic, err)
		}
		select {
		case <-ctx.Done():
			return kadm.TopicID{}, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
