package fit

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// plain has one kind of evidence in each group, without effective caps.
func plain(weights ...float64) *Model {
	m := &Model{Ceiling: 1000}
	for i, w := range weights {
		m.Columns = append(m.Columns, Column{Name: string(rune('a' + i)), Group: i, Weight: w, Max: 100})
		m.Caps = append(m.Caps, 1000)
	}
	return m
}

// seen are examples with the evidence of some columns at full strength.
func seen(compromised bool, weight float64, columns ...int) Example {
	x := Example{Compromised: compromised, Weight: weight}
	for _, j := range columns {
		x.Entries = append(x.Entries, Entry{Column: j, Amount: 1})
	}
	return x
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-6) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

const barely = 1e-9 // a penalty that is none

func fit(t *testing.T, m *Model, examples []Example, penalty float64) *Fitted {
	t.Helper()
	fitted, err := m.Fit(examples, penalty)
	if err != nil {
		t.Fatal(err)
	}
	return fitted
}

// One kind of evidence by itself: 30 of 40 attackers show it and 5 of 200
// owners, so seeing it is 30 times as likely with an attacker.
func TestTheWeightOfOneDetectorIsItsLogLikelihoodRatio(t *testing.T) {
	fitted := fit(t, plain(1), []Example{seen(true, 30, 0), seen(true, 10), seen(false, 5, 0), seen(false, 195)}, barely)
	near(t, "weight", fitted.Weights[0], math.Log((30.0/40)/(5.0/200)))
	near(t, "share", fitted.Share, 40.0/240)
	// The information of a binomial with n = 35 and p = 30/35.
	near(t, "standard error", fitted.Errors[0], 1/math.Sqrt(35*(30.0/35)*(5.0/35)))
}

// The share of attacks in the history is no matter: ten times the owners give
// the same weight.
func TestTheShareOfAttacksDoesNotMoveWeights(t *testing.T) {
	few := fit(t, plain(1), []Example{seen(true, 30, 0), seen(true, 10), seen(false, 50, 0), seen(false, 1950)}, barely)
	near(t, "weight", few.Weights[0], math.Log((30.0/40)/(50.0/2000)))
}

// Two kinds that come together half of the time: the weights are the root of the
// likelihood's own equations, which is checked as such.
func TestEvidenceTogether(t *testing.T) {
	m := plain(0, 0)
	examples := []Example{
		seen(true, 40, 0, 1), seen(true, 20, 0), seen(true, 10, 1), seen(true, 30),
		seen(false, 9, 0, 1), seen(false, 81, 0), seen(false, 30, 1), seen(false, 780),
	}
	w := fit(t, m, examples, barely).Weights
	intercept := logOdds(0.1)
	both, first, second := probability(intercept+w[0]+w[1]), probability(intercept+w[0]), probability(intercept+w[1])
	near(t, "compromised with a", 49*both+101*first, 60)
	near(t, "compromised with b", 49*both+40*second, 50)
}

// Evidence that only attackers show has an infinite ratio; the penalty holds it
// where one more nat is not worth its price.
func TestSeparableEvidenceIsHeldByThePenalty(t *testing.T) {
	const n, penalty = 20.0, 0.5
	fitted := fit(t, plain(2), []Example{seen(true, n, 0), seen(false, 80)}, penalty)
	// penalty·(w − 2) = n·(1 − p): the root by bisection.
	low, high := 2.0, 100.0
	for range 200 {
		middle := (low + high) / 2
		if penalty*(middle-2) < n*(1-probability(logOdds(0.2)+middle)) {
			low = middle
		} else {
			high = middle
		}
	}
	near(t, "weight", fitted.Weights[0], low)
	if fitted.Weights[0] > 10 {
		t.Errorf("weight %v", fitted.Weights[0])
	}
}

func TestWhatWasNeverSeenStays(t *testing.T) {
	fitted := fit(t, plain(1, 3.25), []Example{seen(true, 30, 0), seen(true, 10), seen(false, 5, 0), seen(false, 195)}, 4)
	near(t, "weight", fitted.Weights[1], 3.25)
	near(t, "standard error", fitted.Errors[1], 0.5)
}

// Evidence that owners show more often than attackers weighs nothing rather
// than less than nothing.
func TestWeightsAreNotNegative(t *testing.T) {
	fitted := fit(t, plain(1, 1), []Example{seen(true, 1, 0), seen(true, 30, 1), seen(true, 9), seen(false, 100, 0), seen(false, 5, 1), seen(false, 95)}, barely)
	near(t, "weight", fitted.Weights[0], 0)
	near(t, "the other", fitted.Weights[1], math.Log((30.0/40)/(5.0/200)))
}

func TestFixedWeightsStay(t *testing.T) {
	m := plain(1, 2)
	m.Columns[1].Fixed = true
	examples := []Example{seen(true, 30, 0, 1), seen(true, 10), seen(false, 5, 0, 1), seen(false, 195)}
	fitted := fit(t, m, examples, barely)
	near(t, "fixed", fitted.Weights[1], 2)
	near(t, "weight", fitted.Weights[0], math.Log((30.0/40)/(5.0/200))-2)
}

// Two kinds in one group, with a cap of 3. Of those with one of them, half are
// compromised, as everywhere: either should weigh nothing. With both nearly all
// are: together they should weigh a lot, of which the cap lets 3 through. So
// they share the 3, and evenly, being alike.
func TestWeightsShareAFullGroup(t *testing.T) {
	m := &Model{
		Columns: []Column{{Name: "a", Weight: 2, Max: 3}, {Name: "b", Weight: 2.5, Max: 3}},
		Caps:    []float64{3}, Ceiling: 1000,
	}
	w := fit(t, m, []Example{
		seen(true, 10, 0), seen(true, 10, 1), seen(true, 1000, 0, 1), seen(true, 10),
		seen(false, 10, 0), seen(false, 10, 1), seen(false, 1, 0, 1), seen(false, 1009),
	}, barely).Weights
	if math.Abs(w[0]-1.5) > 1e-4 || math.Abs(w[1]-1.5) > 1e-4 {
		t.Errorf("weights %v, want 1.5 each", w)
	}
}

