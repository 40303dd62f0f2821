package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/livetable"
)

func historyUserCommand() *cobra.Command {
	var q historyQuery
	cmd := &cobra.Command{
		Use:   "user USER",
		Short: "Who this is: names, habits, detections, scores and decisions",
		Long: `User prints every name that a user ever had and when they were seen first and
last; and of the span the events, what was used most (networks, countries,
devices, apps), what was detected, the highest and the last score, and the
moments at which the decision changed. USER is any name that the user ever had:
subject, user name, e-mail address or id at the provider.`,
		Example: `  riskstream history user anna.weber@corp.example -c riskstream.yaml
  riskstream history user 00u1abcd --since 90d --limit 20 -c riskstream.yaml
  riskstream history user anna.weber -o json -c riskstream.yaml | jq '.used[] | select(.kind == "country")'`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return q.ask(cmd, func(ctx context.Context, store *history.Store, span history.Span) error {
				var profiles []history.Profile
				err := eachUser(ctx, store, args[0], func(subject history.Subject) error {
					profile, err := store.Profile(ctx, subject, span, q.limit)
					if err == nil {
						profiles = append(profiles, *profile)
					}
					return err
				})
				if err != nil {
					return err
				}
				return answer(&q, cmd.OutOrStdout(), profiles, func(w io.Writer, profiles []history.Profile) error { return writeProfiles(w, profiles, span) })
			})
		},
	}
	q.flags(cmd, "30d", 5)
	return cmd
}

// eachUser asks about each user of a name.
func eachUser(ctx context.Context, store *history.Store, name string, ask func(history.Subject) error) error {
	subjects, err := store.Find(ctx, name)
	if err != nil {
		return err
	}
	for _, subject := range subjects {
		if err := ask(subject); err != nil {
			return err
		}
	}
	return nil
}

func writeProfiles(w io.Writer, list []history.Profile, span history.Span) error {
	for i := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := writeProfile(w, &list[i], span); err != nil {
			return err
		}
	}
	return nil
}

func writeProfile(w io.Writer, p *history.Profile, span history.Span) error {
	fmt.Fprintf(w, "%s, %s; seen %s (UTC)\n", livetable.Clean(p.Subject.String()), livetable.Clean(kindText(p)), seenText(p.FirstSeen, p.LastSeen))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, n := range p.Names {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", n.Kind, livetable.Clean(n.Name), seenText(n.First, n.Last))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s:\n", spanText(span))
	if len(p.Did) == 0 {
		fmt.Fprintln(w, "  no events")
	}
	for _, d := range p.Did {
		what := history.Entry{EventID: "-", Action: strings.TrimSpace(d.Action + " " + d.Code), Outcome: d.Outcome}
		fmt.Fprintf(t, "  %s\t%d\t%s\n", livetable.Clean(whatText(&what)), d.Events, seenText(d.First, d.Last))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if err := writeUsed(w, p.Used); err != nil {
		return err
	}
	if err := writeCounted(w, p.Detections, "detected"); err != nil {
		return err
	}
	return writeReached(w, p)
}

func kindText(p *history.Profile) string {
	kind := p.Kind
	if kind == "" {
		kind = "unknown"
	}
	if p.Privileged != nil && *p.Privileged {
		kind = "privileged " + kind
	}
	return strings.Join(append([]string{kind}, p.Providers...), ", ")
}

func writeUsed(w io.Writer, used []history.Used) error {
	if len(used) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nused most:")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, u := range used {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", u.Kind, livetable.Clean(traitText(u.Trait)), eventsText(u.Seen), seenText(u.First, u.Last))
	}
	return t.Flush()
}

func writeCounted(w io.Writer, list []history.Counted, title string) error {
	if len(list) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range list {
		fmt.Fprintf(t, "  %s\t%s\t%s\tup to %+.2f\t%s\n", livetable.Clean(c.Name), plural(c.Times, "time"), plural(c.Users, "user"), c.Points, seenText(c.First, c.Last))
	}
	return t.Flush()
}

func writeReached(w io.Writer, p *history.Profile) error {
	if p.Last == nil {
		fmt.Fprintln(w, "\nno score was ever published for this user up to then")
		return nil
	}
	fmt.Fprintln(w, "\nscores:")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what string, r *history.Reached) {
		if r == nil {
			return
		}
		by := r.EventID
		if by == "" {
			by = "time passed"
		}
		fmt.Fprintf(t, "  %s\t%s\t%.2f %s, %s\t%s\t%s\n", what, r.At.Std().Format(shortTime), r.Score, r.Level, r.Decision, livetable.Clean(by), livetable.Clean(strings.Join(r.Reasons[:min(3, len(r.Reasons))], "; ")))
	}
	row("highest", p.Highest)
	for i := range p.Decisions {
		row("decision", &p.Decisions[i])
	}
	last := *p.Last
	if p.Highest != nil && last.At == p.Highest.At && last.EventID == p.Highest.EventID {
		last.Reasons = nil // they stand there already
	}
	row("last", &last)
	return t.Flush()
}
