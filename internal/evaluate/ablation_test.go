package evaluate

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/detectors"
)

func TestEveryDetectorCanBeTurnedOff(t *testing.T) {
	all := detectors.New(detectors.Defaults()).Names()
	for _, name := range all {
		cfg, err := withoutDetector(detectors.Defaults(), name)
		if err != nil {
			t.Error(err)
			continue
		}
		want := slices.DeleteFunc(slices.Clone(all), func(n string) bool { return n == name })
		if diff := cmp.Diff(want, detectors.New(cfg).Names()); diff != "" {
			t.Errorf("without %s: %s", name, diff)
		}
		if errs := cfg.Validate(); len(errs) > 0 {
			t.Errorf("without %s: %v", name, errs)
		}
	}
	if _, err := withoutDetector(detectors.Defaults(), "no_such_detector"); err == nil {
		t.Error("a detector that does not exist is turned off")
	}
}
