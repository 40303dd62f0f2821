package enforce

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/riskstream/riskstream/event"
)

// now is the tests' present. Evidence came in at before, an hour earlier.
var (
	now    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	before = now.Add(-time.Hour)
	ms     = time.Millisecond
)

// testTable has the given scores, as new as age says.
func testTable(age time.Duration, scores ...event.Score) *Table {
	t := newTable(Config{Now: func() time.Time { return now }, StaleAfter: time.Minute})
	heard := now.Add(-age)
	p := t.follower.partition(0)
	p.heard.Store(&heard)
	for _, s := range scores {
		t.records.put(s, p)
	}
	return t
}

func userScore(level event.Level, decision event.Decision, lapses ...event.Lapse) event.Score {
	s := event.Score{
		Entity: "user:default/alice@example.com", Tenant: "default", Subject: "alice@example.com",
		Score: 50, Level: level, Decision: decision, AsOf: event.TimeOf(before), Version: 5, Lapses: lapses,
		Event:   event.Cause{ID: "e"},
		Reasons: []event.Contribution{{Detection: "new_device"}},
	}
	if decision != event.Allow {
		s.ReauthAfter = event.TimeOf(before)
	}
	return s
}

func sessionScore(level event.Level, decision event.Decision) event.Score {
	s := userScore(level, decision)
	s.Entity, s.Session, s.Version = "session:default/s-1", "s-1", 9
	return s
}

func lapse(at time.Time, level event.Level, decision event.Decision) event.Lapse {
	return event.Lapse{At: event.TimeOf(at), Level: level, Decision: decision}
}

// Alice, in a session that began before the evidence, and never stepped up.
var alice = Request{User: "alice@example.com", SessionStart: before.Add(-time.Hour)}

