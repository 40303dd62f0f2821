package evaluate

import (
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/scoring"
)

// Contenders are asked at every sample, and riskstream asks anew only where
// reauth_after would move.
func TestTheValueOfWhatIsNew(t *testing.T) {
	saw := func(nats ...float64) []event.Detection {
		var all []event.Detection
		for _, n := range nats {
			all = append(all, event.Detection{LLR: n})
		}
		return all
	}
	for _, c := range []struct {
		name          string
		before, score float64
		seen          []event.Detection
		want          float64
	}{
		{"nothing", 20, 20, nil, 0},
		{"decay", 20, 18, nil, 0},
		{"enough", 20, 20, saw(scoring.AsksAnew), 20},
		{"enough among little", 20, 45, saw(0.6, 2), 45},
		{"little", 20, 28, saw(0.6, 0.6), 0},
		{"a rise without any", 20, 28, nil, 28},
		{"the first event", 0, 0.2, nil, 0},
	} {
		n := lane{score: []float64{c.before}}
		if got := n.value(&engine.Result{Score: c.score, Detections: c.seen}, 0); got != c.want {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
		if n.score[0] != c.score {
			t.Errorf("%s: %g is remembered, want %g", c.name, n.score[0], c.score)
		}
	}
}
