package detectors

import (
	"time"

	"github.com/riskstream/riskstream/event"
)

const mfaBruteForce = "mfa_brute_force"

// MFABruteForceConfig holds the thresholds of mfa_brute_force: so many wrong
// codes within the window.
type MFABruteForceConfig struct {
	Enabled  bool          `yaml:"enabled"`
	Failures int           `yaml:"failures"`
	Window   time.Duration `yaml:"window"`
}

// ownCodesStrength: from where the subject is at home, with a device that it
// is known by, wrong codes are mostly those of a clock that is wrong or of
// another account.
const ownCodesStrength = 0.3

// detectMFABruteForce sees many wrong one-time codes of one subject in a short
// time, from wherever they come. Elastic counts 20 in 9 minutes over 10
// sessions at Entra, which locks late; many lock after 5 or 10, so that 20
// would never be seen. It is failed_login_burst's way of counting.
func (s *Set) detectMFABruteForce(at *sighting, m *Memory, out []event.Detection) []event.Detection {
	cfg := &s.cfg.MFABruteForce
	if !cfg.Enabled {
		return out
	}
	b := m.codes.busiest(at.at, uint32(cfg.Window/time.Second))
	b.add(at.at, at.source, m.atHome(at))
	if b.count < cfg.Failures {
		return out
	}
	return append(out, b.detection(mfaBruteForce, "codes", at, ownCodesStrength))
}

// mistypedCode reports a wrong code. A wrong number of number matching is none,
// and a key or certificate cannot be guessed.
func mistypedCode(e *event.Event) bool {
	return (e.Action == event.MFAVerify || e.Action == event.SignIn) && e.Outcome == event.Failure &&
		e.Reason == event.MFAFailed && e.Auth.Factor != event.FactorPush && e.Auth.Factor != event.FactorStrong && byPerson(e)
}
