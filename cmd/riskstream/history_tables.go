package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/livetable"
)

// writeLines writes a line of JSON for each.
func writeLines[T any](w io.Writer, list []T) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for i := range list {
		if err := encoder.Encode(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

// shortTime is how tables show a time.
const shortTime = "2006-01-02 15:04:05"

func writeTimeline(w io.Writer, subject history.Subject, entries []history.Entry) error {
	fmt.Fprintf(w, "%s, %d entries (UTC)\n", livetable.Clean(subject.String()), len(entries))
	return writeRows(w, len(entries), func(w io.Writer, i int) {
		e := &entries[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", e.Time.Std().Format(shortTime), livetable.Clean(whatText(e)), livetable.Clean(placeText(e)), livetable.Clean(e.App), verdictText(e.Score), livetable.Clean(e.EventID))
	}, func(w io.Writer, i int) { writeDetections(w, entries[i].Detections) })
}

// writeRows writes n rows, each with what stands below it. Columns are as wide
// as all rows need, whatever stands between them.
func writeRows(w io.Writer, n int, row, below func(w io.Writer, i int)) error {
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for i := range n {
		row(t, i)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	rows := strings.Split(table.String(), "\n")
	for i := range n {
		if _, err := io.WriteString(w, strings.TrimRight(rows[i], " ")+"\n"); err != nil {
			return err
		}
		below(w, i)
	}
	return nil
}

func nothingBelow(io.Writer, int) {}

func writeDetections(w io.Writer, list []history.Evidence) {
	for _, d := range list {
		fmt.Fprintf(w, "    %+6.2f %s: %s\n", d.Points, livetable.Clean(d.Name), livetable.Clean(d.Summary))
	}
}

// whatText says what happened.
func whatText(e *history.Entry) string {
	switch {
	case e.EventID == "":
		return "time passed"
	case e.Outcome != "success" && e.Outcome != "":
		return e.Action + " " + e.Outcome
	}
	return e.Action
}

func placeText(e *history.Entry) string {
	parts := []string{e.IP}
	for _, part := range []string{e.City, e.Country, e.Network} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}

func verdictText(v *history.Verdict) string {
	if v == nil {
		return ""
	}
	text := fmt.Sprintf("%.2f %s", v.Score, v.Level)
	if v.Decision != "allow" {
		text += ", " + v.Decision
	}
	return text
}

func writeExplanations(w io.Writer, list []history.Explanation) error {
	for i := range list {
		if err := writeExplanation(w, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func writeExplanation(w io.Writer, e *history.Explanation) error {
	fmt.Fprintf(w, "%s  %s  %s %s  %s  %s\n", e.Event.Time.Std().Format(shortTime), livetable.Clean(e.Subject.String()), e.Event.Action, e.Event.Outcome, livetable.Clean(placeText(&e.Event)), livetable.Clean(e.Event.App))
	if len(e.Found) > 0 {
		fmt.Fprintln(w, "\ndetected at this event:")
	}
	for _, d := range e.Found {
		fmt.Fprintf(w, "  %+6.2f  %s: %s\n", d.Points, livetable.Clean(d.Name), livetable.Clean(d.Summary))
	}
	if e.Score == nil {
		fmt.Fprintln(w, "\nno score was ever published for this user")
		return nil
	}
	if e.Caused {
		fmt.Fprintf(w, "\nled to: %.2f %s, %s (version %d, prior %.2f)\n", e.Score.Score, e.Score.Level, e.Score.Decision, e.Score.Version, e.Score.Prior)
	} else {
		fmt.Fprintf(w, "\nchanged nothing; what held was of %s: %.2f %s, %s (version %d)\n", e.Score.AsOf.Std().Format(shortTime), e.Score.Score, e.Score.Level, e.Score.Decision, e.Score.Version)
	}
	for _, c := range e.Score.Reasons {
		note := ""
		switch {
		case c.CoveredBy != "":
			note = " (counted as " + c.CoveredBy + ")"
		case c.Unconfirmed:
			note = " (failed attempts only)"
		}
		fmt.Fprintf(w, "  %+6.2f  %s: %s%s\n          since %s, event %s\n", c.Points, livetable.Clean(c.Detection), livetable.Clean(c.Summary), note, c.At.Std().Format(shortTime), livetable.Clean(c.EventID))
	}
	return nil
}

func writeTop(w io.Writer, list []history.Riskiest) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "score\tlevel\tdecision\tlast\tuser\tat (UTC)\tevent\twhy")
	for i := range list {
		r := &list[i]
		fmt.Fprintf(t, "%.2f\t%s\t%s\t%.2f\t%s\t%s\t%s\t%s\n", r.Score, r.Level, r.Decision, r.Now, livetable.Clean(r.Subject.String()), r.At.Std().Format(shortTime), livetable.Clean(r.EventID), livetable.Clean(strings.Join(r.Reasons[:min(3, len(r.Reasons))], "; ")))
	}
	return t.Flush()
}

func writeAudits(w io.Writer, audits []history.Audit) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "topic\tpartition\trecords\trows\tmissing\tdoubled\twaiting\texpired\terased\t")
	for i := range audits {
		a := &audits[i]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", a.Topic, a.Partition, a.Records, a.Rows, a.Missing, a.Doubled, a.Waiting, a.Expired, a.Erased)
	}
	return t.Flush()
}
