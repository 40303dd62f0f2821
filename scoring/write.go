package scoring

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
)

// reasonWidth is where the lines of reasons and comments wrap.
const reasonWidth = 80

// YAML writes the table as a file in the form of weights.yaml: what a reader of
// the table reads. The comment stands at its top.
func (w *Weights) YAML(comment string) []byte {
	var b strings.Builder
	for line := range strings.SplitSeq(comment, "\n") {
		wrap(&b, "# ", line)
	}
	fmt.Fprintf(&b, "version: %s\nprior: %s\n", strconv.Quote(w.Version), number(w.Prior))
	fmt.Fprintf(&b, "levels: {low: %s, medium: %s, high: %s}\n\ncaps:\n", number(w.Levels.Low), number(w.Levels.Medium), number(w.Levels.High))
	for _, g := range event.Groups {
		fmt.Fprintf(&b, "  %s: %s\n", g, number(w.Caps[g]))
	}
	b.WriteString("\noverlaps:\n")
	for _, o := range w.Overlaps {
		fmt.Fprintf(&b, "  - sides: [[%s], [%s]]\n", strings.Join(o.Sides[0], ", "), strings.Join(o.Sides[1], ", "))
		writeReason(&b, "    ", o.Reason)
	}
	b.WriteString("\ndetections:\n")
	for _, name := range slices.Sorted(maps.Keys(w.Detections)) {
		row := w.Detections[name]
		fmt.Fprintf(&b, "  %s:\n    group: %s\n    llr: %s\n    half_life: %s\n", name, row.Group, number(row.LLR), duration(row.HalfLife))
		if row.DistrustsFactors {
			b.WriteString("    distrusts_factors: true\n")
		}
		writeReason(&b, "    ", row.Reason)
	}
	return []byte(b.String())
}

// writeReason writes a reason as a folded text, which nothing in it can end.
func writeReason(b *strings.Builder, indent, reason string) {
	b.WriteString(indent + "reason: >-\n")
	wrap(b, indent+"  ", reason)
}

// wrap writes words in lines that begin with the indent.
func wrap(b *strings.Builder, indent, words string) {
	line := strings.TrimRight(indent, " ")
	for i, word := range strings.Fields(words) {
		switch {
		case i == 0:
			line = indent + word
		case len(line)+1+len(word) > reasonWidth:
			b.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
	}
	b.WriteString(line + "\n")
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// duration is a half-life in hours where it is whole ones.
func duration(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return d.String()
}
