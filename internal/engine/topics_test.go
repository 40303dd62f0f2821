package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
)

func committed(ctx context.Context, admin *kadm.Client, group string) int64 {
	offsets, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return 0
	}
	var sum int64
	offsets.Each(func(o kadm.OffsetResponse) { sum += max(o.At, 0) })
	return sum
}

// idle reports that ingest has committed the end of every source, and the lanes
// the ends of risk.activity and risk.events, which the former writes to.
func idle(ctx context.Context, admin *kadm.Client, cfg *config.Config) bool {
	topics := cfg.Kafka.Topics()
	return ingested(ctx, admin, cfg) &&
		ends(ctx, admin, topics.Activity) == committed(ctx, admin, cfg.Kafka.Group("source-lane")) &&
		ends(ctx, admin, topics.Events) == committed(ctx, admin, cfg.Kafka.Group("subject-lane"))
}

// ingested reports that ingest has committed the end of every source.
func ingested(ctx context.Context, admin *kadm.Client, cfg *config.Config) bool {
	sources := make([]string, 0, len(cfg.Sources))
	for _, s := range cfg.Sources {
		sources = append(sources, s.Topic)
	}
	return ends(ctx, admin, sources...) == committed(ctx, admin, cfg.Kafka.Group("ingest"))
}

// ends adds up the ends of the topics' partitions; -1 while one is not known.
func ends(ctx context.Context, admin *kadm.Client, topics ...string) int64 {
	offsets, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil || offsets.Error() != nil {
		return -1
	}
	var sum int64
	for _, topic := range topics {
		if len(offsets[topic]) == 0 {
			return -1 // the client has not heard yet that it was created
		}
		for _, partition := range offsets[topic] {
			sum += partition.Offset
		}
	}
	return sum
}

// readTopic reads a whole topic, by partition in offset order.
func readTopic(t *testing.T, ctx context.Context, addr, topic string) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords()) // the ends of transactions take up offsets
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	end := ends(ctx, kadm.NewClient(client), topic)
	next := map[int32]int64{}
	reached := func() (sum int64) {
		for _, offset := range next {
			sum += offset
		}
		return sum
	}
	var records []*kgo.Record
	for reached() < end {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("reading %s: %v", topic, ctx.Err())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			next[r.Partition] = r.Offset + 1
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
	slices.SortStableFunc(records, func(a, b *kgo.Record) int { return int(a.Partition) - int(b.Partition) })
	return records
}

// checkNothingLost looks for every position of the sources among the dead
// letters and those events that the lane takes. One that came behind a later
// one of its origin partition would look like a repeat to it.
func checkNothingLost(t *testing.T, ctx context.Context, admin *kadm.Client, cfg *config.Config, log, deadLetters []*kgo.Record) {
	t.Helper()
	found := map[string]bool{}
	var d event.Decoder
	taken := map[int32]*marks{}
	for _, r := range log {
		e, err := d.Decode(r.Value)
		if err != nil {
			t.Fatalf("risk.events %d/%d: %v", r.Partition, r.Offset, err)
		}
		if taken[r.Partition] == nil {
			fresh := newMarks()
			taken[r.Partition] = &fresh
		}
		if taken[r.Partition].advance(subjectOrNetwork, &e.Origin) { // else the lane drops it
			found[fmt.Sprint(e.Origin.Topic, e.Origin.Partition, e.Origin.Offset)] = true
		}
	}
	dead := 0
	for _, r := range deadLetters {
		o := originOf(t, r.Value)
		found[fmt.Sprint(o.Topic, o.Partition, o.Offset)] = true
		dead++
	}
	missing, total := 0, 0
	for _, source := range cfg.Sources {
		offsets, err := admin.ListEndOffsets(ctx, source.Topic)
		if err != nil {
			t.Fatal(err)
		}
		offsets.Each(func(o kadm.ListedOffset) {
			for at := range o.Offset {
				total++
				if !found[fmt.Sprint(o.Topic, o.Partition, at)] {
					missing++
				}
			}
		})
	}
	if missing > 0 || dead == 0 {
		t.Errorf("%d of %d raw positions are neither in risk.events nor dead letters; %d dead letters", missing, total, dead)
	}
	t.Logf("%d raw positions: %d events in the log, %d dead letters", total, len(log), dead)
}
