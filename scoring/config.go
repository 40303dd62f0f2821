package scoring

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
)

// Config is the section `scoring` of the configuration. docs/scoring.md
// explains its numbers.
type Config struct {
	// WeightsFile is a table of weights in the form of weights.yaml, which
	// takes the place of the built-in one; the keys below change it.
	// Reading the configuration reads the file.
	WeightsFile string `yaml:"weights_file,omitempty"`
	// Prior is the assumed share of compromised identities before any
	// evidence.
	Prior float64 `yaml:"prior"`
	// Levels are the scores from which each level begins.
	Levels Levels `yaml:"levels"`
	// Caps are the most nats that each group of evidence may add.
	Caps map[event.Group]float64 `yaml:"caps"`
	// Weights replaces what single detectors weigh.
	Weights map[string]WeightConfig `yaml:"weights,omitempty"`

	table *Weights // in place of the built-in one; see Weights.Config
}

// Levels are the scores, 0–100, from which each level begins; below Low it is
// none.
type Levels struct {
	Low    float64 `yaml:"low"`
	Medium float64 `yaml:"medium"`
	High   float64 `yaml:"high"`
}

// WeightConfig replaces parts of one detector's weight; what is left out
// stays. An LLR of 0 makes its detections informational.
type WeightConfig struct {
	LLR      *float64       `yaml:"llr,omitempty"`       // nats
	HalfLife *time.Duration `yaml:"half_life,omitempty"` // 24h, 90m
}

// Bounds of what may be configured. A single LLR beyond maxLLR, or more than
// maxCap from one group, is a likelihood of millions to one and a slip of the
// pen; half-lives outside the bounds are another unit.
const (
	minPrior    = 0.00001
	maxPrior    = 0.05
	maxLLR      = 10
	maxCap      = 20
	minHalfLife = time.Minute
	maxHalfLife = 365 * 24 * time.Hour
)

// Defaults is the configuration of an empty file.
func Defaults() Config {
	w := builtinWeights()
	return Config{Prior: w.Prior, Levels: w.Levels, Caps: w.Caps}
}

// weights is the table that the configuration changes.
func (c *Config) weights() Weights {
	if c.table == nil {
		return builtinWeights()
	}
	w := *c.table
	w.Detections = maps.Clone(w.Detections)
	return w
}

// Validate lists every problem; each message names its key first.
func (c Config) Validate() []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("scoring."+format, args...)) }

	for _, err := range validNumbers(c.Prior, c.Levels, c.Caps) {
		fail("%w", err)
	}
	known := builtinWeights().Detections
	for _, name := range slices.Sorted(maps.Keys(c.Weights)) {
		if _, ok := known[name]; !ok {
			fail("weights.%s: no such detector; the detectors are %s (a rule's weight is in its file)", name, names(known))
			continue
		}
		w := c.Weights[name]
		if w.LLR != nil && !(*w.LLR >= 0 && *w.LLR <= maxLLR) {
			fail("weights.%s.llr: %v nats; want 0 to %v", name, *w.LLR, maxLLR)
		}
		if w.HalfLife != nil && (*w.HalfLife < minHalfLife || *w.HalfLife > maxHalfLife) {
			fail("weights.%s.half_life: %v; want %v to %v", name, *w.HalfLife, minHalfLife, maxHalfLife)
		}
	}
	return errs
}

// validNumbers checks what a configuration and a table have in common.
func validNumbers(prior float64, l Levels, caps map[event.Group]float64) []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	// The comparisons are written so that NaN fails them.
	if !(prior >= minPrior && prior <= maxPrior) {
		fail("prior: %v; want the share of compromised identities, %v to %v", prior, minPrior, maxPrior)
	}
	if !(l.Low > 100*prior && l.Low < l.Medium && l.Medium < l.High && l.High < 100) {
		fail("levels: low %v, medium %v, high %v; want them to grow, above 100·prior (%v) and below 100", l.Low, l.Medium, l.High, 100*prior)
	}
	for _, g := range slices.Sorted(maps.Keys(caps)) {
		if !slices.Contains(event.Groups[:], g) {
			fail("caps.%s: no such group; the groups are %s", g, groupNames())
		} else if limit := caps[g]; !(limit >= 0 && limit <= maxCap) {
			fail("caps.%s: %v nats; want 0 to %v", g, limit, maxCap)
		}
	}
	return errs
}

func groupNames() string {
	var names []string
	for _, g := range event.Groups {
		names = append(names, string(g))
	}
	return strings.Join(names, ", ")
}
