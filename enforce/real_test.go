//go:build realkafka

package enforce_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/enforce"
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/kafkatest"
	"github.com/riskstream/riskstream/internal/publish"
)

// A table on a real broker: scores written in transactions, a partition from
// which compaction has removed everything, a kill of the broker.
func TestRealBroker(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	broker, err := kafkatest.StartReal(ctx, t.TempDir(), "log.cleaner.backoff.ms=100", "log.initial.task.delay.ms=100", "log.retention.check.interval.ms=200")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := broker.Kill(); err != nil {
			t.Error(err)
		}
	}()
	producer, err := kgo.NewClient(kgo.SeedBrokers(broker.Addr), kgo.DefaultProduceTopic(topic), kgo.TransactionalID("lane"))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	admin := kadm.NewClient(producer)
	// What a day does to the topic happens here at once.
	hasty := map[string]*string{}
	for name, value := range map[string]string{"cleanup.policy": "compact", "segment.ms": "100", "delete.retention.ms": "0", "min.cleanable.dirty.ratio": "0.001", "max.compaction.lag.ms": "1"} {
		hasty[name] = &value
	}
	if _, err := admin.CreateTopic(ctx, 1, 1, hasty, topic); err != nil {
		t.Fatal(err)
	}
	commit := func(records ...*kgo.Record) {
		t.Helper()
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := producer.EndTransaction(ctx, kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	watch := func() *enforce.Table {
		t.Helper()
		table, err := enforce.Watch(ctx, enforce.Config{Brokers: []string{broker.Addr}, StaleAfter: 6 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if err := table.WaitReady(ctx); err != nil {
			t.Fatal(err)
		}
		return table
	}
	until := func(what string, done func() bool) {
		t.Helper()
		for !done() {
			select {
			case <-ctx.Done():
				t.Fatalf("waiting until %s: %v\n%s", what, ctx.Err(), broker.LogTail())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}

	const users = 100
	for i := range users {
		s := score(fmt.Sprint("user", i), 1, event.High, event.Revoke)
		commit(&kgo.Record{Key: []byte(s.Entity), Value: publish.AppendScore(nil, &s)})
	}
	begin := time.Now()
	table := watch()
	defer table.Close()
	t.Logf("ready with %d scores after %v", table.Len(), time.Since(begin).Round(time.Millisecond))
	if table.Len() != users {
		t.Fatalf("%d scores, want %d", table.Len(), users)
	}

	for i := range users {
		commit(&kgo.Record{Key: fmt.Appendf(nil, "user:default/user%d", i)})
	}
	until("the tombstones are in the table", func() bool { return table.Len() == 0 })
	until("compaction has removed the tombstones", func() bool {
		// Only a write makes the broker begin a new segment and clean the old.
		commit(&kgo.Record{Key: []byte("user:default/last")})
		return remaining(ctx, t, broker.Addr) < users/10
	})
	second := watch()
	defer second.Close()

	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	until("the table is stale", func() bool { return table.Decide(enforce.Request{User: "user1"}).Stale })
	if err := broker.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	s := score("user1", 2, event.Medium, event.StepUp)
	commit(&kgo.Record{Key: []byte(s.Entity), Value: publish.AppendScore(nil, &s)})
	for _, table := range []*enforce.Table{table, second} {
		until("the new score counts", func() bool {
			v := table.Decide(enforce.Request{User: "user1"})
			return v.Decision == event.StepUp && !v.Stale
		})
	}
}

// remaining counts the records that are left in the topic.
func remaining(ctx context.Context, t *testing.T, addr string) int {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	n := 0
	for {
		wait, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		fetches := client.PollFetches(wait)
		cancel()
		if fetches.NumRecords() == 0 {
			return n
		}
		n += fetches.NumRecords()
	}
}
