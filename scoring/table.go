package scoring

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// local ends the version of weights that the configuration changes.
const local = "+local"

// maxVersion bounds the version, which stands in every record.
const maxVersion = 64

// Config is the configuration that takes the table as it is.
func (w *Weights) Config() Config {
	return Config{Prior: w.Prior, Levels: w.Levels, Caps: maps.Clone(w.Caps), table: w}
}

// Complete takes from the built-in table the detectors and overlaps that a file
// leaves out: a file that is older than a detector has no row for it.
func (w *Weights) Complete() {
	builtin := builtinWeights()
	if len(w.Overlaps) == 0 {
		w.Overlaps = builtin.Overlaps
	}
	if w.Detections == nil {
		w.Detections = map[string]Weight{}
	}
	for name, row := range builtin.Detections {
		if _, given := w.Detections[name]; !given {
			w.Detections[name] = row
		}
	}
}

// Validate lists every problem of a table that was read from a file; each
// message names its key first.
func (w *Weights) Validate() []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if w.Version == "" || len(w.Version) > maxVersion || strings.ContainsFunc(w.Version, unprintable) {
		fail("version: %q; want 1 to %d printable characters without spaces", w.Version, maxVersion)
	} else if strings.HasSuffix(w.Version, local) {
		fail("version: %q; %s is added where the configuration changes the table", w.Version, local)
	}
	errs = append(errs, validNumbers(w.Prior, w.Levels, w.Caps)...)
	for _, g := range event.Groups {
		if _, given := w.Caps[g]; !given {
			fail("caps: %s is missing", g)
		}
	}
	known := builtinWeights().Detections
	for i := range w.Overlaps {
		for side, names := range w.Overlaps[i].Sides {
			if len(names) == 0 {
				fail("overlaps[%d].sides: side %d is empty", i, side+1)
			}
			for _, name := range names {
				if _, ok := known[name]; !ok {
					fail("overlaps[%d].sides: no such detector: %s", i, name)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Detections)) {
		row := w.Detections[name]
		if _, ok := known[name]; !ok {
			fail("detections.%s: no such detector; the detectors are %s", name, names(known))
			continue
		}
		for _, err := range row.validate() {
			fail("detections.%s.%w", name, err)
		}
	}
	return errs
}

// validate checks a row. An LLR has 3 decimals at most, as records have: else
// the score would not follow from the record.
func (w *Weight) validate() []error {
	var errs []error
	if !slices.Contains(event.Groups[:], w.Group) {
		errs = append(errs, fmt.Errorf("group: %q; want one of %s", w.Group, groupNames()))
	}
	if !(w.LLR >= 0 && w.LLR <= maxLLR) {
		errs = append(errs, fmt.Errorf("llr: %v nats; want 0 to %v", w.LLR, maxLLR))
	} else if w.LLR != round3(w.LLR) {
		errs = append(errs, fmt.Errorf("llr: %v nats; want at most 3 decimals", w.LLR))
	}
	if w.HalfLife < minHalfLife || w.HalfLife > maxHalfLife {
		errs = append(errs, fmt.Errorf("half_life: %v; want %v to %v", w.HalfLife, minHalfLife, maxHalfLife))
	}
	if strings.TrimSpace(w.Reason) == "" {
		errs = append(errs, errors.New("reason: is missing; say why it weighs so much"))
	}
	return errs
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

func names(detections map[string]Weight) string {
	return strings.Join(slices.Sorted(maps.Keys(detections)), ", ")
}
