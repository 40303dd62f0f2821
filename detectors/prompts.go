package detectors

import "github.com/riskstream/riskstream/event"

// maxPrompts is how many push requests are remembered. More would only sharpen
// a number that is large already.
const maxPrompts = 12

// prompt is a push request that has not been approved.
type prompt struct {
	at     seconds // when it ended, or was asked if that is not known; 0: an empty place
	source uint32  // where the sign-in was that it is for
	fate   fate
	own    bool // from a known network, for a known device
}

// fate is what became of a prompt.
type fate uint8

const (
	asked   fate = iota // nothing yet: some providers do not log that it ran out
	ignored             // it ran out
	denied
	fates
)

// prompts are the last ones by time, the oldest first; empty places are last.
type prompts [maxPrompts]prompt

const (
	// A prompt is over after this long with every provider that sends one
	// (Okta 5 minutes, Entra and Duo 1).
	promptLife = 5 * 60
	// What happens within this many seconds is one prompt: it went to two
	// phones, or its end is logged by two events. Nobody answers faster for long.
	samePrompt = 10
)

// promptStep is what an event says of a prompt.
type promptStep uint8

const (
	noPrompt promptStep = iota
	promptAsked
	promptIgnored
	promptDenied
	promptAnswered // not approved, but somebody tried to
	promptApproved
)

// promptStepOf reads an event. A denial may also be that of a phone call. A
// push that failed in another way was answered, with the wrong number of
// number matching: whoever did so was at it, and it counts as nothing more.
func promptStepOf(e *event.Event) promptStep {
	if !byPerson(e) {
		return noPrompt
	}
	push := e.Auth.Factor == event.FactorPush
	if !push && e.Outcome != event.Failure {
		return noPrompt // as most events are
	}
	verifies := e.Action == event.MFAVerify || e.Action == event.SignIn
	switch {
	case e.Action == event.MFAChallenge && push && e.Outcome != event.Failure:
		return promptAsked
	case verifies && e.Outcome == event.Failure && e.Reason == event.MFADenied:
		return promptDenied
	case verifies && e.Outcome == event.Failure && e.Reason == event.MFATimeout && (push || e.Auth.Factor == event.FactorNone):
		return promptIgnored
	case verifies && e.Outcome == event.Failure && e.Reason == event.MFAFailed && push:
		return promptAnswered
	case verifies && e.Outcome == event.Success && push:
		return promptApproved
	}
	return noPrompt
}

// note takes in what an event says of a prompt.
func (p *prompts) note(step promptStep, at *sighting, m *Memory) {
	q := prompt{at: at.at, source: at.source, own: m.atHome(at)}
	switch step {
	case promptAsked:
		if !p.alreadyAsked(&q) {
			p.add(q)
		}
	case promptIgnored, promptDenied:
		q.fate = ignored
		if step == promptDenied {
			q.fate = denied
		}
		if same := p.alreadyEnded(&q); same != nil {
			same.fate = max(same.fate, q.fate)
			return
		}
		if i := p.waiting(&q); i >= 0 { // the answer may come from the phone
			q.source, q.own = p[i].source, p[i].own
			p.remove(i)
		}
		p.add(q)
	case promptAnswered:
		if i := p.waiting(&q); i >= 0 {
			p.remove(i)
		}
	case promptApproved:
		near := m.ownPlace(at)
		for i := p.count() - 1; i >= 0; i-- {
			if p[i].at <= at.at && p[i].concerns(at, near) {
				p.remove(i)
			}
		}
	}
}

// alreadyAsked reports that q was asked by another event too.
func (p *prompts) alreadyAsked(q *prompt) bool {
	for i := range p {
		if r := &p[i]; r.at != 0 && r.fate == asked && r.source == q.source && apart(r.at, q.at) <= samePrompt {
			return true
		}
	}
	return false
}

