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
		{"anonymiser on a known device", []string{"anonymous_ip", "new_network"}, event.None, event.Low, event.Allow},
		{"anonymiser on a new device", []string{"anonymous_ip", "new_network", "new_device"}, event.Medium, event.Medium, event.StepUp},
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
		{"an address on a threat list", []string{"threat_ip"}, event.None, event.None, event.Allow},
		{"… in a new country", []string{"threat_ip", "new_country", "new_network"}, event.None, event.Low, event.Allow},
		{"… and unlike the user", []string{"threat_ip", "new_country", "new_network", "unfamiliar_sign_in"}, event.None, event.Low, event.Allow},
		{"… on a new device", []string{"threat_ip", "new_network", "new_device"}, event.Medium, event.Medium, event.StepUp},
		{"leaked password", []string{"leaked_credential"}, event.None, event.None, event.Allow},
		{"leaked password in a new network", []string{"leaked_credential", "new_network"}, event.Low, event.Low, event.Allow},
		{"leaked password on a new device", []string{"leaked_credential", "new_device"}, event.Medium, event.Medium, event.StepUp},
		{"leaked password, unlike the user", []string{"leaked_credential", "new_network", "new_device", "unfamiliar_sign_in"}, event.High, event.High, event.StepUp},
		{"device code in a new network on a new device, unlike the user", []string{"device_code_sign_in", "new_network", "new_device", "unfamiliar_sign_in"}, event.Medium, event.Medium, event.StepUp},
		{"consent, unlike the user", []string{"risky_consent", "new_network", "new_device", "unfamiliar_sign_in"}, event.Medium, event.Medium, event.StepUp},
		{"legacy protocol in a new network", []string{"legacy_protocol", "new_network"}, event.None, event.None, event.Allow},
		{"device code", []string{"device_code_sign_in"}, event.None, event.None, event.Allow},
		{"device code in a new network on a new device", []string{"device_code_sign_in", "new_network", "new_device"}, event.Medium, event.Medium, event.StepUp},
		{"consent", []string{"risky_consent"}, event.None, event.None, event.Allow},
		{"consent in a new network on a new device", []string{"risky_consent", "new_network", "new_device"}, event.Medium, event.Medium, event.StepUp},
		{"confirmed at the provider", []string{"idp_risk"}, event.High, event.High, event.StepUp},
		{"mass access", []string{"mass_access"}, event.Medium, event.Medium, event.StepUp},
		{"mass access after impossible travel", []string{"mass_access", "impossible_travel"}, event.High, event.High, event.StepUp},
		{"temporary access outside its window", []string{"outside_access_window"}, event.Medium, event.Medium, event.StepUp},
		{"a workload elsewhere", []string{"service_account_misuse"}, event.Medium, event.Medium, event.StepUp},
		{"device that is not compliant", []string{"device_noncompliant"}, event.None, event.None, event.Allow},
		{"privileges granted after impossible travel", []string{"privilege_after_risk", "impossible_travel"}, event.High, event.High, event.StepUp},
		{"unlike the user", []string{"unfamiliar_sign_in"}, event.None, event.None, event.Allow},
		{"new device and network, unlike the user", []string{"new_device", "new_network", "unfamiliar_sign_in"}, event.None, event.None, event.Allow},
		{"new country on a known device, unlike the user", []string{"new_country", "new_network", "unfamiliar_sign_in"}, event.None, event.Low, event.Allow},
		{"… at night into a new app", []string{"new_country", "new_network", "unfamiliar_sign_in", "unusual_hours", "new_app"}, event.Low, event.Low, event.Allow},
		{"new country on a new device, unlike the user", []string{"new_country", "new_network", "new_device", "unfamiliar_sign_in", "atypical_travel"}, event.Medium, event.Medium, event.StepUp},
		{"… at night into a new app", []string{"new_country", "new_network", "new_device", "unfamiliar_sign_in", "atypical_travel", "unusual_hours", "new_app"}, event.Medium, event.Medium, event.StepUp},
		{"anonymiser in a new country on a known device, unlike the user", []string{"new_country", "new_network", "anonymous_ip", "unfamiliar_sign_in"}, event.None, event.Low, event.Allow},
		{"impossible travel, unlike the user", []string{"impossible_travel", "new_country", "new_network", "unfamiliar_sign_in"}, event.Medium, event.Medium, event.StepUp},
		{"impossible travel on a new device, unlike the user", []string{"impossible_travel", "new_country", "new_network", "new_device", "unfamiliar_sign_in"}, event.High, event.High, event.StepUp},
		{"far away in a known country on a new device", []string{"atypical_travel", "new_network", "new_device", "unfamiliar_sign_in"}, event.Low, event.Low, event.Allow},
		{"new app at an unusual hour", []string{"new_app", "unusual_hours"}, event.None, event.None, event.Allow},
		{"dormant account", []string{"dormant_account"}, event.None, event.None, event.Allow},
		{"dormant account from a new network on a new device", []string{"dormant_account", "new_network", "new_device", "unfamiliar_sign_in"}, event.Medium, event.Medium, event.StepUp},
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

// A spray in vain shows at its targets and lifts none of them; who then comes
// in has one piece of evidence, as if there had been no attempt before.
func TestTargetsOfASprayStayLow(t *testing.T) {
	tried := func(key uint64) event.Detection {
		d := saw("password_spray")
		d.Strength, d.Key = 0.25, key
		return d
	}
	in := saw("password_spray")
	in.Key = 1
	want := newStory(t).happens(verdict(monday, event.PasswordSpray), in)

	s := newStory(t)
	attempt := with(verdict(monday, event.PasswordSpray), failed, from(tokyo))
	if r := s.happens(attempt, tried(1)); r.Level != event.None || r.Score <= s.v.Prior() {
		t.Errorf("tried: %.2f, %v; want none, and more than nothing", r.Score, r.Level)
	}
	if rec := s.record(s.happens(signIn(monday + event.Minute))); !rec.Reasons[0].Unconfirmed {
		t.Errorf("the owner at home has confirmed it: %+v", rec.Reasons)
	}
	r := s.happens(with(verdict(monday+event.Hour, event.PasswordSpray), from(tokyo)), in)
	if r.Score != want.Score || len(s.open) != 1 || s.open[0].Unconfirmed {
		t.Errorf("in: %.2f of %d pieces of evidence; want %.2f of one", r.Score, len(s.open), want.Score)
	}
	if again := s.happens(with(attempt, func(e *event.Event) { e.Time += 2 * event.Hour }), tried(1)); again.Level != event.Medium {
		t.Errorf("tried again: %v; want medium", again.Level)
	}

	s = newStory(t)
	for key := range uint64(100) { // attacks at a time, of one network each
		from := from(fmt.Sprintf("198.51.100.%d", key+1))
		if r := s.happens(with(attempt, from), tried(key+1)); r.Level > event.Low || r.Decision != event.Allow {
			t.Fatalf("tried from %d networks: %.2f, %v, %v", key+1, r.Score, r.Level, r.Decision)
		}
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
