package scoring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/event"
)

// happening is one arbitrary event with detections.
type happening struct {
	e    event.Event
	seen []event.Detection
}

// happenings draws a sequence of events whose times mostly, but not always,
// go forward.
func happenings() *rapid.Generator[[]happening] {
	return rapid.Custom(func(t *rapid.T) []happening {
		at := monday
		var all []happening
		for i := range rapid.IntRange(1, 30).Draw(t, "events") {
			at += event.Time(rapid.Int64Range(-2*int64(event.Hour), 30*int64(event.Hour)).Draw(t, "later"))
			e := signIn(at,
				from(rapid.SampledFrom([]string{home, tokyo, "198.51.100.1"}).Draw(t, "ip")),
				session(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "session")),
				factor(rapid.SampledFrom([]event.Factor{event.FactorNone, event.FactorPassword, event.FactorOTP, event.FactorStrong}).Draw(t, "factor")),
			)
			e.ID = fmt.Sprint("event-", i)
			e.Outcome = rapid.SampledFrom(event.Outcomes[:]).Draw(t, "outcome")
			e.Action = rapid.SampledFrom([]event.Action{event.SignIn, event.Access, event.MFAVerify, event.MFAEnroll, event.AccountLock}).Draw(t, "action")
			if rapid.IntRange(0, 15).Draw(t, "signal") == 0 {
				e.Kind, e.Action = event.KindSignal, event.IDPSignal
				e.Code = rapid.SampledFrom([]string{"confirm_safe", "confirm_compromised", "release", "other"}).Draw(t, "code")
			}
			h := happening{e: e}
			names := builtinNames()
			for range rapid.IntRange(0, 4).Draw(t, "detections") {
				d := saw(rapid.SampledFrom(names).Draw(t, "detection"))
				d.Key = rapid.Uint64Range(0, 5).Draw(t, "key")
				d.Strength = rapid.SampledFrom([]float64{0.01, 0.25, 0.333, 1}).Draw(t, "strength")
				d.Session = rapid.Bool().Draw(t, "of session")
				other := signIn(at, from(rapid.SampledFrom([]string{home, tokyo, "198.51.100.1"}).Draw(t, "elsewhere")))
				d.Elsewhere = event.ShortHash(other.Source.NetworkHash())
				h.seen = append(h.seen, d)
			}
			all = append(all, h)
		}
		return all
	})
}

func builtinNames() []string {
	var names []string
	for name := range builtinWeights().Detections {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// play tells the events to a fresh story; after each it calls see.
func play(t *rapid.T, outer testing.TB, all []happening, see func(s *story, h happening, r Result)) *story {
	s := newStory(outer)
	for _, h := range all {
		h.seen = slices.Clone(h.seen)
		r := s.happens(h.e, h.seen...)
		if see != nil {
			see(s, h, r)
		}
	}
	return s
}

// What holds of every record, whatever has happened.
func TestRecordsHold(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		play(t, outer, happenings().Draw(t, "story"), func(s *story, h happening, r Result) {
			check := func(rec event.Score) {
				var sum centi
				for _, reason := range rec.Reasons {
					if reason.Points < 0 {
						t.Fatalf("%s has %.2f points", reason.Detection, reason.Points)
					}
					sum += centiOf(reason.Points)
				}
				if sum != centiOf(rec.Score)-centiOf(rec.Prior) {
					t.Fatalf("points sum to %d hundredths of %.2f − %.2f", sum, rec.Score, rec.Prior)
				}
				if rec.Score < rec.Prior || rec.Score > 100 || rec.Level != s.v.level(centiOf(rec.Score)) {
					t.Fatalf("score %.2f, level %v", rec.Score, rec.Level)
				}
				if (rec.ReauthAfter != 0) != (rec.Decision != event.Allow) {
					t.Fatalf("%v, reauth after %v", rec.Decision, rec.ReauthAfter)
				}
				before := event.Lapse{At: rec.AsOf, Level: rec.Level, Decision: rec.Decision}
				for _, l := range rec.Lapses {
					if l.At <= before.At || l.Level > before.Level || l.Decision > before.Decision || l.Level == before.Level && l.Decision == before.Decision {
						t.Fatalf("lapse %+v after %+v", l, before)
					}
					before = l
				}
				pinned := slices.Contains(s.names(), confirmedCompromised) && rec.Session == ""
				if !pinned && (before.Level != event.None || before.Decision != event.Allow) {
					t.Fatalf("it ends with %+v", before)
				}
			}
			rec := s.record(r)
			if rec.Score != r.Score || rec.Level != r.Level || rec.Decision != r.Decision {
				t.Fatalf("the record says %.2f %v %v, the result %.2f %v %v", rec.Score, rec.Level, rec.Decision, r.Score, r.Level, r.Decision)
			}
			check(rec)
			for _, c := range r.Sessions {
				if rec, exists := s.sessionRecord(c); exists {
					check(rec)
				}
			}
		})
	})
}

