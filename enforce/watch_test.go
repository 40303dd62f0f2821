package enforce_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/riskstream/riskstream/enforce"
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

func TestWatchFollowsTheTopic(t *testing.T) {
	inWorld(t, func(w *world) {
		for i := range 20 {
			w.publish(score(fmt.Sprint("user", i), 1, event.High, event.Revoke))
		}
		w.publish(score("user0", 2, event.Medium, event.StepUp))
		w.transaction(kgo.TryAbort, score("user1", 2, event.Low, event.Allow))
		table := w.watch()
		defer table.Close()
		w.expect(table, "user1", event.Allow, enforce.ReasonStale)

		w.ready(table)
		w.expect(table, "user0", event.StepUp, enforce.ReasonRisk)
		w.expect(table, "user1", event.Revoke, enforce.ReasonRisk)
		w.expect(table, "nobody", event.Allow, enforce.ReasonUnknown)
		if n := table.Len(); n != 20 {
			t.Errorf("%d records, want 20", n)
		}

		w.publish(score("user2", 2, event.Low, event.Allow), score("user3", 0, event.None, event.Allow))
		time.Sleep(time.Second)
		w.expect(table, "user2", event.Allow, enforce.ReasonAllowed)
		w.expect(table, "user3", event.Allow, enforce.ReasonUnknown)
	}, kfake.SeedTopics(4, topic))
}

func TestWatchStaysFreshInSilence(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish(score("alice", 1, event.High, event.Revoke))
		table := w.watch()
		defer table.Close()
		w.ready(table)
		time.Sleep(time.Hour)
		w.expect(table, "alice", event.Revoke, enforce.ReasonRisk)
		if age := table.Age(); age > 15*time.Second {
			t.Errorf("age %v with brokers that answer, want at most the interval of the check", age)
		}
	}, kfake.SeedTopics(2, topic))
}

func TestWatchGrowsStaleInAnOutageAndRecovers(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish(score("alice", 1, event.High, event.Revoke))
		table := w.watch()
		defer table.Close()
		w.ready(table)

		w.line.set(true)
		time.Sleep(30 * time.Second)
		w.expect(table, "alice", event.Revoke, enforce.ReasonRisk)
		time.Sleep(time.Minute)
		w.expect(table, "alice", event.Allow, enforce.ReasonStale)

		w.line.set(false)
		w.publish(score("alice", 2, event.Medium, event.StepUp))
		time.Sleep(time.Minute)
		w.expect(table, "alice", event.StepUp, enforce.ReasonRisk)
	}, kfake.SeedTopics(1, topic))
}

// The brokers answer, but no scores come: that is not freshness.
func TestWatchGrowsStaleWhenOnlyFetchesFail(t *testing.T) {
	inWorld(t, func(w *world) {
		table := w.watch()
		defer table.Close()
		w.ready(table)
		w.cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
			w.cluster.KeepControl()
			return nil, fmt.Errorf("no fetches today"), true
		})
		w.publish(score("alice", 1, event.High, event.Revoke))
		time.Sleep(2 * time.Minute)
		w.expect(table, "alice", event.Allow, enforce.ReasonStale)
	}, kfake.SeedTopics(1, topic))
}

func TestWatchWaitsForTheTopicAndTakesNewPartitions(t *testing.T) {
	inWorld(t, func(w *world) {
		table := w.watch()
		defer table.Close()
		time.Sleep(2 * time.Minute)
		w.expect(table, "alice", event.Allow, enforce.ReasonStale)

		if err := w.cluster.CreateTopic(topic, 1, nil); err != nil {
			t.Fatal(err)
		}
		w.ready(table)
		w.expect(table, "alice", event.Allow, enforce.ReasonUnknown)

		request := kmsg.NewPtrCreatePartitionsRequest()
		grown := kmsg.NewCreatePartitionsRequestTopic()
		grown.Topic, grown.Count = topic, 8
		request.Topics = append(request.Topics, grown)
		if _, err := request.RequestWith(w.Context(), w.producer); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Minute) // the producer's own metadata
		for i := range 20 {
			w.publish(score(fmt.Sprint("user", i), 1, event.High, event.Revoke))
		}
		time.Sleep(time.Minute)
		for i := range 20 {
			w.expect(table, fmt.Sprint("user", i), event.Revoke, enforce.ReasonRisk)
		}
	})
}

func TestWatchStepsOverWhatIsNoScore(t *testing.T) {
	inWorld(t, func(w *world) {
		stray := w.client(kgo.DefaultProduceTopic(topic))
		defer stray.Close()
		alice := score("alice", 1, event.High, event.Revoke)
		for _, r := range []*kgo.Record{
			{Key: []byte("user:default/alice"), Value: []byte("{")},
			{Key: []byte("user:default/bob"), Value: publish.AppendScore(nil, &alice)},
			{Value: []byte{}},
		} {
			if err := stray.ProduceSync(w.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		w.publish(alice)
		table := w.watch()
		defer table.Close()
		w.ready(table)
		w.expect(table, "alice", event.Revoke, enforce.ReasonRisk)
		w.expect(table, "bob", event.Allow, enforce.ReasonUnknown)
		if n := strings.Count(w.log.String(), "stepped over"); n != 3 {
			t.Errorf("%d records reported, want 3:\n%s", n, w.log.String())
		}
	}, kfake.SeedTopics(1, topic))
}

// After compaction a partition can end in offsets at which nothing is left.
func TestWatchIsReadyThoughNothingIsLeftToRead(t *testing.T) {
	tests := map[string]func(w *world){
		"removed tombstones": func(w *world) {
			w.publish(score("alice", 1, event.High, event.Revoke), score("bob", 1, event.High, event.Revoke))
			w.publish(score("bob", 0, event.None, event.Allow))
			time.Sleep(time.Hour)
			w.cluster.Compact()
			time.Sleep(time.Hour)
			w.cluster.Compact()
		},
		"deleted records": func(w *world) {
			w.publish(score("bob", 1, event.High, event.Revoke))
			w.publish(score("alice", 1, event.High, event.Revoke))
			info := w.cluster.PartitionInfo(topic, 0)
			if err := w.cluster.DeleteRecords(topic, 0, info.HighWatermark); err != nil {
				w.Fatal(err)
			}
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				if err := w.cluster.CreateTopic(topic, 1, map[string]string{"cleanup.policy": "compact", "delete.retention.ms": "1", "segment.ms": "1"}); err != nil {
					t.Fatal(err)
				}
				prepare(w)
				table := w.watch()
				defer table.Close()
				w.ready(table)
				w.expect(table, "bob", event.Allow, enforce.ReasonUnknown)
				w.publish(score("carol", 1, event.High, event.Revoke))
				time.Sleep(time.Second)
				w.expect(table, "carol", event.Revoke, enforce.ReasonRisk)
			})
		})
	}
}

func TestWatchRefusesWhatCannotWork(t *testing.T) {
	tests := map[string]enforce.Config{
		"Brokers is empty":   {},
		"StaleAfter is -1s":  {Brokers: []string{"localhost:1"}, StaleAfter: -time.Second},
		`consumer group "g"`: {Brokers: []string{"localhost:1"}, Options: []kgo.Opt{kgo.ConsumerGroup("g")}},
	}
	for want, config := range tests {
		config.Logger = slog.New(slog.DiscardHandler)
		if _, err := enforce.Watch(t.Context(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
