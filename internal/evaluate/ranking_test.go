package evaluate

import (
	"math"
	"testing"
)

func TestAveragePrecision(t *testing.T) {
	for _, c := range []struct {
		name            string
		attacks, benign []float64
		prevalence      float64
		want            float64
	}{
		{"no attack", nil, []float64{1}, 0.5, 0},
		{"perfect", []float64{3, 4}, []float64{1, 2}, 0.001, 1},
		{"by chance it is the prevalence", []float64{1}, []float64{1, 1}, 0.25, 0.25},
		// The first attack is above all, the second below half of the benign:
		// 0.5·1 + 0.5·(0.5·1)/(0.5·1 + 0.5·0.5)
		{"by hand", []float64{9, 5}, []float64{7, 1}, 0.5, 0.5 + 0.5*0.5/0.75},
		// At 1 %: 0.5·1 + 0.5·0.01/(0.01 + 0.99·0.5)
		{"by hand, rare", []float64{9, 5}, []float64{7, 1}, 0.01, 0.5 + 0.5*0.01/(0.01+0.99*0.5)},
	} {
		if got := averagePrecision(c.attacks, c.benign, c.prevalence); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

func TestTopOf(t *testing.T) {
	victim := func(v float64) userDay { return userDay{v, true} }
	other := func(v float64) userDay { return userDay{v, false} }
	days := [][]userDay{
		{other(1), victim(9), other(2), victim(8)},
		{other(1), other(2)},                      // no attack: does not count
		{victim(5), other(5), other(5), other(5)}, // drawn among equals
		{victim(0), other(7), other(6), other(5)},
	}
	for _, c := range []struct {
		k    int
		want Top
	}{
		{1, Top{1, (1 + 0.25 + 0) / 3, 1, 3}},
		{2, Top{2, (1 + 0.25 + 0) / 3, (1 + 0.5 + 0.5) / 3, 3}},
		{5, Top{5, (0.4 + 0.2 + 0.2) / 3, (0.4 + 0.2 + 0.2) / 3, 3}},
	} {
		got := topOf(days, c.k)
		if got.Days != c.want.Days || math.Abs(got.Precision-c.want.Precision) > 1e-12 || math.Abs(got.Possible-c.want.Possible) > 1e-12 {
			t.Errorf("%d: %+v, want %+v", c.k, got, c.want)
		}
	}
}
