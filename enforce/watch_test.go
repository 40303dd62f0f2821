package enforce_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/riskstream/riskstream/enforce"
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

const topic = enforce.DefaultTopic

// world is a cluster in a bubble with its own clock, a producer and a table.
type world struct {
	*testing.T
	net      *kfake.VirtualNetwork
	line     line
	cluster  *kfake.Cluster
	producer *kgo.Client
	log      lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// line is the network between the clients and the brokers, which can be cut.
type line struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func (l *line) dial(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.cut {
			conn.Close()
			return nil, errors.New("the line is cut")
		}
		l.conns = append(l.conns, conn)
		return conn, nil
	}
}

func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}

// inWorld runs a test in which waiting costs no time.
func inWorld(t *testing.T, test func(w *world), opts ...kfake.Opt) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: new(kfake.VirtualNetwork)}
		w.cluster = kfake.MustCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.ListenFn(w.net.Listen)}, opts...)...)
		defer w.cluster.Close()
		w.producer = w.client(kgo.DefaultProduceTopic(topic), kgo.TransactionalID("lane"))
		defer w.producer.Close()
		test(w)
	})
}

func (w *world) options() []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.Dialer(w.line.dial(w.net.DialContext))}
}

func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.Helper()
	client, err := kgo.NewClient(append(w.options(), opts...)...)
	if err != nil {
		w.Fatal(err)
	}
	return client
}

func (w *world) watch() *enforce.Table {
	w.Helper()
	table, err := enforce.Watch(w.Context(), enforce.Config{
		Brokers: w.cluster.ListenAddrs(), Options: w.options(), Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	if err != nil {
		w.Fatal(err)
	}
	return table
}

func (w *world) ready(table *enforce.Table) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	if err := table.WaitReady(ctx); err != nil {
		w.Fatalf("%v\n%s", err, w.log.String())
	}
}

// publish commits scores, or tombstones where the level is none.
func (w *world) publish(scores ...event.Score) { w.Helper(); w.transaction(kgo.TryCommit, scores...) }

func (w *world) transaction(end kgo.TransactionEndTry, scores ...event.Score) {
	w.Helper()
	if err := w.producer.BeginTransaction(); err != nil {
		w.Fatal(err)
	}
	for _, s := range scores {
		record := &kgo.Record{Key: []byte(s.Entity)}
		if s.Level != event.None {
			record.Value = publish.AppendScore(nil, &s)
		}
		if err := w.producer.ProduceSync(w.Context(), record).FirstErr(); err != nil {
			w.Fatal(err)
		}
	}
	if err := w.producer.EndTransaction(w.Context(), end); err != nil {
		w.Fatal(err)
	}
}

func (w *world) expect(table *enforce.Table, user string, want event.Decision, reason enforce.Reason) {
	w.Helper()
	v := table.Decide(enforce.Request{User: user, SessionStart: time.Now().Add(-24 * time.Hour)})
	if v.Decision != want || v.Reason != reason {
		w.Errorf("%s: %v because %s, want %v because %s (age %v)\n%s", user, v.Decision, v.Reason, want, reason, v.Age, w.log.String())
	}
}

func score(user string, version uint32, level event.Level, decision event.Decision) event.Score {
	at := event.TimeOf(time.Now())
	return event.Score{
		Entity: "user:default/" + user, Tenant: "default", Subject: user, Score: 50, Level: level,
		Decision: decision, ReauthAfter: at, AsOf: at, Version: version, Event: event.Cause{ID: "e", Time: at},
	}
}

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
