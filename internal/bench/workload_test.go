package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/engine"
)

var someTime = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func mustGenerate(t testing.TB, seed uint64, phase uint32, subjects int) *generator {
	t.Helper()
	g, err := newGenerator(seed, phase, subjects)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Every event is JSON that the parser of Okta's log reads as what it was meant
// to be, of the size that the benchmark claims.
func TestEventsAreOktas(t *testing.T) {
	parser, err := ingest.NewParser(ingest.Source{Topic: "idp.okta", Format: "okta"}, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := mustGenerate(t, 1, 7, 1000)
	want := map[action]event.Action{signIn: event.SignIn, badPassword: event.SignIn, verify: event.MFAVerify, open: event.Access}
	bytesWritten, failures, marked, seen := 0, 0, 0, map[string]bool{}
	const n = 20_000
	for i := range n {
		e := g.next(someTime.Add(time.Duration(i) * time.Second))
		b := g.append(nil, &e)
		bytesWritten += len(b)
		if !json.Valid(b) {
			t.Fatalf("not JSON: %s", b)
		}
		got := parseOne(t, parser, b)
		if got.Action != want[e.step.do] || got.User.Email != fmt.Sprintf("user.%d@corp.example", e.person.number) || !got.Source.IP.IsValid() || got.Time.Std() != e.at {
			t.Fatalf("parsed as %+v from %s", got, b)
		}
		if (got.Outcome == event.Failure) != (e.step.do == badPassword) || (got.IDPRisk.Level == "medium") != e.marked {
			t.Fatalf("outcome %s, risk %q of %+v", got.Outcome, got.IDPRisk.Level, e)
		}
		if index, ok := markedIndex([]byte(got.ID), 7); ok != e.marked || ok && index != e.index {
			t.Fatalf("id %s of event %d, marked %v", got.ID, e.index, e.marked)
		}
		if seen[got.ID] {
			t.Fatalf("id %s twice", got.ID)
		}
		seen[got.ID] = true
		if got.Outcome == event.Failure {
			failures++
		}
		if e.marked {
			marked++
		}
	}
	if mean := bytesWritten / n; mean < 1900 || mean > 2600 {
		t.Errorf("events have %d bytes on average", mean)
	}
	if share := float64(failures) / n; share < 0.05 || share > 0.10 {
		t.Errorf("%.3f of the events are failures", share)
	}
	if share := float64(marked) / n; share < 0.015 || share > 0.025 {
		t.Errorf("%.3f of the events are marked", share)
	}
}

func parseOne(t *testing.T, p *ingest.Parser, b []byte) (got event.Event) {
	t.Helper()
	n := 0
	p.Parse(b, event.Origin{}, func(e *event.Event) { got = *e; n++ }, func(d ingest.DeadLetter) { t.Fatalf("dead letter %+v", d) })
	if n != 1 {
		t.Fatalf("%d events in %s", n, b)
	}
	return got
}

// The workload gives every detector something to see, and every marked event
// becomes a detection and a score: latency is measured on them.
func TestEveryDetectorSeesSomething(t *testing.T) {
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
	defer pipeline.Close()
	replay, err := pipeline.NewReplay(cfg.Sources[0], io.Discard, func(d ingest.DeadLetter) { t.Errorf("dead letter %+v", d) })
	if err != nil {
		t.Fatal(err)
	}
	replay.Collect()
	const subjects, n = 2000, 30_000
	log, marked := someEvents(t, subjects, n)
	if err := replay.File(bytes.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := replay.WriteOut(dir); err != nil {
		t.Fatal(err)
	}
	detections, err := os.ReadFile(filepath.Join(dir, "detections.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"anonymous_ip", "brute_force_success", "failed_login_burst", "impossible_travel", "new_country", "new_device", "new_network",
		"rule:bench-anonymizer-unmanaged", "rule:bench-novelties-together",
	} {
		if count := bytes.Count(detections, []byte(`"`+name+`"`)); count == 0 || count > n/10 {
			t.Errorf("%d detections %s", count, name)
		}
	}
	if got := bytes.Count(detections, []byte(`"name":"idp_risk"`)); got != marked {
		t.Errorf("%d detections of %d marked events", got, marked)
	}
}

// someEvents is a log of introductions and n events behind them.
func someEvents(t *testing.T, subjects, n int) (log []byte, marked int) {
	first, mixed := mustGenerate(t, seed, 1, subjects), mustGenerate(t, seed, 2, subjects)
	at := timesOf(someTime.Add(-15*day), day, firsts*subjects)
	for i := range firsts * subjects {
		e := first.first(at(i))
		log = append(first.append(log, &e), '\n')
	}
	at = timesOf(someTime, spanOf(n, subjects), n)
	for i := range n {
		e := mixed.next(at(i))
		log = append(mixed.append(log, &e), '\n')
		if e.marked {
			marked++
		}
	}
	return log, marked
}

func TestSameSeedSameEvents(t *testing.T) {
	write := func(seed uint64) (all []byte) {
		g := mustGenerate(t, seed, 1, 500)
		for range 100 {
			e := g.first(someTime)
			all = g.append(all, &e)
		}
		for range 1000 {
			e := g.next(someTime)
			all = g.append(all, &e)
		}
		return all
	}
	if !bytes.Equal(write(1), write(1)) {
		t.Error("the same seed made other events")
	}
	if bytes.Equal(write(1), write(2)) {
		t.Error("another seed made the same events")
	}
}

// A marked event right behind another of its subject, within the millisecond,
// would change no score and be missed.
func TestMarkedEventsStandAlone(t *testing.T) {
	g := mustGenerate(t, 1, 1, 1_000_000)
	last := g.next(someTime)
	for range 200_000 {
		e := g.next(someTime)
		if e.marked && e.person.number == last.person.number {
			t.Fatalf("event %d of subject %d follows another", e.index, e.person.number)
		}
		last = e
	}
}

// Every subject is introduced from two places.
func TestFirstsIntroduceEverybody(t *testing.T) {
	g := mustGenerate(t, 1, 1, 50)
	places := map[uint64]map[string]bool{}
	for range firsts * 50 {
		e := g.first(someTime)
		n, _ := g.network(&e)
		if places[e.person.number] == nil {
			places[e.person.number] = map[string]bool{}
		}
		places[e.person.number][n.as] = true
	}
	if len(places) != 50 {
		t.Errorf("%d of 50 subjects", len(places))
	}
	for who, seen := range places {
		if len(seen) != firsts {
			t.Errorf("subject %d from %d places", who, len(seen))
		}
	}
}

func TestTemplateNamesAWrongGap(t *testing.T) {
	for _, text := range []string{"a ${nobody} b", "a ${email"} {
		if _, err := parseTemplate(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	g := mustGenerate(b, 1, 1, 1_000_000)
	buf := make([]byte, 0, 4096)
	for b.Loop() {
		e := g.next(someTime)
		buf = g.append(buf[:0], &e)
	}
	b.SetBytes(int64(len(buf)))
}
