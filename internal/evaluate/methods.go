package evaluate

import (
	"cmp"
	"math"
	"slices"

	"github.com/riskstream/riskstream/internal/simulate"
)

// curveBudgets are the points of a curve.
var curveBudgets = [...]float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.10, 0.15, 0.20}

func (s *summary) method(c contender, prevalence float64) Method {
	m := Method{Name: c[0].name, Prevalence: prevalence}
	var at [len(budgets)][]threshold
	for i, budget := range budgets {
		at[i] = s.thresholds(c, budget)
		m.Challenged = append(m.Challenged, rateOf(s.challenged(c, at[i], isBenign), 1))
		m.Reauths = append(m.Reauths, s.reauths(c, at[i]))
	}
	for _, k := range s.kinds() {
		g := Group{Attack: k.model, Variant: k.variant}
		for i := range budgets {
			g.TPR = append(g.TPR, rateOf(s.challenged(c, at[i], k.counted), 1))
		}
		if g.TPR[0].Of > 0 {
			m.Groups = append(m.Groups, g)
		}
	}
	for _, budget := range curveBudgets {
		m.Curve = append(m.Curve, Point{budget, ratio(s.challenged(c, s.thresholds(c, budget), kind{}.counted))})
	}
	for i, bin := range learningBins {
		to := 0
		if i+1 < len(learningBins) {
			to = learningBins[i+1]
		}
		m.Learning = append(m.Learning, Learning{From: bin, To: to, TPR: rateOf(s.challenged(c, at[0], func(_ *ledger, m *sample) bool {
			return m.attack >= 0 && int(m.nth) >= bin && (to == 0 || int(m.nth) < to)
		}), 1)})
	}
	attacks, benign := s.split(c)
	m.AUCPR = averagePrecision(attacks, benign, prevalence)
	m.Precision = s.precision(c)
	m.AtTPR = s.atTPR(c)
	return m
}

// learningBins are the numbers of earlier sign-ins from which the points of a
// learning curve begin.
var learningBins = [...]int{0, 5, 10, 20, 50, 100}

// split are the values of the test window, of attacks and of benign sign-ins.
func (s *summary) split(c contender) (attacks, benign []float64) {
	for i, study := range s.studies {
		for j := range study.ledger.samples {
			m := &study.ledger.samples[j]
			switch {
			case !study.ledger.windows.test(m.at):
			case m.attack >= 0:
				attacks = append(attacks, c[i].values[j])
			default:
				benign = append(benign, c[i].values[j])
			}
		}
	}
	return attacks, benign
}

func (s *summary) precision(c contender) []Top {
	tops := make([]Top, len(precisions))
	for i, k := range precisions {
		t := Top{K: k}
		for _, v := range c {
			sum := v.days.sums[i]
			t.Days += sum.Days
			t.Precision += sum.Precision
			t.Possible += sum.Possible
		}
		if t.Days > 0 {
			t.Precision /= float64(t.Days)
			t.Possible /= float64(t.Days)
		}
		tops[i] = t
	}
	return tops
}

// firstSignIns is how many sign-ins of a user the literature counts challenges
// in.
const firstSignIns = 12

// reauths is the median number of challenges in the first sign-ins of users who
// have so many and were not attacked in them. Most lie before the test window:
// it is the users' beginning that is of interest.
func (s *summary) reauths(c contender, at []threshold) float64 {
	var all []float64
	for i, study := range s.studies {
		l := study.ledger
		sums := make([]float64, len(l.signIns))
		for j := range l.samples {
			m := &l.samples[j]
			switch {
			case m.nth >= firstSignIns:
			case m.attack >= 0:
				sums[m.user] = math.NaN()
			default:
				sums[m.user] += at[i].challenges(c[i].values[j])
			}
		}
		for u, sum := range sums {
			if l.signIns[u] >= firstSignIns && !math.IsNaN(sum) {
				all = append(all, sum)
			}
		}
	}
	return quantile(all, 0.5)
}

// published are the shares of very targeted attacks at which Wiefling et al.
// publish the median challenges of the RBA dataset: 2, 7 and 12.
var published = [...]float64{0.7816, 0.8276, 0.8966}

func (s *summary) atTPR(c contender) []AtTPR {
	var values []float64
	for i, study := range s.studies {
		for j := range study.ledger.samples {
			m := &study.ledger.samples[j]
			if m.attack < 0 || !study.ledger.windows.test(m.at) {
				continue
			}
			if a := study.ledger.attacks[m.attack].model; a == simulate.VeryTargeted || a == AccountTakeover {
				values = append(values, c[i].values[j])
			}
		}
	}
	if len(values) == 0 {
		return nil
	}
	slices.SortFunc(values, func(a, b float64) int { return cmp.Compare(b, a) })
	var all []AtTPR
	for _, tpr := range published {
		found := int(math.Ceil(tpr*float64(len(values)) - 1e-9))
		at := slices.Repeat([]threshold{{at: values[found-1], share: 1}}, len(s.studies))
		all = append(all, AtTPR{
			TPR: tpr, Attacks: len(values), Challenged: ratio(s.challenged(c, at, isBenign)), Reauths: s.reauths(c, at),
		})
	}
	return all
}
