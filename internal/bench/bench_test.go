package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/kafkatest"
	"github.com/riskstream/riskstream/rules"
)

// The test binary is also the processes that a benchmark starts.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case LoadCommand:
			exit(RunLoad(context.Background(), os.Stdin, os.Stdout))
		case BrokerCommand:
			exit(RunBroker(context.Background(), os.Stdin, os.Stdout))
		}
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A whole benchmark, as small as it gets: every number is there, nothing is
// missing, and the topics are gone afterwards.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some ten seconds")
	}
	addr := kafkatest.Fake(t)
	o := Options{Short: true, JSON: true, Brokers: addr, Subjects: 500, Events: 3000, Version: "test", Out: &bytes.Buffer{}}
	p := o.plan()
	p.open, p.skip, p.rates = 1500*time.Millisecond, 500*time.Millisecond, []int{600}
	if err := run(t.Context(), o, p); err != nil {
		t.Fatal(err)
	}
	text := o.Out.(*bytes.Buffer).Bytes()
	var keys map[string]any
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, key := range []string{"events_per_s", "passthrough_per_s", "ratio", "p99_ms", "bytes_per_subject", "allocs_per_event", "cpu_us_per_event"} {
		if n, ok := keys[key].(float64); !ok || n <= 0 {
			t.Errorf("%s is %v", key, keys[key])
		}
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Growth) != 2 || len(r.Restore) == 0 || r.Restore[0].Subjects != 500 || r.Restore[0].Seconds <= 0 {
		t.Errorf("growth %+v, restore %+v", r.Growth, r.Restore)
	}
	for _, l := range r.Latency {
		if l.Events == 0 || l.Missing > 0 || !(0 < l.P50 && l.P50 <= l.P99 && l.P99 <= l.Max) {
			t.Errorf("latency %+v", l)
		}
	}
	if table := r.Table(); !strings.Contains(table, "pass-through") || !strings.Contains(table, "restore from") {
		t.Errorf("table:\n%s", table)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range topics.Names() {
		if strings.HasPrefix(name, "bench-") {
			t.Errorf("topic %s is left", name)
		}
	}
}

// Twenty rules run, and all of them can be loaded.
func TestTwentyRules(t *testing.T) {
	s, err := newSite(t.TempDir(), site{broker: "127.0.0.1:1", prefix: "p.", partitions: 1, replication: 1, workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := s.configure(atLeastOnce)
	if err != nil {
		t.Fatal(err)
	}
	pipeline, err := engine.NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	pipeline.Close()
	set, err := rules.Load(cfg.Rules.Paths, true)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != ruleCount {
		t.Errorf("%d rules; want %d", set.Len(), ruleCount)
	}
}

// An idle group counts as done when only markers of transactions are left.
func TestDrainWaitsForBothHops(t *testing.T) {
	addr := kafkatest.Fake(t, kfake.SeedTopics(1, "source", "events"))
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	commit := func(group, topic string, at int64) {
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, at, -1)
		if err := admin.CommitAllOffsets(t.Context(), group, offsets); err != nil {
			t.Error(err)
		}
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "events", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	d := &Drain{Ingest: "in", Lane: "out", Events: "events"}
	done := make(chan error, 1)
	go func() {
		_, err := d.wait(t.Context(), admin, "source", map[int32]int64{0: 5})
		done <- err
	}()
	commit("in", "source", 4)
	commit("out", "events", 1)
	select {
	case <-done:
		t.Fatal("did not wait for the first hop")
	case <-time.After(4 * drainEvery):
	}
	commit("in", "source", 5)
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("did not end")
	}
}

func TestLatencyCountsMissingAsSlowest(t *testing.T) {
	var all []time.Duration
	for i := range 98 {
		all = append(all, time.Duration(i+1)*time.Millisecond)
	}
	l := Latency{}
	l.summarize(all)
	if l.Events != 98 || l.P50 != 50 || l.P99 != 98 || l.Max != 98 {
		t.Errorf("%+v", l)
	}
	l = Latency{Missing: 102}
	l.summarize(all)
	if l.P50 != 98 {
		t.Errorf("with as many missing, the median is %v", l.P50)
	}
}

// A score counts from when its event should have been sent, and once.
func TestScoreReader(t *testing.T) {
	start := time.Now()
	s := &scoreReader{phase: 3, start: start, period: 10 * time.Millisecond, skip: 5, came: map[uint64]time.Duration{}}
	score := func(phase uint32, index uint64, marked bool) []byte {
		id := appendUUID(nil, phase, index, marked)
		return fmt.Appendf(nil, `{"reasons":[{"event_id":"x"}],"event":{"id":"%s","time":"t"}}`, id)
	}
	now := start.Add(200 * time.Millisecond)
	s.note(score(3, 10, true), now)
	s.note(score(3, 10, true), now.Add(time.Second)) // the session's record, or a repeat
	s.note(score(3, 4, true), now)                   // skipped
	s.note(score(3, 11, false), now)
	s.note(score(2, 12, true), now)
	s.note([]byte(`{"event":{"id":"short"}}`), now)
	s.note(nil, now)
	if len(s.came) != 1 || s.came[10] != 100*time.Millisecond {
		t.Errorf("%v", s.came)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.6: "1,234,568"} {
		if got := thousands(n); got != want {
			t.Errorf("%v is %s, want %s", n, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for want, o := range map[string]Options{
		"--subjects 7":     {Subjects: 7},
		"--events -1":      {Events: -1},
		`--brokers "here"`: {Brokers: "here"},
	} {
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if err := (&Options{Brokers: "localhost:9092", Subjects: 100, Events: 1000}).Validate(); err != nil {
		t.Error(err)
	}
}
