package scoring

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

// Little evidence does not ask again who has been asked already.
func TestLittleEvidenceDoesNotAskAnew(t *testing.T) {
	for _, c := range []struct {
		name string
		seen event.Detection
		asks bool
	}{
		{"new app", saw("new_app"), false},
		{"unusual hours", saw("unusual_hours"), false},
		{"half a new network", half("new_network"), false},
		{"new network", saw("new_network"), true},
		{"half a new device", half("new_device"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.happens(signIn(monday), saw("impossible_travel"))
			later := monday + event.Hour
			r := s.happens(signIn(later), c.seen)
			want := monday
			if c.asks {
				want = later
			}
			if got := s.record(r).ReauthAfter; r.Level != event.Medium || got != want {
				t.Errorf("%v, reauth after %v; want medium after %v", r.Level, got, want)
			}
		})
	}
}

// The little that was missing asks.
func TestLittleEvidenceAsksWhereItDecides(t *testing.T) {
	s := newStory(t)
	if r := s.happens(signIn(monday), half("impossible_travel"), saw("new_device")); r.Decision != event.Allow {
		t.Fatalf("before: %.2f, %v; want allow", r.Score, r.Decision)
	}
	later := monday + event.Minute
	r := s.happens(signIn(later), saw("new_app"), saw("unusual_hours"))
	if got := s.record(r).ReauthAfter; r.Decision != event.StepUp || got != later {
		t.Errorf("%.2f, %v after %v; want step_up after %v", r.Score, r.Decision, got, later)
	}
	again := later + event.Minute
	r = s.happens(signIn(again), saw("new_app"), saw("unusual_hours"))
	if got := s.record(r).ReauthAfter; got != later {
		t.Errorf("seen again: after %v; want still %v", got, later)
	}
}

// Evidence that is only seen again does not ask, also where the decision has
// fallen in between.
func TestSeenAgainDoesNotAsk(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday), half("impossible_travel"), saw("new_device"), saw("new_app"), saw("unusual_hours"))
	later := monday + 20*event.Hour
	if r := s.happens(signIn(later)); r.Decision != event.Allow {
		t.Fatalf("%.2f, %v; want allow", r.Score, r.Decision)
	}
	r := s.happens(signIn(later+event.Minute), half("impossible_travel"), saw("new_device"), saw("new_app"), saw("unusual_hours"))
	if got := s.record(r).ReauthAfter; r.Decision != event.StepUp || got != monday {
		t.Errorf("%.2f, %v after %v; want step_up after %v", r.Score, r.Decision, got, monday)
	}
}

// What attempts raise asks nobody, however much or little it is.
func TestAttemptsDoNotAsk(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday), saw("impossible_travel"))
	for i, d := range []event.Detection{saw("failed_login_burst"), saw("new_app"), half("new_network")} {
		r := s.happens(signIn(monday+event.Hour+event.Time(i)*event.Minute, failed, from(tokyo)), d)
		if got := s.record(r).ReauthAfter; got != monday {
			t.Errorf("%s: after %v; want still %v", d.Name, got, monday)
		}
	}
}

// A policy that decides on the score, or on the evidence, is heard as well.
func TestLittleEvidenceAsksWhereAPolicySaysSo(t *testing.T) {
	for name, when := range map[string]string{
		"score":    `score >= 45`,
		"evidence": `"new_app" in evidence`,
	} {
		t.Run(name, func(t *testing.T) {
			s := storyWith(t, Defaults(), Policies{
				{Name: "strict", When: when, Decision: event.Revoke},
				{Name: "else", When: `level == "medium"`, Decision: event.StepUp},
			})
			if r := s.happens(signIn(monday), saw("impossible_travel")); r.Decision != event.StepUp {
				t.Fatalf("%.2f, %v; want step_up", r.Score, r.Decision)
			}
			later := monday + event.Minute
			r := s.happens(signIn(later), saw("new_app"))
			if got := s.record(r).ReauthAfter; r.Decision != event.Revoke || got != later {
				t.Errorf("%.2f, %v after %v; want revoke after %v", r.Score, r.Decision, got, later)
			}
		})
	}
}

func half(name string) event.Detection {
	d := saw(name)
	d.Strength = 0.5
	return d
}
