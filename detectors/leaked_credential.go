package detectors

import (
	"time"

	"github.com/riskstream/riskstream/event"
)

const leakedCredential = "leaked_credential"

// LeakedCredentialConfig switches leaked_credential.
type LeakedCredentialConfig struct {
	Enabled bool `yaml:"enabled"`
}

// ownLeakedStrength: somebody at home on their own device. Most users on such
// lists are never attacked, and go on signing in.
const ownLeakedStrength = 0.2

// password is what is remembered of the subject's password.
type password struct {
	changed seconds // when it was last changed or reset; 0: not seen
	listed  seconds // first sign-in at which a leak of unknown time was known
}

// detectLeakedCredential sees a sign-in with a password of a user whose
// password is on a list of leaked ones, as Entra's leakedCredentials does; a
// sign-in without a password says nothing of it. A password that was changed
// after the leak is another one. Where the list does not say when the leak was,
// it counts from the sign-in at which it was first known.
func (s *Set) detectLeakedCredential(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	leak := &e.User.Leaked
	if !s.cfg.LeakedCredential.Enabled || leak.List == "" || !needsPassword(e) || m.password.replaced(leak) {
		return out
	}
	own := m.atHome(at)
	d := event.Detection{
		Name:     leakedCredential,
		Strength: 1,
		Key:      event.Hash(leak.List) ^ mix(uint64(leak.At)),
		Summary:  "Sign-in with a password that has leaked, by the list " + leak.List,
		Evidence: []event.Fact{event.Text("list", leak.List)},
	}
	if leak.At != 0 {
		d.Summary += ", on " + leak.At.Std().Format(time.DateOnly)
		d.Evidence = append(d.Evidence, event.Text("leaked_at", leak.At.String()))
	}
	d.Evidence = append(d.Evidence, event.Text("known_network_and_device", yesNo(own)))
	if own {
		d.Strength = ownLeakedStrength
	}
	return append(out, d)
}

// needsPassword reports that the sign-in may have needed the password: no factor
// that stands for itself, and no token from earlier, is named.
func needsPassword(e *event.Event) bool {
	return e.Auth.Factor != event.FactorStrong && e.Auth.Factor != event.FactorClaim
}

// replaced reports that the password is newer than the leak.
func (p *password) replaced(leak *event.Leak) bool {
	since := p.listed
	if leak.At != 0 {
		since = secondsOf(leak.At)
	}
	return since != 0 && p.changed >= since
}

// learnPassword remembers when the password was changed, unless somebody who
// was challenged has done it, and since when a leak of unknown time is known. A
// change from the user's own network or device also ends the wrong passwords
// before it: the password was forgotten. From elsewhere it may be the guesser's.
func (m *Memory) learnPassword(e *event.Event, at *sighting, v Verdict) {
	if e.Outcome != event.Success || !byPerson(e) {
		return
	}
	switch p := &m.password; {
	case e.Action == event.PasswordReset, e.Action == event.CredentialChange && changeOf(e) == passwordChanged:
		if !v.challenged() {
			p.changed = max(p.changed, at.at)
			if m.knowsNetwork(at) || m.ownDevice(at) {
				m.failures.forgetBefore(at.at.plus(1))
			}
		}
	case e.Action != event.SignIn:
	case e.User.Leaked.List == "" || e.User.Leaked.At != 0:
		p.listed = 0
	case p.listed == 0:
		p.listed = at.at
	}
}