func TestDecide(t *testing.T) {
	stepUp := userScore(event.Medium, event.StepUp)
	revoke := userScore(event.High, event.Revoke)
	allow := userScore(event.Low, event.Allow)
	with := func(r Request, change func(*Request)) Request { change(&r); return r }
	fading := userScore(event.High, event.Revoke, lapse(now.Add(-20*time.Minute), event.Medium, event.StepUp), lapse(now.Add(20*time.Minute), event.None, event.Allow))
	noReauth := stepUp
	noReauth.ReauthAfter = 0

	tests := []struct {
		name    string
		scores  []event.Score
		request Request
		want    event.Decision
		reason  Reason
		level   event.Level
	}{
		{"unknown user", nil, alice, event.Allow, ReasonUnknown, event.None},
		{"another tenant is another user", []event.Score{revoke}, with(alice, func(r *Request) { r.Tenant = "other" }), event.Allow, ReasonUnknown, event.None},
		{"allowed", []event.Score{allow}, alice, event.Allow, ReasonAllowed, event.Low},
		{"named in upper case", []event.Score{stepUp}, with(alice, func(r *Request) { r.User = " Alice@Example.COM " }), event.StepUp, ReasonRisk, event.Medium},

		{"step-up", []event.Score{stepUp}, alice, event.StepUp, ReasonRisk, event.Medium},
		{"step-up, strong authentication earlier", []event.Score{stepUp}, with(alice, func(r *Request) { r.StrongAuthAt = before.Add(-ms) }), event.StepUp, ReasonRisk, event.Medium},
		{"step-up, strong authentication in the same instant", []event.Score{stepUp}, with(alice, func(r *Request) { r.StrongAuthAt = before }), event.StepUp, ReasonRisk, event.Medium},
		{"step-up, strong authentication later", []event.Score{stepUp}, with(alice, func(r *Request) { r.StrongAuthAt = before.Add(ms) }), event.Allow, ReasonReauthenticated, event.Medium},
		{"step-up in a later session", []event.Score{stepUp}, with(alice, func(r *Request) { r.SessionStart = before.Add(ms) }), event.StepUp, ReasonRisk, event.Medium},
		{"step-up without reauth_after counts from as_of", []event.Score{noReauth}, with(alice, func(r *Request) { r.StrongAuthAt = before.Add(-ms) }), event.StepUp, ReasonRisk, event.Medium},

		{"revoke", []event.Score{revoke}, alice, event.Revoke, ReasonRisk, event.High},
		{"revoke, session began in the same instant", []event.Score{revoke}, with(alice, func(r *Request) { r.SessionStart = before }), event.Revoke, ReasonRisk, event.High},
		{"revoke is not lifted by strong authentication in the old session", []event.Score{revoke}, with(alice, func(r *Request) { r.StrongAuthAt = now }), event.Revoke, ReasonRisk, event.High},
		{"revoke, nobody knows when the session began", []event.Score{revoke}, Request{User: alice.User, StrongAuthAt: now}, event.Revoke, ReasonUnknownStart, event.High},
		{"revoke, later session", []event.Score{revoke}, with(alice, func(r *Request) { r.SessionStart = before.Add(ms) }), event.StepUp, ReasonNewSession, event.High},
		{"revoke, later session, strong authentication before", []event.Score{revoke}, Request{User: alice.User, SessionStart: before.Add(ms), StrongAuthAt: before}, event.StepUp, ReasonNewSession, event.High},
		{"revoke, later session, strong authentication", []event.Score{revoke}, Request{User: alice.User, SessionStart: before.Add(ms), StrongAuthAt: before.Add(ms)}, event.Allow, ReasonReauthenticated, event.High},

		{"lapse ahead", []event.Score{userScore(event.Medium, event.StepUp, lapse(now.Add(ms), event.Low, event.Allow))}, alice, event.StepUp, ReasonRisk, event.Medium},
		{"lapse now", []event.Score{userScore(event.Medium, event.StepUp, lapse(now, event.Low, event.Allow))}, alice, event.Allow, ReasonLapsed, event.Low},
		{"second of several lapses ahead", []event.Score{fading}, alice, event.StepUp, ReasonRisk, event.Medium},

		{"session at risk, user not", []event.Score{allow, sessionScore(event.High, event.Revoke)}, with(alice, func(r *Request) { r.Session = "s-1" }), event.Revoke, ReasonRisk, event.High},
		{"session at risk, user unknown", []event.Score{sessionScore(event.High, event.Revoke)}, with(alice, func(r *Request) { r.Session = "s-1" }), event.Revoke, ReasonRisk, event.High},
		{"another session at risk", []event.Score{allow, sessionScore(event.High, event.Revoke)}, with(alice, func(r *Request) { r.Session = "s-2" }), event.Allow, ReasonAllowed, event.Low},
		{"user stricter than session", []event.Score{revoke, sessionScore(event.Medium, event.StepUp)}, with(alice, func(r *Request) { r.Session = "s-1" }), event.Revoke, ReasonRisk, event.High},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := testTable(0, tt.scores...).Decide(tt.request)
			if v.Decision != tt.want || v.Reason != tt.reason || v.Level != tt.level || v.Stale {
				t.Errorf("got %v because %s at level %v (stale %t), want %v because %s at level %v", v.Decision, v.Reason, v.Level, v.Stale, tt.want, tt.reason, tt.level)
			}
			if v.LastKnown != v.Decision {
				t.Errorf("nothing is stale, but LastKnown is %v and Decision %v", v.LastKnown, v.Decision)
			}
			if want := tt.reason != ReasonUnknown; v.Known != want {
				t.Errorf("known %t, want %t", v.Known, want)
			}
		})
	}
}

func TestSubjectsThatAreProviderIDsKeepTheirCase(t *testing.T) {
	s := userScore(event.Medium, event.StepUp)
	s.Entity, s.Subject = "user:default/okta:00uAbC", "okta:00uAbC"
	table := testTable(0, s)
	if v := table.Decide(Request{User: "okta:00uAbC"}); v.Decision != event.StepUp {
		t.Errorf("its own case: %+v, want step_up", v)
	}
	if v := table.Decide(Request{User: "okta:00uabc"}); v.Known {
		t.Errorf("another case is another user, got %+v", v)
	}
}

