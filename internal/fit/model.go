// Package fit learns from labelled history what evidence weighs: it refits the
// weights of the detectors by regularised logistic regression, or maps scores to
// the probabilities that they have turned out to mean (isotonic regression).
//
// # What is an example
//
// An example is an event that only somebody who is in could cause
// (scoring.Proves), of an account that was, or was not, in an attacker's hands.
// Failed attempts are none: nobody is in. Their evidence counts where it is
// still open when somebody comes in. An account's day in one hand counts as one
// example however many events it has, so each event has its share of the day as
// its weight: a user who reads a thousand files a day must not outvote those who
// sign in once.
//
// # What is seen of it
//
// What the score was made of at that moment, read from the records that the
// engine publishes: of each detector, how much of its evidence was open, after
// strength, mitigation by factors and decay. 1 is a detection of full strength
// that has just been made. So a detector is credited as well with what it did
// for the hours after it fired, which is what a score is.
//
// The score is not linear in it: groups are capped, and what failed attempts
// have raised lifts a score to just below medium and no further. Fitting a plain
// sum would answer a question that the engine does not ask, and would split the
// credit of evidence that always comes together in arbitrary ways. So the model
// that is fitted is the engine's own arithmetic, caps and ceiling included; with
// the present weights it gives the present scores. Evidence behind a cap has no
// slope: where a group is full, what is in it is not made heavier.
//
// Three things are held fixed while the weights move, as they were in the
// replay: which side of an overlap counted, what the baselines had learnt (they
// learn from what has a low score), and when a weaker sighting refreshed older
// evidence. A weight of 0 raises no evidence, so nothing can be learnt about it.
// Evidence of rules keeps the weight that the rule gives it.
//
// # What is fitted
//
// The log-odds are the intercept plus the evidence. The intercept is held at the
// log-odds of the examples' own share of compromise. With that, the best weight
// of a detector by itself is ln(P(seen | attacker) / P(seen | owner)): its
// log-likelihood ratio, whatever the share of attacks in the history, which is
// mostly made up of what somebody has looked for. A free intercept would give
// log odds ratios, which count not being seen as evidence too; the score does
// not. The weights are drawn to the present ones by an L2 penalty on the
// difference: present weights are judgements with reasons, and should give way
// to many examples but not to a few. Weights are not negative, since decay could
// not take back what they would say, and are at most the cap of their group.
package fit

import "math"

// Column is one kind of evidence.
type Column struct {
	Name   string
	Group  int     // of those that are capped; see Model.Caps
	Weight float64 // nats of evidence of amount 1: the present ones
	Max    float64 // the largest weight that makes a difference
	Fixed  bool    // its weight is not fitted
}

// Entry is how much of a kind of evidence was open.
type Entry struct {
	Column      int
	Amount      float64 // 1 is a detection of full strength, just made
	Unconfirmed bool    // only failed attempts have raised it
}

// Example is what was open at a moment, and whose hands the account was in.
type Example struct {
	Entries     []Entry
	Compromised bool
	Weight      float64
}

// Model turns evidence into nats as the engine does.
type Model struct {
	Columns []Column
	Caps    []float64 // nats, by group
	// Ceiling is the most nats that evidence with an unconfirmed part can add
	// beyond what its confirmed part adds by itself.
	Ceiling float64
}

// Weights are the present weights, by column.
func (m *Model) Weights() []float64 {
	w := make([]float64, len(m.Columns))
	for i := range m.Columns {
		w[i] = m.Columns[i].Weight
	}
	return w
}

// state is a model with weights, ready to weigh one example after the other.
type state struct {
	*Model
	weights        []float64
	all, confirmed []float64 // by group, before the caps
}

func (m *Model) with(weights []float64) *state {
	return &state{m, weights, make([]float64, len(m.Caps)), make([]float64, len(m.Caps))}
}

// nats is the evidence of an example. slope is called for each entry with what
// a nat of it adds: nothing to a group that is full, nor to what cannot pass the
// ceiling.
func (s *state) nats(entries []Entry, slope func(e *Entry)) float64 {
	clear(s.all)
	clear(s.confirmed)
	for i := range entries {
		e := &entries[i]
		n := s.weights[e.Column] * e.Amount
		group := s.Columns[e.Column].Group
		s.all[group] += n
		if !e.Unconfirmed {
			s.confirmed[group] += n
		}
	}
	total, confirmedOnly := s.capped(s.all), false
	if total > s.Ceiling {
		total = s.capped(s.confirmed)
		if total < s.Ceiling {
			return s.Ceiling // held there, whatever the weights nearby
		}
		confirmedOnly = true
	}
	if slope == nil {
		return total
	}
	sums := s.all
	if confirmedOnly {
		sums = s.confirmed
	}
	for i := range entries {
		e := &entries[i]
		group := s.Columns[e.Column].Group
		if sums[group] <= s.Caps[group]+full && !(confirmedOnly && e.Unconfirmed) {
			slope(e)
		}
	}
	return total
}

// full is how far, in nats, a group may lie above its cap and still be taken to
// lie at it: weights that fill a group exactly can be made lighter.
const full = 1e-9

func (s *state) capped(sums []float64) float64 {
	var total float64
	for g, n := range sums {
		total += min(n, s.Caps[g])
	}
	return total
}

// probability is 1/(1+e^−x).
func probability(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// logOdds is the inverse of probability.
func logOdds(p float64) float64 { return math.Log(p / (1 - p)) }

// surprise is −ln(probability(x)), without its overflow.
func surprise(x float64) float64 {
	if x < 0 {
		return -x + math.Log1p(math.Exp(x))
	}
	return math.Log1p(math.Exp(-x))
}
