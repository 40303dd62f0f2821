package detectors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/riskstream/riskstream/event"
)

// usersPerGuest is on how many users passwords must have been tried for each
// one who has come in within the day. Behind the address of an office, a hotel
// or a carrier most people know their password, and who mistypes it is one of
// them; from an attacker's machine hardly anybody comes in. Our own threshold.
const usersPerGuest = 2

// attack is an attack that was recognised at a network. A network has one at a
// time, so that nobody is told of one attack by two names.
type attack struct {
	start    seconds // its first wrong password; 0: there is none
	last     seconds // when it was last felt
	users    uint16
	attempts uint16
	networks uint16 // of the campaign that the network is part of; 0: from here alone
	stuffing bool   // else a spray
}

// over reports that it is no longer felt.
func (a *attack) over(now seconds) bool { return a.start == 0 || a.last.plus(sourceReach) < now }

// reaches reports that who came in then is to be told.
func (a *attack) reaches(at seconds) bool {
	return a.start != 0 && at.plus(sourceReach) >= a.start && at <= a.last.plus(sourceReach)
}

func (a *attack) name() string {
	if a.stuffing {
		return credentialStuffing
	}
	return passwordSpray
}

// wrongPassword sees a wrong password. When it makes an attack, or goes on with
// one, who came in before is told, and on whom it was tried. Of what may be
// part of a campaign the organisation is told.
func (s *Set) wrongPassword(e *event.Event, m *SourceMemory, out []event.Event) []event.Event {
	if !m.addFailure(e, uint32(s.cfg.PasswordSpray.Window/time.Second)) {
		return out
	}
	a, user := &m.attack, userOf(e)
	if s.recognise(m) {
		return s.tellTried(e, m, user, s.tellGuests(e, m, out))
	}
	if a.networks == 0 && !a.over(m.newest) || m.guest(user) != nil {
		return out
	}
	if a.networks != 0 && a.reaches(secondsOf(e.Time)) {
		a.last = max(a.last, secondsOf(e.Time))
		out = s.tellGuests(e, m, out)
	}
	return s.noteTried(e, m, user, out)
}

// cameIn sees a user come in, who is told once of the attack that was before.
func (s *Set) cameIn(e *event.Event, m *SourceMemory, out []event.Event) []event.Event {
	at, user := secondsOf(e.Time), userOf(e)
	before := seconds(0)
	if g := m.guest(user); g != nil {
		before = g.at
	}
	g := m.addGuest(user, e.User.Subject, at)
	if !m.attack.reaches(at) {
		return s.noteCameIn(e, m, user, before, out)
	}
	if !s.tells(&m.attack) || g != nil && g.told || !m.standsOut(user) {
		return out
	}
	if g != nil {
		g.told = true
	}
	return append(out, m.signal(e, e.User.Subject, user, at))
}

// tells reports that the detector of the attack is switched on.
func (s *Set) tells(a *attack) bool {
	if a.stuffing {
		return s.cfg.CredentialStuffing.Enabled
	}
	return s.cfg.PasswordSpray.Enabled
}

// tellGuests tells those who came in before, once each.
func (s *Set) tellGuests(e *event.Event, m *SourceMemory, out []event.Event) []event.Event {
	for i := range m.named {
		n := &m.named[i]
		if n.len == 0 || !m.attack.reaches(n.at) {
			continue
		}
		name := n.subject()
		user := fold(event.Hash(name))
		if g := m.guest(user); g != nil && !g.told && m.standsOut(user) {
			g.told = true
			out = append(out, m.signal(e, name, user, n.at))
		}
	}
	return out
}

// recognise reports that the wrong passwords of the window are an attack from
// this network alone, and keeps it: the one that is still felt, or a new one.
// Who came in within the day is not counted: people who mistype their password
// come in after all, and of those who are sprayed next to nobody does.
//
// From then on a network that was part of a campaign tells its own numbers: those
// of the campaign are not what happened there.
//
// What looks like both is stuffing: see credential_stuffing.
func (s *Set) recognise(m *SourceMemory) bool {
	window := uint32(s.cfg.PasswordSpray.Window / time.Second)
	guests := 0
	for i := range m.guests {
		if g := &m.guests[i]; g.user != 0 && g.at.plus(sourceReach) >= m.newest {
			guests++
		}
	}
	n := tries{first: m.newest}
	for i := range m.tried[:m.nTried] {
		t := &m.tried[i]
		g := m.guest(t.user)
		if t.last.plus(window) < m.newest || int(t.tries) > s.cfg.PasswordSpray.MaxTries || g != nil && g.at.plus(sourceReach) >= m.newest {
			continue
		}
		n.add(t, s.cfg.CredentialStuffing.MaxTries)
	}
	stuffing := s.cfg.CredentialStuffing.is(&n)
	if n.users < usersPerGuest*guests || !stuffing && !s.cfg.PasswordSpray.is(&n) {
		return false
	}
	a := &m.attack
	switch {
	case a.over(m.newest):
		m.begin(n.first)
	case a.networks != 0:
		a.users, a.attempts, a.networks = 0, 0, 0
	}
	a.stuffing = stuffing
	a.last = m.newest
	a.users = max(a.users, uint16(n.users))
	a.attempts = max(a.attempts, uint16(n.attempts))
	return true
}

