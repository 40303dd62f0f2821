package detectors

import (
	"slices"
	"time"

	"github.com/riskstream/riskstream/event"
)

// Our own thresholds.
const (
	targetMemory     = 7 * day  // how long a target is remembered
	sameTarget       = day      // a user who is tried again within this counts once
	fastCampaignLast = hour     // a fast campaign is over when it was not recognised for so long
	slowCampaignLast = day      // and a slow one
	slowLearning     = 3 * day  // before, nothing is usual, and twice as much makes a slow campaign
	appLearning      = 14 * day // what is first seen before, was there before
	outOfStep        = 30 * day // how far behind a source may be

	// leakPerHour is how many targets in a thousand hours are forgotten, beside
	// twice what the organisation is used to: one in five hours.
	leakPerHour = 200

	hour = 3600
	day  = 24 * hour
)

// campaign is a spray that was recognised.
type campaign struct {
	start    seconds // its first wrong password; 0: there is none
	last     seconds // when it was last recognised
	slow     bool
	users    uint16
	attempts uint16
	networks uint16
}

// felt reports that what comes now belongs to it.
func (c *campaign) felt(now seconds) bool {
	reach := uint32(fastCampaignLast)
	if c.slow {
		reach = slowCampaignLast
	}
	return c.start != 0 && c.last.plus(reach) >= now
}

// noteTried tells the organisation of a wrong password on a user who has never
// come in from the network, and how many more targets there are beside: in a
// campaign the user is told then. A user with more tries than a spray makes is
// not worth telling of again.
func (s *Set) noteTried(e *event.Event, m *SourceMemory, user uint32, out []event.Event) []event.Event {
	cfg := &s.cfg.PasswordSpray
	i, known := m.find(user)
	if !cfg.Enabled || !known || int(m.tried[i].tries) > cfg.MaxTries+1 {
		return out
	}
	note := noteOf(e, event.NoteTried)
	note.Source = sourceOf(e)
	note.User.Subject = e.User.Subject
	note.Signal.Tries = uint32(m.tried[i].tries)
	note.Signal.Users = uint32(m.targetsBeside(user))
	if a := &m.attack; note.Signal.Users > 0 && a.networks != 0 && a.reaches(secondsOf(e.Time)) {
		m.tried[i].told = toldOfSpray // by the organisation
	}
	return append(out, note)
}

// noteCameIn tells the organisation that a user on whom passwords were tried
// has come in from there, for the first time since: the user has mistyped them.
func (s *Set) noteCameIn(e *event.Event, m *SourceMemory, user uint32, before seconds, out []event.Event) []event.Event {
	i, known := m.find(user)
	if !s.cfg.PasswordSpray.Enabled || !known || before >= m.tried[i].last || m.tried[i].last.plus(sourceReach) < secondsOf(e.Time) {
		return out
	}
	note := noteOf(e, event.NoteCameIn)
	note.Source.IP = e.Source.IP
	note.User.Subject = e.User.Subject
	return append(out, note)
}

// noteOf is a note that one key of the source lane leaves for another.
func noteOf(cause *event.Event, code string) event.Event {
	return event.Event{
		Time: cause.Time, ID: cause.ID, Kind: event.KindSignal, Action: event.IDPSignal,
		Code: code, Provider: "riskstream", Tenant: cause.Tenant,
	}
}

// recogniseCampaign reports that there is a campaign, and keeps it: the one
// that is still felt, or a new one.
func (s *Set) recogniseCampaign(m *OrgMemory) bool {
	c := &m.campaign
	felt := c.felt(m.newest)
	fast, isFast := s.fastCampaign(m)
	slow, isSlow := s.slowCampaign(m)
	if !isFast && !isSlow {
		return felt
	}
	if !felt {
		*c = campaign{start: m.newest}
		for i := range m.targets[:m.nTargets] {
			m.targets[i].told, m.targets[i].warned = false, false
		}
		if isFast {
			c.start = min(c.start, fast.first)
		}
		if isSlow {
			c.start = min(c.start, slow.first)
		}
	}
	c.last = m.newest
	c.slow = c.slow || isSlow
	for _, n := range []*targets{&fast, &slow} {
		c.users = max(c.users, uint16(n.users))
		c.attempts = max(c.attempts, uint16(n.attempts))
		c.networks = max(c.networks, uint16(n.networks))
	}
	return true
}

// targets are what some targets come to.
type targets struct {
	users, attempts, networks int
	busiest                   int // users of the network that has most
	first                     seconds
}

// fastCampaign looks at what was tried within the window. One network must not
// have more than half of the users: what others mistype beside an attack from
// one network would make it look like many.
func (s *Set) fastCampaign(m *OrgMemory) (n targets, ok bool) {
	cfg := &s.cfg.PasswordSpray
	window := uint32(cfg.Distributed.Window / time.Second)
	n = m.count(func(t *target) bool {
		return t.last.plus(window) >= m.newest && int(t.tries) <= cfg.MaxTries
	})
	users := cfg.Distributed.Users + m.usual()/8 // for as many as that may mistype it in a busy quarter of an hour
	return n, n.users >= users && n.networks >= cfg.Distributed.Networks && n.attempts >= cfg.Distributed.Attempts && 2*n.busiest <= n.users
}

