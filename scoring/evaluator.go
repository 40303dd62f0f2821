package scoring

import (
	"math"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/expression"
)

// Evaluator scores events, one after the other. It reuses its buffers and
// belongs to one goroutine; it remembers nothing of subjects.
type Evaluator struct {
	*Scorer
	vm       *expression.VM
	env      policyEnv
	failures []uint64 // by policy
	names    map[string]string

	list     []evidence
	shares   []centi
	sessions []SessionChange
}

// NewEvaluator makes an Evaluator for one goroutine.
func (s *Scorer) NewEvaluator() *Evaluator {
	return &Evaluator{
		Scorer:   s,
		vm:       expression.NewVM(),
		failures: make([]uint64, len(s.policies)),
		names:    map[string]string{},
	}
}

// Result is what an event has done to its subject. Scores are 0–100 with 2
// decimals. Sessions is valid until the next Apply.
type Result struct {
	EventRisk  float64     // of the event and its session alone, undecayed
	EventLevel event.Level // of EventRisk
	Score      float64     // of the subject
	Level      event.Level
	Previous   event.Level // what decay had left just before the event
	Decision   event.Decision
	Changed    bool            // publish the user's record
	Distrusted bool            // a factor proven in the event may be somebody else's and proves nothing
	Sessions   []SessionChange // publish these sessions' records
}

// SessionChange names a session whose own evidence has changed.
type SessionChange struct {
	ID       string
	Previous event.Level // what decay had left just before the event

	hash   uint64
	before uint64 // fingerprint of its evidence
}

// Apply takes an event and its weighed detections into the subject's state. It
// sets the points of the detections and returns open, updated, which may be a
// longer slice of the same array: give it a capacity of MaxOpen+1 to reuse it.
//
// Without open evidence and without detections it does next to nothing, and
// the decision is allow whatever the policies say: they weigh evidence.
func (v *Evaluator) Apply(e *event.Event, detections []event.Detection, st *State, open []Contribution) (Result, []Contribution) {
	st.see(e)
	open = v.dropCleared(open, st.AsOf)
	distrusted := v.distrusts(open, detections)
	if !distrusted {
		st.seeProof(e)
	}
	if len(open) == 0 && len(detections) == 0 && st.Level == event.None && st.Decision == event.Allow && e.Kind != event.KindSignal {
		prior, level := v.priorScore.float(), v.level(v.priorScore)
		return Result{EventRisk: prior, EventLevel: level, Score: prior, Level: level, Previous: level}, open
	}

	v.setContext(e, st)
	r := Result{Distrusted: distrusted}
	list := v.evidenceOf(open, everything)
	left := v.scoreAt(list, st.AsOf)
	r.Previous = v.level(left)
	asked := event.Revoke
	if anyLittle(detections) {
		asked = v.decide(list, st.AsOf, left, r.Previous)
	}
	before := fingerprints(open)
	v.noteSessions(open, st.AsOf)

	open = v.update(e, detections, st, open, distrusted)

	score := v.scoreAt(v.evidenceOf(open, everything), st.AsOf)
	risk := min(v.scoreAt(v.evidenceOf(open, touched), st.AsOf), score)
	r.EventRisk, r.EventLevel = risk.float(), v.level(risk)
	r.Score, r.Level = score.float(), v.level(score)
	r.Decision = v.decide(v.evidenceOf(open, everything), st.AsOf, score, r.Level)
	if r.Decision > asked && opened(open, e.Time) {
		st.Evidence = max(st.Evidence, e.Time)
	}
	v.SetPoints(detections, open, st.AsOf)

	r.Changed = fingerprints(open) != before || r.Level != st.Level || r.Decision != st.Decision
	if r.Changed {
		st.Version++
		st.Level, st.Decision = r.Level, r.Decision
	}
	r.Sessions = v.changedSessions(open, st.AsOf)
	return r, open
}

// see takes note of what an event says whatever its risk.
func (st *State) see(e *event.Event) {
	st.AsOf = max(st.AsOf, e.Time)
	for i, kind := range userKinds {
		if kind != "" && kind == e.User.Kind {
			st.UserKind = uint8(i)
		}
	}
	if e.User.Privileged != event.Unknown {
		st.Privileged = e.User.Privileged
	}
}

// seeProof takes note of where a phishing-resistant factor was proven.
func (st *State) seeProof(e *event.Event) {
	if proven(e) == event.FactorStrong && e.Time >= st.ProvenAt {
		where := placeOf(e)
		st.ProvenAt, st.ProvenNetwork, st.ProvenSession = e.Time, where.network, where.session
	}
}

