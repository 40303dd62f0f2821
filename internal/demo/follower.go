package demo

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/livetable"
	"github.com/riskstream/riskstream/internal/publish"
)

// follower reads the output topics as any reader would and keeps the last
// score record of every user.
type follower struct {
	client *kgo.Client
	topics publish.Topics

	mu    sync.Mutex
	users map[string]event.Score
	stats livetable.Stats
}

func follow(kafka publish.KafkaConfig) (*follower, error) {
	topics := kafka.Topics()
	client, err := newClient(kafka.Brokers[0],
		kgo.ConsumeTopics(topics.Events, topics.Detections, topics.Scores, topics.DeadLetter),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		return nil, err
	}
	return &follower{client: client, topics: topics, users: map[string]event.Score{}}, nil
}

func (f *follower) close() { f.client.Close() }

func (f *follower) run(ctx context.Context) error {
	for ctx.Err() == nil {
		fetches := f.client.PollFetches(ctx)
		f.mu.Lock()
		fetches.EachRecord(f.take)
		f.mu.Unlock()
	}
	return nil
}

func (f *follower) take(record *kgo.Record) {
	switch record.Topic {
	case f.topics.Events:
		f.stats.Events++
	case f.topics.Detections:
		f.stats.Detections++
	case f.topics.DeadLetter:
		f.stats.DeadLetters++
	case f.topics.Scores:
		var score event.Score
		if !strings.HasPrefix(string(record.Key), "user:") || json.Unmarshal(record.Value, &score) != nil {
			return
		}
		f.users[score.Entity] = score
	}
}

// snapshot is every user with open evidence, and the counts.
func (f *follower) snapshot() ([]livetable.Row, livetable.Stats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var rows []livetable.Row
	for _, score := range f.users {
		if len(score.Reasons) > 0 {
			rows = append(rows, livetable.RowOf(&score))
		}
	}
	return rows, f.stats
}