// Beyond the cap nothing is learnt: that most with both are compromised does not
// move weights which fill the group.
func TestAFullGroupTeachesNothing(t *testing.T) {
	m := &Model{
		Columns: []Column{{Name: "a", Weight: 2, Max: 3}, {Name: "b", Weight: 2.5, Max: 3}},
		Caps:    []float64{3}, Ceiling: 1000,
	}
	w := fit(t, m, []Example{seen(true, 1000, 0, 1), seen(true, 10), seen(false, 1, 0, 1), seen(false, 1009)}, 1).Weights
	near(t, "a", w[0], 2)
	near(t, "b", w[1], 2.5)
}

func TestUnconfirmedEvidenceEndsAtTheCeiling(t *testing.T) {
	m := plain(3, 4)
	m.Ceiling = 5
	s := m.with(m.Weights())
	for _, tt := range []struct {
		name          string
		first, second bool // unconfirmed
		want          float64
		slopes        int
	}{
		{"confirmed", false, false, 7, 2},
		{"one of both", false, true, 5, 0},
		{"neither", true, true, 5, 0},
	} {
		slopes := 0
		got := s.nats([]Entry{{0, 1, tt.first}, {1, 1, tt.second}}, func(*Entry) { slopes++ })
		near(t, tt.name, got, tt.want)
		if slopes != tt.slopes {
			t.Errorf("%s: %d slopes, want %d", tt.name, slopes, tt.slopes)
		}
	}
	near(t, "below", s.nats([]Entry{{0, 1, true}}, nil), 3)
	m.Ceiling = 3.5
	slopes := 0
	near(t, "confirmed alone passes", s.nats([]Entry{{0, 1, true}, {1, 1, false}}, func(*Entry) { slopes++ }), 4)
	if slopes != 1 {
		t.Errorf("%d slopes; want that of what is confirmed", slopes)
	}
}

func TestExamplesOfOneKindAreNoHistory(t *testing.T) {
	if _, err := plain(1).Fit([]Example{seen(false, 10, 0)}, 1); err == nil {
		t.Error("no error")
	}
}

// Whatever the examples: the weights are within their bounds, no worse than the
// present ones, and none of them is better a little higher or lower.
func TestNoWeightNearbyIsBetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Model{Caps: []float64{4, 3}, Ceiling: rapid.Float64Range(2, 6).Draw(t, "ceiling")}
		for range rapid.IntRange(1, 5).Draw(t, "columns") {
			m.Columns = append(m.Columns, Column{
				Group: rapid.IntRange(0, 1).Draw(t, "group"), Weight: rapid.Float64Range(0.1, 3).Draw(t, "weight"), Max: 4,
			})
		}
		examples := []Example{{Compromised: true, Weight: 1}, {Weight: 10}}
		for range rapid.IntRange(1, 40).Draw(t, "examples") {
			x := Example{Compromised: rapid.Bool().Draw(t, "compromised"), Weight: rapid.Float64Range(0.1, 5).Draw(t, "weight")}
			for j := range m.Columns {
				if rapid.Bool().Draw(t, "seen") {
					x.Entries = append(x.Entries, Entry{j, rapid.Float64Range(0.1, 1).Draw(t, "amount"), rapid.Bool().Draw(t, "unconfirmed")})
				}
			}
			examples = append(examples, x)
		}
		const penalty = 0.5
		fitted, err := m.Fit(examples, penalty)
		if err != nil {
			t.Fatal(err)
		}
		f := &fitting{Model: m, examples: examples, penalty: penalty, intercept: logOdds(fitted.Share), start: m.Weights()}
		best := f.loss(fitted.Weights)
		if present := f.loss(m.Weights()); best > present {
			t.Fatalf("loss %v, that of the present weights is %v", best, present)
		}
		for j := range fitted.Weights {
			if w := fitted.Weights[j]; !(w >= 0 && w <= m.Columns[j].Max) {
				t.Fatalf("weight %v", w)
			}
		}
	})
}

// Without caps the loss is convex: what Newton's method finds is the best there
// is.
func TestWithoutCapsTheBestIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := plain(rapid.SliceOfN(rapid.Float64Range(0, 4), 1, 4).Draw(t, "weights")...)
		examples := []Example{{Compromised: true, Weight: 1}, {Weight: 10}}
		for range rapid.IntRange(1, 40).Draw(t, "examples") {
			x := Example{Compromised: rapid.Bool().Draw(t, "compromised"), Weight: rapid.Float64Range(0.1, 5).Draw(t, "weight")}
			for j := range m.Columns {
				if rapid.Bool().Draw(t, "seen") {
					x.Entries = append(x.Entries, Entry{j, rapid.Float64Range(0.1, 1).Draw(t, "amount"), false})
				}
			}
			examples = append(examples, x)
		}
		fitted, err := m.Fit(examples, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		f := &fitting{Model: m, examples: examples, penalty: 0.5, intercept: logOdds(fitted.Share), start: m.Weights()}
		gradient, _ := f.curve(fitted.Weights)
		for j, g := range gradient {
			if w := fitted.Weights[j]; math.Abs(g) > 1e-3 && !(w < 1e-6 && g > 0) {
				t.Fatalf("weight %v has the slope %v", w, g)
			}
		}
	})
}
