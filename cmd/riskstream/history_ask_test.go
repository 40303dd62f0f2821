package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/chdb/chdbtest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/publish"
)

// aloneWithEngine is set in the process that the engine is loaded into.
const aloneWithEngine = "RISKSTREAM_TEST_ALONE"

// TestHistoryQuestions asks the questions of a history that a sink has filled,
// as an analyst would. The process is one of its own, since other tests start
// brokers from threads that end, which one that has worked for libchdb must not.
func TestHistoryQuestions(t *testing.T) {
	if testing.Short() {
		t.Skip("needs ClickHouse's engine")
	}
	if os.Getenv(aloneWithEngine) == "" {
		args := []string{"-test.run=^TestHistoryQuestions$", "-test.v"}
		if *update {
			args = append(args, "-update")
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
		cmd.Env = append(os.Environ(), aloneWithEngine+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	chdbtest.Need(t)
	configFile := keepTale(t)

	for name, args := range map[string]string{
		"user":             "user Bea --since 2026-02-20",
		"user_quiet":       "user bea --since 2026-04-01",
		"ip":               "ip 198.51.100.77 --since 2026-02-01",
		"ip_prefix":        "ip 198.51.100.0/24 --since 2026-02-01 --limit 1",
		"session":          "session s-taken",
		"session_short":    "session s-taken --limit 1",
		"devices":          "devices --since 2026-02-01",
		"devices_user":     "devices 00ubea --since 2026-02-01",
		"apps":             "apps --since 2026-03-01",
		"apps_user":        "apps carl --since 2026-02-01 --until 2026-03-01",
		"compare":          "compare bea@corp.example --since 2026-03-02 --until 2026-03-03",
		"compare_newcomer": "compare carl --since 2026-03-02 --until 2026-03-03",
	} {
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			for _, output := range []string{"table", "json"} {
				fmt.Fprintf(&got, "$ riskstream history %s -o %s\n", args, output)
				out, err := asked(t, append(strings.Fields(args), "-o", output, "-c", configFile)...)
				if err != nil {
					t.Fatal(err)
				}
				if i := strings.IndexAny(out, "\x1b\u202e\r\x07"); output == "table" && i >= 0 {
					t.Errorf("a control character would reach the terminal: %q", out[max(0, i-20):])
				}
				got.WriteString(out)
			}
			path := filepath.Join("testdata", "history", name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s (-want +got, rewrite with -update):\n%s", path, diff)
			}
		})
	}

	for args, want := range map[string]string{
		"user nobody":    `nobody called "nobody" is in the history`,
		"devices nobody": `nobody called "nobody" is in the history`,
		"apps nobody":    `nobody called "nobody" is in the history`,
		"compare nobody": `nobody called "nobody" is in the history`,
		"ip 192.0.2.0/28 --since 2026-02-01 --until 2026-03-01": "no event from 192.0.2.0/28 is in the history (2026-02-01 00:00:00 to 2026-03-01 00:00:00)",
		"session s-4711": `no session "s-4711" is in the history`,
	} {
		out, err := asked(t, append(strings.Fields(args), "-c", configFile)...)
		if err == nil || errors.As(err, new(usageError)) || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%s: %v and %q, want the error %q", args, err, out, want)
		}
	}
}

