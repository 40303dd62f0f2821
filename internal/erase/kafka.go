package erase

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// askTime bounds a question to the brokers.
	askTime = 30 * time.Second
	// readTime bounds the reading of a topic. The changelog of some million
	// users has gigabytes.
	readTime = 10 * time.Minute
	// quietTime is after how long without a record it is asked whether what is
	// left of a partition are offsets without records.
	quietTime = 5 * time.Second
)

// span is where a partition begins and ends.
type span struct{ start, end int64 }

// bounds asks where the partitions of a topic begin and end. The end is behind
// records of open transactions too.
func (e *Eraser) bounds(ctx context.Context, topic string) (map[int32]span, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, fmt.Errorf("the brokers did not answer for %v", askTime))
	defer cancel()
	starts, err := e.admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	var ends kadm.ListedOffsets
	if err == nil {
		ends, err = e.admin.ListEndOffsets(ctx, topic)
	}
	if err == nil {
		err = ends.Error()
	}
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return nil, fmt.Errorf("there is no topic %s: riskstream run makes it; is this its configuration?", topic)
	case err != nil:
		return nil, fmt.Errorf("bounds of %s: %w", topic, e.cfg.Kafka.Explain(err))
	}
	bounds := map[int32]span{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, end.Partition); ok {
			bounds[end.Partition] = span{start.Offset, end.Offset}
		}
	})
	if len(bounds) == 0 {
		return nil, fmt.Errorf("the brokers name no partition of %s", topic)
	}
	return bounds, nil
}

// reader reads committed records of a topic's partitions from the given
// offsets on. It keeps the ends of transactions, which take up offsets.
func (e *Eraser) reader(topic string, from map[int32]int64) (*kgo.Client, error) {
	at := map[int32]kgo.Offset{}
	for partition, offset := range from {
		at[partition] = kgo.NewOffset().At(offset)
	}
	return kgo.NewClient(slices.Concat(e.opts, []kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: at}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxWait(100 * time.Millisecond),
	})...)
}

// read reads the committed records of spans of a topic. It waits for open
// transactions in them to end.
func (e *Eraser) read(ctx context.Context, topic string, spans map[int32]span, each func(*kgo.Record) error) error {
	left, from := map[int32]int64{}, map[int32]int64{}
	for partition, s := range spans {
		if s.start < s.end {
			left[partition], from[partition] = s.end, s.start
		}
	}
	if len(left) == 0 {
		return nil
	}
	client, err := e.reader(topic, from)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, readTime, fmt.Errorf("not read to its end within %v; does a transaction hang in it?", readTime))
	defer cancel()
	for len(left) > 0 {
		some, end := context.WithTimeout(ctx, quietTime)
		fetches := client.PollFetches(some)
		end()
		if ctx.Err() != nil {
			return fmt.Errorf("reading %s: %w", topic, context.Cause(ctx))
		}
		if err := e.refused(fetches); err != nil {
			return err
		}
		var failed error
		fetches.EachRecord(func(r *kgo.Record) {
			// What came after the end was asked for is as good.
			if failed == nil && !r.Attrs.IsControl() {
				failed = each(r)
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
		if failed != nil {
			return failed
		}
		if fetches.NumRecords() == 0 {
			if err := e.stepOverGaps(ctx, topic, left); err != nil {
				return err
			}
		}
	}
	return nil
}

// stepOverGaps ends the reading of partitions in which nothing is open: what is
// left of them was compacted away.
func (e *Eraser) stepOverGaps(ctx context.Context, topic string, left map[int32]int64) error {
	committed, err := e.admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("end of %s: %w", topic, e.cfg.Kafka.Explain(err))
	}
	maps.DeleteFunc(left, func(partition int32, end int64) bool {
		at, ok := committed.Lookup(topic, partition)
		return ok && at.Err == nil && at.Offset >= end
	})
	return nil
}

// refused is what a poll says that will not pass.
func (e *Eraser) refused(fetches kgo.Fetches) error {
	for _, f := range fetches.Errors() {
		if errors.Is(f.Err, context.DeadlineExceeded) || errors.Is(f.Err, context.Canceled) || kerr.IsRetriable(f.Err) {
			continue
		}
		return fmt.Errorf("reading %s/%d: %w", f.Topic, f.Partition, e.cfg.Kafka.Explain(f.Err))
	}
	return nil
}
