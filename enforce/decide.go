package enforce

import (
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
)

// DefaultTenant is the tenant of sources that name none.
const DefaultTenant = "default"

// Request is what an enforcement point knows about a request.
type Request struct {
	Tenant string // DefaultTenant when empty
	User   string // the canonical user: e-mail or UPN in any case, else provider:id
	// Session is the identity provider's session id; optional. With it, evidence
	// against this one session counts too.
	Session string
	// SessionStart is when the session began. Zero is unknown, and counts as
	// before everything.
	SessionStart time.Time
	// StrongAuthAt is when the user last authenticated with the strength that a
	// step-up asks for. Zero is never.
	StrongAuthAt time.Time
}

// Reason says in a word how a decision came about.
type Reason string

// Reasons.
const (
	ReasonUnknown         Reason = "unknown_subject"       // no record: allowed
	ReasonStale           Reason = "stale"                 // the knowledge is too old: allowed; see Verdict.LastKnown
	ReasonAllowed         Reason = "allowed"               // the record says allow
	ReasonLapsed          Reason = "lapsed"                // the record's decision has ended with time
	ReasonReauthenticated Reason = "reauthenticated"       // a strong authentication came after the evidence
	ReasonNewSession      Reason = "session_began_later"   // revoke does not reach this session: step_up
	ReasonRisk            Reason = "risk"                  // the record's decision stands
	ReasonUnknownStart    Reason = "session_start_unknown" // revoke, since nobody knows when the session began
)

// Verdict is the answer to a Request. Where user and session both have a record,
// the stricter decision counts, and Entity and what follows are of its record.
type Verdict struct {
	Decision event.Decision
	Reason   Reason

	Known     bool           // there is a record
	Stale     bool           // Decision leaves out a record that may be outdated
	LastKnown event.Decision // Decision as if nothing were stale
	Age       time.Duration  // how old the knowledge is that was used

	Entity      string      // the key of the record: user:<tenant>/<user> or session:<tenant>/<id>
	Score       float64     // 0–100, as published at AsOf
	Level       event.Level // after lapses
	AsOf        time.Time
	Version     uint32
	ReauthAfter time.Time            // zero when the record asks for nothing
	Reasons     []event.Contribution // shared with the table: not to be changed
}

// Decide answers a request from the table, without waiting for anything.
func (t *Table) Decide(r Request) Verdict {
	now := t.now()
	tenant := r.Tenant
	if tenant == "" {
		tenant = DefaultTenant
	}
	var v Verdict
	if rec := t.user(tenant, strings.TrimSpace(r.User)); rec != nil {
		v = t.judge(rec, &r, now)
	} else {
		v = t.unknown(now)
	}
	if r.Session != "" {
		if rec := t.records.get("session:", tenant, r.Session); rec != nil {
			v = stricter(v, t.judge(rec, &r, now))
		}
	}
	return v
}

// user finds a user's record. Subjects that are provider:id are exact; e-mail
// addresses and UPNs are in lower case.
func (t *Table) user(tenant, name string) *record {
	if rec := t.records.get("user:", tenant, name); rec != nil {
		return rec
	}
	if lower := strings.ToLower(name); lower != name {
		return t.records.get("user:", tenant, lower)
	}
	return nil
}

// unknown is the verdict without a record. It is stale when any partition is:
// the user's record may be what has not been read.
func (t *Table) unknown(now time.Time) Verdict {
	age, known := t.follower.age(now)
	v := Verdict{Reason: ReasonUnknown, Age: age}
	if !known || age > t.staleAfter {
		v.markStale()
	}
	return v
}

// judge is the verdict by one record.
func (t *Table) judge(rec *record, r *Request, now time.Time) Verdict {
	s := &rec.score
	age, known := rec.from.age(now)
	v := Verdict{
		Known: true, Age: age,
		Entity: s.Entity, Score: s.Score, AsOf: s.AsOf.Std(), Version: s.Version, Reasons: s.Reasons,
	}
	if s.ReauthAfter != 0 {
		v.ReauthAfter = s.ReauthAfter.Std()
	}
	var decision event.Decision
	v.Level, decision = inForce(s, event.TimeOf(now))
	v.LastKnown, v.Reason = apply(s, decision, r)
	if !known || age > t.staleAfter {
		v.markStale()
		return v
	}
	v.Decision = v.LastKnown
	return v
}

// inForce is the level and decision at a moment: those of the last lapse that
// has passed.
func inForce(s *event.Score, now event.Time) (event.Level, event.Decision) {
	level, decision := s.Level, s.Decision
	for i := range s.Lapses {
		if s.Lapses[i].At > now {
			break
		}
		level, decision = s.Lapses[i].Level, s.Lapses[i].Decision
	}
	return level, decision
}

// apply is what a record's decision means for one request. Times are compared
// with the moment of the newest evidence, so that a decision ends once it has
// been obeyed and does not repeat without new evidence.
func apply(s *event.Score, decision event.Decision, r *Request) (event.Decision, Reason) {
	after := s.ReauthAfter
	if after == 0 {
		after = s.AsOf
	}
	reauthenticated := !r.StrongAuthAt.IsZero() && event.TimeOf(r.StrongAuthAt) > after
	switch {
	case decision == event.Allow && s.Decision != event.Allow:
		return event.Allow, ReasonLapsed
	case decision == event.Allow:
		return event.Allow, ReasonAllowed
	case decision == event.Revoke && r.SessionStart.IsZero():
		return event.Revoke, ReasonUnknownStart
	case decision == event.Revoke && event.TimeOf(r.SessionStart) <= after:
		return event.Revoke, ReasonRisk
	case reauthenticated:
		return event.Allow, ReasonReauthenticated
	case decision == event.Revoke:
		return event.StepUp, ReasonNewSession
	}
	return decision, ReasonRisk
}

// stricter joins the verdicts of a user's and a session's record: the stricter
// decision counts, then the higher level, then the user's.
func stricter(user, session Verdict) Verdict {
	v, other := user, session
	if !user.Known || session.Decision > user.Decision || (session.Decision == user.Decision && session.Level > user.Level) {
		v, other = session, user
	}
	v.LastKnown = max(v.LastKnown, other.LastKnown)
	v.Age = max(v.Age, other.Age)
	if user.Stale || session.Stale {
		v.markStale()
	}
	return v
}

// markStale marks a verdict that leaves something out. An allowance may be due
// to that; a stricter decision rests on what is not stale.
func (v *Verdict) markStale() {
	v.Stale = true
	if v.Decision == event.Allow {
		v.Reason = ReasonStale
	}
}
