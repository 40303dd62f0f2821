package scoring

import (
	"slices"

	"github.com/riskstream/riskstream/event"
)

// outlook finds the moments at which level or decision falls if nothing else
// happens. Between two moments at which evidence clears, the score is all that
// changes, and it only falls; so each fall inside is found by bisection to the
// millisecond, on level and decision as they are published.
type outlook struct {
	v    *Evaluator
	list []evidence
	now  event.Lapse

	// Where no policy looks at the score itself, the decision is the same
	// for the same level until evidence clears.
	known     [4]bool
	decisions [4]event.Decision
}

// lapses lists them in order. A decision never rises with time, whatever the
// policies say, and while the score is pinned nothing falls.
func (v *Evaluator) lapses(list []evidence, from event.Time, level event.Level, decision event.Decision) []event.Lapse {
	lapses := make([]event.Lapse, 0, 4)
	if level == event.None && decision == event.Allow || slices.ContainsFunc(list, func(x evidence) bool { return x.pins() }) {
		return lapses
	}
	var buf [MaxOpen + 1]event.Time
	clears := buf[:0]
	for i := range list {
		clears = append(clears, list[i].clears)
	}
	slices.Sort(clears)

	o := outlook{v: v, list: list, now: event.Lapse{At: from, Level: level, Decision: decision}}
	for _, until := range slices.Compact(clears) {
		for o.advance(until - 1) {
			lapses = append(lapses, o.now)
		}
		o.known = [4]bool{}
		next := o.at(until)
		if o.differs(next) {
			lapses = append(lapses, next)
		}
		o.now = next
		if o.now.Level == event.None && o.now.Decision == event.Allow {
			break
		}
	}
	return lapses
}

// at is level and decision at t, never above those of now.
func (o *outlook) at(t event.Time) event.Lapse {
	sum := tallyAt(o.list, t)
	n := o.v.total(&sum)
	level := min(o.v.levelOf(n), o.now.Level)
	if o.v.judgeScore || !o.known[level] {
		o.known[level], o.decisions[level] = true, o.v.decide(o.list, t, o.v.logistic(n), level)
	}
	return event.Lapse{At: t, Level: level, Decision: min(o.decisions[level], o.now.Decision)}
}

func (o *outlook) differs(l event.Lapse) bool {
	return l.Level != o.now.Level || l.Decision != o.now.Decision
}

// advance moves to the first fall at or before until and reports whether there
// is one.
func (o *outlook) advance(until event.Time) bool {
	if until <= o.now.At {
		return false
	}
	fallen := o.at(until)
	if !o.differs(fallen) {
		return false
	}
	for before := o.now.At; fallen.At-before > 1; {
		middle := before + (fallen.At-before)/2
		if l := o.at(middle); o.differs(l) {
			fallen = l
		} else {
			before = middle
		}
	}
	o.now = fallen
	return true
}
