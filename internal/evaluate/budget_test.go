package evaluate

import (
	"math"
	"testing"
)

func TestThresholdMeetsItsBudget(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i)
	}
	for _, c := range []struct {
		name   string
		values []float64
		budget float64
		want   threshold
	}{
		{"nothing is challenged of nothing", nil, 0.1, threshold{}},
		{"ten of a hundred", hundred, 0.10, threshold{at: 89}},
		{"one of a hundred", hundred, 0.01, threshold{at: 98}},
		{"half a one", hundred, 0.005, threshold{at: 99, share: 0.5}},
		{"a share of equals", []float64{0, 0, 0, 0, 0, 0, 1, 1, 1, 2}, 0.2, threshold{at: 1, share: 1.0 / 3}},
		{"lots among all", []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0.1, threshold{at: 0, share: 0.1}},
		{"everything", []float64{1, 2}, 1, threshold{at: 1, share: 1}},
	} {
		got := thresholdAt(c.values, c.budget)
		if got.at != c.want.at || math.Abs(got.share-c.want.share) > 1e-9 {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		sum := 0.0
		for _, v := range c.values {
			sum += got.challenges(v)
		}
		if want := c.budget * float64(len(c.values)); math.Abs(sum-want) > 1e-9 {
			t.Errorf("%s: challenges %g, want %g", c.name, sum, want)
		}
	}
}
