package scoring

import (
	"math"
	"slices"

	"github.com/riskstream/riskstream/event"
)

// nats is an amount of evidence in billionths of a nat. Sums of integers do
// not depend on their order, so that state and record, which keep evidence in
// different orders, come to the same score.
type nats int64

func natsOf(f float64) nats { return nats(math.Round(f * 1e9)) }

func (n nats) float() float64 { return float64(n) * 1e-9 }

// centi is a score or points in hundredths, as they are published: levels are
// judged and points are summed on nothing finer.
type centi int

const certain centi = 100_00

func (c centi) float() float64 { return float64(c) / 100 }

func centiOf(f float64) centi { return centi(math.Round(f * 100)) }

// cleared is the evidence, in nats, below which a contribution is over.
const cleared = 0.05

// forever is when evidence that does not decay clears.
const forever event.Time = math.MaxInt64

// evidence is what the arithmetic needs to know of one contribution. It is
// made alike from state and from a published record.
type evidence struct {
	name        string
	group       uint8 // index in event.Groups
	llr         float64
	since       event.Time // it decays from here
	halfLife    float64    // milliseconds; 0 pins the score at 100
	clears      event.Time
	unconfirmed bool
	covered     bool
	of          int // index of its contribution
}

func (x *evidence) pins() bool { return x.halfLife == 0 }

// at is what is left of the evidence at t.
func (x *evidence) at(t event.Time) nats {
	if x.covered || t >= x.clears || x.pins() {
		return 0
	}
	if t <= x.since {
		return natsOf(x.llr)
	}
	return natsOf(x.llr * math.Exp2(-float64(t-x.since)/x.halfLife))
}

// clearsAt is when evidence has decayed below what counts.
func clearsAt(llr float64, since event.Time, halfLife int64) event.Time {
	if halfLife == 0 {
		return forever
	}
	if llr < cleared {
		return since
	}
	return since + event.Time(float64(halfLife)*1000*math.Log2(llr/cleared)) + 1
}

// round3 rounds to the 3 decimals that records carry, so that what follows
// from a record follows from state too.
func round3(f float64) float64 { return math.Round(f*1000) / 1000 }

// groupSums is evidence by group, before the caps.
type groupSums [len(event.Groups)]nats

// tally sums evidence at one moment: all of it, and the confirmed part.
type tally struct {
	all, confirmed groupSums
	pinned         bool
}

func tallyAt(open []evidence, t event.Time) tally {
	var sum tally
	for i := range open {
		x := &open[i]
		n := x.at(t)
		sum.all[x.group] += n
		if !x.unconfirmed {
			sum.confirmed[x.group] += n
		}
		sum.pinned = sum.pinned || x.pins()
	}
	return sum
}

// capped is the sum over the groups, each at most its cap.
func (s *Scorer) capped(sums *groupSums) nats {
	var total nats
	for g, n := range sums {
		total += min(n, s.caps[g])
	}
	return total
}

// scoreOf turns evidence into a score. Evidence of failed attempts counts up
// to just below medium and no further: anybody can make attempts fail, and
// must not be able to lock others out.
func (s *Scorer) scoreOf(sum *tally) centi {
	if sum.pinned {
		return certain
	}
	return s.logistic(s.total(sum))
}

func (s *Scorer) total(sum *tally) nats {
	all := s.capped(&sum.all)
	if all <= s.ceiling {
		return all
	}
	return max(s.capped(&sum.confirmed), s.ceiling)
}

// logistic is 100·σ(logit(prior) + n). The conversion keeps compilers from
// fusing multiplication and addition, which would round differently on some
// processors.
func (s *Scorer) logistic(n nats) centi {
	l := s.logitPrior + float64(n.float())
	return centi(math.Round(float64(certain) / (1 + math.Exp(-l))))
}

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

// scoreAt is the score that is left at t.
func (s *Scorer) scoreAt(open []evidence, t event.Time) centi {
	sum := tallyAt(open, t)
	return s.scoreOf(&sum)
}

func (s *Scorer) level(score centi) event.Level {
	switch {
	case score >= s.levels[2]:
		return event.High
	case score >= s.levels[1]:
		return event.Medium
	case score >= s.levels[0]:
		return event.Low
	}
	return event.None
}

// reach is the least evidence with which the score is at least so much, so
// that levels can be told from evidence without the logistic function.
func (s *Scorer) reach(score centi) nats {
	below, enough := nats(0), maxCap*nats(len(event.Groups))*1e9
	for below < enough {
		if middle := below + (enough-below)/2; s.logistic(middle) >= score {
			enough = middle
		} else {
			below = middle + 1
		}
	}
	return enough
}

// levelOf is level(logistic(n)).
func (s *Scorer) levelOf(n nats) event.Level {
	level := event.None
	for level < event.High && n >= s.reaches[level] {
		level++
	}
	return level
}

// share splits score − prior score at t over the evidence, in proportion to
// what each adds after decay and caps, in hundredths that sum exactly. Where
// the score is pinned, what pins it has all the points, since the score would
// be the same without the rest. It appends to points, one for each of open.
func (s *Scorer) share(open []evidence, t event.Time, points []centi) []centi {
	start := len(points)
	points = append(points, make([]centi, len(open))...)

	sum := tallyAt(open, t)
	// Where confirmed evidence alone passes the ceiling, unconfirmed
	// evidence has added nothing.
	sums, confirmedOnly := &sum.all, false
	if s.capped(&sum.confirmed) > s.ceiling {
		sums, confirmedOnly = &sum.confirmed, true
	}
	var parts [MaxOpen + 1]float64
	var whole float64
	for i := range open {
		x := &open[i]
		part := x.at(t).float()
		if limit := s.caps[x.group]; sums[x.group] > limit {
			part *= limit.float() / sums[x.group].float()
		}
		switch {
		case x.pins():
			part = 1
		case sum.pinned, confirmedOnly && x.unconfirmed:
			part = 0
		}
		parts[i] = part
		whole += part
	}
	if whole > 0 {
		apportion(s.scoreOf(&sum)-s.priorScore, parts[:len(open)], whole, points[start:])
	}
	return points
}

// apportion adds amount to points in proportion to parts, by largest
// remainder; the earlier one wins where remainders are equal.
func apportion(amount centi, parts []float64, whole float64, points []centi) {
	type remainder struct {
		of   int
		size float64
	}
	var buf [MaxOpen + 1]remainder
	rest := buf[:0]
	left := amount
	for i, part := range parts {
		if part == 0 {
			continue
		}
		exact := float64(amount) * part / whole
		n := centi(exact)
		points[i] += n
		left -= n
		rest = append(rest, remainder{i, exact - float64(n)})
	}
	slices.SortStableFunc(rest, func(a, b remainder) int {
		switch {
		case a.size > b.size:
			return -1
		case a.size < b.size:
			return 1
		}
		return 0
	})
	for i := 0; left > 0; i++ {
		points[rest[i%len(rest)].of]++
		left--
	}
}
