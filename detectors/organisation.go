package detectors

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/riskstream/riskstream/event"
)

// A spray from many networks, or over days, shows at no single network. The
// network says which wrong passwords nobody has explained by coming in from
// there; here they are seen beside each other.

// Sizes of OrgMemory.
const (
	maxTargets   = 128
	baselineDays = 14
	longCampaign = 7 // days after which a campaign counts for what is usual; ours
)

// OrgMemory is what the source lane remembers of an organisation: on whom
// passwords were tried without success in sight, and from where. It has a fixed
// size and holds no pointers; the zero value is an organisation never seen.
type OrgMemory struct {
	newest seconds // newest event time
	since  seconds // the oldest that was heard of it

	targets  [maxTargets]target // by their first wrong password
	nTargets uint8

	day   uint16               // the newest
	today uint16               // targets on that day
	days  [baselineDays]uint16 // and on those before, the last one first

	campaign campaign
}

// target is a user on whom wrong passwords were tried from a network.
type target struct {
	user        uint32
	network     networkID
	first, last seconds
	tries       uint8 // up to 255
	told        bool  // the network was told of the campaign
	warned      bool  // the user was
}

// networkID is a source network as a number: the first 8 bytes of an IPv6
// address; of an IPv4 address its 4 bytes, behind ffff.
type networkID uint64

const markOfIPv4 = 0xffff << 32 // is no network of IPv6 in use

func networkOf(s *event.Source) networkID {
	a := event.Network(s.IP).Addr()
	if !a.IsValid() {
		return 0
	}
	b := a.As16()
	if a.Is4() {
		return markOfIPv4 | networkID(binary.BigEndian.Uint32(b[12:]))
	}
	return networkID(binary.BigEndian.Uint64(b[:]))
}

// addr is the address again.
func (n networkID) addr() netip.Addr {
	var b [16]byte
	if n>>32 == markOfIPv4>>32 {
		binary.BigEndian.PutUint32(b[:], uint32(n))
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	binary.BigEndian.PutUint64(b[:], uint64(n))
	return netip.AddrFrom16(b)
}

// DetectOrg takes a note into the memory of its organisation and appends what
// follows: a signal to the target of a campaign, and notes to its networks and
// to an application that asks whether it is new. It depends on its arguments and the configuration
// only.
func (s *Set) DetectOrg(e *event.Event, m *OrgMemory, out []event.Event) []event.Event {
	at := secondsOf(e.Time)
	m.advance(at)
	switch e.Code {
	case event.NoteTried:
		if m.addTarget(e, at) && s.recogniseCampaign(m) {
			return m.tellNetworks(e, m.tellTarget(e, out))
		}
	case event.NoteCameIn:
		m.removeTarget(e)
	case event.NoteAppSeen:
		note := noteOf(e, event.NoteNewApp)
		note.App = e.App
		if at < m.since.plus(appLearning) {
			note.Code = event.NoteOldApp
		}
		return append(out, note)
	}
	return out
}

// advance sets the newest time, and the oldest: sources that are read from
// their start are not in step. One whose clock is years behind does not count.
func (m *OrgMemory) advance(at seconds) {
	switch {
	case m.since == 0:
		m.since, m.day = at, at.day()
	case at.plus(outOfStep) >= m.newest:
		m.since = min(m.since, at)
	}
	m.newest = max(m.newest, at)
	for ; m.day < at.day(); m.day++ {
		if at.day()-m.day > baselineDays {
			m.day, m.today, m.days = at.day()-baselineDays-1, 0, [baselineDays]uint16{}
		}
		copy(m.days[1:], m.days[:])
		m.days[0], m.today = m.ordinary(), 0
	}
}

// ordinary is what the day that ends says of what is usual: of a day in a
// campaign no more than was usual before, or the next one would hide behind it.
// What goes on for longer is the organisation's life.
func (m *OrgMemory) ordinary() uint16 {
	c := &m.campaign
	watched := m.day - m.since.day()
	if watched < baselineDays || c.start == 0 || c.last.day() < m.day || m.day-c.start.day() >= longCampaign {
		return m.today
	}
	return min(m.today, uint16(m.usual()))
}

// usual is on how many users a day wrong passwords remain that nobody explains:
// the median of the last days, half of which a campaign would have to fill to
// move it.
func (m *OrgMemory) usual() int {
	if m.newest.since(m.since) < slowLearning {
		return 0
	}
	known := min(int(m.day-m.since.day()), baselineDays)
	sorted := m.days
	slices.Sort(sorted[:known])
	return int(sorted[known/2])
}

// addTarget counts a wrong password. It reports whether it counts.
func (m *OrgMemory) addTarget(e *event.Event, at seconds) bool {
	if at.plus(targetMemory) < m.newest {
		return false
	}
	m.dropTargets(func(t *target) bool { return t.last.plus(targetMemory) < m.newest })
	t := target{
		user: userOf(e), network: networkOf(&e.Source),
		first: at, last: at, tries: uint8(min(e.Signal.Tries, 255)),
	}
	t.warned = m.warned(t.user)
	again := false
	for i := range m.targets[:m.nTargets] {
		o := &m.targets[i]
		if o.user != t.user || o.last.plus(sameTarget) < at {
			continue
		}
		if o.network == t.network {
			o.last, o.tries = max(o.last, at), max(o.tries, t.tries)
			return true
		}
		again = true
	}
	m.dropTargets(func(o *target) bool { return o.user == t.user && o.network == t.network })
	m.insert(&t)
	if !again && at.day() == m.day {
		m.today = min(m.today, 1<<16-2) + 1
	}
	return true
}

// insert puts a target among the others. The oldest gives way.
func (m *OrgMemory) insert(t *target) {
	if m.nTargets == maxTargets {
		copy(m.targets[:], m.targets[1:])
		m.nTargets--
	}
	i := int(m.nTargets)
	for i > 0 && m.targets[i-1].first > t.first {
		i--
	}
	m.nTargets++
	copy(m.targets[i+1:m.nTargets], m.targets[i:])
	m.targets[i] = *t
}

// removeTarget forgets a target who has come in from there after all.
func (m *OrgMemory) removeTarget(e *event.Event) {
	user, network, before := userOf(e), networkOf(&e.Source), m.nTargets
	m.dropTargets(func(t *target) bool { return t.user == user && t.network == network })
	if m.nTargets < before && m.today > 0 {
		m.today--
	}
}

func (m *OrgMemory) dropTargets(which func(t *target) bool) {
	n := 0
	for i := range m.targets[:m.nTargets] {
		if !which(&m.targets[i]) {
			m.targets[n] = m.targets[i]
			n++
		}
	}
	clear(m.targets[n:m.nTargets])
	m.nTargets = uint8(n)
}
