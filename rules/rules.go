// Package rules turns what a detection engineer writes down into detections: a
// rule is a condition over one event, its subject and what the detectors found,
// and the weight that a match has as evidence.
//
// The way of a rule is Load → Parse (parse.go) → Set; the way of an event is
// Evaluator.Match over an Env (env.go). docs/rules.md is for authors.
package rules

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/expression"
)

// Bounds of what rule files may hold.
const (
	MaxRules    = 1000 // in all files together
	MaxFileSize = 1 << 20

	MaxWeight   = 10 // nats; even credential and session evidence is capped at 7.5
	MinHalfLife = time.Minute
	MaxHalfLife = 90 * 24 * time.Hour
)

// Severities are those of OCSF, mildest first. They are for the people who
// handle a match; the weight alone moves the score.
var Severities = [...]string{"informational", "low", "medium", "high", "critical"}

// Rule is one rule, checked and compiled.
type Rule struct {
	ID          string
	Name        string // one line, the summary of its detections
	Description string
	Severity    string
	Group       event.Group
	Weight      float64 // log-likelihood ratio of a match, nats
	HalfLife    time.Duration
	Tags        []string
	When        string
	At          expression.Position // of the rule in its file

	when     *expression.Program
	name     string // of its detections
	info     *event.RuleInfo
	evidence []evidence
}

// Set is rules that run together. It does not change and may be shared; each
// worker has its own Evaluator of it.
type Set struct {
	rules    []*Rule // sorted by id
	byAction map[event.Action][]int
	rest     []int // rules for actions that are not in byAction
	usesIP   bool
}

// newSet sorts the rules by id, so that matches come in one order, and indexes
// them by the actions that they can match: a rule for consents costs nothing
// on a sign-in.
func newSet(rules []*Rule) *Set {
	slices.SortFunc(rules, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	s := &Set{rules: rules, byAction: make(map[event.Action][]int, len(event.Actions))}
	for i, r := range rules {
		actions := r.when.Requires("event.action")
		for _, action := range event.Actions {
			if actions == nil || slices.Contains(actions, string(action)) {
				s.byAction[action] = append(s.byAction[action], i)
			}
		}
		if actions == nil {
			s.rest = append(s.rest, i)
		}
		s.usesIP = s.usesIP || slices.Contains(r.when.Fields(), "source.ip")
	}
	return s
}

// Len is the count of rules.
func (s *Set) Len() int { return len(s.rules) }

// Rules lists the rules, sorted by id.
func (s *Set) Rules() []Rule {
	list := make([]Rule, len(s.rules))
	for i, r := range s.rules {
		list[i] = *r
	}
	return list
}

// Hash identifies what the rules do and say in records. It does not depend on
// the files that they stand in, their order or their layout.
func (s *Set) Hash() string {
	h := sha256.New()
	for _, r := range s.rules {
		fmt.Fprintf(h, "%q %q %s %s %g %s %q %q\n", r.ID, r.Name, r.Severity, r.Group, r.Weight, r.HalfLife, r.Tags, r.When)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}
