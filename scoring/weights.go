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

// Weights is a table of weights: the content of weights.yaml, or of a file in
// its form that scoring.weights_file names.
type Weights struct {
	// Version stands in every record. It ends in no "+local", which says that
	// the configuration changes the table.
	Version string `yaml:"version"`
	// Prior is the assumed share of compromised identities before any
	// evidence.
	Prior float64 `yaml:"prior"`
	// Levels are the scores from which each level begins.
	Levels Levels `yaml:"levels"`
	// Caps are the most nats that each group of evidence may add.
	Caps map[event.Group]float64 `yaml:"caps"`
	// Overlaps say which detections describe one fact.
	Overlaps []overlap `yaml:"overlaps"`
	// Detections are the weights of the detectors, by name.
	Detections map[string]Weight `yaml:"detections"`
}

// Weight is what one detector's evidence weighs.
type Weight struct {
	Group    event.Group   `yaml:"group"`
	LLR      float64       `yaml:"llr"` // nats
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
func builtinWeights() Weights {
	var w Weights
	if err := yaml.Unmarshal(weightsYAML, &w); err != nil {
		panic(fmt.Sprintf("scoring/weights.yaml, as built in: %v", err))
	}
	return w
}
