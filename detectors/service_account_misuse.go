package detectors

import (
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
)

const serviceAccountMisuse = "service_account_misuse"

// ServiceAccountMisuseConfig switches service_account_misuse.
type ServiceAccountMisuseConfig struct {
	Enabled bool `yaml:"enabled"`
}

// Strengths of what a workload shows; together they reach 1 at most.
const (
	interactiveStrength = 0.7 // an administrator in a hurry does it too
	newCloudStrength    = 0.5 // workloads move when they are deployed anew
	newRegionStrength   = 0.5
)

// workloadAge is how long a workload must have been known, beside what holds
// for people: it signs in so often that ten times are over within an hour.
// Entra's baseline of a workload takes 2 to 60 days.
const workloadAge = 48 * time.Hour

// detectServiceAccountMisuse sees a workload used by a person, from a network
// (a cloud) or from a country that it has never come from. Its baselines are
// those that people have, under the same rules: a workload has no other use for
// them.
func (s *Set) detectServiceAccountMisuse(e *event.Event, at *sighting, m *Memory, before Standing, out []event.Detection) []event.Detection {
	if !s.cfg.ServiceAccountMisuse.Enabled {
		return out
	}
	now := max(before.AsOf, e.Time)
	established := !s.learning(m, now) && secondsOf(now).since(m.progress.first) >= uint32(workloadAge/time.Second)
	var seen []string
	strength := 0.0
	note := func(what string, adds float64) {
		seen = append(seen, what)
		strength += adds
	}
	if interactive(e) && !m.knowsDevice(at) {
		note("interactive sign-in", interactiveStrength)
	}
	if established && at.network != 0 && !m.knowsNetwork(at) {
		note("network new for it", newCloudStrength)
	}
	if established && at.country != 0 && !at.is(corporate) && !m.knowsCountry(at) && count(m.countries[:]) > 0 {
		note("country new for it", newRegionStrength)
	}
	if len(seen) == 0 {
		return out
	}
	what := strings.Join(seen, ", ")
	return append(out, event.Detection{
		Name:     serviceAccountMisuse,
		Strength: min(strength, 1),
		Key:      uint64(at.network),
		Summary:  "Workload used from " + placeOrNetwork(&e.Source) + ": " + what,
		Evidence: []event.Fact{
			event.Text("seen", what),
			event.Text("network", networkName(&e.Source)),
			event.Text("place", placeName(&e.Source.Geo)),
		},
	})
}

// interactive reports that a person signed in: with a browser, or with a second
// factor that only people have. A certificate is what workloads have.
func interactive(e *event.Event) bool {
	if e.Action != event.SignIn {
		return false
	}
	switch e.Auth.Factor {
	case event.FactorSMS, event.FactorOTP, event.FactorPush:
		return true
	}
	_, kind := clientOf(&e.UserAgent)
	return kind == browserClient
}

// learnWorkload takes the use of a workload into its baselines; a challenged one
// waits, as a person's does.
func (s *Set) learnWorkload(at *sighting, m *Memory, v Verdict) {
	if v.challenged() {
		m.pending.push(at)
		return
	}
	s.teach(m, at)
}
