package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/kafkatest"
	"github.com/riskstream/riskstream/internal/simulate"
)

// TestLiveEqualsReplay runs the engine against an in-process broker; with the
// build tag realkafka, TestRealLiveEqualsReplay runs the same on Apache Kafka.
func TestLiveEqualsReplay(t *testing.T) {
	testLiveEqualsReplay(t, kafkatest.Fake(t), "", 8_000, 24)
}

// testLiveEqualsReplay sends raw events of three identity providers through
// the engine, which is stopped and started again on the way, and then compares
// what it left behind with a replay of what stands in risk.events.
func testLiveEqualsReplay(t *testing.T, addr, prefix string, events, users int) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	company := simulate.New(simulate.Config{Seed: 7, Users: users})
	cfg := liveConfig(t, addr, prefix, company)
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	forever := "-1" // the company's events are older than Kafka's default retention
	keepForever := map[string]*string{"retention.ms": &forever}
	for _, source := range cfg.Sources {
		if _, err := admin.CreateTopic(ctx, 3, 1, keepForever, source.Topic); err != nil {
			t.Fatal(err)
		}
	}
	// The clock of the falls stands at a time after every event.
	now := company.LiveFrom().Std().Add(30 * 24 * time.Hour)

	produceCompany(t, ctx, client, prefix, company, events/2)
	first := startEngine(t, ctx, cfg, now)
	waitFor(t, ctx, "the first engine to be in the middle", func() bool {
		return committed(ctx, admin, cfg.Kafka.Group("subject-lane")) > int64(events/4)
	})
	first.stop(t)
	produceCompany(t, ctx, client, prefix, company, events-events/2)
	second := startEngine(t, ctx, cfg, now)
	waitFor(t, ctx, "everything to be scored", func() bool {
		return second.Ready() == nil && second.owned() == int(cfg.Kafka.Partitions) && idle(ctx, admin, cfg)
	})
	second.stop(t)

	topics := cfg.Kafka.Topics()
	log := readTopic(t, ctx, addr, topics.Events)
	deadLetters := readTopic(t, ctx, addr, topics.DeadLetter)
	checkNothingLost(t, ctx, admin, cfg, log, deadLetters)

	want := replayDump(t, cfg, log, event.TimeOf(now))
	detections := liveDetections(readTopic(t, ctx, addr, topics.Detections))
	compare(t, "detections.jsonl", want, detections)
	compare(t, "scores.jsonl", want, liveScores(readTopic(t, ctx, addr, topics.Scores)))
	compare(t, "state.jsonl", want, second.state(t))
	checkStories(t, company, detections)
}

// checkStories holds the detections against what the company knows to have
// happened. A replay runs the same detectors, so that a broken one shows here
// and not in the comparison.
func checkStories(t *testing.T, company *simulate.Company, detections []byte) {
	t.Helper()
	raised := map[string]map[string]bool{}
	for line := range bytes.Lines(detections) {
		var d struct{ Subject, Name string }
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		if raised[d.Subject] == nil {
			raised[d.Subject] = map[string]bool{}
		}
		raised[d.Subject][d.Name] = true
	}
	want := map[string][]string{
		"impossible_travel":    {"impossible_travel", "new_device"},
		"brute_force_success":  {"failed_login_burst", "brute_force_success", "new_device", "new_network"},
		"password_guessing":    {"failed_login_burst"},
		"anonymous_new_device": {"anonymous_ip", "new_device"},
		"business_trip":        {"new_country"},
		"new_phone":            {"new_device"},
	}
	for _, story := range company.Stories() {
		for _, name := range want[story.Name] {
			if !raised[story.Person][name] {
				t.Errorf("story %s of %s (%s): no %s among %v", story.Name, story.Person, story.About, name, slices.Sorted(maps.Keys(raised[story.Person])))
			}
		}
		delete(want, story.Name)
	}
	for name := range want {
		t.Errorf("the company has no story %s", name)
	}
}

