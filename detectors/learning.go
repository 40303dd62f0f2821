package detectors

import (
	"time"

	"github.com/riskstream/riskstream/event"
)

// Verdict is what became of an event when it was scored.
type Verdict struct {
	EventLevel event.Level // of the event risk
	Late       bool        // more than 24 h behind the subject's newest event: it teaches nothing
	Distrusted bool        // a factor proven in it may be somebody else's: it confirms nothing
}

// challenged reports that the event was risky enough to be asked about.
func (v Verdict) challenged() bool { return v.EventLevel >= event.Medium }

// progress is how far a subject is known, and what it learned today.
type progress struct {
	first      seconds // the first learned sign-in
	challenged seconds // the newest challenged event
	signIns    uint16  // learned ones, up to 65535
	day        uint16  // the newest day on which something was learned
	devices    uint8   // new ones learned on that day
	networks   uint8
	countries  uint8
	days       uint8 // on which something was learned, up to 255
}

const maxPending = 3

// pending are the challenged sign-ins. They teach nothing until it shows that
// it was the user.
type pending [maxPending]sighting

// Learn keeps of an event what it may teach, now that it has a verdict:
//
//   - a sign-in that was not challenged teaches its place, network and device;
//   - a challenged one waits until a phishing-resistant factor succeeds from
//     the same source network, until ConfirmSafe, or until Learning.Quiet has
//     passed without another challenge;
//   - a wrong password or code is remembered as a failure, and a push request
//     until it is approved; they teach no baseline;
//   - a second factor continues a sign-in: it may confirm, it is no sign-in of
//     its own;
//   - what is done with an account, and by workloads, has memories of its own;
//     see learnUse.
//
// It is to be called for every event that is scored, whatever its action: quiet
// is judged on all of them.
func (s *Set) Learn(e *event.Event, m *Memory, v Verdict) {
	if v.Late {
		return
	}
	at := see(e)
	s.learnAfterQuiet(m, at.at, v)
	m.forgetBefore(at.at.minus(uint32(remembered / time.Second)))
	m.failures.forgetBefore(at.at.minus(uint32(failuresKept / time.Second)))
	s.forgetUses(m, at.at)
	m.learnProtocol(e, v)
	m.learnConsent(e, v)
	m.learnPassword(e, &at, v)
	m.noteActivity(e)
	s.learnUse(e, &at, m, v)
	switch {
	case mistypedPassword(e):
		m.failures.add(&at, m.atHome(&at))
	case signedIn(e):
		strong := e.Auth.Factor == event.FactorStrong && !v.Distrusted && !e.Auth.ByDeviceCode()
		if strong {
			s.confirmSource(m, at.source)
		} else if !s.learning(m, e.Time) {
			m.noteArrival(&at)
		}
		m.notePrompt(e, &at)
		if v.challenged() && !strong {
			m.pending.push(&at)
			return
		}
		s.teach(m, &at)
		s.teachApp(m, e)
		if strong || s.reachable(m, &at) {
			m.trust(&at, e.Source.Geo.City)
		}
	case confirmedStrongly(e):
		if !v.Distrusted {
			s.confirmSource(m, at.source)
		}
	case mistypedCode(e):
		m.codes.add(&at, m.atHome(&at))
	case promptStepOf(e) != noPrompt:
		m.notePrompt(e, &at)
	}
}

// remembered is how long attempts at second factors and arrivals are kept.
const remembered = 24 * time.Hour

// forgetBefore drops what no window reaches any more, so that quiet subjects
// take no room for it.
func (m *Memory) forgetBefore(t seconds) {
	m.prompts.forgetBefore(t)
	m.codes.forgetBefore(t)
	m.arrivals.forgetBefore(t)
}

func (m *Memory) notePrompt(e *event.Event, at *sighting) {
	if step := promptStepOf(e); step != noPrompt {
		m.prompts.note(step, at, m)
	}
}

// confirmSource takes in that the user has proven to be the user at a source
// network.
func (s *Set) confirmSource(m *Memory, source uint32) {
	s.learnPending(m, source)
	m.arrivals.trustSource(source)
}

// ConfirmSafe learns the places that wait: somebody who can know has said that
// the sign-ins were the user's.
func (s *Set) ConfirmSafe(m *Memory) {
	s.learnAllPending(m)
	m.arrivals = arrivals{}
	m.sessions = sessions{} // they begin where they are used next
}

// ConfirmCompromised forgets the places that wait: they may be the attacker's,
// and must not be learned when quiet returns.
func (s *Set) ConfirmCompromised(m *Memory) { m.pending = pending{} }

func confirmedStrongly(e *event.Event) bool {
	return e.Action == event.MFAVerify && e.Outcome == event.Success && e.Auth.Factor == event.FactorStrong && byPerson(e)
}

// learnAfterQuiet learns the places that wait when nothing was challenged for
// long enough. The event that finds it quiet was judged without them, and must
// have been: were they learned before it, an attacker who comes back after the
// quiet would be known already.
func (s *Set) learnAfterQuiet(m *Memory, now seconds, v Verdict) {
	if v.challenged() {
		m.progress.challenged = max(m.progress.challenged, now)
		return
	}
	if now.since(m.progress.challenged) >= uint32(s.cfg.Learning.Quiet/time.Second) {
		s.learnAllPending(m)
	}
}

func (s *Set) learnAllPending(m *Memory) {
	for i := range m.pending {
		s.learnWaiting(m, &m.pending[i])
	}
}

// learnPending learns the places that wait and have this source network.
func (s *Set) learnPending(m *Memory, source uint32) {
	for i := range m.pending {
		if p := &m.pending[i]; source != 0 && p.source == source {
			s.learnWaiting(m, p)
		}
	}
}

