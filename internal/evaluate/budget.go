package evaluate

import "slices"

// Budgets of challenges: the share of benign sign-ins that may be challenged.
var budgets = [...]float64{0.01, 0.05, 0.10}

// threshold challenges what has a higher value than at, and of what has just
// that value a share, so that the budget is met exactly. A method that knows few
// values, as a rule of four points does, is then no worse off than one that
// knows many: it is what drawing lots among equals would do.
type threshold struct {
	at    float64
	share float64
}

// thresholdAt is the threshold at which the share of the values that is
// challenged is the budget. The values need no order.
func thresholdAt(values []float64, budget float64) threshold {
	if len(values) == 0 {
		return threshold{}
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	allowed := budget * float64(len(sorted))
	at := sorted[max(0, len(sorted)-1-int(allowed))]
	low, _ := slices.BinarySearch(sorted, at)
	above := low
	for above < len(sorted) && sorted[above] == at {
		above++
	}
	return threshold{at: at, share: (allowed - float64(len(sorted)-above)) / float64(above-low)}
}

// challenges is 1 when a value is challenged, 0 when not, and between for the
// value at the threshold.
func (t threshold) challenges(value float64) float64 {
	switch {
	case value > t.at:
		return 1
	case value == t.at:
		return t.share
	}
	return 0
}