// The lapses are what level and decision do, looked at moment by moment.
func TestLapsesAreWhatHappens(outer *testing.T) {
	policies := []Policies{
		nil,
		{{Name: "network", When: `"new_network" in evidence or "new_device" in evidence`, Decision: event.StepUp}},
		{{Name: "score", When: "score > 25", Decision: event.Revoke}, {Name: "weak", When: "score > 3", Decision: event.StepUp}},
	}
	rapid.Check(outer, func(t *rapid.T) {
		s := storyWith(outer, Defaults(), policies[rapid.IntRange(0, len(policies)-1).Draw(t, "policies")])
		var r Result
		for _, h := range happenings().Draw(t, "story") {
			r = s.happens(h.e, h.seen...)
		}
		rec := s.record(r)
		if slices.Contains(s.names(), confirmedCompromised) {
			return // it holds until it is released, whatever else clears
		}
		at := func(when event.Time) event.Lapse {
			list := s.v.evidenceOf(s.open, everything)
			score := s.v.scoreAt(list, when)
			level := s.v.level(score)
			return event.Lapse{At: when, Level: level, Decision: s.v.decide(list, when, score, level)}
		}
		moments := []event.Time{rec.AsOf}
		for _, l := range rec.Lapses {
			moments = append(moments, l.At-1, l.At)
		}
		for range 20 {
			moments = append(moments, rec.AsOf+event.Time(rapid.Int64Range(0, 20*int64(event.Day)).Draw(t, "moment")))
		}
		for _, when := range moments {
			want := event.Lapse{At: when, Level: rec.Level, Decision: rec.Decision}
			for _, l := range rec.Lapses {
				if l.At <= when {
					want.Level, want.Decision = l.Level, l.Decision
				}
			}
			if got := at(when); got != want {
				t.Fatalf("at %v it is %+v; by the lapses %+v of %v it is %+v", when, got, rec.Lapses, rec.AsOf, want)
			}
		}
	})
}

// A record that has been through JSON falls as the original does, and as the
// state itself decays.
func TestFallFollowsFromTheRecord(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		s := play(t, outer, happenings().Draw(t, "story"), nil)
		rec := s.record(Result{})
		for len(rec.Lapses) > 0 {
			var read event.Score
			if err := json.Unmarshal(toJSON(outer, rec), &read); err != nil {
				t.Fatal(err)
			}
			at := rec.Lapses[0].At
			fallen, _ := s.v.Fall(&rec)
			again, _ := s.v.Fall(&read)
			if !bytes.Equal(toJSON(outer, fallen), toJSON(outer, again)) {
				t.Fatalf("the fall of a record that was read differs:\n%s\n%s", toJSON(outer, fallen), toJSON(outer, again))
			}
			score, level := s.v.At(&s.st, s.open, at)
			if fallen.Score != score || fallen.Level != level {
				t.Fatalf("at %v the record falls to %.2f %v, the state to %.2f %v", at, fallen.Score, fallen.Level, score, level)
			}
			rec = fallen
		}
	})
}

func TestWithoutEventsScoresOnlyFall(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		s := play(t, outer, happenings().Draw(t, "story"), nil)
		at := s.st.AsOf
		last, _ := s.v.At(&s.st, s.open, at)
		for range 50 {
			at += event.Time(rapid.Int64Range(0, 5*int64(event.Day)).Draw(t, "later"))
			score, _ := s.v.At(&s.st, s.open, at)
			if score > last {
				t.Fatalf("at %v the score rises from %.2f to %.2f", at, last, score)
			}
			last = score
		}
	})
}

func TestSameEventTwiceChangesNothing(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		before := 0 // open
		play(t, outer, happenings().Draw(t, "story"), func(s *story, h happening, r Result) {
			full := before+len(h.seen) > MaxOpen
			before = len(s.open)
			if full {
				return // what had to give way would find itself new again
			}
			again := s.happens(h.e, slices.Clone(h.seen)...)
			if again.Score > r.Score {
				t.Fatalf("score %.2f, after the same again %.2f", r.Score, again.Score)
			}
		})
	})
}

func TestConfirmSafeLeavesNothing(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		s := play(t, outer, happenings().Draw(t, "story"), nil)
		s.happens(verdict(s.st.AsOf, "release"))
		r := s.happens(verdict(s.st.AsOf, "confirm_safe"))
		if len(s.open) != 0 || r.Score != s.v.Prior() || r.Decision != event.Allow {
			t.Fatalf("%d open, %+v", len(s.open), r)
		}
	})
}

// What one subject's events give does not depend on what the Evaluator did
// before, nor on its buffers.
func TestResultsFollowFromTheSequence(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		all := happenings().Draw(t, "story")
		var first []event.Score
		s := play(t, outer, all, func(s *story, _ happening, r Result) { first = append(first, s.record(r)) })
		other := &story{t: outer, v: s.v}
		for i, h := range all {
			r := other.happens(h.e, slices.Clone(h.seen)...)
			if got, want := toJSON(outer, other.record(r)), toJSON(outer, first[i]); !bytes.Equal(got, want) {
				t.Fatalf("event %d:\n%s\n%s", i, got, want)
			}
		}
	})
}

func TestLevelsFollowFromEvidenceAsFromScores(outer *testing.T) {
	s := newStory(outer).v
	for i, reach := range s.reaches {
		if s.logistic(reach) < s.levels[i] || s.logistic(reach-1) >= s.levels[i] {
			outer.Errorf("level %d is reached from %d", i+1, reach)
		}
	}
	rapid.Check(outer, func(t *rapid.T) {
		n := nats(rapid.Int64Range(0, 40e9).Draw(t, "nats"))
		if got, want := s.levelOf(n), s.level(s.logistic(n)); got != want {
			t.Fatalf("%d: %v; want %v", n, got, want)
		}
	})
}