// slowCampaign is a cumulative sum (CUSUM): each user on whom one or two were
// tried adds one, and it leaks at twice the organisation's usual rate and a
// little more. It grows no further than to the threshold, so that a campaign is
// over soon after its last target, however large it was. It is computed from
// the targets that are left, so that who comes in later has never counted, in
// whatever order it is heard of.
func (s *Set) slowCampaign(m *OrgMemory) (n targets, ok bool) {
	cfg := &s.cfg.PasswordSpray.Slow
	usual := uint64(m.usual())
	leak := 2*1000*usual/24 + leakPerHour // in thousandths of a user an hour
	least := 1000 * (uint64(cfg.Users) + usual/2)
	if m.newest.since(m.since) < slowLearning {
		least *= 2
	}
	sum, at, start := uint64(0), seconds(0), seconds(0)
	pass := func(to seconds) { sum, at = sum-min(sum, leak*uint64(to.since(at))/hour), to }
	for i := range m.targets[:m.nTargets] {
		t := &m.targets[i]
		if int(t.tries) > cfg.Tries || m.triedBefore(i) {
			continue
		}
		if pass(t.first); sum == 0 {
			start = t.first
		}
		sum = min(sum+1000, least)
	}
	pass(m.newest)
	if start == 0 || sum < least {
		return n, false
	}
	return m.count(func(t *target) bool { return t.first >= start && int(t.tries) <= cfg.Tries }), true
}

// triedBefore reports that the user of a target is counted by an earlier one.
func (m *OrgMemory) triedBefore(i int) bool {
	t := &m.targets[i]
	return slices.ContainsFunc(m.targets[:i], func(o target) bool {
		return o.user == t.user && o.first.plus(sameTarget) >= t.first
	})
}

// count adds up the targets that are meant.
func (m *OrgMemory) count(meant func(t *target) bool) targets {
	var users [maxTargets]uint32
	var networks [maxTargets]networkID
	n, c := 0, targets{first: m.newest}
	for i := range m.targets[:m.nTargets] {
		if t := &m.targets[i]; meant(t) {
			users[n], networks[n] = t.user, t.network
			n++
			c.attempts += int(t.tries)
			c.first = min(c.first, t.first)
		}
	}
	slices.Sort(users[:n])
	slices.Sort(networks[:n])
	c.users = len(slices.Compact(users[:n]))
	ofNetwork := 0
	for i := range n {
		if i == 0 || networks[i] != networks[i-1] {
			c.networks++
			ofNetwork = 0
		}
		ofNetwork++
		c.busiest = max(c.busiest, ofNetwork)
	}
	return c
}

// tellNetworks tells the networks of the campaign that they are part of it,
// once each: they know who has come in.
func (m *OrgMemory) tellNetworks(cause *event.Event, out []event.Event) []event.Event {
	c := &m.campaign
	for i := range m.targets[:m.nTargets] {
		t := &m.targets[i]
		if t.told || t.last < c.start {
			continue
		}
		known := false
		for j := range m.targets[:m.nTargets] {
			if o := &m.targets[j]; o.network == t.network {
				known = known || o.told
				o.told = true
			}
		}
		if known {
			continue
		}
		note := noteOf(cause, event.NoteCampaign)
		note.Source.IP = t.network.addr()
		note.Signal = event.Signal{Users: uint32(c.users), Attempts: uint32(c.attempts), Networks: uint32(c.networks), Since: c.start.time()}
		out = append(out, note)
	}
	return out
}

// joinCampaign makes a network part of a campaign, as far as its own wrong
// passwords reach. An attack from there alone says more, and stays.
func (s *Set) joinCampaign(e *event.Event, m *SourceMemory, out []event.Event) []event.Event {
	a := &m.attack
	if !s.cfg.PasswordSpray.Enabled || a.networks == 0 && !a.over(m.newest) {
		return out
	}
	first, last := seconds(0), seconds(0)
	for i := range m.tried[:m.nTried] {
		if t := &m.tried[i]; m.guest(t.user) == nil {
			if first == 0 || t.first < first {
				first = t.first
			}
			last = max(last, t.last)
		}
	}
	if first == 0 {
		return out
	}
	if a.over(m.newest) {
		m.begin(first)
	}
	a.last = max(a.last, last)
	a.users = max(a.users, uint16(min(e.Signal.Users, 1<<16-1)))
	a.attempts = max(a.attempts, uint16(min(e.Signal.Attempts, 1<<16-1)))
	a.networks = max(a.networks, uint16(min(e.Signal.Networks, 1<<16-1)), 1)
	return s.tellGuests(e, m, out)
}

// standsOut reports of a user who came in from a network of a campaign, that
// passwords were tried there on at least as many others as have come in. Where
// people live and work, most come in; and who has only mistyped a password of
// their own has nothing to do with the campaign. An attack from one network
// alone has been held against this already.
func (m *SourceMemory) standsOut(user uint32) bool {
	if m.attack.networks == 0 {
		return true
	}
	return m.others(user, m.attack.reaches) >= max(m.cameInWhen(m.attack.reaches), 1)
}

// others is on how many others than the user passwords were last tried at such
// a time who have never come in.
func (m *SourceMemory) others(user uint32, when func(seconds) bool) int {
	n := 0
	for i := range m.tried[:m.nTried] {
		if t := &m.tried[i]; t.user != user && when(t.last) && m.guest(t.user) == nil {
			n++
		}
	}
	return n
}

// cameInWhen is how many last came in at such a time.
func (m *SourceMemory) cameInWhen(when func(seconds) bool) int {
	n := 0
	for i := range m.guests {
		if g := &m.guests[i]; g.user != 0 && when(g.at) {
			n++
		}
	}
	return n
}
