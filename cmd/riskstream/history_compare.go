package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/livetable"
)

func historyCompareCommand() *cobra.Command {
	var q historyQuery
	var days int
	cmd := &cobra.Command{
		Use:   "compare USER",
		Short: "What is new about a user now, against what is usual for them",
		Long: `Compare holds what a user does since --since against the --usual days before it:
networks, countries, cities, devices, browsers, apps and hours of the day (UTC).
New is what was not seen in the usual days, or at failures alone: that somebody
tried is not usual. Then comes what is usual and still seen, and what is usual
and not seen now.`,
		Example: `  riskstream history compare anna.weber@corp.example -c riskstream.yaml
  riskstream history compare anna.weber@corp.example --since 2026-03-02T08:00:00Z --until 2026-03-02T12:00:00Z --usual 90 -c riskstream.yaml
  riskstream history compare anna.weber -o json -c riskstream.yaml | jq '.traits[] | select(.state == "new")'`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if days < 1 || days > 3650 {
				return usageError{fmt.Errorf("--usual %d: want 1 to 3650 days", days)}
			}
			return q.ask(cmd, func(ctx context.Context, store *history.Store, now history.Span) error {
				if now.Until == 0 {
					now.Until = event.TimeOf(clock())
				}
				if now.Since == 0 || now.Since >= now.Until {
					return usageError{errors.New("--since must say when what is compared begins, before --until")}
				}
				usual := history.Span{Since: now.Since - event.Time(days)*event.Day, Until: now.Since}
				var found []history.Comparison
				err := eachUser(ctx, store, args[0], func(subject history.Subject) error {
					c, err := store.Compare(ctx, subject, usual, now, q.limit)
					if err == nil {
						found = append(found, *c)
					}
					return err
				})
				if err != nil {
					return err
				}
				return answer(&q, cmd.OutOrStdout(), found, writeComparisons)
			})
		},
	}
	q.flags(cmd, "1d", 10)
	cmd.Flags().IntVar(&days, "usual", 30, "how many `days` before --since are the usual ones")
	return cmd
}

func writeComparisons(w io.Writer, list []history.Comparison) error {
	for i := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := writeComparison(w, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func writeComparison(w io.Writer, c *history.Comparison) error {
	fmt.Fprintf(w, "%s (UTC)\n", livetable.Clean(c.Subject.String()))
	fmt.Fprintf(w, "now    %s\nusual  %s\n", spanText(history.Span{Since: c.Now.Since, Until: c.Now.Until}), spanText(history.Span{Since: c.Usual.Since, Until: c.Usual.Until}))
	switch {
	case c.Usual.Total.Events == 0:
		fmt.Fprintln(w, "Nothing of this user is kept from the usual days: all is new.")
	case c.FirstSeen > c.Usual.Since:
		fmt.Fprintf(w, "The user is known only since %s, for %.1f of the usual days.\n", c.FirstSeen.Std().Format(shortTime), c.Usual.Days)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\n\tusual, a day\tnow, a day\tnow\t")
	for _, row := range []struct {
		what            string
		usual, now, all float64
	}{
		{"sign-ins", c.Usual.PerDay.SignIns, c.Now.PerDay.SignIns, c.Now.Total.SignIns},
		{"failed sign-ins", c.Usual.PerDay.FailedSignIns, c.Now.PerDay.FailedSignIns, c.Now.Total.FailedSignIns},
		{"events", c.Usual.PerDay.Events, c.Now.PerDay.Events, c.Now.Total.Events},
	} {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.0f\t\n", row.what, row.usual, row.now, row.all)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if err := writeNew(w, c.Traits); err != nil {
		return err
	}
	if err := writeKnown(w, c.Traits, history.StateUsual, "usual, and still seen (events then, now)"); err != nil {
		return err
	}
	return writeKnown(w, c.Traits, history.StateAbsent, "usual, and not seen now (events then)")
}

// writeNew writes what is new, each in a line with all that is known of it.
func writeNew(w io.Writer, traits []history.Compared) error {
	n := 0 // new ones stand first
	for n < len(traits) && traits[n].State == history.StateNew {
		n++
	}
	if n == 0 {
		fmt.Fprintln(w, "\nnothing is new")
		return nil
	}
	usualAS := map[string]bool{}
	for i := range traits[n:] {
		if c := &traits[n+i]; c.Kind == "as" && c.Note != "" {
			usualAS[c.Note] = true
		}
	}
	fmt.Fprintln(w, "\nNEW:")
	return writeRows(w, n, func(w io.Writer, i int) {
		c := &traits[i]
		var notes []string
		if c.Kind == "network" && usualAS[c.Note] {
			notes = append(notes, "its AS is usual")
		}
		if c.Now.Successes == 0 && c.Now.Failures == c.Now.Events {
			notes = append(notes, "never got in")
		}
		if c.Usual.Failures > 0 {
			notes = append(notes, plural(c.Usual.Failures, "failure")+" in the usual days")
		}
		if c.Before != 0 {
			notes = append(notes, "last seen "+c.Before.Std().Format(shortTime))
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", c.Kind, livetable.Clean(traitText(c.Trait)), eventsText(c.Now), seenText(c.Now.First, c.Now.Last), strings.Join(notes, ", "))
	}, nothingBelow)
}

// writeKnown writes what is in a state, each kind in a line.
func writeKnown(w io.Writer, traits []history.Compared, state, title string) error {
	var kinds []string
	texts := map[string][]string{}
	for i := range traits {
		c := &traits[i]
		if c.State != state {
			continue
		}
		if texts[c.Kind] == nil {
			kinds = append(kinds, c.Kind)
		}
		name := traitText(c.Trait)
		if c.Kind == "app" && c.Note != "" {
			name = c.Note // the line is long enough
		}
		text := fmt.Sprintf("%s (%d)", name, c.Usual.Events)
		if state == history.StateUsual {
			text = fmt.Sprintf("%s (%d, %d)", name, c.Usual.Events, c.Now.Events)
		}
		texts[c.Kind] = append(texts[c.Kind], text)
	}
	if len(kinds) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, kind := range kinds {
		fmt.Fprintf(t, "  %s\t%s\n", kind, livetable.Clean(strings.Join(texts[kind], ", ")))
	}
	return t.Flush()
}
