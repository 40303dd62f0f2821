package scoring

import (
	"fmt"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// The bands are what riskstream promises its users; see docs/scoring.md.
func TestBands(t *testing.T) {
	tests := []struct {
		name     string
		seen     []string
		lowest   event.Level
		highest  event.Level
		decision event.Decision
	}{
		{"nothing", nil, event.None, event.None, event.Allow},
		{"new device", []string{"new_device"}, event.None, event.None, event.Allow},
		{"new network", []string{"new_network"}, event.None, event.None, event.Allow},
		{"anonymiser", []string{"anonymous_ip"}, event.None, event.None, event.Allow},
		{"new device and network", []string{"new_device", "new_network"}, event.None, event.None, event.Allow},
		{"new country on a known device", []string{"new_country", "new_network"}, event.None, event.Low, event.Allow},
		{"anonymiser in a new country on a known device", []string{"new_country", "new_network", "anonymous_ip"}, event.None, event.Low, event.Allow},
		{"new country on a new device", []string{"new_country", "new_network", "new_device"}, event.Medium, event.Medium, event.StepUp},
		{"anonymiser on a new device", []string{"anonymous_ip", "new_network", "new_device"}, event.Low, event.Low, event.Allow},
		{"impossible travel", []string{"impossible_travel", "new_country", "new_network"}, event.Medium, event.Medium, event.StepUp},
		{"impossible travel to a known place", []string{"impossible_travel"}, event.Medium, event.Medium, event.StepUp},
		{"impossible travel on a new device", []string{"impossible_travel", "new_country", "new_network", "new_device"}, event.High, event.High, event.StepUp},
		{"password guessed", []string{"brute_force_success"}, event.Medium, event.Medium, event.StepUp},
		{"password guessed after a burst", []string{"brute_force_success", "failed_login_burst"}, event.High, event.High, event.StepUp},
		{"password guessed on a new device", []string{"brute_force_success", "new_device", "new_network"}, event.High, event.High, event.StepUp},
		{"came in from a spray", []string{"password_spray"}, event.Medium, event.Medium, event.StepUp},
		{"came in from a spray on a new device", []string{"password_spray", "new_device"}, event.High, event.High, event.StepUp},
		{"came in from a list of stolen passwords", []string{"credential_stuffing"}, event.Medium, event.Medium, event.StepUp},
		{"… and from a spray", []string{"credential_stuffing", "password_spray"}, event.High, event.High, event.StepUp},
		{"uses an unsanctioned application", []string{"unsanctioned_app"}, event.None, event.None, event.Allow},
		{"… on a new device in a new network", []string{"unsanctioned_app", "new_device", "new_network"}, event.None, event.Low, event.Allow},
		{"session hijack", []string{"session_hijack"}, event.High, event.High, event.Revoke},
		{"MFA fatigue, then approved", []string{"mfa_fatigue_approved"}, event.High, event.High, event.Revoke},
		{"many wrong codes, then in", []string{"mfa_brute_force"}, event.Medium, event.Medium, event.StepUp},
		{"many pushes, then in by another factor", []string{"mfa_fatigue"}, event.Low, event.Low, event.Allow},
		{"… on a new device", []string{"mfa_fatigue", "new_device"}, event.Medium, event.Medium, event.StepUp},
		{"factor changed", []string{"mfa_change_after_risk"}, event.None, event.None, event.Allow},
		{"factor changed in a new network", []string{"mfa_change_after_risk", "new_network"}, event.None, event.Low, event.Allow},
		{"factor changed in a new network on a new device", []string{"mfa_change_after_risk", "new_network", "new_device"}, event.Medium, event.Medium, event.StepUp},
		{"factor changed after impossible travel", []string{"mfa_change_after_risk", "impossible_travel"}, event.High, event.High, event.StepUp},
		{"the user says so", []string{"user_reported"}, event.High, event.High, event.Revoke},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t)
			r := s.happens(signIn(monday, from(tokyo)), sawAll(test.seen...)...)
			if r.Level < test.lowest || r.Level > test.highest || r.Decision != test.decision {
				t.Errorf("score %.2f: %v, %v; want %v to %v, %v", r.Score, r.Level, r.Decision, test.lowest, test.highest, test.decision)
			}
			if r.EventRisk != r.Score {
				t.Errorf("event risk %.2f; want the score %.2f of a subject without history", r.EventRisk, r.Score)
			}
		})
	}
}

// Whoever knows a user's name can make sign-ins fail; that must not lock the
// user out.
func TestFailedAttemptsAloneStayLow(t *testing.T) {
	s := newStory(t)
	for i := range event.Time(100) {
		burst := saw("failed_login_burst")
		burst.Key = uint64(i + 1)
		suspicious := saw("impossible_travel") // whatever else a failed event raises
		suspicious.Key = uint64(i + 1)
		ip := from(fmt.Sprintf("198.51.100.%d", i+1))
		r := s.happens(signIn(monday+i*event.Second, failed, ip), burst, suspicious, saw("mfa_fatigue"), saw("mfa_brute_force"))
		if asked := s.happens(signIn(monday+i*event.Second, ip, challenged), saw("mfa_fatigue")); asked.Level > event.Low {
			t.Fatalf("after %d requests: %.2f, %v", i+1, asked.Score, asked.Level)
		}
		if r.Level > event.Low || r.Decision != event.Allow {
			t.Fatalf("after %d bursts: %.2f, %v, %v", i+1, r.Score, r.Level, r.Decision)
		}
	}
	if r := s.happens(signIn(monday + event.Hour)); r.Level != event.Low {
		t.Errorf("after the user's own sign-in from elsewhere: %v; want low", r.Level)
	}
}

// Services have nobody who could step up.
func TestServicesAreAllowed(t *testing.T) {
	s := newStory(t)
	r := s.happens(signIn(monday, func(e *event.Event) { e.User.Kind = event.Service }), saw("session_hijack"))
	if r.Level != event.High || r.Decision != event.Allow {
		t.Errorf("%v, %v; want high, allow", r.Level, r.Decision)
	}
}
