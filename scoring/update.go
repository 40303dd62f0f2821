package scoring

import (
	"math"
	"slices"

	"github.com/riskstream/riskstream/event"
)

// sessionReach is for how long after its detection evidence of a session is
// refreshed by the session's events.
const sessionReach = event.Day

// proofReach is how far a proof may lie from the sign-in that it is for: longer
// than it takes to touch a key, shorter than a session that somebody else
// opens in its wake.
const proofReach = 5 * event.Minute

// AsksAnew is how much new evidence must weigh, in nats, to ask a user again who
// has been asked already: as much as a new network does. Everybody opens a new
// application or works late now and then. Less moves reauth_after only where it
// makes the decision stricter; ours.
const AsksAnew = 1.0

// anyLittle reports that one of the detections weighs too little to ask anew.
func anyLittle(detections []event.Detection) bool {
	for i := range detections {
		if detections[i].LLR < AsksAnew {
			return true
		}
	}
	return false
}

// opened reports that the event of that time has opened evidence which is more
// than that of an attempt. Evidence that it has only refreshed is older.
func opened(open []Contribution, at event.Time) bool {
	for i := range open {
		if c := &open[i]; c.Touched && !c.Unconfirmed && c.First == at {
			return true
		}
	}
	return false
}

// Mitigation by a factor proven in the event.
const (
	strongFactor = 0.2 // phishing-resistant: an attacker in the middle cannot relay it
	weakFactor   = 0.8 // OTP, push: can be relayed or coaxed out of the user
)

// update is what an event does to the open contributions.
//
// distrusted says that a factor that is proven may be somebody else's: it
// speaks against nothing.
func (v *Evaluator) update(e *event.Event, detections []event.Detection, st *State, open []Contribution, distrusted bool) []Contribution {
	where := placeOf(e)
	for i := range open {
		open[i].Touched = false
	}
	if e.Kind == event.KindSignal && e.Action == event.IDPSignal {
		open = feedback(e, st, open)
	}
	if Proves(e) {
		confirm(e, st, open, where)
	}
	for i := range detections {
		open = raise(e, &detections[i], st, open, where)
	}
	for i := range detections {
		v.linkElsewhere(&detections[i], open)
	}
	var mitigated bool
	if !distrusted {
		mitigated = mitigate(proven(e), open, where)
	}
	if !distrusted && justProven(e, st, where) {
		mitigated = reduce(strongFactor, open, func(c *Contribution) bool { return c.Touched && c.samePlace(&where) }) || mitigated
	}
	v.cover(e, open, st.AsOf, mitigated)
	if e.Kind == event.KindEvent {
		refreshSession(e, st, open, where)
	}
	return v.dropCleared(open, st.AsOf)
}

// Proves reports that only somebody who holds a credential or session of the
// user could cause this event. Challenges, locks, resets and administration
// succeed without one.
func Proves(e *event.Event) bool {
	if e.Kind != event.KindEvent || e.Outcome != event.Success {
		return false
	}
	switch e.Action {
	case event.SignIn, event.MFAVerify, event.TokenIssue, event.TokenRefresh, event.Access, event.Download,
		event.Write, event.Delete, event.ConsentGrant, event.PrivilegeGrant, event.CredentialChange,
		event.MFAEnroll, event.MFARemove, event.DeviceRegister:
		return true
	}
	return false
}

// proven is the factor with which the user has proven who they are in this
// event; none where the event names a factor that it changes: an attacker who
// enrols a key of their own has proven nothing. Nor has who asked for a device
// code that somebody else has typed in.
func proven(e *event.Event) event.Factor {
	switch e.Action {
	case event.MFAEnroll, event.MFARemove, event.CredentialChange, event.DeviceRegister:
		return event.FactorNone
	}
	if !Proves(e) || e.Auth.ByDeviceCode() {
		return event.FactorNone
	}
	return e.Auth.Factor
}

// distrusts reports that open evidence, or that of the event, says that a factor
// of the account may be somebody else's. Which factor an event proves no log
// tells, so none counts until that evidence has decayed or is confirmed as safe.
func (v *Evaluator) distrusts(open []Contribution, detections []event.Detection) bool {
	for i := range detections {
		if w := v.weights[detections[i].Name]; w.DistrustsFactors && w.LLR > 0 {
			return true
		}
	}
	for i := range open {
		if v.weights[v.name(&open[i])].DistrustsFactors {
			return true
		}
	}
	return false
}

