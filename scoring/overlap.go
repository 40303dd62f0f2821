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
//
// Evidence may be of several overlaps. They are decided in their order, and
// what one of them covers weighs nothing in the next.
func (v *Evaluator) cover(e *event.Event, open []Contribution, t event.Time, mitigated bool) {
	for k := range v.overlaps {
		v.link(&v.overlaps[k], open, event.Hash(e.ID))
	}
	var anew, covered [MaxOpen]bool
	for i := range open {
		anew[i] = stirred(open, open[i].Fact, mitigated)
	}
	for i := range open {
		open[i].Covered = open[i].Covered && !anew[i]
	}
	for k := range v.overlaps {
		o := &v.overlaps[k]
		for i := range open {
			c := &open[i]
			covered[i] = c.Covered
			if side := v.sideOf(o, c); side >= 0 && anew[i] && !c.Covered {
				mine, theirs := v.weightWithout(o, 1-side, c.Fact, open, t), v.weightWithout(o, side, c.Fact, open, t)
				covered[i] = theirs > mine || side == 1 && theirs == mine && v.has(o, 0, c.Fact, open)
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

// link makes evidence of both sides that this event has raised one fact, unless
// it is of one fact already, with all that the event has not raised again.
func (v *Evaluator) link(o *overlap, open []Contribution, fact uint64) {
	var raised [2]bool
	var first uint64
	several := false
	for i := range open {
		if side := v.sideOf(o, &open[i]); side >= 0 && open[i].Touched {
			if !raised[0] && !raised[1] {
				first = open[i].Fact
			}
			raised[side] = true
			several = several || open[i].Fact != first
		}
	}
	if !raised[0] || !raised[1] || !several {
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
				join(open, c.Fact, fact)
			}
		}
	}
}

// join makes one fact of two: all that the earlier event has raised there.
func join(open []Contribution, one, other uint64) {
	for i := range open {
		if open[i].Fact == one {
			open[i].Fact = other
		}
	}
}

// weightWithout is what the evidence of a fact weighs without one side. The
// groups' caps are kept: a side does not count for more than it can add.
func (v *Evaluator) weightWithout(o *overlap, side int, fact uint64, open []Contribution, t event.Time) nats {
	var sums groupSums
	for i := range open {
		c := &open[i]
		if c.Fact == fact && !c.Covered && v.sideOf(o, c) != side {
			sums[c.Group] += c.remaining(t)
		}
	}
	return v.capped(&sums)
}

// has reports that a side of the fact has evidence that nothing covers.
func (v *Evaluator) has(o *overlap, side int, fact uint64, open []Contribution) bool {
	return slices.ContainsFunc(open, func(c Contribution) bool {
		return !c.Covered && c.Fact == fact && v.sideOf(o, &c) == side
	})
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

// yields reports that open[i] is on the second side of an overlap of whose first
// side there is evidence of the fact that passes.
func (v *Evaluator) yields(open []Contribution, i int, pass func(*Contribution) bool) bool {
	for k := range v.overlaps {
		o := &v.overlaps[k]
		if v.sideOf(o, &open[i]) != 1 {
			continue
		}
		for j := range open {
			if open[j].Fact == open[i].Fact && v.sideOf(o, &open[j]) == 0 && pass(&open[j]) {
				return true
			}
		}
	}
	return false
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
