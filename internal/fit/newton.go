package fit

import (
	"errors"
	"math"
)

// Fitted is what Fit has found.
type Fitted struct {
	Weights []float64 // by column
	// Errors are the standard errors of the weights, of the curvature of the
	// penalised likelihood where it is largest. Without examples it is that of
	// the penalty alone, 1/√penalty.
	Errors []float64
	// Share is the examples' share of compromise.
	Share float64
	Steps int // of Newton's method
}

// Bounds of the search. A step that gains less than this part of the loss is the
// last one.
const (
	maxSteps  = 100
	maxHalves = 20
	enough    = 1e-12
)

// Fit finds the weights with the largest penalised likelihood of the examples,
// within 0 and each column's Max: Newton's method (iteratively reweighted least
// squares) with backtracking, over the weights that are not held by a bound.
//
// penalty is the L2 penalty on the difference from the present weights, in nats
// of likelihood: a weight that moves by 1 nat must gain penalty/2. It is the
// inverse variance of what one believes of a weight before seeing the examples.
func (m *Model) Fit(examples []Example, penalty float64) (*Fitted, error) {
	var total, compromised float64
	for i := range examples {
		total += examples[i].Weight
		if examples[i].Compromised {
			compromised += examples[i].Weight
		}
	}
	if compromised == 0 || compromised == total {
		return nil, errors.New("all examples are of one kind: want events of accounts in an attacker's hands, and others")
	}
	f := &fitting{Model: m, examples: examples, penalty: penalty, intercept: logOdds(compromised / total), start: m.Weights()}
	weights := m.Weights()
	for j := range weights {
		if c := &m.Columns[j]; !c.Fixed {
			weights[j] = min(max(weights[j], 0), c.Max)
		}
	}
	loss := f.loss(weights)
	steps := 0
	for ; steps < maxSteps; steps++ {
		next, lower := f.step(weights, loss)
		gain := loss - lower
		weights, loss = next, lower
		if gain <= enough*loss {
			break
		}
	}
	return &Fitted{Weights: weights, Errors: f.errors(weights), Share: compromised / total, Steps: steps}, nil
}

// fitting is one call of Fit.
type fitting struct {
	*Model
	examples  []Example
	penalty   float64
	intercept float64
	start     []float64
}

// loss is the negative logarithm of the penalised likelihood.
func (f *fitting) loss(weights []float64) float64 {
	s := f.with(weights)
	var sum float64
	for i := range f.examples {
		x := &f.examples[i]
		l := f.intercept + s.nats(x.Entries, nil)
		if !x.Compromised {
			l = -l
		}
		sum += x.Weight * surprise(l)
	}
	for j := range weights {
		d := weights[j] - f.start[j]
		sum += f.penalty / 2 * d * d
	}
	return sum
}

// curve is the gradient of the loss and its curvature, that of the likelihood
// between the edges of the caps.
func (f *fitting) curve(weights []float64) (gradient []float64, hessian matrix) {
	n := len(weights)
	gradient, hessian = make([]float64, n), newMatrix(n)
	s := f.with(weights)
	var sloped []*Entry
	for i := range f.examples {
		x := &f.examples[i]
		sloped = sloped[:0]
		p := probability(f.intercept + s.nats(x.Entries, func(e *Entry) { sloped = append(sloped, e) }))
		residual := p
		if x.Compromised {
			residual = p - 1
		}
		for _, e := range sloped {
			gradient[e.Column] += x.Weight * residual * e.Amount
			for _, o := range sloped {
				hessian[e.Column][o.Column] += x.Weight * p * (1 - p) * e.Amount * o.Amount
			}
		}
	}
	for j := range weights {
		gradient[j] += f.penalty * (weights[j] - f.start[j])
		hessian[j][j] += f.penalty
	}
	return gradient, hessian
}

// step goes to better weights, all at once or, where the edge of a cap is in the
// way of that, one after the other and in exchange for one another. At such an
// edge two weights of a group are worth what their sum is, so neither can move
// alone.
func (f *fitting) step(weights []float64, loss float64) (next []float64, lower float64) {
	gradient, hessian := f.curve(weights)
	free := f.free(weights, gradient)
	next, lower = f.along(weights, loss, hessian.solve(free, gradient))
	if loss-lower > enough*loss {
		return next, lower
	}
	for _, i := range free {
		next, lower = f.along(next, lower, f.direction(i, i, gradient[i]/hessian[i][i]))
		for _, j := range free {
			if j < i && f.Columns[i].Group == f.Columns[j].Group {
				by := (gradient[i] - gradient[j]) / (hessian[i][i] + hessian[j][j] - 2*hessian[i][j])
				next, lower = f.along(next, lower, f.direction(i, j, by))
			}
		}
	}
	return next, lower
}

// direction changes one weight, in exchange for another unless that is the same.
func (f *fitting) direction(i, j int, by float64) []float64 {
	d := make([]float64, len(f.Columns))
	d[j] = -by
	d[i] = by
	return d
}

// free are the columns that may move: not those that are fixed or that the
// gradient presses against a bound.
func (f *fitting) free(weights, gradient []float64) (columns []int) {
	for j := range weights {
		c := &f.Columns[j]
		held := c.Fixed || weights[j] <= 0 && gradient[j] >= 0 || weights[j] >= c.Max && gradient[j] <= 0
		if !held {
			columns = append(columns, j)
		}
	}
	return columns
}

// along goes against a direction, within the bounds, and half as far until the
// loss falls. It stays where it is when nothing is gained.
func (f *fitting) along(weights []float64, loss float64, direction []float64) ([]float64, float64) {
	for by, halves := 1.0, 0; halves < maxHalves; by, halves = by/2, halves+1 {
		next := make([]float64, len(weights))
		for j := range weights {
			next[j] = weights[j]
			if direction[j] != 0 {
				next[j] = min(max(weights[j]-by*direction[j], 0), f.Columns[j].Max)
			}
		}
		if lower := f.loss(next); lower < loss {
			return next, lower
		}
	}
	return weights, loss
}

// errors are the standard errors at the weights.
func (f *fitting) errors(weights []float64) []float64 {
	_, hessian := f.curve(weights)
	errs := make([]float64, len(weights))
	var fitted []int
	for j := range f.Columns {
		if !f.Columns[j].Fixed {
			fitted = append(fitted, j)
		}
	}
	for _, j := range fitted {
		unit := make([]float64, len(weights))
		unit[j] = 1
		errs[j] = math.Sqrt(hessian.solve(fitted, unit)[j])
	}
	return errs
}