// justProven reports that a phishing-resistant factor was proven where the
// event came from, so shortly before or after it that both are one sign-in:
// some providers log the proof before the sign-in that it is for. Without a
// session on both sides the source network tells.
func justProven(e *event.Event, st *State, where place) bool {
	if proven(e) == event.FactorStrong {
		return true
	}
	apart := max(e.Time-st.ProvenAt, st.ProvenAt-e.Time)
	if st.ProvenAt == 0 || apart > proofReach || !Proves(e) {
		return false
	}
	if where.session != 0 && st.ProvenSession != 0 {
		return where.session == st.ProvenSession
	}
	return where.network != 0 && where.network == st.ProvenNetwork
}

// attempt reports that anybody could cause this event, knowing no more than
// the user's name. A signal of one that has failed says so.
func attempt(e *event.Event) bool {
	if e.Kind == event.KindSignal {
		return e.Outcome == event.Failure
	}
	return e.Kind == event.KindEvent &&
		(e.Outcome == event.Failure || e.Action == event.AccountLock || e.Action == event.MFAChallenge)
}

// feedback applies a person's verdict.
func feedback(e *event.Event, st *State, open []Contribution) []Contribution {
	switch e.Code {
	case event.ConfirmSafe:
		return keep(open, func(c *Contribution) bool { return c.pins() })
	case event.Release:
		return keep(open, func(c *Contribution) bool { return !c.pins() })
	case event.ConfirmCompromised:
		if i := find(open, confirmedCompromised, 0); i >= 0 {
			open[i].Touched = true
			return open
		}
		c := Contribution{
			At: st.AsOf, First: e.Time, Raised: e.Time, ClearsAt: forever,
			Factor: 1, Fact: event.Hash(e.ID), Group: groupIndex(event.GroupCredential), Touched: true,
		}
		setText(c.Name[:], confirmedCompromised)
		setText(c.EventID[:], e.ID)
		c.Summary.set("Confirmed as compromised; the score stays at 100 until it is released")
		st.Evidence = max(st.Evidence, e.Time)
		return admit(open, &c, st.AsOf)
	}
	return open
}

// confirm lets what failed attempts have raised weigh fully, once the same
// source network, bound device or session has come through.
func confirm(e *event.Event, st *State, open []Contribution, where place) {
	for i := range open {
		c := &open[i]
		if c.Unconfirmed && e.Time >= c.First && c.samePlace(&where) {
			c.Unconfirmed = false
			st.Evidence = max(st.Evidence, e.Time)
		}
	}
}

// raise opens a contribution for a detection or refreshes the one that is
// open. Less than what is left of it changes nothing, so that a weaker
// detection does not lower the score; nor do failed attempts prolong evidence
// that is confirmed.
func raise(e *event.Event, d *event.Detection, st *State, open []Contribution, where place) []Contribution {
	if d.LLR < cleared {
		return open
	}
	i := find(open, d.Name, d.Key)
	if i < 0 {
		c := Contribution{First: e.Time, Key: d.Key, Fact: event.Hash(e.ID), Unconfirmed: attempt(e)}
		setText(c.Name[:], d.Name)
		c.fill(e, d, st.AsOf, where, 1)
		if !c.Unconfirmed && d.LLR >= AsksAnew {
			st.Evidence = max(st.Evidence, e.Time)
		}
		return admit(open, &c, st.AsOf)
	}

	c := &open[i]
	c.Touched = true
	if attempt(e) && !c.Unconfirmed {
		return open
	}
	if c.Unconfirmed && !attempt(e) {
		c.Unconfirmed = false
		st.Evidence = max(st.Evidence, e.Time)
	}
	factor := 1.0
	if where.session != 0 && c.Session == where.session {
		factor = c.Factor // the factor was proven in this very session
	}
	if natsOf(round3(d.LLR*factor)) >= c.remaining(st.AsOf) {
		if c.Factor <= strongFactor && factor > c.Factor && !c.Unconfirmed && !justProven(e, st, where) {
			st.Evidence = max(st.Evidence, e.Time) // the proof was for another sign-in than this one
		}
		c.fill(e, d, st.AsOf, where, factor)
	}
	return open
}

