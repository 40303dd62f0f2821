package backtest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// Report says what the rules under test would have done.
type Report struct {
	// Since and Until are the first and the last event that were counted. Rates
	// are of this time, which a history may have less of than was asked for.
	Since  event.Time `json:"since,omitzero"`
	Until  event.Time `json:"until,omitzero"`
	Read   int        `json:"events_read"` // also those before the span
	Events int        `json:"events"`
	Users  int        `json:"users"`
	With   Effect     `json:"with_rules"`
	// Without is what would have happened without the rules under test.
	Without Effect       `json:"without_rules"`
	Rules   []RuleReport `json:"rules"`
}

// Effect is what people feel of a configuration.
type Effect struct {
	StepUps    int `json:"step_ups"`
	Revokes    int `json:"revokes"`
	Challenged int `json:"users_challenged"` // by either
	// StepUpRate is step-ups per 1,000 users per week.
	StepUpRate float64 `json:"step_ups_per_1000_users_per_week"`
}

// RuleReport is about one rule.
type RuleReport struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Severity string    `json:"severity"`
	Matches  int       `json:"matches"`
	PerDay   float64   `json:"matches_per_day"`
	Users    int       `json:"users"`
	Alone    int       `json:"alone"` // matches at events where nothing else was detected
	Days     []Day     `json:"days"`
	Overlap  []Overlap `json:"overlap"`
	Examples []Example `json:"examples"` // the newest matches
}

// Day is how often a rule matched on a day, in UTC.
type Day struct {
	Day     string `json:"day"` // 2026-03-02
	Matches int    `json:"matches"`
}

// Overlap is how many matches were at events where something else was detected.
type Overlap struct {
	Detection string `json:"detection"`
	Matches   int    `json:"matches"`
}

// Example is a match to look at.
type Example struct {
	EventID string     `json:"event_id"`
	Time    event.Time `json:"time"`
	Tenant  string     `json:"tenant"`
	Subject string     `json:"subject"`
}

// exampleOf keeps no string of the event, which stands in memory with others.
func exampleOf(e *event.Event) Example {
	return Example{EventID: strings.Clone(e.ID), Time: e.Time, Tenant: strings.Clone(e.Tenant), Subject: strings.Clone(e.User.Subject)}
}

// shortest is the shortest span that rates are told of: a few minutes of a log
// say nothing about a week.
const shortest = event.Day

func report(b *Backtest) *Report {
	t := b.with.tally
	r := &Report{
		Since: t.first, Until: t.last,
		Read: t.read, Events: t.events, Users: len(t.users), Rules: b.rules,
	}
	length := float64(max(r.Until-r.Since, shortest))
	r.With, r.Without = effect(t, length), effect(b.without.tally, length)
	for i := range r.Rules {
		of, rule := &t.rules[i], &r.Rules[i]
		rule.Matches, rule.Users, rule.Alone = of.matches, len(of.users), of.alone
		rule.PerDay = float64(of.matches) * float64(event.Day) / length
		rule.Days, rule.Overlap, rule.Examples = []Day{}, []Overlap{}, slices.Concat([]Example{}, of.examples)
		for _, day := range slices.Sorted(maps.Keys(of.days)) {
			rule.Days = append(rule.Days, Day{day.Std().Format("2006-01-02"), of.days[day]})
		}
		for name, matches := range of.beside {
			rule.Overlap = append(rule.Overlap, Overlap{name, matches})
		}
		slices.SortFunc(rule.Overlap, func(a, b Overlap) int {
			return cmp.Or(cmp.Compare(b.Matches, a.Matches), cmp.Compare(a.Detection, b.Detection))
		})
	}
	return r
}

// effect is what a tally has counted in a span of a length in milliseconds.
func effect(t *tally, length float64) Effect {
	e := Effect{StepUps: t.stepUps, Revokes: t.revokes, Challenged: len(t.challenged)}
	if len(t.users) > 0 {
		e.StepUpRate = float64(t.stepUps) / float64(len(t.users)) * 1000 / (length / float64(7*event.Day))
	}
	return e
}
