package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/scoring"
)

// weightsFile writes a table of weights and returns the configuration file
// beside it, which does not exist.
func weightsFile(t *testing.T, text string) (configFile string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "w.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "riskstream.yaml")
}

const someWeights = `
version: "7"
prior: 0.004
levels: {low: 12, medium: 44, high: 80}
caps: {network: 4, device: 2, behaviour: 4, velocity: 6, credential: 7.5, session: 7.5}
detections:
  new_device: {group: device, llr: 1.5, half_life: 48h, reason: our people change phones}
`

func TestAWeightsFileIsWhatTheSectionChanges(t *testing.T) {
	cfg, err := Parse(weightsFile(t, someWeights), []byte("scoring: {weights_file: w.yaml, caps: {network: 3}}"), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scoring.New(cfg.Scoring, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := s.Weights()
	if s.Version() != "7+local" || w.Prior != 0.004 || w.Levels.High != 80 || w.Caps["network"] != 3 || w.Caps["device"] != 2 {
		t.Errorf("version %s, %+v", s.Version(), w)
	}
	if w.Detections["new_device"].LLR != 1.5 || w.Detections["new_country"].LLR == 0 {
		t.Errorf("%+v", w.Detections)
	}
}

func TestWeightsFileErrors(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, want string }{
		"unknown key":      {"prior:", "prier:", "w.yaml:3:1: unknown key prier; known here: version, prior"},
		"unknown detector": {"new_device:", "new_devise:", "w.yaml:7:15: detections.new_devise: no such detector; the detectors are anonymous_ip"},
		"no number":        {"llr: 1.5", "llr: much", `w.yaml:7:36: detections.new_device.llr: "much" is not a number`},
		"too large":        {"llr: 1.5", "llr: 15", "w.yaml:7:36: detections.new_device.llr: 15 nats; want 0 to 10"},
		"cap left out":     {"network: 4, ", "", "w.yaml:5:7: caps: network is missing"},
		"no reason":        {", reason: our people change phones", "", "w.yaml:7:15: detections.new_device.reason: is missing"},
		"no version":       {`version: "7"`, "", `version: ""; want 1 to 64`},
		"sides":            {"detections:", "overlaps: [{sides: new_device}]\ndetections:", "w.yaml:6:20: overlaps[0].sides: \"new_device\" is not a list"},
		"broken":           {"{low", "[low", "w.yaml:4:"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(someWeights, tt.old) {
				t.Fatalf("no %q to replace", tt.old)
			}
			file := weightsFile(t, strings.Replace(someWeights, tt.old, tt.new, 1))
			_, err := Parse(file, []byte("scoring: {weights_file: w.yaml}"), noEnv)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	_, err := Parse("c.yaml", []byte("scoring:\n  weights_file: nowhere.yaml\n"), noEnv)
	if err == nil || err.Error() != "c.yaml:2:17: scoring.weights_file: nowhere.yaml: no such file or directory" {
		t.Errorf("a file that is not there: %v", err)
	}
}
