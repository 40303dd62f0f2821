package backtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
)

const rulesUnderTest = `rules:
  - id: night-sign-in
    name: Signed in at night
    severity: medium
    group: credential
    weight: 7
    half_life: 12h
    when: |
      event.action == "sign_in" and event.outcome == "success" and (time.hour < 5 or time.hour >= 22)
  - id: never
    name: Never matches
    severity: low
    weight: 1
    half_life: 12h
    when: |
      event.code == "no such code"
`

func pipelines(t testing.TB) (with, without *engine.Pipeline) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "new.yaml")
	if err := os.WriteFile(file, []byte(rulesUnderTest), 0o600); err != nil {
		t.Fatal(err)
	}
	pipeline := func(paths ...string) *engine.Pipeline {
		cfg := config.Default()
		cfg.Rules.Paths = paths
		p, err := engine.NewPipeline(cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		return p
	}
	return pipeline(file), pipeline()
}

// example is the example log, not compressed.
func example(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open("../../examples/okta.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	log, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func ofFile(t *testing.T, log []byte, span Span) *Report {
	t.Helper()
	b := backtestOf(t, span)
	if err := b.Files(ingest.Source{}, func(d ingest.DeadLetter) { t.Errorf("dead letter: %s", d.Err) }); err != nil {
		t.Fatal(err)
	}
	if err := b.File(bytes.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	return b.Report()
}

func backtestOf(t *testing.T, span Span) *Backtest {
	with, without := pipelines(t)
	return New(with, without, span)
}

// The counts are those of the lines that a replay with the rules prints.
func TestCountsWhatAReplayShows(t *testing.T) {
	log := example(t)
	span := Span{Since: event.TimeOf(time.Date(2026, 1, 8, 0, 0, 0, 0, time.UTC)), Until: event.TimeOf(time.Date(2026, 1, 26, 2, 0, 0, 0, time.UTC))}
	report := ofFile(t, log, span)

	with, _ := pipelines(t)
	var lines bytes.Buffer
	r, err := with.NewReplay(ingest.Source{}, &lines, func(ingest.DeadLetter) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.File(bytes.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	want := RuleReport{ID: "night-sign-in", Title: "Signed in at night", Severity: "medium"}
	users, matched, events := map[string]bool{}, map[string]bool{}, 0
	overlap := map[string]int{}
	first, last := event.MaxTime, event.Time(0)
	for decoder := json.NewDecoder(&lines); ; {
		var line struct {
			EventID    string     `json:"event_id"`
			Time       event.Time `json:"time"`
			Subject    string     `json:"subject"`
			Detections []struct{ Name string }
			Rules      []string
		}
		if err := decoder.Decode(&line); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if !span.has(line.Time) {
			continue
		}
		events++
		first, last = min(first, line.Time), max(last, line.Time)
		users[line.Subject] = true
		if !slices.Contains(line.Rules, "night-sign-in") {
			continue
		}
		want.Matches++
		matched[line.Subject] = true
		if len(line.Detections) == 1 {
			want.Alone++
		}
		for _, d := range line.Detections {
			overlap[d.Name]++
		}
	}
	got := report.Rules[1]
	if report.Rules[0].ID != "never" || report.Rules[0].Matches != 0 {
		t.Errorf("%+v", report.Rules[0])
	}
	if report.Events != events || report.Users != len(users) || got.Matches != want.Matches || got.Users != len(matched) || got.Alone != want.Alone || want.Matches < 10 || want.Alone == want.Matches {
		t.Errorf("%d events of %d users, %+v; want %d of %d, %+v", report.Events, report.Users, got, events, len(users), want)
	}
	sum := 0
	for _, day := range got.Days {
		sum += day.Matches
	}
	if sum != got.Matches || got.Days[0].Day < "2026-01-08" || !slices.IsSortedFunc(got.Days, func(a, b Day) int { return strings.Compare(a.Day, b.Day) }) {
		t.Errorf("days %+v", got.Days)
	}
	for _, o := range got.Overlap {
		if overlap[o.Detection] != o.Matches {
			t.Errorf("%+v, want %d", o, overlap[o.Detection])
		}
	}
	// A rule as heavy as this one asks people to step up who were let through.
	if report.Without.StepUps != 1 || report.With.StepUps <= report.Without.StepUps || report.With.Challenged < got.Users {
		t.Errorf("step-ups %+v with the rules, %+v without", report.With, report.Without)
	}
	weeks := float64(last-first) / float64(7*event.Day) // of what there is, not of what was asked for
	if report.Since != first || report.Until != last {
		t.Errorf("from %v to %v, want %v to %v", report.Since, report.Until, first, last)
	}
	if rate := float64(report.With.StepUps) / float64(report.Users) * 1000 / weeks; report.With.StepUpRate != rate {
		t.Errorf("%f step-ups per 1,000 users per week, want %f", report.With.StepUpRate, rate)
	}
}

// A history, which is read user after user, tells what the log tells.
func TestStoredEventsTellWhatTheLogTells(t *testing.T) {
	log := example(t)
	want := ofFile(t, log, Span{})
	with, _ := pipelines(t)
	r, err := with.NewReplay(ingest.Source{}, io.Discard, func(ingest.DeadLetter) {})
	if err != nil {
		t.Fatal(err)
	}
	kept := &keeper{}
	r.Observe(kept)
	if err := r.File(bytes.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(kept.events, func(a, b event.Event) int { return strings.Compare(a.User.Subject, b.User.Subject) })
	b := backtestOf(t, Span{})
	if err := b.Stored(func(each func(*event.Event) error) error {
		for i := range kept.events {
			if err := each(&kept.events[i]); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.Report()); diff != "" {
		t.Error(diff)
	}
}

// keeper keeps events as a history does.
type keeper struct{ events []event.Event }

func (k *keeper) Event(e *event.Event, line int) {
	stored := *e
	stored.Origin = event.Origin{Topic: "file", Offset: int64(line), Index: int32(len(k.events))}
	k.events = append(k.events, stored)
}
func (k *keeper) Detections(*event.Event, []event.Detection) {}
func (k *keeper) Score(*event.Score)                         {}
func (k *keeper) Gone(*event.Score)                          {}