// evidenceOf makes the contributions that pass ready for arithmetic. What is
// covered by none of them counts itself, of two sides that are both so left the
// first. The result is valid until the next call.
func (v *Evaluator) evidenceOf(open []Contribution, pass func(*Contribution) bool) []evidence {
	v.list = v.list[:0]
	for i := range open {
		c := &open[i]
		if !pass(c) {
			continue
		}
		x := c.evidence(v.name(c))
		x.of = i
		if j := v.coverOf(open, i); j >= 0 && (pass(&open[j]) || v.yields(open, i, pass)) {
			x.clears = min(x.clears, v.coverClears(open, i))
		} else {
			x.covered = false
		}
		v.list = append(v.list, x)
	}
	return v.list
}

func everything(*Contribution) bool { return true }

func touched(c *Contribution) bool { return c.Touched }

// name is the contribution's name as a string that is made once: names come
// from the weights and the rules, so there are few.
func (v *Evaluator) name(c *Contribution) string {
	b := text(c.Name[:])
	if s, ok := v.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(v.names) < 1<<14 {
		v.names[s] = s
	}
	return s
}

// Names appends the names of the open contributions.
func (v *Evaluator) Names(open []Contribution, out []string) []string {
	for i := range open {
		out = append(out, v.name(&open[i]))
	}
	return out
}

// SetPoints gives each detection its share of the score at asOf; none to one
// that is no longer open.
func (v *Evaluator) SetPoints(detections []event.Detection, open []Contribution, asOf event.Time) {
	if len(detections) == 0 {
		return
	}
	v.shares = v.share(v.evidenceOf(open, everything), asOf, v.shares[:0])
	for i := range detections {
		d := &detections[i]
		d.Points = 0
		if j := find(open, d.Name, d.Key); j >= 0 && d.LLR >= cleared {
			d.Points = v.shares[j].float()
		}
	}
}

// noteSessions remembers how the sessions with evidence of their own stand
// before the event.
func (v *Evaluator) noteSessions(open []Contribution, asOf event.Time) {
	v.sessions = v.sessions[:0]
	for i := range open {
		c := &open[i]
		if !c.hasSession() || v.noted(c.Session) {
			continue
		}
		v.sessions = append(v.sessions, SessionChange{
			ID:       string(text(c.SessionID[:])),
			Previous: v.level(v.sessionScore(open, c.Session, asOf)),
			hash:     c.Session,
			before:   sessionFingerprint(open, c.Session),
		})
	}
}

// changedSessions are the sessions whose record is to be written or removed:
// those whose evidence the event has changed and that are, or were, at risk.
func (v *Evaluator) changedSessions(open []Contribution, asOf event.Time) []SessionChange {
	for i := range open {
		if c := &open[i]; c.hasSession() && !v.noted(c.Session) {
			v.sessions = append(v.sessions, SessionChange{ID: string(text(c.SessionID[:])), hash: c.Session})
		}
	}
	changed := v.sessions[:0]
	for _, s := range v.sessions {
		atRisk := s.Previous > event.None || v.level(v.sessionScore(open, s.hash, asOf)) > event.None
		if atRisk && sessionFingerprint(open, s.hash) != s.before {
			changed = append(changed, s)
		}
	}
	v.sessions = changed
	return changed
}

func (v *Evaluator) noted(session uint64) bool {
	for i := range v.sessions {
		if v.sessions[i].hash == session {
			return true
		}
	}
	return false
}

// hasSession reports that the evidence makes a session record.
func (c *Contribution) hasSession() bool { return c.OfSession && c.SessionID[0] != 0 }

// Sessions are the ids of the sessions with evidence of their own, which may
// have records, some perhaps twice.
func Sessions(open []Contribution) (ids []string) {
	for i := range open {
		if c := &open[i]; c.hasSession() {
			ids = append(ids, string(text(c.SessionID[:])))
		}
	}
	return ids
}

func (v *Evaluator) sessionScore(open []Contribution, session uint64, asOf event.Time) centi {
	return v.scoreAt(v.evidenceOf(open, ofSession(session)), asOf)
}

func ofSession(session uint64) func(*Contribution) bool {
	return func(c *Contribution) bool { return c.OfSession && c.Session == session }
}

func sessionFingerprint(open []Contribution, session uint64) uint64 {
	var sum uint64
	pass := ofSession(session)
	for i := range open {
		if pass(&open[i]) {
			sum += open[i].fingerprint()
		}
	}
	return sum
}

// Failures counts, by name, the policies that failed at run and so did not
// match.
func (v *Evaluator) Failures() map[string]uint64 {
	counts := map[string]uint64{}
	for i, n := range v.failures {
		if n > 0 {
			counts[v.policies[i].name] += n
		}
	}
	return counts
}

// strongest is the index of the contribution with the most left at t among
// those that pass; -1 when none does.
func strongest(open []Contribution, t event.Time, pass func(i int) bool) int {
	best, most := -1, nats(math.MinInt64)
	for i := range open {
		if pass(i) {
			if n := open[i].remaining(t); n > most {
				best, most = i, n
			}
		}
	}
	return best
}