// begin begins another attack, of which nobody has been told.
func (m *SourceMemory) begin(start seconds) {
	m.attack = attack{start: start}
	for i := range m.guests {
		m.guests[i].told = false
	}
	for i := range m.tried[:m.nTried] {
		m.tried[i].told = notTold
	}
}

// tries are the wrong passwords of a window.
type tries struct {
	users, attempts int
	typical         int // users with as many as a spray tries
	few             int // users with no more than stuffing tries
	first, last     seconds
}

func (n *tries) add(t *tried, few int) {
	n.users++
	n.attempts += int(t.tries)
	if fewestSprayTries <= t.tries && t.tries <= mostSprayTries {
		n.typical++
	}
	if int(t.tries) <= few {
		n.few++
	}
	n.first, n.last = min(n.first, t.first), max(n.last, t.last)
}

// signal tells a subject that came in at the given time. Its id follows from
// detector, network, subject and attack, so that telling it again is a repeat.
// Who was told as a target is told by the same name, so that it is the same
// evidence.
func (m *SourceMemory) signal(cause *event.Event, subject string, user uint32, signedIn seconds) event.Event {
	a := &m.attack
	name, tries := a.name(), uint32(0)
	if i, known := m.find(user); known {
		tries = uint32(m.tried[i].tries)
		if t := m.tried[i].told; t != notTold {
			name = t.name()
		}
	}
	signal := signalOf(cause, name, subject, event.Network(cause.Source.IP).String(), a.start)
	signal.Source = sourceOf(cause)
	signal.Signal = a.facts(tries)
	signal.Signal.SignedIn = signedIn.time()
	return signal
}

// facts are what a signal tells of the attack, of which so many tries were on
// its subject.
func (a *attack) facts(tries uint32) event.Signal {
	return event.Signal{
		Users: uint32(a.users), Attempts: uint32(a.attempts), Tries: tries, Networks: uint32(a.networks), Since: a.start.time(),
	}
}

// inPart reports that as many were counted as are remembered, so that there may
// have been more: users at one network, or the targets of a campaign, on each of
// whom there was a wrong password.
func inPart(from *event.Signal) bool {
	if from.Networks == 0 {
		return from.Users >= maxTried
	}
	return from.Attempts >= maxTargets
}

// attempts is how many wrong passwords a signal tells of, in words.
func attempts(from *event.Signal) string {
	text := plural(from.Attempts, "wrong password")
	if inPart(from) {
		return "at least " + text
	}
	return text
}

// sourceOf is what a signal says of where its cause came from.
func sourceOf(cause *event.Event) event.Source {
	return event.Source{IP: cause.Source.IP, Anonymizer: cause.Source.Anonymizer, AS: cause.Source.AS}
}

// signalOf is a signal to a subject. Its id follows from the detector, what it
// has looked at, the subject, and when what it tells of began.
func signalOf(cause *event.Event, detector, subject, of string, start seconds) event.Event {
	id := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d", detector, cause.Tenant, of, subject, start))
	return event.Event{
		Time:     cause.Time,
		ID:       hex.EncodeToString(id[:16]),
		Kind:     event.KindSignal,
		Action:   event.IDPSignal,
		Code:     detector,
		Provider: "riskstream",
		User:     event.User{Subject: subject},
		Tenant:   cause.Tenant,
	}
}

// DetectSignal appends the evidence that a signal of the source lane gives. It
// goes to who has come in from the network, which is more than attempts that
// failed; to whom a password was tried on, which is not, and is told by its
// outcome; or to who has begun to use the application.
func (s *Set) DetectSignal(e *event.Event, out []event.Detection) []event.Detection {
	if e.Kind != event.KindSignal || e.Action != event.IDPSignal {
		return out
	}
	switch {
	case e.Code == passwordSpray && s.cfg.PasswordSpray.Enabled:
		return append(out, sprayEvidence(e))
	case e.Code == credentialStuffing && s.cfg.CredentialStuffing.Enabled:
		return append(out, stuffingEvidence(e))
	case e.Code == unsanctionedApp && s.cfg.UnsanctionedApp.Enabled:
		return append(out, appEvidence(e))
	}
	return out
}

// attackEvidence is what both kinds of attack have in common.
func attackEvidence(e *event.Event, name string) event.Detection {
	from := &e.Signal
	d := event.Detection{
		Name:     name,
		Strength: 1,
		Key:      e.Source.NetworkHash(),
		Evidence: []event.Fact{
			event.Number("users", float64(from.Users)),
			event.Number("attempts", float64(from.Attempts)),
			event.Number("on_this_user", float64(from.Tries)),
			event.Text("network", networkName(&e.Source)),
			event.Text(begun(e), from.Since.String()),
		},
	}
	if inPart(from) {
		d.Evidence = append(d.Evidence, event.Text("at_least", yesNo(true)))
	}
	switch {
	case onlyTried(e):
		d.Strength = triedStrength
		return d
	case from.Tries == 0 && from.SignedIn < from.Since:
		d.Strength = untouchedStrength
	}
	d.Evidence = append(d.Evidence, event.Text("signed_in", from.SignedIn.String()))
	return d
}

// begun is the name of when the attack began. Who came in from a network of a
// campaign is told of the campaign's numbers, but since when passwords were tried
// at that network: by it those who came in before are told apart.
func begun(e *event.Event) string {
	if e.Signal.Networks != 0 && !onlyTried(e) {
		return "here_since"
	}
	return "since"
}
