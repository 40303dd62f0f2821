package fit

import (
	"cmp"
	"math"
	"slices"
)

// Quality says how good probabilities are. Both kinds of examples are weighed so
// that the share of compromise is what the prior says: in a history that was
// searched for attacks it is larger, and the score does not speak of that share.
type Quality struct {
	// LogLoss is the mean surprise, −ln of the probability of what was so, in
	// nats. Less is better.
	LogLoss float64 `json:"log_loss"`
	// Brier is the mean squared error of the probability. Less is better.
	Brier float64 `json:"brier"`
	// Order is how often somebody compromised has a higher probability than
	// somebody who is not: the area under the ROC curve. 0.5 is chance. Scale
	// does not matter to it, nor the share.
	Order float64 `json:"area_under_roc"`
	// Caught is the mean probability of the compromised, and Blamed that of the
	// benign.
	Caught float64 `json:"mean_probability_compromised"`
	Blamed float64 `json:"mean_probability_benign"`
}

// sure bounds probabilities: a score has two decimals, of which the last unit is
// 1 in 10,000, so it never claims more.
const sure = 0.0001

// measure sums quality up over examples.
type measure struct {
	share float64 // of compromise
	kinds [2]struct{ weight, surprise, squares, probability float64 }
	order []judged
}

// judged is an example with the probability that it was given.
type judged struct {
	p                   float64
	benign, compromised float64 // its weight, of its kind
}

func (m *measure) add(compromised bool, p, weight float64) {
	p = min(max(p, sure), 1-sure)
	kind, right, j := &m.kinds[0], 1-p, judged{p: p, benign: weight}
	if compromised {
		kind, right, j = &m.kinds[1], p, judged{p: p, compromised: weight}
	}
	m.order = append(m.order, j)
	kind.weight += weight
	kind.surprise -= weight * math.Log(right)
	kind.squares += weight * (1 - right) * (1 - right)
	kind.probability += weight * p
}

func (m *measure) quality() Quality {
	benign, compromised := &m.kinds[0], &m.kinds[1]
	mean := func(b, c float64) float64 {
		return (1-m.share)*b/benign.weight + m.share*c/compromised.weight
	}
	return Quality{
		LogLoss: mean(benign.surprise, compromised.surprise),
		Brier:   mean(benign.squares, compromised.squares),
		Order:   m.inOrder() / benign.weight / compromised.weight,
		Caught:  compromised.probability / compromised.weight,
		Blamed:  benign.probability / benign.weight,
	}
}

// inOrder is the weight of the pairs that are in order; of those that are equal,
// half.
func (m *measure) inOrder() (pairs float64) {
	slices.SortStableFunc(m.order, func(a, b judged) int { return cmp.Compare(a.p, b.p) })
	var below float64 // of the benign
	for i := 0; i < len(m.order); {
		var equal judged
		for p := m.order[i].p; i < len(m.order) && m.order[i].p == p; i++ {
			equal.benign += m.order[i].benign
			equal.compromised += m.order[i].compromised
		}
		pairs += equal.compromised * (below + equal.benign/2)
		below += equal.benign
	}
	return pairs
}

// Quality is that of the model with weights and a prior, among accounts of which
// share are compromised.
func (m *Model) Quality(examples []Example, weights []float64, prior, share float64) Quality {
	s, sum := m.with(weights), measure{share: share}
	for i := range examples {
		x := &examples[i]
		sum.add(x.Compromised, probability(logOdds(prior)+s.nats(x.Entries, nil)), x.Weight)
	}
	return sum.quality()
}

// qualityOf is that of a map from scores to probabilities.
func qualityOf(examples []Scored, share float64, probability func(score float64) float64) Quality {
	sum := measure{share: share}
	for _, x := range examples {
		sum.add(x.Compromised, probability(x.Score), x.Weight)
	}
	return sum.quality()
}
