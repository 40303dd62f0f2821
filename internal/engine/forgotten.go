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
// (KIP-664); without it, the log says so and the engine goes on.
func (w *worker) endForgotten(ctx context.Context, client *kgo.Client, id string) error {
	admin := kadm.NewClient(client)
	ended, err := describeEnded(ctx, admin, id)
	if err != nil || ended == nil {
		return err
	}
	var forgotten []kadm.TxnMarkers
	for _, topics := range [][]string{w.stage.outputs, {groupOffsets}} {
		open, err := openIn(ctx, admin, topics, ended)
		if isForbidden(err) {
			w.log.Debug("not allowed to look for transactions that hang", "topics", topics, "error", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("looking for open transactions of %s: %w", id, err)
		}
		forgotten = append(forgotten, open...)
	}
	for _, marker := range forgotten {
		in := marker.Topics.Sorted()[0]
		log := w.log.With("transactional_id", id, "commit", marker.Commit, "topic", in.Topic, "partition", in.Partitions[0])
		switch err := writeMarker(ctx, admin, marker); {
		case isForbidden(err):
			log.Error("a transaction hangs, and riskstream may not end it: it needs ALTER on the cluster; or end it with kafka-transactions.sh abort", "error", err)
		case err != nil:
			return fmt.Errorf("ending an open transaction of %s: %w", id, err)
		default:
			log.Warn("a transaction that its coordinator had forgotten is ended")
		}
	}
	return nil
}

// openIn returns what ends the transactions, one partition each, that were left
// open in the topics by the producer of one that has ended.
func openIn(ctx context.Context, admin *kadm.Client, topics []string, ended *kadm.DescribedTransaction) ([]kadm.TxnMarkers, error) {
	set := kadm.TopicsSet{}
	for _, topic := range topics {
		set.Add(topic)
	}
	described, err := admin.DescribeProducers(ctx, set)
	var markers []kadm.TxnMarkers
	described.EachProducer(func(p kadm.DescribedProducer) {
		if p.ProducerID != ended.ProducerID || p.CurrentTxnStartOffset < 0 || p.ProducerEpoch >= ended.ProducerEpoch {
			return
		}
		marker := kadm.TxnMarkers{
			ProducerID: p.ProducerID, ProducerEpoch: ended.ProducerEpoch, CoordinatorEpoch: p.CoordinatorEpoch,
			Commit: ended.State == completeCommit && p.ProducerEpoch == ended.ProducerEpoch-1,
			Topics: kadm.TopicsSet{},
		}
		marker.Topics.Add(p.Topic, p.Partition)
		markers = append(markers, marker)
	})
	return markers, err
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
		switch {
		case errors.Is(err, kerr.TransactionalIDNotFound), err == nil && !known:
			return nil, nil
		case err == nil && !isEnding(described.State):
			return &described, nil
		case err == nil:
			err = fmt.Errorf("still %s after %v", described.State, startTime)
		case !isComing(err):
			return nil, fmt.Errorf("state of the transaction %s: %w", id, err)
		}
		if time.Since(began) > startTime {
			return nil, fmt.Errorf("state of the transaction %s: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// isComing reports that a coordinator will answer soon: it begins its work.
func isComing(err error) bool {
	return errors.Is(err, kerr.CoordinatorLoadInProgress) || errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.NotCoordinator)
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

// isForbidden reports that an error comes from missing rights, which must not
// keep an engine from working.
func isForbidden(err error) bool {
	var auth *kadm.AuthError
	return errors.As(err, &auth) || errors.Is(err, kerr.ClusterAuthorizationFailed) || errors.Is(err, kerr.TopicAuthorizationFailed)
}
