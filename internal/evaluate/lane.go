package evaluate

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/scoring"
)

// lane is a replay under evaluation: riskstream as configured, or without one
// detector.
type lane struct {
	values
	without  string // the detector that is off
	replay   *engine.Replay
	pipeline *engine.Pipeline
	ledger   *ledger

	scores   []float64    // by sample: the subject's score at it
	score    []float64    // by user: at the newest event
	reauth   []event.Time // by user: of the last decision that was not allow
	outcomes []outcome    // by attack
	found    map[uint32]int32
	fired    map[string]*firing
	stories  map[string]*Story // by what befalls honest users
	people   []felt            // by user, in the test window
	misses   []Example
	alarms   []Example

	now   *Case
	names []string  // of the detections at it
	moved bool      // reauth_after of the case's user has moved with it
	costs []float64 // ns per event, by batch
}

// outcome is what has become of one attack.
type outcome struct {
	detected event.Time // when the user was first at medium or above, from the attacker's first event on; 0: never
	events   int32      // attacker's events from the compromise until then
	since    int32      // and until now
	inTime   bool       // by the compromise
	revoked  bool       // by the end of the attack and the time that the account is in other hands
	atOnce   bool       // revoked with the compromise
}

// felt is what an honest user had of it.
type felt struct {
	signIns, challenged, medium int32 // benign sign-ins that succeeded; asked for more at them; at medium or above
	challenges, alerts, revokes int32 // of whatever events and signals
}

// Firing is how often a detector has spoken, in the test window.
type Firing struct {
	Detector string `json:"detector"`
	Attacks  int    `json:"attacks"` // attacks with such an event
	Benign   int    `json:"benign"`  // benign sign-ins
	// Challenged are those of them that were challenged.
	Challenged int `json:"challenged"`
}

// firing is a Firing that is being counted.
type firing struct {
	Firing
	attacks map[int32]struct{}
}

// Story is what honest users felt in something that looks like an attack and is
// none; "" is ordinary days.
type Story struct {
	Name       string `json:"story"`
	SignIns    int    `json:"sign_ins"`
	Challenged int    `json:"challenged"`
	AtMedium   int    `json:"at_medium"`
	Alerts     int    `json:"alerts"`
	// Highest is the highest score at any of the sign-ins.
	Highest float64 `json:"highest_score"`
}

func newLane(p *engine.Pipeline, without string, l *ledger) (*lane, error) {
	replay, err := p.NewReplay(ingest.Source{}, io.Discard, func(ingest.DeadLetter) {})
	if err != nil {
		return nil, err
	}
	n := &lane{
		values: values{name: nameRiskstream}, without: without, replay: replay, pipeline: p, ledger: l,
		found: map[uint32]int32{}, fired: map[string]*firing{}, stories: map[string]*Story{},
	}
	replay.Observe(n)
	return n, nil
}

// take takes cases through the lane.
func (n *lane) take(cases []Case) {
	began := time.Now()
	for len(n.score) < len(n.ledger.signIns) {
		n.score = append(n.score, 0)
		n.reauth = append(n.reauth, 0)
		n.people = append(n.people, felt{})
	}
	for len(n.outcomes) < len(n.ledger.attacks) {
		n.outcomes = append(n.outcomes, outcome{})
	}
	for i := range cases {
		n.one(&cases[i])
	}
	if len(cases) > 0 {
		n.costs = append(n.costs, float64(time.Since(began))/float64(len(cases)))
	}
}

func (n *lane) one(c *Case) {
	n.now, n.moved, n.names = c, false, n.names[:0]
	if c.note.attack >= 0 {
		n.outcomes[c.note.attack].since = c.note.since
	}
	result := n.replay.Take(&c.Event)
	u := c.note.user
	if u < 0 {
		return
	}
	value := n.value(&result, u)
	if c.note.sample >= 0 {
		n.put(c.note.sample, value)
		n.scores = append(n.scores, result.Score)
	}
	if c.note.attack >= 0 {
		n.struck(c, &result)
	}
	if !n.ledger.windows.test(c.Event.Time) {
		return
	}
	if c.note.sample >= 0 && c.note.attack < 0 {
		n.felt(c, &result)
	}
	if n.without == "" && counts(c) {
		n.days.see(c.Event.Time, u, result.Score, isVictim(c, n.ledger))
	}
}

// felt notes what a benign sign-in has led to.
func (n *lane) felt(c *Case, result *engine.Result) {
	medium := result.Level >= event.Medium
	f := &n.people[c.note.user]
	f.signIns++
	f.challenged += count(n.moved)
	f.medium += count(medium)
	if n.without != "" {
		return
	}
	s := n.story(c)
	s.SignIns++
	s.Challenged += int(count(n.moved))
	s.AtMedium += int(count(medium))
	s.Highest = max(s.Highest, result.Score)
	if n.moved {
		n.alarms = n.example(n.alarms, c.Truth.Story, result)
	}
	for _, name := range n.names {
		firing := n.firing(name)
		firing.Benign++
		firing.Challenged += int(count(n.moved))
	}
}

// story is the story that an honest user's event belongs to.
func (n *lane) story(c *Case) *Story {
	s := n.stories[c.Truth.Story]
	if s == nil {
		s = &Story{Name: c.Truth.Story}
		n.stories[c.Truth.Story] = s
	}
	return s
}

