package history

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/chdb/chdbtest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/publish"
)

// openStore opens a history in a directory of the test's own.
func openStore(t *testing.T, cfg config.History) *Store {
	t.Helper()
	chdbtest.Need(t)
	store, err := OpenToFill(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func inDir(dir string) config.History {
	cfg := config.Default().History
	cfg.DSN = config.Embedded + dir
	cfg.Days = config.HistoryDays{} // the tests' events grow older
	return cfg
}

// topics is a Kafka with riskstream's topics.
type topics struct {
	t       *testing.T
	kafka   publish.KafkaConfig
	opts    []kgo.Opt
	client  *kgo.Client
	metrics *Metrics
	brokers string
	events  int // produced so far
}

const partitions = 2

func newTopics(t *testing.T) *topics {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return topicsOn(t, cluster.ListenAddrs()[0])
}

func topicsOn(t *testing.T, broker string) *topics {
	t.Helper()
	kafka := publish.DefaultKafkaConfig()
	w := &topics{t: t, kafka: kafka, brokers: broker, opts: []kgo.Opt{kgo.SeedBrokers(broker)}, metrics: NewMetrics(prometheus.NewRegistry())}
	var err error
	if w.client, err = kgo.NewClient(slices.Concat(w.opts, []kgo.Opt{kgo.TransactionalID("test"), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil))})...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	names := kafka.Topics()
	// The events' time is theirs, whenever the tests run.
	forever := map[string]*string{"retention.ms": new("-1")}
	if _, err := kadm.NewClient(w.client).CreateTopics(t.Context(), partitions, 1, forever, names.Events, names.Detections, names.Scores, names.DeadLetter); err != nil {
		t.Fatal(err)
	}
	return w
}

var (
	began  = event.TimeOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	someIP = "203.0.113.9"
)

// produce produces events of some users in a transaction, each with a detection
// and a score, and a dead letter now and then.
func (w *topics) produce(events int, commit kgo.TransactionEndTry) {
	w.t.Helper()
	if err := w.client.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	names := w.kafka.Topics()
	for range events {
		w.events++
		e := anEvent(w.events)
		if w.events <= len(story) {
			story[w.events-1](&e)
		}
		key := []byte(event.Key(e.Tenant, e.User.Subject))
		d := event.Detection{Name: "new_device", Group: event.GroupDevice, Strength: 1, LLR: 1.5, HalfLife: 3600, Points: 12.5, Summary: "a device never seen before", Evidence: []event.Fact{event.Text("device", "mac os / safari"), event.Number("sign_ins", 31)}}
		w.send(names.Events, key, e.AppendJSON(nil), e.Time)
		w.send(names.Detections, key, publish.AppendDetection(nil, &e, &d, "c0ffee"), e.Time)
		s := aScore(&e, &d)
		if e.Session.ID == "s-attack" {
			s.Score, s.Level, s.Decision = 91, event.High, event.Revoke
		}
		w.send(names.Scores, []byte(s.Entity), publish.AppendScore(nil, &s), e.Time)
		if w.events%50 == 0 {
			letter := publish.DeadLetter{Reason: "unknown_format", Error: "no format knows it", Origin: event.Origin{Topic: "idp.okta", Partition: 1, Offset: int64(w.events)}, Size: 3, Raw: []byte("???")}
			w.send(names.DeadLetter, []byte("idp.okta"), publish.AppendDeadLetter(nil, letter), e.Time)
		}
	}
	if err := w.client.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.client.EndTransaction(w.t.Context(), commit); err != nil {
		w.t.Fatal(err)
	}
}

func (w *topics) send(topic string, key, value []byte, at event.Time) {
	w.client.Produce(w.t.Context(), &kgo.Record{Topic: topic, Key: key, Value: value, Timestamp: at.Std()}, func(_ *kgo.Record, err error) {
		if err != nil {
			w.t.Error(err)
		}
	})
}

// story is what the first events are about, for the questions of docs/history.md:
// passwords are guessed until one is right, and the attacker gets on with it.
var story = []func(*event.Event){
	annas(func(e *event.Event) { e.Source.IP = netip.MustParseAddr("198.51.100.7") }),
	annas(guessed), annas(guessed), annas(guessed),
	annas(func(e *event.Event) { e.Session.ID = "s-attack" }),
	annas(func(e *event.Event) { e.Session.ID, e.Action = "s-attack", event.Download }),
}

func annas(then func(*event.Event)) func(*event.Event) {
	return func(e *event.Event) {
		e.User = event.User{ID: "00uanna", Name: "anna.weber", Email: "anna.weber@corp.example", Subject: "anna.weber@corp.example", Kind: event.Human}
		then(e)
	}
}

func guessed(e *event.Event) { e.Outcome, e.Reason = event.Failure, event.BadCredentials }

func anEvent(n int) event.Event {
	var e event.Event
	e.Time, e.ID, e.Kind, e.Action, e.Outcome, e.Provider = began+event.Time(n)*event.Minute+123, fmt.Sprintf("e-%d", n), event.KindEvent, event.SignIn, event.Success, "okta"
	e.Tenant = "default"
	e.User = event.User{ID: fmt.Sprintf("00u%d", n%7), Name: fmt.Sprintf("User%d", n%7), Email: fmt.Sprintf("User%d@corp.example", n%7), Subject: fmt.Sprintf("user%d@corp.example", n%7), Kind: event.Human, Privileged: event.False}
	e.Source.IP = netip.MustParseAddr(someIP)
	e.Source.Geo = event.Geo{Country: "DE", City: "Berlin", Located: true, Lat: 52.5, Lon: 13.4, AccuracyKM: 20}
	e.Source.AS = event.AS{Number: 64500, Organization: "Example Net"}
	e.UserAgent = event.UserAgent{Original: "Mozilla/5.0", Name: "Safari", OS: "Mac OS"}
	e.Session.ID = fmt.Sprintf("s-%d", n%7)
	e.App = event.App{ID: "0oa1", Name: "Payroll", Sanctioned: event.True}
	e.Origin = event.Origin{Topic: "idp.okta", TopicID: "AAAA", Partition: 1, Offset: int64(n)}
	return e
}

func aScore(e *event.Event, d *event.Detection) event.Score {
	return event.Score{
		Entity: "user:" + event.Key(e.Tenant, e.User.Subject), Tenant: e.Tenant, Subject: e.User.Subject, Score: 42.5, Level: event.Medium, Decision: event.StepUp,
		AsOf: e.Time, ReauthAfter: e.Time, Version: uint32(e.Origin.Offset), Prior: 0.2, Weights: "w1", Config: "c0ffee", Lapses: []event.Lapse{},
		Reasons: []event.Contribution{{Detection: d.Name, Group: d.Group, LLR: d.LLR, HalfLife: d.HalfLife, Points: 42.3, Summary: d.Summary, At: e.Time, EventID: e.ID}},
		Event:   event.Cause{ID: e.ID, Time: e.Time, Action: e.Action},
	}
}

// run runs a sink until stop is called.
func (w *topics) run(store *Store) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- NewSink(store, w.kafka, "test", w.metrics, slog.New(slog.NewTextHandler(w.t.Output(), nil))).Run(ctx, w.opts)
	}()
	return func() {
		w.t.Helper()
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the sink ended with %v", err)
		}
	}
}

// audited waits until the history has everything, and returns what the audit
// says.
func (w *topics) audited(store *Store) []Audit {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		audits, err := store.AuditAll(w.t.Context(), w.kafka, w.opts, time.Now(), func(done, total int64) {})
		if err != nil {
			w.t.Fatal(err)
		}
		waiting := slices.ContainsFunc(audits, func(a Audit) bool { return a.Waiting > 0 })
		if !waiting || time.Now().After(deadline) {
			return audits
		}
	}
}

func rowsIn(audits []Audit, table string) (rows int64) {
	for _, a := range audits {
		if a.Table == table {
			rows += a.Rows
		}
	}
	return rows
}