// alreadyEnded returns the prompt whose end another event has told, or nil.
func (p *prompts) alreadyEnded(q *prompt) *prompt {
	for i := range p {
		if r := &p[i]; r.at != 0 && r.fate != asked && apart(r.at, q.at) <= samePrompt {
			return r
		}
	}
	return nil
}

// waiting is the index of the prompt that ends with q: the newest one that
// still waits, of the same source if there is one; -1 when there is none.
func (p *prompts) waiting(q *prompt) int {
	found := -1
	for i := range p {
		if r := &p[i]; r.at == 0 || r.fate != asked || r.at > q.at || q.at.since(r.at) > promptLife {
			continue
		} else if found < 0 || r.source == q.source || p[found].source != q.source {
			found = i
		}
	}
	return found
}

func (p *prompts) count() int {
	n := 0
	for n < len(p) && p[n].at != 0 {
		n++
	}
	return n
}

// add puts q in its place by time. The oldest gives way.
func (p *prompts) add(q prompt) {
	n := p.count()
	if n == len(p) {
		if q.at < p[0].at {
			return
		}
		p.remove(0)
		n--
	}
	for n > 0 && p[n-1].at > q.at {
		p[n] = p[n-1]
		n--
	}
	p[n] = q
}

func (p *prompts) remove(i int) {
	copy(p[i:], p[i+1:])
	p[len(p)-1] = prompt{}
}

// ownPlace reports that the subject is known there, by network and device, or
// by a registered device alone.
func (m *Memory) ownPlace(at *sighting) bool {
	return m.atHome(at) || m.ownDevice(at)
}

// concerns reports whether a prompt counts for what happens at a place. At the
// user's own place only what was asked from there does: somebody who asks from
// elsewhere must not make the user's own sign-in suspicious. Elsewhere all
// does, since attackers change their addresses.
func (q *prompt) concerns(at *sighting, ownPlace bool) bool {
	return !ownPlace || q.source == at.source
}

// tally is how many prompts ended in which way.
type tally struct {
	denied, ignored, unanswered int
	own                         int // of all
	here                        int // asked from the source of the event
	networks                    int
	first, last                 seconds
	lastSource                  uint32
}

func (t *tally) count() int { return t.denied + t.ignored + t.unanswered }

// tallied counts the prompts of a span that concern the event. One that was
// only just asked may still be answered.
func (p *prompts) tallied(from, to seconds, at *sighting, ownPlace bool) tally {
	var t tally
	for i := range p {
		q := &p[i]
		if q.at == 0 || q.at < from || q.at > to || !q.concerns(at, ownPlace) || q.fate == asked && q.at.plus(samePrompt) >= at.at {
			continue
		}
		switch q.fate {
		case denied:
			t.denied++
		case ignored:
			t.ignored++
		default:
			t.unanswered++
		}
		if q.own {
			t.own++
		}
		if q.source == at.source {
			t.here++
		}
		if !p.sourceSeen(i, from) {
			t.networks++
		}
		if t.first == 0 {
			t.first = q.at
		}
		t.last, t.lastSource = q.at, q.source
	}
	return t
}

// sourceSeen reports that an earlier prompt of the span came from the same
// source as p[i].
func (p *prompts) sourceSeen(i int, from seconds) bool {
	for j := range i {
		if p[j].at >= from && p[j].source == p[i].source {
			return true
		}
	}
	return false
}

// busiest counts the prompts of the window around the event that holds most of
// them; of equals, the one that begins first.
func (p *prompts) busiest(window uint32, at *sighting, ownPlace bool) tally {
	best := p.tallied(at.at, at.at.plus(window), at, ownPlace)
	for i := len(p) - 1; i >= 0; i-- {
		if start := p[i].at; start != 0 && start <= at.at && at.at.since(start) <= window {
			if t := p.tallied(start, start.plus(window), at, ownPlace); t.count() >= best.count() {
				best = t
			}
		}
	}
	return best
}

// forgetBefore drops the prompts that ended before a moment.
func (p *prompts) forgetBefore(t seconds) {
	for p[0].at != 0 && p[0].at < t {
		p.remove(0)
	}
}
