package erase

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/chdb/chdbtest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/kafkatest"
	"github.com/riskstream/riskstream/internal/publish"
)

var began = event.TimeOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))

// deployment is a riskstream with everything in this process.
type deployment struct {
	t      *testing.T
	ctx    context.Context
	cfg    *config.Config
	client *kgo.Client
	last   []string // that was found
}

func deploy(t *testing.T, dsn string, opts ...kfake.Opt) *deployment {
	t.Helper()
	return deployOn(t, kafkatest.Fake(t, opts...), dsn, len(opts) > 0)
}

// deployOn has a broker's administrator sign in, if it wants that.
func deployOn(t *testing.T, addr, dsn string, signsIn bool) *deployment {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cfg, err := config.Parse("riskstream.yaml", fmt.Appendf(nil, `
kafka: {brokers: [%q], replication_factor: 1, partitions: 2}
sources:
  - {topic: idp.one, format: riskstream}
  - {topic: idp.two, format: riskstream, tenant: acme}
engine: {workers: 1, state_dir: %q}
history: {dsn: %q}
`, addr, t.TempDir(), dsn), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if signsIn {
		cfg.Kafka.SASL = publish.SASLConfig{Mechanism: publish.MechanismPlain, Username: "admin", Password: "p"}
	}
	own, err := cfg.Kafka.ClientOptions(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(own...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if _, err := kadm.NewClient(client).CreateTopics(ctx, 1, 1, nil, "idp.one", "idp.two"); err != nil {
		t.Fatal(err)
	}
	return &deployment{t: t, ctx: ctx, cfg: cfg, client: client}
}

// run runs the engine and the history until stop is called.
func (d *deployment) run() (stop func()) {
	d.t.Helper()
	log := slog.New(slog.NewTextHandler(d.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	pipeline, err := engine.NewPipeline(d.cfg, log)
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.ctx)
	registry := prometheus.NewRegistry()
	eng := engine.New(d.cfg, pipeline, log, registry, func() time.Time { return began.Std().Add(14*24*time.Hour + 2*time.Hour) }) // nothing has fallen
	ended := make(chan error, 2)
	go func() { ended <- eng.Run(ctx) }()
	go func() { ended <- history.Keep(ctx, d.cfg, registry, log) }()
	if dir, embedded := strings.CutPrefix(d.cfg.History.DSN, config.Embedded); embedded {
		// Whoever opens the history first has its engine, and that must be the
		// sink, as long as both are in one process.
		d.eventually("the history", func() bool {
			_, err := os.Stat(filepath.Join(dir, "riskstream.endpoint"))
			return err == nil
		})
	}
	return func() {
		d.t.Helper()
		cancel()
		if err := errors.Join(<-ended, <-ended, pipeline.Close()); err != nil {
			d.t.Error(err)
		}
	}
}

// travels is the raw log of a user of Berlin who comes in from Tokyo an hour
// later: the user and the session are at risk.
func (d *deployment) travels(topic, user string) {
	d.t.Helper()
	for day := range 16 {
		e := event.Event{
			Time: began + event.Time(min(day, 14))*event.Day, ID: fmt.Sprint(user, day), Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Success, Provider: "okta",
			User:   event.User{ID: "00u" + user, Name: strings.ToUpper(user), Subject: user + "@corp.example", Kind: event.Human},
			Source: event.Source{IP: netip.MustParseAddr("192.0.2.7"), Geo: event.Geo{Country: "DE", City: "Berlin", Located: true, Lat: 52.52, Lon: 13.4, AccuracyKM: 20}},
			Tenant: "default",
		}
		if day == 15 {
			e.Time, e.Session.ID, e.Source.IP = e.Time+event.Hour, "s-"+user, netip.MustParseAddr("198.51.100.9")
			e.Source.Geo = event.Geo{Country: "JP", City: "Tokyo", Located: true, Lat: 35.68, Lon: 139.69, AccuracyKM: 20}
		}
		d.send(topic, "", e.AppendJSON(nil))
	}
}

func (d *deployment) send(topic, key string, value []byte) {
	d.t.Helper()
	if err := d.client.ProduceSync(d.ctx, &kgo.Record{Topic: topic, Key: []byte(key), Value: value}).FirstErr(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *deployment) eraser(store *history.Store, wait time.Duration) *Eraser {
	d.t.Helper()
	e, err := New(d.cfg, store, slog.New(slog.DiscardHandler), time.Now, wait, func(what string) { d.t.Log(what) })
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(e.Close)
	return e
}

func (d *deployment) open() *history.Store {
	d.t.Helper()
	store, err := history.Open(d.ctx, d.cfg.History)
	if err != nil {
		d.t.Fatal(err)
	}
	return store
}

// eventually waits until something is there.
func (d *deployment) eventually(what string, done func() bool) {
	d.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-d.ctx.Done():
			d.t.Fatalf("waiting for %s: %v; at last there was %v", what, d.ctx.Err(), d.last)
		case <-tick.C:
		}
	}
}

// there is what is found of the user, in short.
func (d *deployment) there(e *Eraser, of history.Subject) (found []string) {
	d.t.Helper()
	r, err := e.Verify(d.ctx, of)
	if err != nil {
		d.t.Fatalf("%v; before there was %v", err, d.last)
	}
	for _, f := range r.Found {
		found = append(found, f.String())
	}
	d.last = found
	return found
}

var whole = []string{
	"risk.state: what the engine remembers of the user (1)", "risk.state: levels that will fall (2)",
	"risk.source_state: networks and applications that remember the user's name (2)",
	"risk.scores: the user's score (1)", "risk.scores: scores of the user's sessions (1)",
	"history: rows of events (16)", "history: rows of detections (4)", "history: rows of scores (2)", "history: rows of network_days (16)", "history: rows of names (2)",
}

func TestErase(t *testing.T) {
	chdbtest.Need(t)
	d := deploy(t, config.Embedded+t.TempDir())
	anna, ben := history.Subject{Tenant: "default", Name: "anna@corp.example"}, history.Subject{Tenant: "default", Name: "ben@corp.example"}
	stop := d.run()
	for _, user := range []string{"anna", "ben"} {
		d.travels("idp.one", user)
	}
	d.travels("idp.two", "anna")
	store := d.open()
	e := d.eraser(store, time.Minute)
	for _, of := range []history.Subject{anna, ben, {Tenant: "acme", Name: anna.Name}} {
		d.eventually("everything of "+of.String(), func() bool { return slices.Equal(d.there(e, of), whole) })
	}

	if _, _, err := Find(d.ctx, d.cfg, store, "Anna@corp.example"); err == nil || !strings.Contains(err.Error(), "acme/anna@corp.example, default/anna@corp.example") {
		t.Errorf("a name of two tenants' users: %v", err)
	}
	for name, want := range map[string]history.Subject{"default/ANNA@corp.example": anna, "00uben": ben, "BEN": ben, "nobody@corp.example": {Tenant: "default", Name: "nobody@corp.example"}} {
		if of, guessed, err := Find(d.ctx, d.cfg, store, name); err != nil || of != want || guessed != strings.HasPrefix(name, "nobody") {
			t.Errorf("%s is %v (guessed: %v), %v", name, of, guessed, err)
		}
	}

	// A record whose session the engine has forgotten goes too.
	lost := event.Score{Entity: "session:default/lost", Tenant: "default", Subject: anna.Name, Session: "lost", Score: 50, AsOf: began, Version: 1}
	d.send("risk.scores", lost.Entity, publish.AppendScore(nil, &lost))
	r, err := e.Erase(d.ctx, anna)
	if err != nil || !r.Clean() || r.Signal == nil || len(r.Before) != len(whole) || r.Before[4].Count != 2 {
		t.Fatalf("erased: %+v, %v", r, err)
	}
	for _, of := range []history.Subject{ben, {Tenant: "acme", Name: anna.Name}} {
		if left := d.there(e, of); !slices.Equal(left, whole) {
			t.Errorf("of %s there is only %v", of, left)
		}
	}
	audited(t, d, store)

	// Who is not there can be erased again; who comes again is there again.
	if r, err := e.Erase(d.ctx, anna); err != nil || !r.Clean() || len(r.Before) > 0 {
		t.Errorf("erased again: %+v, %v", r, err)
	}
	d.travels("idp.one", "anna")
	d.eventually("who comes again", func() bool { return slices.Equal(d.there(e, anna), whole) })
	if r, err := e.Erase(d.ctx, anna); err != nil || !r.Clean() {
		t.Errorf("erased once more: %+v, %v", r, err)
	}
	audited(t, d, store)

	// Without an engine the signal stays, and verify says what there is.
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	stop()
	store = d.open()
	e = d.eraser(store, time.Second)
	var undone *UndoneError
	if _, err := e.Erase(d.ctx, ben); !errors.As(err, &undone) {
		t.Errorf("without an engine: %v", err)
	}
	if left := d.there(e, ben); !slices.Equal(left[:len(whole)], whole) || len(left) != len(whole)+1 {
		t.Errorf("without an engine there is %v, want all and the signal that is not stored", left)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	stop = d.run()
	defer stop()
	store = d.open()
	defer store.Close()
	e = d.eraser(store, time.Minute)
	if r, err := e.Erase(d.ctx, ben); err != nil || !r.Clean() {
		t.Errorf("with an engine again: %+v, %v", r, err)
	}
	audited(t, d, store)
}

// audited wants an audit that misses nothing but what was erased, and sees what
// else is gone.
func audited(t *testing.T, d *deployment, store *history.Store) {
	t.Helper()
	audits, err := store.AuditAll(d.ctx, d.cfg.Kafka, []kgo.Opt{kgo.SeedBrokers(d.cfg.Kafka.Brokers...)}, time.Now(), func(done, total int64) {})
	if err != nil {
		t.Fatal(err)
	}
	erased := int64(0)
	for _, a := range audits {
		erased += a.Erased
		if !a.Clean() {
			t.Errorf("audit: %+v", a)
		}
	}
	if erased == 0 {
		t.Error("the audit knows of nothing that was erased")
	}
}

// Without a history the engine's side is erased and looked at, with no more
// permissions than docs/kafka.md names.
func TestEraseWithoutHistory(t *testing.T) {
	may := func(topic string, operations ...kmsg.ACLOperation) (acls []kfake.ACL) {
		for _, operation := range operations {
			acls = append(acls, kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: topic, Pattern: kmsg.ACLResourcePatternTypePrefixed, Operation: operation, Allow: true})
		}
		return acls
	}
	const read, write, describe, configs = kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe, kmsg.ACLOperationDescribeConfigs
	d := deploy(t, "", kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "p"), kfake.User("PLAIN", "eraser", "p", slices.Concat(
		may("risk.state", read, describe), may("risk.source_state", read, describe), may("risk.scores", read, describe),
		may("risk.events", write, describe), may("risk.activity", write, describe), may("risk.", configs), may("idp.", configs))...))
	anna := history.Subject{Tenant: "default", Name: "anna@corp.example"}
	limited := *d
	cfg := *d.cfg
	cfg.Kafka.SASL.Username = "eraser"
	limited.cfg = &cfg
	e := limited.eraser(nil, time.Minute)
	if _, err := e.Erase(d.ctx, anna); err == nil || !strings.Contains(err.Error(), "there is no topic risk.state") {
		t.Errorf("before anything was there: %v", err)
	}
	r := d.erases(e, anna)
	where := map[string]Remains{}
	for _, m := range r.Remains {
		where[m.Where] = m
	}
	day := 24 * time.Hour
	for topic, want := range map[string]time.Duration{"risk.events": 97 * day, "risk.detections": 37 * day, "risk.deadletter": 21 * day, "risk.activity": 10 * day, "idp.one": 14 * day, "idp.two": 14 * day} {
		until := where[topic].Until.Std().Sub(r.At.Std())
		if until < want-time.Minute || until > want+time.Minute {
			t.Errorf("%s remains for %v (%s), want %v", topic, until, where[topic].Note, want)
		}
	}
	for _, topic := range []string{"risk.state", "risk.scores"} {
		if until := where[topic].Until.Std().Sub(r.At.Std()); until < 24*time.Hour || until > 3*24*time.Hour {
			t.Errorf("earlier records of %s remain for %v", topic, until)
		}
	}
}

// erases runs an engine until it knows the user, and has it erase the user.
func (d *deployment) erases(e *Eraser, user history.Subject) *Report {
	d.t.Helper()
	stop := d.run()
	defer stop()
	d.travels("idp.one", "anna")
	d.eventually("the scores", func() bool {
		r, err := e.Verify(d.ctx, user)
		d.last = []string{fmt.Sprintf("%+v %v", r, err)}
		return err == nil && len(r.Found) == 5
	})
	r, err := e.Erase(d.ctx, user)
	if err != nil || !r.Clean() || len(r.Before) != 5 {
		d.t.Fatalf("%+v, %v", r, err)
	}
	return r
}

func TestNamesWithoutHistory(t *testing.T) {
	cfg, err := config.Parse("riskstream.yaml", []byte("sources: [{topic: a, tenant: acme}, {topic: b}]"), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]history.Subject{
		"Anna@Corp.example":      {Tenant: "default", Name: "anna@corp.example"},
		"acme/Anna@Corp.example": {Tenant: "acme", Name: "anna@corp.example"},
		"default/okta:00uA":      {Tenant: "default", Name: "okta:00uA"},
		"okta:00uA/b":            {Tenant: "default", Name: "okta:00uA/b"}, // no tenant
		"acme/":                  {Tenant: "default", Name: "acme/"},
	} {
		if of, guessed, err := Find(t.Context(), cfg, nil, name); err != nil || of != want || !guessed {
			t.Errorf("%s is %+v, %v", name, of, err)
		}
	}
}

func TestUntilWhen(t *testing.T) {
	since := began.Std()
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		name    string
		configs map[string]string
		days    float64
		note    string
	}{
		{"deleted", map[string]string{"cleanup.policy": "delete", "retention.ms": "86400000", "segment.ms": "3600000"}, 1 + 1./24, "retention.ms of 1 days"},
		{"for ever", map[string]string{"cleanup.policy": "delete", "retention.ms": "-1"}, 0, "for ever"},
		{"compacted within a day", map[string]string{"cleanup.policy": "compact", "max.compaction.lag.ms": "86400000", "segment.ms": "3600000"}, 1 + 1./24, "written to"},
		{"compacted some day", map[string]string{"cleanup.policy": "compact", "max.compaction.lag.ms": "9223372036854775807", "retention.ms": "86400000"}, 0, "set max.compaction.lag.ms"},
		{"compacted and deleted", map[string]string{"cleanup.policy": "compact,delete", "max.compaction.lag.ms": "9223372036854775807", "retention.ms": "86400000", "segment.ms": "86400000"}, 2, "retention.ms"},
		{"what the brokers leave out", map[string]string{"cleanup.policy": "delete", "retention.ms": "86400000"}, 8, "retention.ms"},
	} {
		var configs []kadm.Config
		for key, value := range test.configs {
			configs = append(configs, kadm.Config{Key: key, Value: text(value)})
		}
		s := settingsOf(configs)
		var r Remains
		s.bound(&r, since)
		want := event.Time(0)
		if test.days > 0 {
			want = event.TimeOf(since.Add(time.Duration(test.days * 24 * float64(time.Hour)).Round(time.Second)))
		}
		if r.Until != want || !strings.Contains(r.Note, test.note) {
			t.Errorf("%s: until %v (%s), want %v", test.name, r.Until, r.Note, want)
		}
	}
}
