package detectors

import (
	"fmt"
	"time"

	"github.com/riskstream/riskstream/event"
)

const bruteForceSuccess = "brute_force_success"

// BruteForceSuccessConfig holds the thresholds of brute_force_success: a
// success after so many wrong passwords within the window.
type BruteForceSuccessConfig struct {
	Enabled  bool          `yaml:"enabled"`
	Failures int           `yaml:"failures"`
	Window   time.Duration `yaml:"window"`
}

const (
	// ownGuessStrength: somebody at home on their own device who at last typed
	// the right password.
	ownGuessStrength = 0.25
	// newcomerGuessStrength: somebody whose home and device are not known yet, in
	// the days in which passwords are forgotten most.
	newcomerGuessStrength = 0.5
)

// detectBruteForceSuccess sees a success that follows wrong passwords from the
// same source network, bound device or session. Failures from elsewhere do not
// count: whoever guesses in vain must not make the user's own sign-in
// suspicious. Nor do those that have come to an end already: see settle and
// learnPassword.
func (s *Set) detectBruteForceSuccess(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	cfg := s.cfg.BruteForceSuccess
	if !cfg.Enabled {
		return out
	}
	guesses, first, last := m.failures.leadingTo(at, uint32(cfg.Window/time.Second))
	if guesses < cfg.Failures {
		return out
	}
	span := last.since(first)
	own := m.atHome(at) || at.device() == 0 && m.knowsNetwork(at) // a log that names no device has none to be new
	d := event.Detection{
		Name:     bruteForceSuccess,
		Strength: 1,
		Key:      uint64(at.source),
		Session:  at.session != 0,
		Summary: fmt.Sprintf("Sign-in from %s after %d wrong passwords within %s",
			placeOrNetwork(&e.Source), guesses, spoken(span)),
		Evidence: []event.Fact{
			event.Number("failures", float64(guesses)),
			event.Number("minutes", float64(span)/60),
			event.Text("network", networkName(&e.Source)),
			event.Text("known_network_and_device", yesNo(own)),
		},
	}
	switch {
	case own:
		d.Strength = ownGuessStrength
	case s.learning(m, e.Time):
		d.Strength = newcomerGuessStrength
	}
	return append(out, d)
}

func placeOrNetwork(s *event.Source) string {
	if s.Geo.City != "" || s.Geo.Country != "" {
		return placeName(&s.Geo)
	}
	return networkName(s)
}

// leadingTo counts the failures of the window before the sighting that share
// its origin, and returns the times of the first and the last of them.
func (f *failures) leadingTo(at *sighting, window uint32) (n int, first, last seconds) {
	for i := range f.list {
		g := &f.list[i]
		if !g.leadsTo(at) || at.at.since(g.at) > window {
			continue
		}
		n++
		if first == 0 || g.at < first {
			first = g.at
		}
		last = max(last, g.at)
	}
	return n, first, last
}

// settle drops the failures that led to a sign-in that is held to be the user's
// own, so that they do not lead to the next one too.
func (f *failures) settle(at *sighting) {
	for i := range f.list {
		if f.list[i].leadsTo(at) {
			f.drop(i)
		}
	}
}

// leadsTo reports that the failure is not after the sighting and shares its
// source network, bound device or session.
func (g *failure) leadsTo(at *sighting) bool {
	if g.at == 0 || g.at > at.at {
		return false
	}
	return g.source != 0 && g.source == at.source ||
		g.bound != 0 && g.bound == fold16(at.bound) ||
		g.session != 0 && g.session == fold16(at.session)
}
