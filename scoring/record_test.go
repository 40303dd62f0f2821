package scoring

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/riskstream/riskstream/event"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The golden file tells one account's day, with every record it causes; it is
// what a reviewer sees change when weights or the rules of scoring change.
func TestGoldenStory(t *testing.T) {
	s := newStory(t)
	var out bytes.Buffer
	tell := func(what string, e event.Event, detections ...event.Detection) {
		r := s.happens(e, detections...)
		fmt.Fprintf(&out, "\n# %v %s: event risk %.2f, score %.2f, %v, %v\n", e.Time, what, r.EventRisk, r.Score, r.Level, r.Decision)
		if r.Changed {
			rec := s.record(r)
			describe(&out, &rec)
			for exists := true; exists && len(rec.Lapses) > 0; {
				rec, exists = s.v.Fall(&rec)
				describe(&out, &rec)
			}
		}
		for _, c := range r.Sessions {
			if rec, exists := s.sessionRecord(c); exists {
				describe(&out, &rec)
			} else {
				fmt.Fprintf(&out, "%s ends\n", rec.Entity)
			}
		}
	}
	travel := saw("impossible_travel")
	travel.Session = true

	tell("an ordinary sign-in", signIn(monday))
	tell("a new phone", signIn(monday+event.Hour), saw("new_device"))
	tell("guessing from a hosted network", signIn(monday+2*event.Hour, failed, from(tokyo)), saw("failed_login_burst"))
	tell("it comes through, from the other side of the world", signIn(monday+2*event.Hour+event.Minute, from(tokyo), session("stolen")),
		travel, saw("brute_force_success"), saw("new_country"), saw("new_network"))
	tell("it looks around", signIn(monday+2*event.Hour+5*event.Minute, from(tokyo), session("stolen"), func(e *event.Event) { e.Action = event.Access }))
	tell("the user signs in with a key", signIn(monday+3*event.Hour, factor(event.FactorStrong)))
	tell("an analyst agrees that it was an attack", verdict(monday+4*event.Hour, "confirm_compromised"))
	tell("the account is clean again", verdict(monday+5*event.Hour, "confirm_safe"))
	tell("and released", verdict(monday+5*event.Hour+event.Minute, "release"))
	tell("the next morning", signIn(monday+event.Day))

	const path = "testdata/story.golden"
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("the story differs from %s; run with -update and review the difference. Got:\n%s", path, out.Bytes())
	}
}

// describe writes a record as a person would want to read it.
func describe(w io.Writer, rec *event.Score) {
	fmt.Fprintf(w, "%s v%d as of %v: %.2f, %v after %v, %v", rec.Entity, rec.Version, rec.AsOf, rec.Score, rec.Level, rec.PreviousLevel, rec.Decision)
	if rec.ReauthAfter != 0 {
		fmt.Fprintf(w, ", reauth after %v", rec.ReauthAfter)
	}
	if rec.Event == (event.Cause{}) {
		fmt.Fprint(w, " (a fall)")
	}
	fmt.Fprintln(w)
	for _, r := range rec.Reasons {
		fmt.Fprintf(w, "  %6.2f %s, %s, %.3f nats from %v", r.Points, r.Detection, r.Group, r.LLR, r.At)
		if r.ClearsAt != 0 {
			fmt.Fprintf(w, " to %v", r.ClearsAt)
		}
		if r.Unconfirmed {
			fmt.Fprint(w, ", unconfirmed")
		}
		if r.CoveredBy != "" {
			fmt.Fprintf(w, ", covered by %s", r.CoveredBy)
		}
		fmt.Fprintln(w)
	}
	for _, l := range rec.Lapses {
		fmt.Fprintf(w, "  then %v, %v at %v\n", l.Level, l.Decision, l.At)
	}
}

