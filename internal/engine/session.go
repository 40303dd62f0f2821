package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitEvery bounds how much is done again after a crash.
const commitEvery = 100 * time.Millisecond

// heartbeatEvery is how soon a worker learns that the group rebalances. A
// cooperative rebalance takes two rounds, so the client's 3 s would hold up
// moving partitions for 6.
const heartbeatEvery = 500 * time.Millisecond

// drainTime is how long a worker that is told to stop may take to have what it
// has read acknowledged and committed. Orchestrators kill after 30 s.
const drainTime = 20 * time.Second

// leaveTime is how long it may then take to end its client.
const leaveTime = 5 * time.Second

// fetchMaxWait is how long brokers may hold back an answer without records.
const fetchMaxWait = 100 * time.Millisecond

// pollRecords is the most records that a worker takes at a time.
const pollRecords = 10_000

// sessionTimeout is after how long without a word a member's partitions go to
// others. A member that comes back within it, under the same name, finds its
// partitions as it left them and disturbs nobody.
const sessionTimeout = 10 * time.Second

// rebalanceTimeout is how long a member may take to commit what it gives up,
// and so for how long a rebalance waits for one that has gone.
const rebalanceTimeout = 15 * time.Second

// sessionOptions are what every worker asks of its client: a member of a group,
// of a name that stays, that commits by itself and that no rebalance interrupts
// between a poll and AllowRebalance.
func sessionOptions(group, member string, timeout time.Duration, topics ...string) []kgo.Opt {
	return []kgo.Opt{
		kgo.ConsumerGroup(group),
		kgo.InstanceID(member),
		kgo.SessionTimeout(timeout),
		kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(heartbeatEvery),
		kgo.BlockRebalanceOnPoll(),
	}
}

// outlasting returns a context that ends some time after ctx: what was begun is
// finished, but a broker that does not answer cannot hold up the end for ever.
func outlasting(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(by):
			cancel(fmt.Errorf("the brokers did not answer for %v", by))
		case <-late.Done():
		}
	})
	return late, func() {
		stop()
		cancel(nil)
	}
}

// leave ends a client, also when no broker answers. Its member stays in the
// group, for who comes back under its name. A group that rebalances answers
// late; that is not waited for.
func leave(client *kgo.Client) {
	client.AllowRebalance()
	ended := make(chan struct{})
	go func() {
		client.Close()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(leaveTime):
	}
}

// readOn has the client read on from where it is in all its partitions. Of a
// batch that is too large when it is decompressed the client tells once, and
// reads no more of the partition until it is told from where. What it was about
// to tell when partitions came or went is lost.
func readOn(client *kgo.Client) {
	at := offsets(client.CommittedOffsets())
	for topic, partitions := range client.UncommittedOffsets() {
		for partition, next := range partitions {
			at.set(topic, partition, next)
		}
	}
	readFrom(client, at)
}

// readFrom has the client begin anew to read partitions, also where it was there
// already: told that, it would change nothing.
func readFrom(client *kgo.Client, at offsets) {
	elsewhere := offsets{}
	for topic, partitions := range at {
		for partition, next := range partitions {
			next.Offset++
			elsewhere.set(topic, partition, next)
		}
	}
	client.SetOffsets(elsewhere)
	client.SetOffsets(at)
}

// fromStart replaces offsets that say "from the start" by where that is, so that
// the client knows of every partition where it is.
func fromStart(ctx context.Context, client *kgo.Client, offsets map[string]map[int32]kgo.Offset) error {
	var open []string
	for topic, partitions := range offsets {
		for _, at := range partitions {
			if at.EpochOffset().Offset < 0 && !slices.Contains(open, topic) {
				open = append(open, topic)
			}
		}
	}
	if len(open) == 0 {
		return nil
	}
	starts, err := kadm.NewClient(client).ListStartOffsets(ctx, open...)
	if err != nil {
		return fmt.Errorf("start of %s: %w", strings.Join(open, ", "), err)
	}
	starts.Each(func(start kadm.ListedOffset) {
		if at, ours := offsets[start.Topic][start.Partition]; ours && at.EpochOffset().Offset < 0 && start.Err == nil {
			offsets[start.Topic][start.Partition] = kgo.NewOffset().At(start.Offset)
		}
	})
	return nil
}

