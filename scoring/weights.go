package scoring

import (
	_ "embed"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/event"
)

//go:embed weights.yaml
var weightsYAML []byte

// weights is the content of weights.yaml.
type weights struct {
	Version    string                  `yaml:"version"`
	Prior      float64                 `yaml:"prior"`
	Levels     Levels                  `yaml:"levels"`
	Caps       map[event.Group]float64 `yaml:"caps"`
	Overlaps   []overlap               `yaml:"overlaps"`
	Detections map[string]weight       `yaml:"detections"`
}

// weight is what one detector's evidence weighs.
type weight struct {
	Group    event.Group   `yaml:"group"`
	LLR      float64       `yaml:"llr"`
	HalfLife time.Duration `yaml:"half_life"`
	Reason   string        `yaml:"reason"`

	// DistrustsFactors: while it is open, a factor of the account may be
	// somebody else's, and none that is proven mitigates.
	DistrustsFactors bool `yaml:"distrusts_factors"`
}

// overlap lists detections that describe one fact when one event raises them:
// the side that weighs more counts, the first when both weigh the same.
type overlap struct {
	Sides  [2][]string `yaml:"sides"`
	Reason string      `yaml:"reason"`
}

// builtinWeights reads the weights that the binary was built with.
func builtinWeights() weights {
	var w weights
	if err := yaml.Unmarshal(weightsYAML, &w); err != nil {
		panic(fmt.Sprintf("scoring/weights.yaml, as built in: %v", err))
	}
	return w
}
