package detectors

import (
	"time"

	"github.com/riskstream/riskstream/event"
)

// uses reports that the subject's account or session was used with success:
// only somebody who holds a credential or a session can cause it, and the
// subject is who did it. What happens to an account (a grant, a new factor) is
// left out, since others do that too; so is the proof of a second factor, which
// may come from a phone.
func uses(e *event.Event) bool {
	if e.Outcome != event.Success || e.Kind == event.KindSignal {
		return false
	}
	switch e.Action {
	case event.SignIn, event.TokenIssue, event.TokenRefresh,
		event.Access, event.Download, event.Write, event.Delete:
		return true
	}
	return false
}

// cameBy says in a summary how somebody has come to where the event is from.
func cameBy(e *event.Event) string {
	if signedIn(e) {
		return "Sign-in"
	}
	return "Session goes on"
}

// detectUse looks at what is done with an account once somebody is in, by
// people and by workloads. A session that moves comes to a place as a sign-in
// does.
func (s *Set) detectUse(e *event.Event, at *sighting, m *Memory, before Standing, learning bool, out []event.Detection) []event.Detection {
	if grantsPrivilege(e) {
		return s.detectPrivilegeAfterRisk(e, before, out)
	}
	if !uses(e) {
		return out
	}
	out = s.detectOutsideAccessWindow(e, out)
	out = s.detectDeviceNoncompliant(e, out)
	if !byPerson(e) {
		return s.detectServiceAccountMisuse(e, at, m, before, out)
	}
	if !learning && !signedIn(e) {
		if m.moved(e, at) {
			out = s.detectNewCountry(e, at, m, out)
			out = s.detectNewNetwork(e, at, m, out)
			out = s.detectAnonymousIP(e, at, m, out)
		}
		out = s.detectStrangeSession(e, at, m, out)
	}
	out = s.detectSessionHijack(e, at, m, out)
	out = s.detectMassAccess(e, at, m, learning, out)
	out = s.detectAppsAtOnce(e, at, m, learning, out)
	return out
}

// forgetUses drops what no window reaches any more.
func (s *Set) forgetUses(m *Memory, now seconds) {
	m.sessions.forgetBefore(now.minus(uint32(sessionsKept / time.Second)))
	m.opened.forgetBefore(now.minus(uint32(remembered / time.Second)))
	s.forgetBulk(&m.bulk, now)
}

// learnMove learns the place to which the user's own device has taken a session,
// and, in the user's own network, the browsers in which its applications open.
// Sign-ins teach more, and by themselves.
func (s *Set) learnMove(e *event.Event, at *sighting, m *Memory, v Verdict) {
	if v.challenged() || signedIn(e) {
		return
	}
	if m.ownDeviceOfOld(at) && m.moved(e, at) {
		s.teachCountry(m, at)
		s.teachNetwork(m, at)
	}
	if at.browser != 0 && m.networkOfOld(at) && find(m.devices[:], at.family) != nil {
		m.teachBrowser(at)
	}
}

// learnUse keeps what a use may teach. It is to be asked before the event
// teaches anything else, so that "known" is what was known before.
func (s *Set) learnUse(e *event.Event, at *sighting, m *Memory, v Verdict) {
	if !uses(e) {
		return
	}
	if !byPerson(e) {
		s.learnWorkload(at, m, v)
		return
	}
	s.learnMove(e, at, m, v)
	m.noteSession(e, at)
	s.learnBulk(e, at, m, v)
	s.learnApps(e, at, m, v)
}
