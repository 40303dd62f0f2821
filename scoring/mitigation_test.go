package scoring

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

func TestMitigation(t *testing.T) {
	tests := []struct {
		name   string
		seen   []string
		factor event.Factor
		left   float64 // nats
	}{
		{"password", []string{"new_country", "new_device"}, event.FactorPassword, 5},
		{"SMS", []string{"new_country", "new_device"}, event.FactorSMS, 5},
		{"claim of an earlier token", []string{"new_country", "new_device"}, event.FactorClaim, 5},
		{"OTP on an unknown device", []string{"new_country", "new_device"}, event.FactorOTP, 5},
		{"OTP on a known device", []string{"new_country"}, event.FactorOTP, 2.4},
		{"push on a known device", []string{"new_country"}, event.FactorPush, 2.4},
		{"phishing-resistant", []string{"new_country", "new_device"}, event.FactorStrong, 1},
		{"velocity stays", []string{"impossible_travel", "new_device"}, event.FactorStrong, 6.4},
		{"session stays", []string{"session_hijack"}, event.FactorStrong, 7.5},
		{"credential stays", []string{"brute_force_success"}, event.FactorStrong, 5.9},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t)
			want := s.v.logistic(natsOf(test.left)).float()
			r := s.happens(signIn(monday, factor(test.factor)), sawAll(test.seen...)...)
			if r.Score != want {
				t.Errorf("score %.2f; want %.2f", r.Score, want)
			}
			if again := s.happens(signIn(monday, factor(test.factor))); again.Score != r.Score || again.Changed {
				t.Errorf("the same factor again: %.2f, changed %v; want it not to compound", again.Score, again.Changed)
			}
		})
	}
}

func TestWeakerFactorLeavesTheStronger(t *testing.T) {
	s := newStory(t)
	strong := s.happens(signIn(monday, factor(event.FactorStrong)), saw("new_country"))
	if push := s.happens(signIn(monday, factor(event.FactorPush))); push.Score != strong.Score {
		t.Errorf("score %.2f, after a push %.2f; want no change", strong.Score, push.Score)
	}
}

func TestMitigationEndsWithNewEvidence(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday, session("a"), factor(event.FactorStrong)), saw("new_country"))
	same := s.happens(signIn(monday+event.Minute, session("a"), factor(event.FactorClaim)), saw("new_country"))
	other := s.happens(signIn(monday+2*event.Minute, session("b")), saw("new_country"))
	if want := s.v.logistic(natsOf(0.6)).float(); same.Score != want {
		t.Errorf("in the session that proved the factor: %.2f; want %.2f", same.Score, want)
	}
	if want := s.v.logistic(natsOf(3)).float(); other.Score != want {
		t.Errorf("in another session: %.2f; want %.2f", other.Score, want)
	}
}

func TestEnrollingAFactorMitigatesNothing(t *testing.T) {
	for _, action := range []event.Action{event.MFAEnroll, event.MFARemove, event.CredentialChange, event.DeviceRegister} {
		s := newStory(t)
		before := s.happens(signIn(monday, session("a")), sawAll("new_country", "new_device")...)
		change := signIn(monday, session("a"), factor(event.FactorStrong))
		change.Action = action
		if after := s.happens(change); after.Score != before.Score {
			t.Errorf("%s: score %.2f, then %.2f; want no change", action, before.Score, after.Score)
		}
		if next := s.happens(signIn(monday+2*event.Minute, session("a")), saw("new_network")); next.Score <= before.Score {
			t.Errorf("%s: the next evidence is taken as proven: %.2f after %.2f", action, next.Score, before.Score)
		}
	}
}

func TestADistrustedFactorMitigatesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		change []event.Detection
		then   func(s *story)
		proves bool
	}{
		{"no change", nil, func(*story) {}, true},
		{"changed", []event.Detection{saw("mfa_change_after_risk")}, func(*story) {}, false},
		{"changed, then confirmed as safe", []event.Detection{saw("mfa_change_after_risk")}, func(s *story) {
			s.happens(verdict(monday+event.Minute, event.ConfirmSafe))
		}, true},
		{"changed long ago", []event.Detection{saw("mfa_change_after_risk")}, func(s *story) {
			s.happens(signIn(monday + 18*event.Day))
		}, true},
	} {
		for _, f := range []event.Factor{event.FactorStrong, event.FactorPush} {
			t.Run(c.name+"/"+string(f), func(t *testing.T) {
				s := newStory(t)
				enrolment := signIn(monday, session("a"), factor(event.FactorStrong))
				enrolment.Action = event.MFAEnroll
				s.happens(enrolment, c.change...)
				c.then(s)
				evidence := saw("new_country")
				before := s.happens(signIn(s.st.AsOf+event.Minute, session("a")), evidence)
				proof := signIn(s.st.AsOf, session("a"), factor(f))
				proof.Action = event.MFAVerify
				after := s.happens(proof)
				if proved := after.Score < before.Score; proved != c.proves {
					t.Errorf("score %.2f, after the proof %.2f; want it to prove: %v", before.Score, after.Score, c.proves)
				}
				if after.Distrusted == c.proves {
					t.Errorf("distrusted: %v", after.Distrusted)
				}
			})
		}
	}

	s := newStory(t)
	s.happens(signIn(monday, session("a")), saw("mfa_change_after_risk"))
	proof := signIn(monday, session("a"), factor(event.FactorStrong))
	before := s.happens(proof).Score
	r := s.happens(signIn(monday, session("a")), sawAll("new_country", "new_device")...)
	if want := s.v.logistic(natsOf(8)).float(); r.Score != want {
		t.Errorf("a sign-in after the proof: %.2f after %.2f; want %.2f", r.Score, before, want)
	}
}

func TestProofMayPrecedeItsSignIn(t *testing.T) {
	const full, settled = 5, 1 // nats
	verified := func(at event.Time, with ...func(*event.Event)) event.Event {
		e := signIn(at, append(with, factor(event.FactorStrong))...)
		e.Action = event.MFAVerify
		return e
	}
	tests := []struct {
		name  string
		proof event.Event
		left  float64
	}{
		{"same session", verified(monday-event.Second, session("a"), from(tokyo)), settled},
		{"same network, and the proof has no session yet", verified(monday - event.Second), settled},
		{"proof with a later time", verified(monday+event.Second, session("a")), settled},
		{"another session", verified(monday-event.Second, session("b")), full},
		{"another network, no session", verified(monday-event.Second, from(tokyo)), full},
		{"an earlier sign-in's", verified(monday-6*event.Minute, session("a")), full},
		{"failed", with(verified(monday-event.Second, session("a")), failed, factor(event.FactorStrong)), full},
		{"enrolled", with(verified(monday-event.Second, session("a")), func(e *event.Event) { e.Action = event.MFAEnroll }), full},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t)
			s.happens(test.proof)
			r := s.happens(signIn(monday, session("a")), sawAll("new_country", "new_device")...)
			if want := s.v.logistic(natsOf(test.left)).float(); r.Score != want {
				t.Errorf("score %.2f; want %.2f", r.Score, want)
			}
		})
	}

	s := newStory(t)
	s.happens(verified(monday-event.Second, session("a")))
	if r := s.happens(signIn(monday, session("a")), saw("impossible_travel")); r.Level != event.Medium {
		t.Errorf("impossible travel after a proof: %v; want medium, as after a sign-in with it", r.Level)
	}
}

func TestFailedStrongFactorMitigatesNothing(t *testing.T) {
	s := newStory(t)
	before := s.happens(signIn(monday), saw("new_country"))
	after := s.happens(signIn(monday, failed, factor(event.FactorStrong)))
	if after.Score != before.Score {
		t.Errorf("score %.2f, then %.2f; want no change", before.Score, after.Score)
	}
}

func TestAnEventThatRaisesTheDistrustProvesNothing(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday), saw("new_country"))
	proof := signIn(monday+event.Minute, factor(event.FactorStrong))
	first := s.happens(proof, saw("mfa_change_after_risk"))
	again := s.happens(proof, saw("mfa_change_after_risk"))
	if !first.Distrusted || again.Score > first.Score {
		t.Errorf("score %.2f (distrusted: %v), after the same again %.2f", first.Score, first.Distrusted, again.Score)
	}
}