func liveConfig(t *testing.T, addr, prefix string, company *simulate.Company) *config.Config {
	directory := filepath.Join(t.TempDir(), "directory.yaml")
	if err := os.WriteFile(directory, company.Directory(), 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`
kafka: {brokers: [%q], topic_prefix: %q, replication_factor: 1, partitions: 4}
sources:
  - {topic: %[2]sidp.okta, format: okta}
  - {topic: %[2]sidp.entra, format: entra}
  - {topic: %[2]sidp.keycloak, format: keycloak}
geoip:
  city: ../../fixtures/geoip/city.mmdb
  asn: ../../fixtures/geoip/asn.mmdb
  anonymous: ../../fixtures/geoip/anonymous.mmdb
directory: %[3]q
engine: {workers: 2}
`, addr, prefix, directory)
	cfg, err := config.Parse("riskstream.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// mail keys raw records by the person they name, as a connector does that keeps
// each person's events in order over several partitions.
var mail = regexp.MustCompile(`[a-z.]+@[a-z.]+`)

// produceCompany produces the events of a simulated company, and among them a
// few records that cannot be read.
func produceCompany(t *testing.T, ctx context.Context, client *kgo.Client, prefix string, company *simulate.Company, events int) {
	var failed error
	for i := range events {
		record := company.Next()
		value := record.Value
		if i%1000 == 999 {
			value = []byte(`{"broken":`)
		}
		client.Produce(ctx, &kgo.Record{Topic: prefix + record.Topic, Key: mail.Find(record.Value), Value: value, Timestamp: record.Time.Std()}, func(_ *kgo.Record, err error) {
			failed = errors.Join(failed, err)
		})
	}
	if err := client.Flush(ctx); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

type running struct {
	*Engine
	cancel context.CancelFunc
	done   chan error
}

func startEngine(t *testing.T, ctx context.Context, cfg *config.Config, now time.Time) *running {
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	pipeline, err := NewPipeline(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pipeline.Close() })
	ctx, cancel := context.WithCancel(ctx)
	r := &running{New(cfg, pipeline, log, prometheus.NewRegistry(), func() time.Time { return now }), cancel, make(chan error, 1)}
	go func() { r.done <- r.Run(ctx) }()
	return r
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
}

// owned counts the partitions of risk.events that the engine's lanes hold; in
// the middle of a rebalance some are nobody's.
func (r *running) owned() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, lane := range r.lanes {
		lane.mu.Lock()
		n += len(lane.partitions)
		lane.mu.Unlock()
	}
	return n
}

// state is the canonical state of every partition that the engine owned when
// it stopped.
func (r *running) state(t *testing.T) []byte {
	var stores []*store
	for _, lane := range r.lanes {
		for _, p := range lane.partitions {
			stores = append(stores, p.store)
		}
	}
	var out bytes.Buffer
	if err := writeState(&out, stores...); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func waitFor(t *testing.T, ctx context.Context, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, ctx.Err())
		case <-tick.C:
		}
	}
}

func committed(ctx context.Context, admin *kadm.Client, group string) int64 {
	offsets, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return 0
	}
	var sum int64
	offsets.Each(func(o kadm.OffsetResponse) { sum += max(o.At, 0) })
	return sum
}

// idle reports that ingest has committed the end of every source and the lane
// the end of risk.events.
func idle(ctx context.Context, admin *kadm.Client, cfg *config.Config) bool {
	sources := make([]string, 0, len(cfg.Sources))
	for _, s := range cfg.Sources {
		sources = append(sources, s.Topic)
	}
	return ends(ctx, admin, sources...) == committed(ctx, admin, cfg.Kafka.Group("ingest")) &&
		ends(ctx, admin, cfg.Kafka.Topics().Events) == committed(ctx, admin, cfg.Kafka.Group("subject-lane"))
}

func ends(ctx context.Context, admin *kadm.Client, topics ...string) int64 {
	offsets, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return -1
	}
	var sum int64
	offsets.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	return sum
}

// readTopic reads a whole topic, by partition in offset order.
func readTopic(t *testing.T, ctx context.Context, addr, topic string) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	end := ends(ctx, kadm.NewClient(client), topic)
	next := map[int32]int64{}
	reached := func() (sum int64) {
		for _, offset := range next {
			sum += offset
		}
		return sum
	}
	var records []*kgo.Record
	for reached() < end {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("reading %s: %v", topic, ctx.Err())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			records = append(records, r)
			next[r.Partition] = r.Offset + 1
		})
	}
	slices.SortStableFunc(records, func(a, b *kgo.Record) int { return int(a.Partition) - int(b.Partition) })
	return records
}