func (s *Set) learnWaiting(m *Memory, p *sighting) {
	if p.at != 0 {
		s.teach(m, p)
		m.trust(p, "")
		*p = sighting{}
	}
}

// teach takes a sign-in that is held to be the user's own into the baselines.
func (s *Set) teach(m *Memory, at *sighting) {
	m.absence.end(at.at.day(), m.progress.day)
	m.progress.note(at.at)
	s.teachCountry(m, at)
	s.teachNetwork(m, at)
	m.teachSource(at)
	s.teachDevice(m, at)
	m.teachBrowser(at)
	m.teachHour(at)
	m.failures.settle(at)
}

// teachCountry learns what tells the person's own country. A gateway's country
// is taken for want of that: who only ever comes through the office, a VPN or
// a virtual desktop would otherwise have nothing that another country is
// compared with.
func (s *Set) teachCountry(m *Memory, at *sighting) {
	own := !at.is(corporate) && at.kinds == 0
	if at.is(satellite) || at.kinds == kindTor || !own && count(m.countries[:]) > 0 {
		return
	}
	learn(m.countries[:], uint32(at.country), at.at.day(), &m.progress.countries, s.cfg.Learning.CountriesPerDay)
}

// teachNetwork leaves out Tor, whose exits stand in other people's networks,
// and corporate networks, which are known to everybody, unless there is no
// other to compare with.
func (s *Set) teachNetwork(m *Memory, at *sighting) {
	if at.kinds == kindTor || at.is(corporate) && count(m.networks[:]) > 0 {
		return
	}
	if f := learn(m.networks[:], at.network, at.at.day(), &m.progress.networks, s.cfg.Learning.NetworksPerDay); f != nil {
		f.kinds |= at.kinds
	}
}

// teachDevice learns a device: by its id where it is registered, else by its kind
// and the version.
func (s *Set) teachDevice(m *Memory, at *sighting) {
	isNew := indexOf(m.devices[:], at.device()) < 0
	f := learn(m.devices[:], at.device(), at.at.day(), &m.progress.devices, s.cfg.Learning.DevicesPerDay)
	if f == nil {
		return
	}
	f.setOS(at.os)
	v := &m.vintages[indexOf(m.devices[:], f.key)]
	if isNew {
		*v = vintage{}
	}
	if at.bound == 0 {
		v.see(at.version)
	}
}

// learn refreshes the entry of a key, or makes one while the day's budget
// lasts. It returns the entry, or nil.
func learn(known []familiar, key uint32, day uint16, learned *uint8, most int) *familiar {
	if key == 0 {
		return nil
	}
	if f := find(known, key); f != nil {
		f.refresh(day)
		return f
	}
	if int(*learned) >= most {
		return nil
	}
	*learned++
	return admit(known, key, day)
}

// learnSlowly refreshes the entry of a key, or makes one unless so many entries
// are of this day already. It is for lists that have no counter: what has given
// way on the day it was learned is not counted.
func learnSlowly(known []familiar, key uint32, day uint16, most int) {
	if f := find(known, key); f != nil {
		f.refresh(day)
		return
	}
	today := 0
	for i := range known {
		if f := &known[i]; f.key != 0 && f.days == 1 && f.lastDay >= day {
			today++
		}
	}
	if key != 0 && today < most {
		admit(known, key, day)
	}
}

// note counts a learned sign-in. A new day has a new budget; a late event has
// what is left of the newest day's.
func (p *progress) note(at seconds) {
	if p.first == 0 || at < p.first {
		p.first = at
	}
	p.signIns = min(p.signIns, 1<<16-2) + 1
	if day := at.day(); day > p.day {
		p.day, p.devices, p.networks, p.countries = day, 0, 0, 0
		p.days = min(p.days, 254) + 1
	}
}

// push lets a challenged sign-in wait, in the place of an earlier one from
// there, else of the oldest.
func (p *pending) push(at *sighting) {
	into := &p[0]
	for i := range p {
		if p[i].sameOrigin(at) {
			into = &p[i]
			break
		}
		if p[i].at < into.at {
			into = &p[i]
		}
	}
	if into.at <= at.at {
		*into = *at
	}
}

// learning reports that too little is known of the subject for novelty to mean
// something.
func (s *Set) learning(m *Memory, now event.Time) bool {
	l, p := &s.cfg.Learning, &m.progress
	young := p.first == 0 || secondsOf(now).since(p.first) < uint32(l.Age/time.Second)
	return young && int(p.signIns) < l.SignIns
}

// Familiarity is what rules may ask of how an event fits its subject.
type Familiarity struct {
	SignIns        int     // learned sign-ins
	DaysKnown      float64 // since the first of them
	KnownDevice    bool    // false also where the log does not tell
	KnownNetwork   bool    // a corporate network is known to everybody
	KnownCountry   bool
	RecentFailures int // wrong passwords in the window of brute_force_success before the event, up to 12; less those that an own sign-in or reset has settled
}

// Familiarity tells how e fits what m remembers, before e teaches anything.
func (s *Set) Familiarity(e *event.Event, m *Memory) Familiarity {
	at := see(e)
	f := Familiarity{
		SignIns:        int(m.progress.signIns),
		KnownDevice:    m.knowsDevice(&at),
		KnownNetwork:   m.knowsNetwork(&at),
		KnownCountry:   m.knowsCountry(&at),
		RecentFailures: m.failures.before(at.at, uint32(s.cfg.BruteForceSuccess.Window/time.Second)),
	}
	if first := m.progress.first; first != 0 {
		f.DaysKnown = float64(at.at.since(first)) / 86400
	}
	return f
}
