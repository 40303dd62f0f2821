package enforce_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/enforce"
)

// The record below is what riskstream publishes for a user whose decision is
// step_up. An enforcement point asks for a strong authentication once, and lets
// the user through from then on.
func Example() {
	broker := kfake.MustCluster(kfake.SeedTopics(1, enforce.DefaultTopic))
	defer broker.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	producer, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer producer.Close()
	producer.ProduceSync(ctx, &kgo.Record{
		Topic: enforce.DefaultTopic,
		Key:   []byte("user:default/alice@example.com"),
		Value: []byte(`{"entity":"user:default/alice@example.com","tenant":"default","subject":"alice@example.com",
			"score":52.50,"level":"medium","previous_level":"none","decision":"step_up",
			"reauth_after":"2026-03-02T09:00:00.000Z","as_of":"2026-03-02T09:00:00.000Z","version":7,
			"lapses":[{"at":"2026-03-03T01:00:00.000Z","level":"low","decision":"allow"}],
			"prior":0.20,"reasons":[]}`),
	})

	table, err := enforce.Watch(ctx, enforce.Config{
		Brokers: broker.ListenAddrs(),
		Logger:  slog.New(slog.DiscardHandler),
		Now:     func() time.Time { return time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC) }, // leave it out in earnest
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer table.Close()
	if err := table.WaitReady(ctx); err != nil {
		fmt.Println(err)
		return
	}

	request := enforce.Request{
		User:         "Alice@Example.com",
		SessionStart: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC),
	}
	verdict := table.Decide(request)
	fmt.Println(verdict.Decision, verdict.Reason, verdict.Level)

	request.StrongAuthAt = time.Date(2026, 3, 2, 9, 29, 0, 0, time.UTC)
	verdict = table.Decide(request)
	fmt.Println(verdict.Decision, verdict.Reason, verdict.Level)

	// Output:
	// step_up risk medium
	// allow reauthenticated medium
}
