//go:build realkafka

package kafkatest_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/kafkatest"
	"github.com/riskstream/riskstream/internal/publish"
)

func client(t *testing.T, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	config := publish.DefaultKafkaConfig()
	config.Brokers = []string{addr}
	base, err := config.ClientOptions(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c, err := kgo.NewClient(append(base, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// consume returns the values of the next n records.
func consume(ctx context.Context, t *testing.T, c *kgo.Client, n int) []string {
	t.Helper()
	var got []string
	for len(got) < n {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(got), n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return got
}

// riskstream's topics are accepted by a real broker with all their settings,
// and a transaction that aborts is not read.
func TestRealBrokerTakesTopicsAndTransactions(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	addr := kafkatest.Real(t)
	config := publish.DefaultKafkaConfig()
	config.TopicPrefix, config.Partitions = kafkatest.Prefix(t), 2
	topics := config.Topics()

	producer := client(t, addr, kgo.TransactionalID(config.TopicPrefix), kgo.DefaultProduceTopic(topics.Scores))
	admin := kadm.NewClient(producer)
	for range 2 {
		if warnings, err := config.EnsureTopics(ctx, admin); err != nil || len(warnings) > 0 {
			t.Fatalf("warnings %q, error %v", warnings, err)
		}
	}
	config.Partitions = 3
	if _, err := config.EnsureTopics(ctx, admin); err == nil {
		t.Error("another number of partitions was accepted")
	}

	var want []string
	for i, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		value := fmt.Sprint("transaction ", i)
		if err := producer.ProduceSync(ctx, &kgo.Record{Key: []byte("k"), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := producer.EndTransaction(ctx, commit); err != nil {
			t.Fatal(err)
		}
		if commit {
			want = append(want, value)
		}
	}
	consumer := client(t, addr, kgo.ConsumeTopics(topics.Scores), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if diff := cmp.Diff(want, consume(ctx, t, consumer, len(want))); diff != "" {
		t.Errorf("read committed (-want +got):\n%s", diff)
	}
}

// What was acknowledged survives a clean stop and a kill.
func TestRealBrokerRestarts(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	broker, err := kafkatest.StartReal(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := broker.Kill(); err != nil {
			t.Error(err)
		}
	}()
	c := client(t, broker.Addr, kgo.DefaultProduceTopic("t"), kgo.ConsumeTopics("t"))
	if _, err := kadm.NewClient(c).CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for i, end := range []func() error{broker.Stop, broker.Kill} {
		want := fmt.Sprint("before end ", i)
		if err := c.ProduceSync(ctx, kgo.StringRecord(want)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := broker.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		if got := consume(ctx, t, c, 1)[0]; got != want {
			t.Errorf("read %q after the restart, want %q", got, want)
		}
	}
}

// A cluster of three goes on without one of them.
func TestRealClusterLosesOne(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	brokers, err := kafkatest.StartCluster(ctx, t.TempDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, broker := range brokers {
		defer broker.Kill()
	}
	c := client(t, brokers[0].Addr, kgo.DefaultProduceTopic("t"), kgo.ConsumeTopics("t"))
	if _, err := kadm.NewClient(c).CreateTopic(ctx, 3, -1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	details, err := kadm.NewClient(c).ListTopics(ctx, "t")
	if err != nil {
		t.Fatal(err)
	}
	for _, partition := range details["t"].Partitions {
		if len(partition.Replicas) != 3 {
			t.Errorf("partition %d has the replicas %v, want three", partition.Partition, partition.Replicas)
		}
	}
	if err := brokers[2].Kill(); err != nil {
		t.Fatal(err)
	}
	for id := range int32(3) {
		record := &kgo.Record{Partition: id, Value: []byte("one is gone")}
		if err := c.ProduceSync(ctx, record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if got := consume(ctx, t, c, 3); len(got) != 3 {
		t.Errorf("read %q", got)
	}
	if err := brokers[2].Restart(ctx); err != nil {
		t.Fatal(err)
	}
}
