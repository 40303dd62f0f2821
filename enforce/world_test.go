package enforce_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

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
