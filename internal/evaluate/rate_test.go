package evaluate

import (
	"math"
	"testing"
)

func TestRateOf(t *testing.T) {
	of := func(hits ...float64) (shares []share) {
		for _, h := range hits {
			shares = append(shares, share{h, 1})
		}
		return shares
	}
	for _, c := range []struct {
		name   string
		shares []share
		want   Rate // Low and High to three decimals
	}{
		{"nothing", nil, Rate{}},
		{"who has nothing does not count", []share{{0, 0}, {1, 2}, {1, 2}}, Rate{0.5, 0.5, 0.5, 4, 2}},
		{"none of ten", of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0), Rate{0, 0, 0.308, 10, 10}},
		{"all of ten", of(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), Rate{1, 0.692, 1, 10, 10}},
		{"half of ten", of(0, 1, 0, 1, 0, 1, 0, 1, 0, 1), Rate{0.5, 0.2, 0.8, 10, 10}},
		{"users bring all that is theirs", []share{{5, 5}, {0, 5}}, Rate{0.5, 0, 1, 10, 2}},
		{"a half hit is a half, and a lot", []share{{0.5, 1}, {0.5, 1}}, Rate{0.5, 0, 1, 2, 2}},
		{"hardly ever", []share{{0.001, 1}, {0.001, 1}}, Rate{0.001, 0, 0.842, 2, 2}},
	} {
		got := rateOf(c.shares, 1)
		got.Low, got.High = math.Round(got.Low*1000)/1000, math.Round(got.High*1000)/1000
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// The interval of a share is as wide as the binomial's normal approximation
// says, where each user has one thing, and in blocks too.
func TestIntervalsHaveTheRightWidth(t *testing.T) {
	for _, users := range []int{400, 40_000} {
		shares := make([]share, users)
		for i := range shares {
			shares[i] = share{float64(i % 10 / 9), 1} // one in ten
		}
		r := rateOf(shares, 7)
		want := 2 * 1.96 * math.Sqrt(0.1*0.9/float64(users))
		if got := r.High - r.Low; math.Abs(got/want-1) > 0.15 || r.Low > 0.1 || r.High < 0.1 {
			t.Errorf("%d users: %+v, want a width of %.4f", users, r, want)
		}
	}
}

func TestTheSameSeedGivesTheSameInterval(t *testing.T) {
	shares := []share{{1, 3}, {0, 2}, {2, 2}, {0, 4}, {1, 1}}
	if a, b := rateOf(shares, 3), rateOf(shares, 3); a != b {
		t.Errorf("%+v, %+v", a, b)
	}
}
