package scoring

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/event"
)

func TestWeightsAreComplete(t *testing.T) {
	w := builtinWeights()
	if errs := Defaults().Validate(); len(errs) > 0 {
		t.Errorf("the defaults are refused: %v", errs)
	}
	for _, g := range event.Groups {
		if w.Caps[g] <= 0 {
			t.Errorf("group %s has no cap", g)
		}
	}
	for name, row := range w.Detections {
		if !slices.Contains(event.Groups[:], row.Group) || row.LLR < cleared || row.LLR > maxLLR || row.HalfLife < minHalfLife || row.HalfLife > maxHalfLife {
			t.Errorf("%s: %+v", name, row)
		}
		if row.LLR != round3(row.LLR) || strings.TrimSpace(row.Reason) == "" || len(name) > len(Contribution{}.Name) {
			t.Errorf("%s: want an LLR of 3 decimals, a reason and a shorter name", name)
		}
	}
	for _, o := range w.Overlaps {
		for _, name := range slices.Concat(o.Sides[0], o.Sides[1]) {
			if _, ok := w.Detections[name]; !ok {
				t.Errorf("overlap with %s, which has no weight", name)
			}
		}
	}
}

func TestConfigErrorsComeAllAtOnce(t *testing.T) {
	nan, big, second := math.NaN(), 11.0, time.Second
	cfg := Config{
		Prior:  0.5,
		Levels: Levels{Low: 40, Medium: 10, High: 75},
		Caps:   map[event.Group]float64{"weather": 1, event.GroupDevice: -1},
		Weights: map[string]WeightConfig{
			"new_device":  {LLR: &big, HalfLife: &second},
			"new_country": {LLR: &nan},
			"new_devise":  {},
		},
	}
	_, err := New(cfg, nil)
	want(t, err,
		"scoring.prior: 0.5;", "scoring.levels: ", "scoring.caps.device: -1", "scoring.caps.weather: no such group",
		"scoring.weights.new_country.llr: NaN", "scoring.weights.new_device.llr: 11", "scoring.weights.new_device.half_life: 1s", "scoring.weights.new_devise: no such detector")
	if _, err := New(Config{}, nil); err == nil {
		t.Error("an empty Config is accepted; want a complaint about the prior")
	}
}

func TestConfigChangesWeights(t *testing.T) {
	cfg := Defaults()
	err := yaml.Unmarshal([]byte(`
levels: {low: 5, medium: 30, high: 60}
caps: {device: 2.5}
weights:
  new_device: {llr: 4, half_life: 36h}
  new_network: {llr: 0}
`), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := storyWith(t, cfg, nil)
	seen := sawAll("new_device", "new_network")
	r := s.happens(signIn(monday), seen...)
	if seen[0].LLR != 4 || seen[0].HalfLife != 36*3600 || seen[0].Group != event.GroupDevice || seen[1].LLR != 0 {
		t.Errorf("weighed %+v", seen)
	}
	if want := s.v.logistic(natsOf(2.5)).float(); r.Score != want {
		t.Errorf("score %.2f; want %.2f, that of the new cap", r.Score, want)
	}
	if !slices.Equal(s.names(), []string{"new_device"}) {
		t.Errorf("open %v; want only what weighs something", s.names())
	}
	if r := s.happens(signIn(monday), saw("new_country")); r.Level != event.Medium {
		t.Errorf("score %.2f is %v; want medium from 30", r.Score, r.Level)
	}
}
