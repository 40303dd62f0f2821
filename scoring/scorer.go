// Package scoring turns evidence into a score, a level and a decision, and
// explains them. It is arithmetic over what it is given: no clock, no chance,
// no input or output beyond the weights that are built in.
//
// A Scorer is a configuration made ready; each lane has an Evaluator of it.
// The way of an event is Evaluator.Weigh, which gives detections their weight,
// Evaluator.Apply, which takes them into the subject's state, and
// Evaluator.Record, which makes the record to publish. Scorer.Fall makes the
// record of a later moment at which the level falls, from the record alone.
//
// docs/scoring.md explains the model with a worked example.
package scoring

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/riskstream/riskstream/event"
)

// Scorer is a checked configuration, ready to score. It does not change and
// may be shared.
type Scorer struct {
	version    string
	logitPrior float64
	priorScore centi
	ceiling    nats     // what unconfirmed evidence can add at most
	levels     [3]centi // low, medium, high
	reaches    [3]nats  // the evidence that each level needs
	caps       groupSums
	weights    map[string]Weight
	overlaps   []overlap
	policies   []policy
	judgeScore bool // a policy looks at the score itself
	table      Weights
	hash       string
}

// New checks the configuration and compiles the policies; without any, the
// built-in ones apply. The error joins every problem found.
func New(cfg Config, policies Policies) (*Scorer, error) {
	compiled, err := policies.compile()
	if err := errors.Join(append(cfg.Validate(), err)...); err != nil {
		return nil, err
	}
	w := cfg.weights()
	s := &Scorer{
		version:    w.Version,
		logitPrior: logit(cfg.Prior),
		levels:     [3]centi{centiOf(cfg.Levels.Low), centiOf(cfg.Levels.Medium), centiOf(cfg.Levels.High)},
		weights:    w.Detections,
		overlaps:   w.Overlaps,
		policies:   compiled,
		judgeScore: usesScore(compiled),
	}
	s.priorScore = s.logistic(0) // not 100·prior, which may round to the other side
	for i, score := range s.levels {
		s.reaches[i] = s.reach(score)
	}
	s.ceiling = natsOf(logit((s.levels[1]-1).float()/100) - s.logitPrior)
	caps := maps.Clone(w.Caps)
	maps.Copy(caps, cfg.Caps)
	s.caps = capsOf(caps)
	if len(cfg.Weights) > 0 || cfg.Prior != w.Prior || cfg.Levels != w.Levels || s.caps != capsOf(w.Caps) {
		s.version += local // the numbers are not those of the published version
	}
	for name, override := range cfg.Weights {
		row := s.weights[name]
		if override.LLR != nil {
			row.LLR = *override.LLR
		}
		if override.HalfLife != nil {
			row.HalfLife = *override.HalfLife
		}
		s.weights[name] = row
	}
	s.table = w
	s.table.Version, s.table.Prior, s.table.Levels, s.table.Caps = s.version, cfg.Prior, cfg.Levels, caps
	s.hash = s.fingerprint()
	return s, nil
}

// fingerprint hashes what New has made of the configuration and of the tables
// that are built in, so that it changes with either.
func (s *Scorer) fingerprint() string {
	h := sha256.New()
	fmt.Fprintln(h, s.version, s.priorScore, s.levels, s.caps, s.overlaps)
	for _, name := range slices.Sorted(maps.Keys(s.weights)) {
		w := s.weights[name]
		fmt.Fprintln(h, name, w.Group, w.LLR, w.HalfLife, w.DistrustsFactors)
	}
	for _, p := range s.policies {
		fmt.Fprintf(h, "%q %q %s\n", p.name, p.when, p.decision)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func capsOf(byName map[event.Group]float64) groupSums {
	var caps groupSums
	for g, name := range event.Groups {
		caps[g] = natsOf(byName[name])
	}
	return caps
}

// Weights are the weights in force: what a table would have to say for the same
// scores without any key of the configuration. They must not be changed.
func (s *Scorer) Weights() Weights { return s.table }

// Ceiling is how many nats evidence of failed attempts can add at most.
func (s *Scorer) Ceiling() float64 { return s.ceiling.float() }

// Version names the weights; it stands in every record. It ends in "+local"
// where the configuration changes them.
func (s *Scorer) Version() string { return s.version }

// Hash identifies everything that scores and decisions depend on: weights,
// their version, overlaps, levels, caps and policies.
func (s *Scorer) Hash() string { return s.hash }

// Prior is the score without evidence.
func (s *Scorer) Prior() float64 { return s.priorScore.float() }

// Knows reports whether a detector's evidence has a weight.
func (s *Scorer) Knows(detector string) bool {
	_, ok := s.weights[detector]
	return ok
}

// Weigh gives each detection its group, LLR and half-life: a detector's from
// the weights, a rule's its own. Both are multiplied by the detection's
// strength. A detection without a weight stays informational: LLR 0.
func (s *Scorer) Weigh(detections []event.Detection) {
	for i := range detections {
		d := &detections[i]
		if d.Rule == nil {
			w := s.weights[d.Name]
			d.Group, d.LLR, d.HalfLife = w.Group, w.LLR, int64(w.HalfLife.Seconds())
		}
		if !slices.Contains(event.Groups[:], d.Group) {
			d.Group = event.GroupBehaviour
		}
		d.LLR = round3(min(max(d.LLR*d.Strength, 0), maxLLR))
		if math.IsNaN(d.LLR) || d.HalfLife <= 0 {
			d.LLR = 0
		}
	}
}

// At is the score and level that are left at t, or at the subject's newest
// event where that is later: what rules see of a subject before an event.
func (s *Scorer) At(st *State, open []Contribution, t event.Time) (float64, event.Level) {
	if len(open) == 0 {
		return s.priorScore.float(), s.level(s.priorScore)
	}
	var buf [MaxOpen + 1]evidence
	list := buf[:0]
	for i := range open {
		list = append(list, open[i].evidence(""))
	}
	score := s.scoreAt(list, max(t, st.AsOf))
	return score.float(), s.level(score)
}
