package scoring

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/event"
)

func TestATableIsReadAsItIsWritten(t *testing.T) {
	w := builtinWeights()
	w.Version, w.Prior, w.Caps[event.GroupDevice] = `3-"own"`, 0.00123, 2.5
	row := w.Detections["new_device"]
	row.LLR, row.HalfLife, row.Reason = 1.125, 90*time.Minute, "- # one: {two} > three"
	w.Detections["new_device"] = row
	var got Weights
	if err := yaml.Unmarshal(w.YAML("Made by hand.\n\nFor a test."), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if errs := got.Validate(); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestATableTakesThePlaceOfTheBuiltInOne(t *testing.T) {
	w := builtinWeights()
	w.Version, w.Prior = "mine", 0.001
	row := w.Detections["new_device"]
	row.LLR = 3
	w.Detections["new_device"] = row

	s, err := New(w.Config(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Version() != "mine" || s.Prior() != 0.1 {
		t.Errorf("version %s, prior %v", s.Version(), s.Prior())
	}
	if diff := cmp.Diff(w, s.Weights()); diff != "" {
		t.Errorf("in force (-want +got)\n%s", diff)
	}

	llr := 1.0
	cfg := w.Config()
	cfg.Weights = map[string]WeightConfig{"new_device": {LLR: &llr}}
	changed, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if changed.Version() != "mine+local" || changed.Weights().Detections["new_device"].LLR != 1 {
		t.Errorf("changed: %s, %+v", changed.Version(), changed.Weights().Detections["new_device"])
	}
	if w.Detections["new_device"].LLR != 3 {
		t.Error("a configuration has changed the table itself")
	}
	builtin, err := New(Defaults(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if hashes := []string{s.Hash(), changed.Hash(), builtin.Hash()}; hashes[0] == hashes[1] || hashes[0] == hashes[2] {
		t.Errorf("tables that differ have the hashes %v", hashes)
	}
	w.Version = "another"
	if other, _ := New(w.Config(), nil); other.Hash() == s.Hash() {
		t.Error("the hash does not tell two versions apart, which stand in records")
	}
}

func TestWhatATableLeavesOutIsBuiltIn(t *testing.T) {
	builtin := builtinWeights()
	w := builtinWeights()
	w.Overlaps = nil
	delete(w.Detections, "new_device")
	w.Complete()
	if diff := cmp.Diff(builtin, w); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTableErrorsComeAllAtOnce(t *testing.T) {
	w := builtinWeights()
	w.Version, w.Prior, w.Levels = "3+local", math.NaN(), Levels{}
	delete(w.Caps, event.GroupSession)
	w.Overlaps[0].Sides = [2][]string{{"new_devise"}, {}}
	w.Detections["new_devise"] = w.Detections["new_device"]
	w.Detections["new_device"] = Weight{Group: "weather", LLR: 11, HalfLife: 1}
	w.Detections["new_country"] = Weight{Group: event.GroupNetwork, LLR: 1.0005, HalfLife: time.Hour, Reason: "short"}
	var got []string
	for _, err := range w.Validate() {
		got = append(got, err.Error())
	}
	for i, begin := range []string{
		"version: ", "prior: NaN", "levels: ", "caps: session is missing", "overlaps[0].sides: no such detector: new_devise", "overlaps[0].sides: side 2",
		"detections.new_country.llr: 1.0005 nats; want at most 3", "detections.new_device.group: ", "detections.new_device.llr: 11", "detections.new_device.half_life: ",
		"detections.new_device.reason: ", "detections.new_devise: no such detector",
	} {
		if i >= len(got) || len(got[i]) < len(begin) || got[i][:len(begin)] != begin {
			t.Fatalf("problem %d of %q; want one that begins with %q", i, got, begin)
		}
	}
}
