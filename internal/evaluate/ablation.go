package evaluate

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/detectors"
)

// withoutDetector is a configuration with one detector off. Every detector has a
// section of its name with the key enabled.
func withoutDetector(cfg detectors.Config, name string) (detectors.Config, error) {
	decoder := yaml.NewDecoder(strings.NewReader(name + ": {enabled: false}"))
	decoder.KnownFields(true)
	if err := decoder.Decode(&cfg); err != nil {
		return cfg, fmt.Errorf("detector %s cannot be turned off: %w", name, err)
	}
	return cfg, nil
}
