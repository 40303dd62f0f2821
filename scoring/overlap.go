package scoring

import (
	"slices"

	"github.com/riskstream/riskstream/event"
)

// cover decides, for evidence that describes one fact, which side counts: the
// one that weighs more. What one event raises is of one fact, and stays so
// when it is refreshed later, until another event raises both sides together.
// It decides anew only where this event has raised evidence, or has mitigated
// the side that counts: time alone must not change sides.
func (v *Evaluator) cover(e *event.Event, open []Contribution, t event.Time, mitigated bool) {
	for k := range v.overlaps {
		o := &v.overlaps[k]
		v.link(o, open, event.Hash(e.ID))
		var covered [MaxOpen]bool
		for i := range open {
			c := &open[i]
			covered[i] = c.Covered
			if side := v.sideOf(o, c); side >= 0 && stirred(open, c.Fact, mitigated) {
				mine, theirs := v.weightOfSide(o, side, c, open, t), v.weightOfSide(o, 1-side, c, open, t)
				covered[i] = theirs > mine || side == 1 && theirs == mine
			}
		}
		for i := range open {
			open[i].Covered = covered[i]
		}
	}
}

// stirred reports that this event gives a reason to weigh the fact again.
func stirred(open []Contribution, fact uint64, mitigated bool) bool {
	for i := range open {
		if c := &open[i]; c.Fact == fact && (c.Touched || mitigated && c.mitigable() && !c.Covered) {
			return true
		}
	}
	return false
}

// link makes evidence of both sides that this event has raised one fact.
func (v *Evaluator) link(o *overlap, open []Contribution, fact uint64) {
	var raised [2]bool
	for i := range open {
		if side := v.sideOf(o, &open[i]); side >= 0 && open[i].Touched {
			raised[side] = true
		}
	}
	if !raised[0] || !raised[1] {
		return
	}
	for i := range open {
		if v.sideOf(o, &open[i]) >= 0 && open[i].Touched {
			open[i].Fact = fact
		}
	}
}

// linkElsewhere makes evidence that compares with another source network one
// fact with what an earlier event has raised there on the other side of an
// overlap: a new country and, back home, the travel from it, tell of the same
// stay. What is of a fact with two sides already stays with it.
func (v *Evaluator) linkElsewhere(d *event.Detection, open []Contribution) {
	i := find(open, d.Name, d.Key)
	if d.Elsewhere == 0 || i < 0 {
		return
	}
	for k := range v.overlaps {
		o := &v.overlaps[k]
		side := v.sideOf(o, &open[i])
		if side < 0 {
			continue
		}
		fact := open[i].Fact
		alone := func(f uint64, other int) bool {
			return !slices.ContainsFunc(open, func(c Contribution) bool { return c.Fact == f && v.sideOf(o, &c) == other })
		}
		if !alone(fact, 1-side) {
			continue
		}
		for j := range open {
			c := &open[j]
			if v.sideOf(o, c) == 1-side && event.ShortHash(c.Network) == d.Elsewhere && alone(c.Fact, side) {
				c.Fact = fact
			}
		}
	}
}

// weightOfSide is what is left of one side of the fact that c is of.
func (v *Evaluator) weightOfSide(o *overlap, side int, c *Contribution, open []Contribution, t event.Time) nats {
	var sum nats
	for i := range open {
		if open[i].Fact == c.Fact && v.sideOf(o, &open[i]) == side {
			sum += open[i].remaining(t)
		}
	}
	return sum
}

// coverOf returns the index of the contribution that counts in the stead of
// open[i]: the strongest of the other side of its fact; -1 when there is none.
func (v *Evaluator) coverOf(open []Contribution, i int) int {
	c := &open[i]
	if !c.Covered {
		return -1
	}
	for k := range v.overlaps {
		o := &v.overlaps[k]
		side := v.sideOf(o, c)
		if side < 0 {
			continue
		}
		j := strongest(open, c.At, func(j int) bool {
			return !open[j].Covered && open[j].Fact == c.Fact && v.sideOf(o, &open[j]) == 1-side
		})
		if j >= 0 {
			return j
		}
	}
	return -1
}

// coverClears is when the last contribution that covers open[i] clears.
func (v *Evaluator) coverClears(open []Contribution, i int) event.Time {
	var last event.Time
	for k := range v.overlaps {
		o := &v.overlaps[k]
		side := v.sideOf(o, &open[i])
		for j := range open {
			if side >= 0 && !open[j].Covered && open[j].Fact == open[i].Fact && v.sideOf(o, &open[j]) == 1-side {
				last = max(last, open[j].ClearsAt)
			}
		}
	}
	return last
}

// sideOf is the side of the overlap that the contribution is on, or -1.
func (v *Evaluator) sideOf(o *overlap, c *Contribution) int {
	name := v.name(c)
	switch {
	case slices.Contains(o.Sides[0], name):
		return 0
	case slices.Contains(o.Sides[1], name):
		return 1
	}
	return -1
}