func asked(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := root()
	cmd.SetArgs(append([]string{"history"}, args...))
	cmd.SetOut(&out)
	cmd.SetErr(t.Output())
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// keepTale fills a history, and returns the configuration that names it. Bea
// signs in at nine on every day of February. On the second of March her session
// goes to Brazil and opens an app of a hostile name; Carl is there too, and has
// borrowed her laptop.
func keepTale(t *testing.T) (configFile string) {
	w := newTale(t)
	day := func(month time.Month, day, hour int) event.Event {
		return w.signIn(event.TimeOf(time.Date(2026, month, day, hour, 0, 0, 0, time.UTC)))
	}
	for n := range 28 {
		e := day(time.February, n+1, 9)
		if n < 7 {
			e.Device.Compliant = event.False
		}
		w.events(e)
	}
	failed := day(time.February, 20, 3)
	abroad(&failed)
	failed.Outcome, failed.Reason = event.Failure, event.BadCredentials
	w.events(failed)

	own := day(time.March, 2, 9)
	own.Session.ID = "s-taken"
	own.Source.IP = netip.MustParseAddr("203.0.113.10") // the office has another, too
	w.events(own)
	taken := day(time.March, 2, 10)
	abroad(&taken)
	taken.Action, taken.Session.ID = event.Access, "s-taken"
	taken.App = event.App{ID: "0oa2", Name: "Vault\x1b[2J\u202e\r\x07", Sanctioned: event.False}
	w.events(taken)
	w.detection(&taken, "session_hijack", 71.25, "the session came from another network, country and browser")
	w.scores(&taken, 92, event.High, event.Revoke)

	carls := func(e event.Event) event.Event {
		e.User = event.User{ID: "00ucarl", Name: "carl", Email: "carl@corp.example", Subject: "carl@corp.example", Kind: event.Human}
		return e
	}
	lent := carls(day(time.February, 27, 11))
	elsewhere := carls(day(time.March, 2, 11))
	abroad(&elsewhere)
	elsewhere.Source.IP = netip.MustParseAddr("198.51.100.78")
	nobody := day(time.March, 2, 12)
	abroad(&nobody)
	nobody.User, nobody.Outcome = event.User{}, event.Failure
	w.events(lent, elsewhere, nobody)
	return w.kept()
}

// abroad is where the session goes.
func abroad(e *event.Event) {
	e.Source.IP = netip.MustParseAddr("198.51.100.77")
	e.Source.Geo, e.Source.AS = event.Geo{Country: "BR", City: "Recife"}, event.AS{Number: 64511, Organization: "Rented Servers"}
	e.Source.Anonymizer = "hosting"
	e.UserAgent, e.Device = event.UserAgent{Name: "curl", OS: "Linux"}, event.Device{}
}

// tale produces what riskstream run would have produced.
type tale struct {
	t      *testing.T
	opts   []kgo.Opt
	client *kgo.Client
	kafka  publish.KafkaConfig
	n      int
}

func newTale(t *testing.T) *tale {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	w := &tale{t: t, opts: []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}, kafka: publish.DefaultKafkaConfig()}
	if w.client, err = kgo.NewClient(w.opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	names, forever := w.kafka.Topics(), "-1"
	if _, err := kadm.NewClient(w.client).CreateTopics(t.Context(), 1, 1, map[string]*string{"retention.ms": &forever}, names.Events, names.Detections, names.Scores, names.DeadLetter); err != nil {
		t.Fatal(err)
	}
	return w
}

// signIn is Bea's, from her office.
func (w *tale) signIn(at event.Time) event.Event {
	w.n++
	var e event.Event
	e.Time, e.ID, e.Kind, e.Action, e.Outcome, e.Provider, e.Tenant = at, fmt.Sprintf("e-%d", w.n), event.KindEvent, event.SignIn, event.Success, "okta", "default"
	e.User = event.User{ID: "00ubea", Name: "bea", Email: "bea@corp.example", FullName: "Bea Novak", Subject: "bea@corp.example", Kind: event.Human, Privileged: event.True}
	e.Source.IP = netip.MustParseAddr("203.0.113.9")
	e.Source.Geo, e.Source.AS = event.Geo{Country: "DE", City: "Berlin"}, event.AS{Number: 64500, Organization: "Example Net"}
	e.UserAgent = event.UserAgent{Name: "Safari", OS: "Mac OS"}
	e.Device = event.Device{ID: "laptop-7", Managed: event.True, Compliant: event.True}
	e.Session.ID = fmt.Sprintf("s-%d", w.n)
	e.App = event.App{ID: "0oa1", Name: "Payroll", Sanctioned: event.True}
	return e
}

func (w *tale) events(list ...event.Event) {
	for i := range list {
		w.send(w.kafka.Topics().Events, "default/"+list[i].User.Subject, list[i].AppendJSON(nil), list[i].Time)
	}
}

func (w *tale) detection(e *event.Event, name string, points float64, summary string) {
	d := event.Detection{Name: name, Group: event.GroupSession, Strength: 1, LLR: 6, HalfLife: 3600, Points: points, Summary: summary}
	w.send(w.kafka.Topics().Detections, "default/"+e.User.Subject, publish.AppendDetection(nil, e, &d, "c0ffee"), e.Time)
}

// scores are the user's and the session's at the event, and the user's when two
// hours have passed; an hour later the session's is taken back.
func (w *tale) scores(e *event.Event, score float64, level event.Level, decision event.Decision) {
	user := event.Score{
		Entity: "user:default/" + e.User.Subject, Tenant: "default", Subject: e.User.Subject, Score: score, Level: level, Decision: decision, AsOf: e.Time, Version: 1, Prior: 0.2,
		Lapses: []event.Lapse{}, Event: event.Cause{ID: e.ID, Time: e.Time, Action: e.Action},
		Reasons: []event.Contribution{{Detection: "session_hijack", Points: score, Summary: "the session came from another network", At: e.Time, EventID: e.ID}},
	}
	session, later := user, user
	session.Entity, session.Session = "session:default/"+e.Session.ID, e.Session.ID
	later.AsOf, later.Score, later.Level, later.PreviousLevel, later.Decision, later.Event = e.Time+2*event.Hour, 9.5, event.None, level, event.Allow, event.Cause{}
	for _, s := range []*event.Score{&user, &session, &later} {
		w.send(w.kafka.Topics().Scores, s.Entity, publish.AppendScore(nil, s), s.AsOf)
	}
	w.send(w.kafka.Topics().Scores, session.Entity, nil, e.Time+3*event.Hour)
}

func (w *tale) send(topic, key string, value []byte, at event.Time) {
	if err := w.client.ProduceSync(w.t.Context(), &kgo.Record{Topic: topic, Key: []byte(key), Value: value, Timestamp: at.Std()}).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// kept has a sink copy it all into a history. That stays open: commands reach
// it as they reach that of a running riskstream.
func (w *tale) kept() (configFile string) {
	dir := w.t.TempDir()
	configFile = filepath.Join(dir, "riskstream.yaml")
	if err := os.WriteFile(configFile, []byte("history: {dsn: \"embedded://"+dir+"/history\", days: {events: 0, detections: 0, scores: 0}}\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cfg, err := config.Load(configFile)
	if err != nil {
		w.t.Fatal(err)
	}
	store, err := history.OpenToFill(w.t.Context(), cfg.History)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := store.Close(); err != nil {
			w.t.Error(err)
		}
	})
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- history.NewSink(store, w.kafka, "test", history.NewMetrics(prometheus.NewRegistry()), slog.New(slog.NewTextHandler(w.t.Output(), nil))).Run(ctx, w.opts)
	}()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		audits, err := store.AuditAll(w.t.Context(), w.kafka, w.opts, time.Now(), func(done, total int64) {})
		if err != nil {
			w.t.Fatal(err)
		}
		if !slices.ContainsFunc(audits, func(a history.Audit) bool { return a.Waiting > 0 }) {
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatal("the sink does not come to an end")
		}
	}
	stop()
	if err := <-ended; err != nil {
		w.t.Fatal(err)
	}
	return configFile
}
