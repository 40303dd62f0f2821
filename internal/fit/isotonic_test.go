package fit

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestIsotonicPoolsWhatFalls(t *testing.T) {
	one := func(score float64, compromised bool) Scored { return Scored{score, compromised, 1} }
	// At a share of a half, of 3 compromised and 3 benign, nothing is weighed anew.
	blocks := Isotonic([]Scored{
		one(10, false), one(20, true), one(30, false), one(40, false), one(50, true), one(50, true),
	}, 0.5)
	want := []struct{ from, to, p float64 }{{10, 10, 0}, {20, 40, 1.0 / 3}, {50, 50, 1}}
	if len(blocks) != len(want) {
		t.Fatalf("%+v", blocks)
	}
	for i, w := range want {
		if b := blocks[i]; b.From != w.from || b.To != w.to || math.Abs(b.Probability-w.p) > 1e-12 {
			t.Errorf("block %d is %+v, want %+v", i, b, w)
		}
	}
	for score, p := range map[float64]float64{0: 0, 10: 0, 19: 0, 20: 1.0 / 3, 45: 1.0 / 3, 50: 1, 100: 1} {
		if got := Calibrated(blocks, score); math.Abs(got-p) > 1e-12 {
			t.Errorf("a score of %v means %v, want %v", score, got, p)
		}
	}
}

func someScored(t *rapid.T) []Scored {
	list := []Scored{{5, true, 1}, {5, false, 1}}
	for range rapid.IntRange(0, 30).Draw(t, "n") {
		list = append(list, Scored{
			Score: float64(rapid.IntRange(0, 12).Draw(t, "score")), Compromised: rapid.Bool().Draw(t, "compromised"),
			Weight: rapid.Float64Range(0.1, 4).Draw(t, "weight"),
		})
	}
	return list
}

// The isotonic regression is known in closed form (Barlow et al. 1972): at each
// score, the largest over all beginnings of the smallest over all ends of the
// mean between them.
func TestIsotonicIsTheLeastSquares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := someScored(t)
		const share = 0.1
		blocks := Isotonic(list, share)

		for i := 1; i < len(blocks); i++ {
			if !(blocks[i-1].Probability < blocks[i].Probability && blocks[i-1].To < blocks[i].From) {
				t.Fatalf("does not grow: %+v", blocks)
			}
		}
		compromised, benign := weightsOf(list)
		var positive, total [13]float64
		for _, x := range list {
			if x.Compromised {
				positive[int(x.Score)] += x.Weight / compromised * share
				total[int(x.Score)] += x.Weight / compromised * share
			} else {
				total[int(x.Score)] += x.Weight / benign * (1 - share)
			}
		}
		for at := range total {
			if total[at] == 0 {
				continue
			}
			best := -1.0
			for begin := 0; begin <= at; begin++ {
				least := 2.0
				for end := at; end < len(total); end++ {
					var p, n float64
					for i := begin; i <= end; i++ {
						p, n = p+positive[i], n+total[i]
					}
					least = min(least, p/n)
				}
				best = max(best, least)
			}
			if got := Calibrated(blocks, float64(at)); math.Abs(got-best) > 1e-9 {
				t.Fatalf("a score of %d means %v, want %v", at, got, best)
			}
		}
		var mean float64
		for _, b := range blocks {
			mean += b.Probability * b.total
		}
		if math.Abs(mean-share) > 1e-9 {
			t.Fatalf("the mean is %v, want the share of compromise %v", mean, share)
		}
	})
}

func TestIsotonicDoesNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := someScored(t)
		sorted := slices.Clone(list)
		slices.SortFunc(sorted, func(a, b Scored) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Weight, b.Weight)) })
		one, two := Isotonic(list, 0.1), Isotonic(sorted, 0.1)
		if !slices.EqualFunc(one, two, func(a, b Block) bool {
			return a.From == b.From && a.To == b.To && math.Abs(a.Probability-b.Probability) < 1e-9
		}) {
			t.Fatalf("%+v\n%+v", one, two)
		}
	})
}
