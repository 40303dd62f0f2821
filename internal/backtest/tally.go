package backtest

import (
	"slices"

	"github.com/riskstream/riskstream/event"
)

// examples is how many matches of a rule are told in full.
const examples = 3

// tally counts what one replay makes of the events of the span.
type tally struct {
	span   Span
	tested map[string]int // rules under test, by the name of their detections

	read        int // events, also those before the span
	events      int
	first, last event.Time
	users       map[uint64]struct{}
	challenged  map[uint64]struct{}
	since       map[string]event.Time // reauth_after of users who are not allowed
	stepUps     int
	revokes     int
	rules       []ruleTally
}

// ruleTally counts the matches of one rule.
type ruleTally struct {
	matches, alone int
	days           map[event.Time]int
	users          map[uint64]struct{}
	beside         map[string]int // other detections at the same events
	examples       []Example
}

func newTally(span Span, tested map[string]int) *tally {
	t := &tally{
		span: span, tested: tested, users: map[uint64]struct{}{}, challenged: map[uint64]struct{}{}, since: map[string]event.Time{},
		rules: make([]ruleTally, len(tested)),
	}
	for i := range t.rules {
		t.rules[i] = ruleTally{days: map[event.Time]int{}, users: map[uint64]struct{}{}, beside: map[string]int{}}
	}
	return t
}

// Event implements engine.Observer.
func (t *tally) Event(e *event.Event, _ int) {
	t.read++
	if e.Kind != event.KindEvent || !t.span.has(e.Time) {
		return
	}
	t.events++
	if t.first == 0 || e.Time < t.first {
		t.first = e.Time
	}
	t.last = max(t.last, e.Time)
	if e.User.Subject != "" {
		t.users[userOf(e.Tenant, e.User.Subject)] = struct{}{}
	}
}

// Detections implements engine.Sink.
func (t *tally) Detections(e *event.Event, detections []event.Detection) {
	if len(t.tested) == 0 || !t.span.has(e.Time) {
		return
	}
	for i := range detections {
		if rule, ok := t.tested[detections[i].Name]; ok {
			t.rules[rule].match(e, detections, t.tested)
		}
	}
}

// match counts a match beside the other detections of the event.
func (r *ruleTally) match(e *event.Event, detections []event.Detection, tested map[string]int) {
	r.matches++
	r.days[e.Time-e.Time%event.Day]++
	r.users[userOf(e.Tenant, e.User.Subject)] = struct{}{}
	others := 0
	for i := range detections {
		if _, isTested := tested[detections[i].Name]; !isTested {
			r.beside[detections[i].Name]++
			others++
		}
	}
	if others == 0 {
		r.alone++
	}
	r.example(e)
}

// example keeps the newest matches, in whatever order users are replayed.
func (r *ruleTally) example(e *event.Event) {
	if len(r.examples) == examples {
		if !newer(exampleOf(e), r.examples[examples-1]) {
			return
		}
		r.examples = r.examples[:examples-1]
	}
	r.examples = append(r.examples, exampleOf(e))
	slices.SortFunc(r.examples, func(a, b Example) int {
		if newer(a, b) {
			return -1
		}
		return 1
	})
}

func newer(a, b Example) bool {
	return a.Time > b.Time || a.Time == b.Time && a.EventID < b.EventID
}

// Score implements engine.Sink. A user is asked to step up, or is signed out,
// whenever reauth_after moves: new evidence asks for new proof.
func (t *tally) Score(record *event.Score) {
	if record.Session != "" {
		return
	}
	if record.Decision == event.Allow {
		delete(t.since, record.Entity)
		return
	}
	if t.since[record.Entity] == record.ReauthAfter {
		return
	}
	t.since[record.Entity] = record.ReauthAfter
	if !t.span.has(record.ReauthAfter) {
		return
	}
	t.challenged[userOf(record.Tenant, record.Subject)] = struct{}{}
	if record.Decision == event.Revoke {
		t.revokes++
	} else {
		t.stepUps++
	}
}

// Gone implements engine.Sink.
func (t *tally) Gone(*event.Score) {}

func userOf(tenant, subject string) uint64 { return event.Hash(event.Key(tenant, subject)) }
