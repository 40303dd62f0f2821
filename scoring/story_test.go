package scoring

import (
	"net/netip"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// monday is when the stories of the tests begin.
const monday event.Time = 1767600000000 // 2026-01-05T08:00:00Z

const (
	home  = "192.0.2.10"
	tokyo = "203.0.113.20"
)

// story tells one subject's events to an Evaluator.
type story struct {
	t    testing.TB
	v    *Evaluator
	st   State
	open []Contribution
	last event.Event
	n    int
}

func newStory(t testing.TB) *story { return storyWith(t, Defaults(), nil) }

func storyWith(t testing.TB, cfg Config, policies Policies) *story {
	t.Helper()
	s, err := New(cfg, policies)
	if err != nil {
		t.Fatal(err)
	}
	return &story{t: t, v: s.NewEvaluator(), open: make([]Contribution, 0, MaxOpen+1)}
}

// signIn is a successful sign-in with a password from home.
func signIn(at event.Time, with ...func(*event.Event)) event.Event {
	e := event.Event{
		Time: at, ID: "event-" + at.String(), Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Success,
		User: event.User{Kind: event.Human, Subject: "ana@example.com"}, Tenant: "default",
		Auth: event.Auth{Factor: event.FactorPassword},
	}
	from(home)(&e)
	for _, f := range with {
		f(&e)
	}
	return e
}

func with(e event.Event, changes ...func(*event.Event)) event.Event {
	for _, change := range changes {
		change(&e)
	}
	return e
}

func from(ip string) func(*event.Event) {
	return func(e *event.Event) { e.Source.IP = netip.MustParseAddr(ip) }
}

func factor(f event.Factor) func(*event.Event) {
	return func(e *event.Event) { e.Auth.Factor = f }
}

func session(id string) func(*event.Event) {
	return func(e *event.Event) { e.Session.ID = id }
}

func failed(e *event.Event) {
	e.Outcome, e.Reason, e.Auth.Factor = event.Failure, event.BadCredentials, event.FactorNone
}

// challenged is the request for a second factor, which whoever signs in causes.
func challenged(e *event.Event) { e.Action = event.MFAChallenge }

func verdict(at event.Time, code string) event.Event {
	return event.Event{
		Time: at, ID: "verdict-" + at.String(), Kind: event.KindSignal, Action: event.IDPSignal, Code: code,
		User: event.User{Subject: "ana@example.com"}, Tenant: "default",
	}
}

// saw is a detection by its name, at full strength.
func saw(name string) event.Detection {
	return event.Detection{Name: name, Strength: 1, Key: event.Hash(name), Summary: "saw " + name}
}

func sawAll(names ...string) []event.Detection {
	var all []event.Detection
	for _, name := range names {
		all = append(all, saw(name))
	}
	return all
}

// happens takes an event through the Evaluator.
func (s *story) happens(e event.Event, detections ...event.Detection) Result {
	s.t.Helper()
	s.v.Weigh(detections)
	var r Result
	r, s.open = s.v.Apply(&e, detections, &s.st, s.open)
	s.last = e
	s.n++
	if r.EventRisk > r.Score {
		s.t.Fatalf("event %d: event risk %.2f is above the score %.2f", s.n, r.EventRisk, r.Score)
	}
	if len(s.open) > MaxOpen {
		s.t.Fatalf("event %d: %d contributions are open", s.n, len(s.open))
	}
	return r
}

// record is the user's record after r.
func (s *story) record(r Result) event.Score {
	return s.v.Record(&s.last, &s.st, r, s.open, "cafe")
}

func (s *story) sessionRecord(c SessionChange) (event.Score, bool) {
	return s.v.SessionRecord(&s.last, &s.st, c, s.open, "cafe")
}

// names are the open contributions' names in their order.
func (s *story) names() []string {
	names := []string{}
	for i := range s.open {
		names = append(names, s.v.name(&s.open[i]))
	}
	return names
}