// The worked example of docs/scoring.md, by the formula of DESIGN.md and
// nothing of this package.
func TestScoreIsTheDocumentedFormula(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday), saw("new_device"), saw("impossible_travel"))
	r := s.happens(signIn(monday+6*event.Hour), saw("new_network"))

	velocity := 6 * math.Exp2(-6.0/24)
	device := 2 * math.Exp2(-6.0/72)
	network := 1.0
	l := math.Log(0.002/0.998) + velocity + device + network
	want := 100 / (1 + math.Exp(-l))
	if math.Abs(r.Score-want) > 0.005 {
		t.Errorf("score %.2f; want %.4f", r.Score, want)
	}
	for _, reason := range s.record(r).Reasons {
		share := map[string]float64{"impossible_travel": velocity, "new_device": device, "new_network": network}[reason.Detection]
		if points := (want - 0.2) * share / (velocity + device + network); math.Abs(reason.Points-points) > 0.01 {
			t.Errorf("%s has %.2f points; want %.2f", reason.Detection, reason.Points, points)
		}
	}
}

// However the prior rounds, the score without evidence is the prior's, and
// points sum to what evidence adds to it.
func TestPriorIsTheScoreWithoutEvidence(t *testing.T) {
	for n := range 400 {
		cfg := Defaults()
		cfg.Prior = 0.00005 * float64(n+1)
		cfg.Caps[event.GroupNetwork] = 0.001
		s := storyWith(t, cfg, nil)
		none := s.happens(signIn(monday))
		r := s.happens(signIn(monday), saw("new_country"))
		rec := s.record(r)
		if len(rec.Reasons) != 1 || centiOf(rec.Score-rec.Prior) != centiOf(rec.Reasons[0].Points) {
			t.Errorf("prior %v: score %.2f, prior %.2f, points %.2f", cfg.Prior, rec.Score, rec.Prior, rec.Reasons[0].Points)
		}
		safe := s.happens(verdict(monday, event.ConfirmSafe))
		if safe.Score != none.Score || safe.Score != rec.Prior {
			t.Errorf("prior %v: %.2f before, %.2f after evidence, %.2f in the record", cfg.Prior, none.Score, safe.Score, rec.Prior)
		}
	}
}

func TestGroupsAreCapped(t *testing.T) {
	s := newStory(t)
	r := s.happens(signIn(monday), saw("new_country"), saw("anonymous_ip"), saw("new_network"))
	if want := s.v.logistic(natsOf(5.5)).float(); r.Score != want {
		t.Errorf("score %.2f; want %.2f, that of the group's cap", r.Score, want)
	}
}

// Failed attempts explain nothing of a score that they could not have lifted.
func TestUnconfirmedEvidenceHasPointsOnlyWhereItCounts(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday, failed, from(tokyo)), saw("failed_login_burst"))
	if rec := s.record(s.happens(signIn(monday), saw("new_device"))); rec.Reasons[0].Detection != "failed_login_burst" || rec.Reasons[0].Points == 0 {
		t.Errorf("below medium: %+v", rec.Reasons)
	}
	rec := s.record(s.happens(signIn(monday), saw("impossible_travel")))
	for _, reason := range rec.Reasons {
		if counts := reason.Detection != "failed_login_burst"; (reason.Points > 0) != counts || reason.Unconfirmed == counts {
			t.Errorf("score %.2f: %s has %.2f points, unconfirmed %v", rec.Score, reason.Detection, reason.Points, reason.Unconfirmed)
		}
	}
}

// Each lapse is the first millisecond at which the published level or decision
// is lower.
func TestLapsesAreExact(t *testing.T) {
	s := newStory(t)
	r := s.happens(signIn(monday), saw("impossible_travel"), saw("new_device"), saw("session_hijack"))
	rec := s.record(r)
	var levels []event.Level
	for _, l := range rec.Lapses {
		levels = append(levels, l.Level)
		_, before := s.v.At(&s.st, s.open, l.At-1)
		_, after := s.v.At(&s.st, s.open, l.At)
		if after != l.Level || before <= after {
			t.Errorf("at %v: %v, then %v; the record says %v", l.At, before, after, l.Level)
		}
	}
	if !slices.Equal(levels, []event.Level{event.Medium, event.Low, event.None}) {
		t.Errorf("levels %v", levels)
	}
	if rec.Lapses[0].Decision != event.StepUp || rec.Lapses[1].Decision != event.Allow {
		t.Errorf("lapses %+v; want revoke to become step_up, then allow", rec.Lapses)
	}
}

