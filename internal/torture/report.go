//go:build unix

package torture

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// WriteTable writes a line for each scenario.
func WriteTable(out io.Writer, results []*Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "scenario\traw\tmissing\tdead\trepeats\tdetections\tlost\tdoubled\tscores\tlost\tdoubled\tfalls doubled\tlast differs\tstate\tresume s\tothers wait s\tingest stall s\ttook s\tresult\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.10s\t%s\t%s\t%s\t%s\t%s\t\n",
			r.Scenario, r.Raw, r.rawLog.Missing, r.rawLog.Dead, r.rawLog.Repeats,
			r.detections.Want, r.detections.Lost, r.detections.Doubled+r.detections.Foreign,
			r.scores.Records, r.scores.Lost, r.scores.Doubled, r.scores.FallsDoubled, r.scores.Different,
			r.state, seconds(r.Resume), seconds(r.OtherWait), seconds(r.IngestStall), seconds(r.Took), r.verdict())
	}
	return w.Flush()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()) }

func (r *Result) verdict() string {
	switch {
	case len(r.Problems) > 0:
		return "FAILED"
	case len(r.Forgiven) > 0:
		return "passed, forgiven"
	}
	return "passed"
}

// LostOrDoubled counts the detections and scores that are not as they should
// be.
func (r *Result) LostOrDoubled() int {
	return r.detections.Lost + r.detections.Doubled + r.detections.Foreign + r.scores.Lost + r.scores.Doubled
}
