package rules

import (
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/expression"
)

// Evaluator runs a Set's rules. It reuses its memory and belongs to one
// goroutine.
type Evaluator struct {
	set    *Set
	vm     *expression.VM
	env    *Env
	boxed  any      // env, as programs take it
	errors []uint64 // by rule
}

// NewEvaluator makes an evaluator for one worker.
func (s *Set) NewEvaluator() *Evaluator {
	boxed, env := box()
	return &Evaluator{set: s, vm: expression.NewVM(), env: env, boxed: boxed, errors: make([]uint64, len(s.rules))}
}

// Match appends a detection for each rule that the event matches, in the order
// of the rules' ids. What is already in out is what the detectors found: rules
// see it, but not the matches of one another. A rule that fails at run does not
// match; it never stops the event.
func (e *Evaluator) Match(ev *event.Event, subject Subject, out []event.Detection) []event.Detection {
	candidates, indexed := e.set.byAction[ev.Action]
	if !indexed {
		candidates = e.set.rest
	}
	if len(candidates) == 0 {
		return out
	}
	e.env.fill(ev, &subject, e.set.usesIP)
	e.env.Detections = e.env.Detections[:0]
	for i := range out {
		e.env.Detections = append(e.env.Detections, out[i].Name)
	}
	for _, i := range candidates {
		rule := e.set.rules[i]
		matches, err := e.vm.RunBool(rule.when, e.boxed)
		if err != nil {
			e.errors[i]++
		}
		if matches {
			out = append(out, e.detection(rule, ev))
		}
	}
	return out
}

// Errors counts, by id, the failures at run of the rules that had any.
func (e *Evaluator) Errors() map[string]uint64 {
	counts := map[string]uint64{}
	for i, n := range e.errors {
		if n > 0 {
			counts[e.set.rules[i].ID] = n
		}
	}
	return counts
}

func (e *Evaluator) detection(rule *Rule, ev *event.Event) event.Detection {
	return event.Detection{
		Name:     rule.name,
		Group:    rule.Group,
		Strength: 1,
		LLR:      rule.Weight,
		HalfLife: int64(rule.HalfLife.Seconds()),
		Summary:  rule.Name,
		Evidence: e.env.facts(rule.evidence),
		Key:      key(ev),
		Rule:     rule.info,
	}
}

// key tells matches of a rule apart: the same network again refreshes the
// evidence, another one adds. Without a network it is what else says who asked.
func key(ev *event.Event) uint64 {
	if network := ev.Source.NetworkHash(); network != 0 {
		return network
	}
	for _, id := range []string{ev.Device.ID, ev.Session.ID} {
		if id != "" {
			return event.Hash(id)
		}
	}
	return event.Hash(ev.User.Subject)
}