// fill sets what a detection says.
func (c *Contribution) fill(e *event.Event, d *event.Detection, asOf event.Time, where place, factor float64) {
	c.At, c.Raised, c.Touched = asOf, e.Time, true
	c.LLR, c.Factor, c.HalfLife = d.LLR, factor, d.HalfLife
	c.Group = groupIndex(d.Group)
	c.Network, c.Device, c.Session = where.network, where.device, where.session
	c.OfSession = d.Session && where.session != 0
	setText(c.EventID[:], e.ID)
	c.Summary.set(d.Summary)
	clear(c.SessionID[:])
	if c.OfSession && len(e.Session.ID) <= len(c.SessionID) {
		setText(c.SessionID[:], e.Session.ID)
	}
	c.reweigh()
}

// admit adds a contribution. When there is no room the weakest gives way,
// which may be the new one. What failed attempts have raised is weaker than
// anything else, lest attempts from many places push real evidence out.
func admit(open []Contribution, c *Contribution, asOf event.Time) []Contribution {
	open = append(open, *c)
	if len(open) <= MaxOpen {
		return open
	}
	weakest, least := 0, nats(math.MaxInt64)
	for i := range open {
		n := open[i].remaining(asOf)
		switch {
		case open[i].pins():
			continue
		case open[i].Unconfirmed:
			n -= maxLLR * 2e9
		}
		if n < least {
			weakest, least = i, n
		}
	}
	return slices.Delete(open, weakest, weakest+1)
}

// mitigate takes weight from evidence that a proven factor speaks against. It
// does not compound: the stronger factor counts. It reports a change.
func mitigate(factor event.Factor, open []Contribution, where place) bool {
	by := 1.0
	switch factor {
	case event.FactorStrong:
		by = strongFactor
	case event.FactorOTP, event.FactorPush:
		if knownDevice(open, where) {
			by = weakFactor
		}
	}
	return reduce(by, open, everything)
}

// reduce mitigates the evidence that passes, unless it has been mitigated
// further. It reports a change.
func reduce(by float64, open []Contribution, pass func(*Contribution) bool) bool {
	changed := false
	for i := range open {
		c := &open[i]
		if c.mitigable() && by < c.Factor && pass(c) {
			c.Factor = by
			c.reweigh()
			changed = true
		}
	}
	return changed
}

// mitigable reports that a proven factor speaks against the evidence. It says
// nothing of stolen sessions, nor of being in two places.
func (c *Contribution) mitigable() bool {
	switch event.Groups[c.Group] {
	case event.GroupNetwork, event.GroupDevice, event.GroupBehaviour:
		return true
	}
	return false
}

// knownDevice reports that no open evidence speaks against the device at this
// place.
func knownDevice(open []Contribution, where place) bool {
	for i := range open {
		if event.Groups[open[i].Group] == event.GroupDevice && open[i].samePlace(&where) {
			return false
		}
	}
	return true
}

// refreshSession lets evidence of a session start its decay anew with each
// event of that session.
func refreshSession(e *event.Event, st *State, open []Contribution, where place) {
	if where.session == 0 {
		return
	}
	for i := range open {
		c := &open[i]
		if c.OfSession && c.Session == where.session && e.Time >= c.First && e.Time <= c.Raised+sessionReach {
			c.At, c.Touched = st.AsOf, true
			c.reweigh()
		}
	}
}

// dropCleared removes contributions that have decayed, and those covered by
// what has.
func (v *Evaluator) dropCleared(open []Contribution, t event.Time) []Contribution {
	open = keep(open, func(c *Contribution) bool { return t < c.ClearsAt })
	for i := len(open) - 1; i >= 0; i-- {
		if open[i].Covered && v.coverOf(open, i) < 0 {
			open = slices.Delete(open, i, i+1)
		}
	}
	return open
}

// keep removes the contributions that do not pass, in place.
func keep(open []Contribution, pass func(*Contribution) bool) []Contribution {
	n := 0
	for i := range open {
		if !pass(&open[i]) {
			continue
		}
		if n != i {
			open[n] = open[i]
		}
		n++
	}
	return open[:n]
}

// find returns the index of the contribution with this identity, or -1.
func find(open []Contribution, name string, key uint64) int {
	for i := range open {
		if open[i].is(name, key) {
			return i
		}
	}
	return -1
}

func groupIndex(g event.Group) uint8 { return uint8(slices.Index(event.Groups[:], g)) }
