package evaluate

import (
	"math"
	"testing"
)

func TestCalibrationOf(t *testing.T) {
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %g, want %g", what, got, want)
		}
	}
	// Two attacks at 50 and 100, four benign at 0, 0, 0, 50; every sixth an attack.
	c := calibrationOf([]float64{50, 100}, []float64{0, 0, 0, 50}, 1.0/3)
	near("Brier", c.Brier, (0.25+0+0+0+0+0.25)/6)
	near("reference", c.Reference, 2.0/9)
	middle, last := c.Bins[binOf(50)], c.Bins[len(c.Bins)-1]
	if middle.Attacks != 1 || middle.Benign != 1 || last.Attacks != 1 || last.Benign != 0 || c.Bins[0].Benign != 3 {
		t.Errorf("%+v", c.Bins)
	}
	near("score of a bin", middle.Score, 0.5)
	near("attacks of a bin", middle.Attack, 0.5)
	near("attacks of the last bin", last.Attack, 1)

	// Rarer attacks weigh less: 0.1/2 against 0.9/4.
	c = calibrationOf([]float64{50, 100}, []float64{0, 0, 0, 50}, 0.1)
	near("attacks at another prevalence", c.Bins[binOf(50)].Attack, 0.05/(0.05+0.225))
}

func TestBinOf(t *testing.T) {
	for score, want := range map[float64]float64{0: 0, 0.2: 0, 1: 1, 9.99: 5, 10: 10, 39.99: 20, 40: 40, 75: 75, 99.9: 90, 100: 90} {
		if got := edges[binOf(score)]; got != want {
			t.Errorf("%g lies in the bin from %g, want %g", score, got, want)
		}
	}
}
