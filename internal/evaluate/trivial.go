package evaluate

import "github.com/riskstream/riskstream/event"

// trivial is the rule that anybody writes first: a point each for a network
// (AS), a browser on a system and a country that the user has never come from,
// and for an address that a list of anonymisers or hosting knows. It speaks from
// the second sign-in on, and of everything but failures: of an access as of a
// sign-in.
type trivial struct {
	known map[uint64]struct{} // user and trait
	users map[uint64]struct{}
}

func newTrivial() *trivial {
	return &trivial{known: map[uint64]struct{}{}, users: map[uint64]struct{}{}}
}

func (m *trivial) judge(c *Case) float64 {
	e := &c.Event
	if !ofPerson(e) || e.Outcome == event.Failure {
		return 0
	}
	t := traitsOf(c)
	points := 0.0
	// Without its version, which changes each month.
	client := hashOf(e.UserAgent.Name, e.UserAgent.OS)
	_, met := m.users[t.user]
	for kind, trait := range [...]uint64{t.as, client, t.country} {
		if trait == 0 {
			continue
		}
		key := mixed(t.user, uint64(kind), trait)
		if _, known := m.known[key]; !known && met {
			points++
		}
		if signedIn(e) {
			m.known[key] = struct{}{}
		}
	}
	if met && e.Source.Anonymizer != "" {
		points++
	}
	if signedIn(e) {
		m.users[t.user] = struct{}{}
	}
	return points
}