// checkNothingLost looks for every position of the sources among the events
// and dead letters.
func checkNothingLost(t *testing.T, ctx context.Context, admin *kadm.Client, cfg *config.Config, log, deadLetters []*kgo.Record) {
	t.Helper()
	found := map[string]bool{}
	var d event.Decoder
	for _, r := range log {
		e, err := d.Decode(r.Value)
		if err != nil {
			t.Fatalf("risk.events %d/%d: %v", r.Partition, r.Offset, err)
		}
		found[fmt.Sprint(e.Origin.Topic, e.Origin.Partition, e.Origin.Offset)] = true
	}
	dead := 0
	for _, r := range deadLetters {
		o := originOf(t, r.Value)
		found[fmt.Sprint(o.Topic, o.Partition, o.Offset)] = true
		dead++
	}
	missing, total := 0, 0
	for _, source := range cfg.Sources {
		offsets, err := admin.ListEndOffsets(ctx, source.Topic)
		if err != nil {
			t.Fatal(err)
		}
		offsets.Each(func(o kadm.ListedOffset) {
			for at := range o.Offset {
				total++
				if !found[fmt.Sprint(o.Topic, o.Partition, at)] {
					missing++
				}
			}
		})
	}
	if missing > 0 || dead == 0 {
		t.Errorf("%d of %d raw positions are neither in risk.events nor dead letters; %d dead letters", missing, total, dead)
	}
	t.Logf("%d raw positions: %d events in the log, %d dead letters", total, len(log), dead)
}

// replayDump writes risk.events to one file per partition and replays them.
func replayDump(t *testing.T, cfg *config.Config, log []*kgo.Record, until event.Time) string {
	t.Helper()
	pipeline, err := NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer pipeline.Close()
	replay, err := pipeline.NewReplay(ingest.Source{}, io.Discard, func(d ingest.DeadLetter) { t.Errorf("dead letter in the dump: %s", d.Err) })
	if err != nil {
		t.Fatal(err)
	}
	replay.Collect()
	for len(log) > 0 {
		var dump bytes.Buffer
		partition := log[0].Partition
		for len(log) > 0 && log[0].Partition == partition {
			dump.Write(log[0].Value)
			dump.WriteByte('\n')
			log = log[1:]
		}
		if err := replay.File(&dump); err != nil {
			t.Fatal(err)
		}
	}
	replay.FallUntil(until)
	dir := t.TempDir()
	if err := replay.WriteOut(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// liveDetections are the detections by key, in log order. A start may publish
// again what was not committed: the same bytes, which count once.
func liveDetections(records []*kgo.Record) []byte {
	byKey := map[string][]string{}
	for _, r := range records {
		key, line := string(r.Key), string(r.Value)
		if !slices.Contains(byKey[key], line) {
			byKey[key] = append(byKey[key], line)
		}
	}
	var out bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		for _, line := range byKey[key] {
			out.WriteString(line + "\n")
		}
	}
	return out.Bytes()
}

// liveScores is what compaction would leave of risk.scores.
func liveScores(records []*kgo.Record) []byte {
	last := map[string][]byte{}
	for _, r := range records {
		if r.Value == nil {
			delete(last, string(r.Key))
		} else {
			last[string(r.Key)] = r.Value
		}
	}
	var out bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(last)) {
		out.Write(last[key])
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func compare(t *testing.T, name, dir string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 {
		t.Errorf("%s: the replay gives nothing to compare with", name)
	}
	if bytes.Equal(want, got) {
		t.Logf("%s: %d bytes, equal", name, len(want))
		return
	}
	wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	differ := 0
	for i := range max(len(wantLines), len(gotLines)) {
		var w, g string
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if w != g {
			if differ++; differ <= 3 {
				t.Errorf("%s:%d differs\nreplay %s\nlive   %s", name, i+1, w, g)
			}
		}
	}
	t.Errorf("%s: %d lines differ (%d in the replay, %d live)", name, differ, len(wantLines), len(gotLines))
}

func originOf(t *testing.T, deadLetter []byte) event.Origin {
	t.Helper()
	var d struct {
		Origin struct {
			Topic     string
			Partition int32
			Offset    int64
		}
	}
	if err := json.Unmarshal(deadLetter, &d); err != nil {
		t.Fatalf("dead letter: %v", err)
	}
	return event.Origin{Topic: d.Origin.Topic, Partition: d.Origin.Partition, Offset: d.Origin.Offset}
}
