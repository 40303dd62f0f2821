package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// groupOffsets is the topic in which Kafka keeps the offsets of groups. A
// transaction with offsets is open there too.
const groupOffsets = "__consumer_offsets"

// endForgotten ends what a transaction of the id has left open in partitions
// although its coordinator takes it for ended.
//
// A coordinator that is about to write the ends of a transaction, and finds a
// partition without a leader, takes the partition for deleted and forgets it.
// That happens when all replicas of a partition crash and come back at once,
// as the only one of a single broker does: the partition is registered as
// without a leader while its broker is already at work again (seen with Apache
// Kafka 4.4.0; TransactionMarkerChannelManager logs "Couldn't find leader
// endpoint"). No reader with read_committed gets past such a transaction, the
// group's offsets stay pending for ever, and the id's next transaction would
// take it along, whatever had become of it.
//
// The coordinator still knows how the transaction has ended. Each end raises
// the epoch of the producer (KIP-890), so what is open under an earlier epoch
// belongs to none that goes on. It needs the right to alter the cluster
// (KIP-664); without it, the error says so and the engine goes on.
func (w *worker) endForgotten(ctx context.Context, client *kgo.Client, id string) error {
	admin := kadm.NewClient(client)
	ended, err := describeEnded(ctx, admin, id)
	if err != nil || ended == nil {
		return err
	}
	topics := kadm.TopicsSet{}
	topics.Add(groupOffsets)
	for _, topic := range w.stage.outputs {
		topics.Add(topic)
	}
	described, err := admin.DescribeProducers(ctx, topics)
	if err != nil {
		return w.unlessForbidden(err, "looking for open transactions of "+id)
	}
	var markers []kadm.TxnMarkers
	described.EachProducer(func(p kadm.DescribedProducer) {
		if p.ProducerID == ended.ProducerID && p.CurrentTxnStartOffset >= 0 && p.ProducerEpoch < ended.ProducerEpoch {
			marker := kadm.TxnMarkers{
				ProducerID: p.ProducerID, ProducerEpoch: ended.ProducerEpoch, CoordinatorEpoch: p.CoordinatorEpoch,
				Commit: ended.State == completeCommit && p.ProducerEpoch == ended.ProducerEpoch-1,
				Topics: kadm.TopicsSet{},
			}
			marker.Topics.Add(p.Topic, p.Partition)
			markers = append(markers, marker)
		}
	})
	for _, marker := range markers {
		if err := writeMarker(ctx, admin, marker); err != nil {
			return w.unlessForbidden(err, "ending an open transaction of "+id)
		}
		for _, in := range marker.Topics.Sorted() {
			w.log.Warn("a transaction that its coordinator had forgotten is ended",
				"transactional_id", id, "commit", marker.Commit, "topic", in.Topic, "partition", in.Partitions[0])
		}
	}
	return nil
}

// completeCommit is the state of a transaction that is committed, as
// coordinators name it.
const completeCommit = "CompleteCommit"

// isEnding reports that a coordinator is still telling the partitions how a
// transaction ends.
func isEnding(state string) bool { return strings.HasPrefix(state, "Prepare") }

// describeEnded describes the last transaction of an id once its coordinator
// has told all partitions that it will tell how it ends. It returns nil for an
// id that never had one.
func describeEnded(ctx context.Context, admin *kadm.Client, id string) (*kadm.DescribedTransaction, error) {
	for began := time.Now(); ; {
		transactions, err := admin.DescribeTransactions(ctx, id)
		described, known := transactions[id]
		if err == nil {
			err = described.Err
		}
		if errors.Is(err, kerr.TransactionalIDNotFound) || err == nil && !known {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("state of the transaction %s: %w", id, err)
		}
		switch {
		case !isEnding(described.State):
			return &described, nil
		case time.Since(began) > startTime:
			return nil, fmt.Errorf("the transaction %s is still %s after %v", id, described.State, startTime)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func writeMarker(ctx context.Context, admin *kadm.Client, marker kadm.TxnMarkers) error {
	responses, err := admin.WriteTxnMarkers(ctx, marker)
	responses.EachPartition(func(p kadm.TxnMarkersPartitionResponse) {
		if p.Err != nil {
			err = errors.Join(err, fmt.Errorf("%s/%d: %w", p.Topic, p.Partition, p.Err))
		}
	})
	return err
}

// unlessForbidden logs an error if it comes from missing rights, which must not
// keep an engine from working, and returns any other.
func (w *worker) unlessForbidden(err error, doing string) error {
	var auth *kadm.AuthError
	if errors.As(err, &auth) || errors.Is(err, kerr.ClusterAuthorizationFailed) || errors.Is(err, kerr.TopicAuthorizationFailed) {
		w.log.Error(doing+": not allowed, so a transaction that hangs would stay; kafka-transactions.sh find-hanging tells of it", "error", err)
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