// sayAgain is how long an error of a partition that has been logged is not
// logged again.
const sayAgain = 30 * time.Second

// readErrors deals with what a poll could not read. An error of one partition
// must not stop the others: the client goes on to try, and the error is logged
// and counted.
type readErrors struct {
	log     *slog.Logger
	metrics *Metrics
	said    map[string]time.Time
	// tooLarge takes a batch that is stepped over, because it would
	// decompress to more memory than it may have.
	tooLarge func(*kgo.ErrDecompressTooLarge)
}

// of handles the errors of a poll. What it returns only a fresh client can mend.
func (r *readErrors) of(client *kgo.Client, fetches kgo.Fetches) (failed error) {
	fetches.EachError(func(topic string, partition int32, err error) {
		var session *kgo.ErrGroupSession
		var lost *kgo.ErrDataLoss
		var tooLarge *kgo.ErrDecompressTooLarge
		switch {
		case errors.As(err, &session), errors.As(err, &lost), errors.Is(err, kgo.ErrClientClosed),
			errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
			// Partitions are gone, or records that the state may rest on, or
			// the topic was created anew, which a client never takes note of.
			failed = fmt.Errorf("reading %s/%d: %w", topic, partition, err)
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			// Nothing has come, or the worker is told to stop.
		case errors.As(err, &tooLarge):
			r.metrics.readErrors.WithLabelValues(topic).Inc()
			r.log.Error("a batch is stepped over: decompressed it would be too large", "topic", topic, "partition", partition,
				"offset", tooLarge.Offset, "next", tooLarge.NextOffset)
			r.tooLarge(tooLarge)
			client.SetOffsets(map[string]map[int32]kgo.EpochOffset{topic: {partition: {Epoch: tooLarge.Epoch, Offset: tooLarge.NextOffset}}})
		default:
			r.metrics.readErrors.WithLabelValues(topic).Inc()
			r.say(topic, partition, err)
		}
	})
	return failed
}

func (r *readErrors) say(topic string, partition int32, err error) {
	what := fmt.Sprintf("%s/%d: %v", topic, partition, err)
	if time.Since(r.said[what]) < sayAgain {
		return
	}
	if r.said == nil || len(r.said) > 1000 {
		r.said = map[string]time.Time{}
	}
	r.said[what] = time.Now()
	r.log.Error("a partition cannot be read; it is tried again", "topic", topic, "partition", partition, "error", err)
}

// offsets are positions to commit, by topic and partition.
type offsets map[string]map[int32]kgo.EpochOffset

func (o offsets) set(topic string, partition int32, at kgo.EpochOffset) {
	if o[topic] == nil {
		o[topic] = map[int32]kgo.EpochOffset{}
	}
	o[topic][partition] = at
}

func (o offsets) clone() offsets {
	clone := offsets{}
	for topic, partitions := range o {
		clone[topic] = maps.Clone(partitions)
	}
	return clone
}

// remove removes those positions that are the same in both.
func (o offsets) remove(other offsets) {
	for topic, partitions := range other {
		for partition, at := range partitions {
			if o[topic][partition] == at {
				delete(o[topic], partition)
			}
		}
		if len(o[topic]) == 0 {
			delete(o, topic)
		}
	}
}

// commit commits the positions and reports the first partition that was
// refused. A group in the middle of a rebalance takes no commits: committed is
// false then, and the next commit will do.
func (o offsets) commit(ctx context.Context, client *kgo.Client) (committed bool, failed error) {
	client.CommitOffsetsSync(ctx, o, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if response == nil {
			return
		}
		for _, topic := range response.Topics {
			for _, partition := range topic.Partitions {
				if e := kerr.ErrorForCode(partition.ErrorCode); e != nil && failed == nil {
					failed = fmt.Errorf("%s/%d: %w", topic.Topic, partition.Partition, e)
				}
			}
		}
	})
	if errors.Is(failed, kerr.RebalanceInProgress) {
		return false, nil
	}
	if failed != nil {
		return false, fmt.Errorf("committing offsets: %w", failed)
	}
	return true, nil
}