func (n *lane) firing(name string) *firing {
	f := n.fired[name]
	if f == nil {
		f = &firing{Firing{Detector: name}, map[int32]struct{}{}}
		n.fired[name] = f
	}
	return f
}

// Example is an event to look at: riskstream simulate writes it again.
type Example struct {
	What      string     `json:"what"` // a kind of attack, or what befell an honest user
	Seed      uint64     `json:"seed,omitempty"`
	Time      event.Time `json:"time"`
	User      string     `json:"user"`
	EventID   string     `json:"event_id"`
	Score     float64    `json:"score"`
	Detectors []string   `json:"detectors"` // that spoke at it
}

// examplesEach is how many examples are kept of one kind.
const examplesEach = 3

// example appends the case at hand, unless there are enough of its kind or it is
// not of the test window.
func (n *lane) example(to []Example, what string, result *engine.Result) []Example {
	e := &n.now.Event
	if n.without != "" || !n.ledger.windows.test(e.Time) || enough(to, what) {
		return to
	}
	return append(to, Example{
		What: what, Time: e.Time, User: strings.Clone(e.User.Subject), EventID: strings.Clone(e.ID), Score: result.Score,
		Detectors: slices.Concat([]string{}, n.names),
	})
}

func enough(examples []Example, what string) bool {
	n := 0
	for i := range examples {
		n += int(count(examples[i].What == what))
	}
	return n >= examplesEach
}

// value is the subject's score at an event that says something new: a detection
// that weighs enough to ask anew, or a score that rises without any. Others ask
// for nothing that has not been asked before.
func (n *lane) value(result *engine.Result, user int32) float64 {
	before := n.score[user]
	n.score[user] = result.Score
	for i := range result.Detections {
		if result.Detections[i].LLR >= scoring.AsksAnew {
			return result.Score
		}
	}
	if len(result.Detections) == 0 && before != 0 && result.Score > before {
		return result.Score
	}
	return 0
}

// struck notes what an attacker's event has led to.
func (n *lane) struck(c *Case, result *engine.Result) {
	o := &n.outcomes[c.note.attack]
	if result.Level >= event.Medium {
		o.detect(c.Event.Time)
	}
	isCompromise := c.Truth.Compromise && n.ledger.attacks[c.note.attack].compromise == c.Event.Time
	if isCompromise {
		o.inTime = o.detected != 0
		if !o.inTime {
			n.misses = n.example(n.misses, n.ledger.attacks[c.note.attack].model, result)
		}
	}
	if result.Decision == event.Revoke {
		o.revoked = true
		o.atOnce = o.atOnce || isCompromise
	}
}

func (o *outcome) detect(at event.Time) {
	if o.detected == 0 {
		o.detected, o.events = at, o.since
	}
}

func count(yes bool) int32 {
	if yes {
		return 1
	}
	return 0
}

// Event implements engine.Observer.
func (n *lane) Event(*event.Event, int) {}

// campaignDetectors find attacks on many users.
var campaignDetectors = map[string]bool{event.PasswordSpray: true, "credential_stuffing": true}

// Detections implements engine.Sink.
func (n *lane) Detections(e *event.Event, detections []event.Detection) {
	c := n.now
	for i := range detections {
		name := detections[i].Name
		if c.note.attack >= 0 && campaignDetectors[name] {
			if _, known := n.found[c.Truth.Campaign]; !known {
				n.found[c.Truth.Campaign] = c.note.targets
			}
		}
		if n.without != "" || !n.ledger.windows.test(e.Time) {
			continue
		}
		if c.note.attack >= 0 {
			n.firing(name).attacks[c.note.attack] = struct{}{}
		}
		if e.Kind == event.KindEvent && !slices.Contains(n.names, name) {
			n.names = append(n.names, strings.Clone(name))
		}
	}
}

// Score implements engine.Sink. A user is challenged, or signed out, whenever
// reauth_after moves: new evidence asks for new proof.
func (n *lane) Score(record *event.Score) {
	u, known := n.ledger.known(record.Tenant, record.Subject)
	if !known || record.Session != "" {
		return
	}
	moved := record.Decision != event.Allow && record.ReauthAfter > n.reauth[u]
	if moved {
		n.reauth[u] = record.ReauthAfter
	}
	own := u == n.now.note.user
	n.moved = n.moved || own && moved
	at := n.now.Event.Time
	if attack := n.ledger.open(u, at); attack >= 0 {
		o := &n.outcomes[attack]
		if record.Level >= event.Medium {
			o.detect(at)
		}
		o.revoked = o.revoked || record.Decision == event.Revoke
	}
	if n.honest(u, own, at) && n.ledger.windows.test(at) {
		f := &n.people[u]
		f.challenges += count(moved)
		alert := count(record.Level >= event.Medium && record.PreviousLevel < event.Medium)
		f.alerts += alert
		if own && n.without == "" {
			n.story(n.now).Alerts += int(alert)
		}
		f.revokes += count(moved && record.Decision == event.Revoke)
	}
}

// honest reports that what the case at hand has led to for a user is a false
// alarm. Of the user's own event the truth says it; what another's event leads
// to is one unless an attacker is at the account.
func (n *lane) honest(user int32, own bool, at event.Time) bool {
	if own {
		return n.now.Truth.Benign()
	}
	return n.ledger.open(user, at) < 0
}

// Gone implements engine.Sink.
func (n *lane) Gone(*event.Score) {}