func TestVerdictTellsWhatItRestsOn(t *testing.T) {
	got := testTable(10*time.Second, userScore(event.Medium, event.StepUp), sessionScore(event.None, event.Allow)).
		Decide(Request{User: "alice@example.com", Session: "s-1"})
	want := Verdict{
		Decision: event.StepUp, Reason: ReasonRisk, Known: true, LastKnown: event.StepUp, Age: 10 * time.Second,
		Entity: "user:default/alice@example.com", Score: 50, Level: event.Medium, AsOf: before, Version: 5, ReauthAfter: before,
		Reasons: []event.Contribution{{Detection: "new_device"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

func TestStaleKnowledgeAllowsAndIsMarked(t *testing.T) {
	revoke := userScore(event.High, event.Revoke)
	tests := []struct {
		name   string
		age    time.Duration
		scores []event.Score
		want   Verdict
	}{
		{"fresh to the last", time.Minute, []event.Score{revoke}, Verdict{Decision: event.Revoke, LastKnown: event.Revoke, Reason: ReasonRisk, Known: true, Age: time.Minute, Level: event.High}},
		{"stale", time.Minute + ms, []event.Score{revoke}, Verdict{Decision: event.Allow, LastKnown: event.Revoke, Reason: ReasonStale, Known: true, Stale: true, Age: time.Minute + ms, Level: event.High}},
		{"stale and unknown", time.Hour, nil, Verdict{Decision: event.Allow, Reason: ReasonStale, Stale: true, Age: time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := testTable(tt.age, tt.scores...).Decide(alice)
			details := cmpopts.IgnoreFields(Verdict{}, "Entity", "Score", "AsOf", "Version", "ReauthAfter", "Reasons")
			if diff := cmp.Diff(tt.want, got, details); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// Only the partitions whose reading has stopped are stale: an outage of one
// broker must not open the door to all users.
func TestStalenessIsPerPartition(t *testing.T) {
	table := testTable(0, userScore(event.High, event.Revoke))
	silent := table.follower.partition(1)
	long := now.Add(-time.Hour)
	silent.heard.Store(&long)
	session := sessionScore(event.High, event.Revoke)
	table.records.put(session, silent)

	if v := table.Decide(alice); v.Decision != event.Revoke || v.Stale {
		t.Errorf("user in a partition that is read: %v, stale %t; want revoke, not stale", v.Decision, v.Stale)
	}
	if v := table.Decide(Request{User: "bob@example.com"}); v.Decision != event.Allow || !v.Stale {
		t.Errorf("unknown user, who may be in the silent partition: %v, stale %t; want allow, stale", v.Decision, v.Stale)
	}
	both := alice
	both.Session = "s-1"
	if v := table.Decide(both); v.Decision != event.Revoke || !v.Stale || v.Reason != ReasonRisk || v.Entity != "user:default/alice@example.com" {
		t.Errorf("fresh user and stale session: %+v; want revoke by the user's record, marked stale", v)
	}
	stranger := Request{User: "bob@example.com", Session: "s-1"}
	if v := table.Decide(stranger); v.Decision != event.Allow || v.LastKnown != event.Revoke || v.Reason != ReasonStale {
		t.Errorf("unknown user and stale session: %+v; want allow with revoke as last known", v)
	}
	if table.Age() != time.Hour {
		t.Errorf("age %v, want the oldest partition's, 1h", table.Age())
	}
}

// A table that has not yet read a partition to its end may hold an outdated
// record, or miss one, however young it is.
func TestBeforeTheFirstReadingEverythingIsAllowedAndMarked(t *testing.T) {
	clock := now
	table := newTable(Config{Now: func() time.Time { return clock }, StaleAfter: time.Minute})
	clock = clock.Add(time.Second)
	if v := table.Decide(alice); v.Decision != event.Allow || v.Known || !v.Stale || v.Age != time.Second {
		t.Errorf("nothing read: %+v, want allow, unknown, stale, 1s old", v)
	}
	table.records.put(userScore(event.High, event.Revoke), table.follower.partition(0))
	if v := table.Decide(alice); v.Decision != event.Allow || !v.Known || !v.Stale || v.LastKnown != event.Revoke {
		t.Errorf("read in part: %+v, want allow, known, stale, revoke as last known", v)
	}
}
