package engine

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/config"
)

// WriteState writes the subject lane's state as its changelog holds it now: one
// line of JSON for each subject and each fall to come, sorted by key, in the
// form of a replay's state.jsonl. It disturbs no running engine.
func WriteState(ctx context.Context, cfg *config.Config, log *slog.Logger, out io.Writer) error {
	opts, err := cfg.Kafka.ClientOptions(log)
	if err != nil {
		return err
	}
	topic := cfg.Kafka.Topics().State
	client, err := kgo.NewClient(slices.Concat(opts, []kgo.Opt{
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.KeepControlRecords(), // they take up offsets
	})...)
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("end of %s: %w", topic, err)
	}
	left := map[int32]int64{}
	partitions := map[int32]*Partition{}
	ends.Each(func(end kadm.ListedOffset) {
		partitions[end.Partition] = NewPartition(replayMemory)
		if end.Offset > 0 {
			left[end.Partition] = end.Offset
		}
	})
	var failed error
	for len(left) > 0 && failed == nil {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if failed == nil && !record.Attrs.IsControl() {
				if err := partitions[record.Partition].load(record.Key, record.Value); err != nil {
					failed = fmt.Errorf("%s/%d offset %d: %w", record.Topic, record.Partition, record.Offset, err)
				}
			}
			if record.Offset+1 >= left[record.Partition] {
				delete(left, record.Partition)
			}
		})
	}
	if failed != nil {
		return failed
	}
	return writeState(out, slices.Collect(maps.Values(partitions))...)
}