// A policy on the score itself makes decisions fall inside a level, and one on
// evidence when that clears.
func TestLapsesFollowThePolicies(t *testing.T) {
	s := storyWith(t, Defaults(), Policies{
		{Name: "above 20", When: "score > 20", Decision: event.Revoke},
		{Name: "device", When: `"new_device" in evidence`, Decision: event.StepUp},
	})
	rec := s.record(s.happens(signIn(monday), saw("impossible_travel"), saw("new_device")))
	if rec.Decision != event.Revoke {
		t.Fatalf("decision %v", rec.Decision)
	}
	for _, l := range rec.Lapses {
		score, _ := s.v.At(&s.st, s.open, l.At)
		var deviceClears event.Time
		for _, reason := range rec.Reasons {
			if reason.Detection == "new_device" {
				deviceClears = reason.ClearsAt
			}
		}
		want := event.StepUp
		switch {
		case score > 20:
			want = event.Revoke
		case l.At >= deviceClears:
			want = event.Allow
		}
		if l.Decision != want {
			t.Errorf("at %v, score %.2f: %v; want %v", l.At, score, l.Decision, want)
		}
	}
	if last := rec.Lapses[len(rec.Lapses)-1]; last.Decision != event.Allow || last.Level != event.None {
		t.Errorf("the last lapse is %+v", last)
	}
}

// Policies that are stricter with less risk are somebody's mistake; time alone
// must not make it an enforcement point's.
func TestDecisionsNeverRiseWithTime(t *testing.T) {
	s := storyWith(t, Defaults(), Policies{
		{Name: "risky", When: `level == "medium"`, Decision: event.StepUp},
		{Name: "mistaken", When: `level == "low"`, Decision: event.Revoke},
	})
	rec := s.record(s.happens(signIn(monday), saw("impossible_travel")))
	if len(rec.Lapses) != 2 || rec.Lapses[0].Level != event.Low || rec.Lapses[0].Decision != event.StepUp {
		t.Errorf("lapses %+v; want step_up to stay at low", rec.Lapses)
	}
}

func TestFallOfASessionEndsInATombstone(t *testing.T) {
	travel := saw("impossible_travel")
	travel.Session = true
	s := newStory(t)
	r := s.happens(signIn(monday, session("a")), travel)
	rec, _ := s.sessionRecord(r.Sessions[0])
	var levels []event.Level
	for exists := true; exists; {
		rec, exists = s.v.Fall(&rec)
		levels = append(levels, rec.Level)
		if exists != (rec.Level > event.None) || rec.Event != (event.Cause{}) || rec.Version != 1 {
			t.Errorf("exists %v: %+v", exists, rec)
		}
	}
	if !slices.Equal(levels, []event.Level{event.Low, event.None}) {
		t.Errorf("levels %v", levels)
	}
}

func TestWeightsVersionTellsLocalChanges(t *testing.T) {
	llr := 1.5
	for _, test := range []struct {
		name  string
		tweak func(*Config)
		local bool
	}{
		{"as built in", func(*Config) {}, false},
		{"prior", func(c *Config) { c.Prior = 0.001 }, true},
		{"level", func(c *Config) { c.Levels.High = 80 }, true},
		{"cap", func(c *Config) { c.Caps[event.GroupDevice] = 1 }, true},
		{"weight", func(c *Config) { c.Weights = map[string]WeightConfig{"new_device": {LLR: &llr}} }, true},
	} {
		cfg := Defaults()
		test.tweak(&cfg)
		s, err := New(cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		if local := s.Version() != builtinWeights().Version; local != test.local {
			t.Errorf("%s: version %s", test.name, s.Version())
		}
	}
}
