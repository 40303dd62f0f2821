package detectors

import (
	"github.com/riskstream/riskstream/event"
)

// From the recognition of an attack on, each user on whom a password is then
// tried is told, once for each attack: a spray must be visible before anybody
// comes in. It is evidence of a failed attempt, which lifts nobody above low
// and weighs fully when a success follows from that network. Who was tried
// before is known by a hash alone, and is told when they come in or are tried
// again.

// triedStrength is for those on whom a password was tried in vain. About one in
// a hundred accounts that are sprayed is entered (Microsoft); but an attack
// tries nearly everybody, so that being tried tells hardly anybody apart. It is
// there to be seen, and weighs next to nothing (0.6 nats) until somebody comes
// in.
const triedStrength = 0.1

// told is by which name a target was told.
type told uint8

const (
	notTold told = iota
	toldOfSpray
	toldOfStuffing
)

func (t told) name() string {
	if t == toldOfStuffing {
		return credentialStuffing
	}
	return passwordSpray
}

// tellTried tells the user on whom a password was tried, unless the user has
// come in from there: that was a slip.
func (s *Set) tellTried(e *event.Event, m *SourceMemory, user uint32, out []event.Event) []event.Event {
	a := &m.attack
	i, known := m.find(user)
	if !known || m.tried[i].told != notTold || m.guest(user) != nil || !s.tells(a) {
		return out
	}
	m.tried[i].told = toldOfSpray
	if a.stuffing {
		m.tried[i].told = toldOfStuffing
	}
	signal := triedSignal(e, a.name(), event.Network(e.Source.IP).String(), a.start)
	signal.Signal = a.facts(uint32(m.tried[i].tries))
	return append(out, signal)
}

// targetsBeside is on how many others than the user passwords were tried within
// the day where hardly anybody has ever come in; 0 where people live and work.
func (m *SourceMemory) targetsBeside(user uint32) int {
	today := func(at seconds) bool { return at.plus(sourceReach) >= m.newest }
	ever := func(seconds) bool { return true }
	others := m.others(user, today)
	if others < m.cameInWhen(ever) {
		return 0
	}
	return others
}

// tellTarget tells the user of a note that the password was part of the
// campaign. Where the network has no other target it is more likely a slip.
func (m *OrgMemory) tellTarget(e *event.Event, out []event.Event) []event.Event {
	c, user := &m.campaign, userOf(e)
	if e.Signal.Users == 0 || secondsOf(e.Time) < c.start || m.warned(user) {
		return out
	}
	for i := range m.targets[:m.nTargets] {
		if t := &m.targets[i]; t.user == user {
			t.warned = true
		}
	}
	signal := triedSignal(e, passwordSpray, "", c.start)
	signal.Signal = event.Signal{
		Users: uint32(c.users), Attempts: uint32(c.attempts), Tries: e.Signal.Tries, Networks: uint32(c.networks), Since: c.start.time(),
	}
	return append(out, signal)
}

// warned reports that a user was told as a target of the campaign.
func (m *OrgMemory) warned(user uint32) bool {
	for i := range m.targets[:m.nTargets] {
		if t := &m.targets[i]; t.user == user && t.warned {
			return true
		}
	}
	return false
}

// triedSignal tells the subject of a wrong password that it was part of an
// attack: of one network, or of a campaign. Its id is another than that of the
// signal which follows when the subject comes in.
func triedSignal(cause *event.Event, detector, network string, start seconds) event.Event {
	signal := signalOf(cause, detector, cause.User.Subject, "tried "+network, start)
	signal.Outcome = event.Failure
	signal.Source = sourceOf(cause)
	return signal
}

// onlyTried reports that a signal tells of an attempt in vain.
func onlyTried(e *event.Event) bool { return e.Outcome == event.Failure }

// attempted is what the subject of a signal has to do with the attack.
func attempted(e *event.Event) string {
	if onlyTried(e) {
		return "Wrong password"
	}
	return "Sign-in"
}
