package detectors

import (
	"slices"

	"github.com/riskstream/riskstream/event"
)

// Sizes of SourceMemory.
const (
	maxTried   = 64  // users on whom passwords were tried
	maxGuests  = 40  // users who have come in
	maxNamed   = 8   // of them by name, to be told
	maxName    = 128 // bytes of a name; who has a longer one is told at the next sign-in only
	maxRepeats = 64  // failures that are recognised when they are delivered again
)

// sourceReach is how far before and after an attack a user must have come in
// from the network to be told, and how long what happened is remembered.
const sourceReach = 24 * 3600

// SourceMemory is what the source lane remembers of one source network: on
// whom passwords were tried from there, and who has come in. It has a fixed
// size and holds no pointers; the zero value is a network never seen.
type SourceMemory struct {
	newest seconds // newest event time

	// tried are sorted by user. Past maxTried those with the smallest hashes
	// are kept: a fair sample of all users, whose tries are complete in
	// whatever order they come.
	tried  [maxTried]tried
	nTried uint8

	guests [maxGuests]guest // who came in last, unsorted
	named  [maxNamed]named

	repeats    [maxRepeats]uint32 // hashes of the last failures that counted
	nextRepeat uint8

	attack attack
}

// tried is a user on whom wrong passwords were tried, no two of them further
// apart than the window.
type tried struct {
	user        uint32
	first, last seconds
	tries       uint8 // up to 255
	told        told  // of the attack, before coming in
}

// guest is a user who has come in.
type guest struct {
	user uint32 // 0: an empty place
	at   seconds
	told bool // of the attack
}

// DetectSource takes an activity into the memory of its source network and
// appends what follows: signals to the subject of the event, who is tried or
// comes in, and to those who came in from there before, and notes to the
// organisation. A note from there
// says that the network is part of a campaign. It depends on its arguments and
// the configuration only.
//
// Sign-ins of people count. A corporate egress is left out: whoever forgets a
// password there shares the address with everybody else.
func (s *Set) DetectSource(e *event.Event, m *SourceMemory, out []event.Event) []event.Event {
	if e.Kind == event.KindSignal && e.Code == event.NoteCampaign {
		return s.joinCampaign(e, m, out)
	}
	if e.Action != event.SignIn || e.User.Subject == "" || !byPerson(e) || e.Source.Corporate == event.True {
		return out
	}
	m.newest = max(m.newest, secondsOf(e.Time))
	switch {
	case guessed(e):
		return s.wrongPassword(e, m, out)
	case signedIn(e) && e.Auth.Factor == event.FactorStrong: // no guess comes past such a factor
		return s.noteCameIn(e, m, userOf(e), 0, out)
	case signedIn(e):
		return s.cameIn(e, m, out)
	}
	return out
}

// guessed reports an attempt that may have been a guess: a wrong password, or
// any at a user that is locked, which is what guessing leads to.
func guessed(e *event.Event) bool {
	return e.Outcome == event.Failure && (e.Reason == event.BadCredentials || e.Reason == event.Locked)
}

func userOf(e *event.Event) uint32 { return fold(event.Hash(e.User.Subject)) }

// addFailure counts a wrong password, unless it is too late or has been
// delivered before. It reports whether it counts.
func (m *SourceMemory) addFailure(e *event.Event, window uint32) bool {
	at, user := secondsOf(e.Time), userOf(e)
	id := fold(mix(event.Hash(e.Provider)) + event.Hash(e.ID))
	if at.plus(sourceReach) < m.newest || slices.Contains(m.repeats[:], id) {
		return false
	}
	m.forget(sourceReach)
	i, known := m.find(user)
	if !known {
		if i = m.place(user, window); i < 0 {
			return false
		}
		m.tried[i] = tried{user: user, first: at, last: at}
	}
	t := &m.tried[i]
	switch {
	case at > t.last.plus(window):
		*t = tried{user: user, first: at, last: at, told: t.told}
	case at.plus(window) < t.first:
		return false // of an earlier run, which is over
	}
	t.tries = min(t.tries, 254) + 1
	t.first, t.last = min(t.first, at), max(t.last, at)
	m.repeats[m.nextRepeat] = id
	m.nextRepeat = (m.nextRepeat + 1) % maxRepeats
	return true
}

// find is the place of a user among tried, or where it would be.
func (m *SourceMemory) find(user uint32) (i int, known bool) {
	return slices.BinarySearchFunc(m.tried[:m.nTried], user, func(t tried, user uint32) int {
		switch {
		case t.user < user:
			return -1
		case t.user > user:
			return 1
		}
		return 0
	})
}

// place makes room for a user who is not among tried, and returns where; -1
// when there is none.
func (m *SourceMemory) place(user, window uint32) int {
	if m.nTried == maxTried {
		m.forget(window)
	}
	i, _ := m.find(user)
	if i == maxTried {
		return -1
	}
	m.nTried = min(m.nTried+1, maxTried)
	copy(m.tried[i+1:m.nTried], m.tried[i:])
	return i
}

// forget drops the users on whom nothing was tried for so many seconds.
func (m *SourceMemory) forget(after uint32) {
	kept := slices.DeleteFunc(m.tried[:m.nTried], func(t tried) bool { return t.last.plus(after) < m.newest })
	m.nTried = uint8(len(kept))
}

// addGuest notes that a user came in, and returns the user's entry; nil when
// it is older than all that are kept.
func (m *SourceMemory) addGuest(user uint32, name string, at seconds) *guest {
	addName(m.named[:], name, at)
	oldest := &m.guests[0]
	for i := range m.guests {
		g := &m.guests[i]
		if g.user == user {
			g.at = max(g.at, at)
			return g
		}
		if g.at < oldest.at {
			oldest = g
		}
	}
	if oldest.at > at {
		return nil
	}
	*oldest = guest{user: user, at: at}
	return oldest
}

// guest is the entry of a user who came in; nil when there is none.
func (m *SourceMemory) guest(user uint32) *guest {
	for i := range m.guests {
		if m.guests[i].user == user {
			return &m.guests[i]
		}
	}
	return nil
}

// ForgetName forgets the name of a user who has come in, and reports whether it
// was there. What is told by hashes stays: others are judged by it.
func (m *SourceMemory) ForgetName(subject string) (was bool) {
	return forgetName(m.named[:], subject)
}
