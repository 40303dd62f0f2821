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

func historyIPCommand() *cobra.Command {
	var q historyQuery
	cmd := &cobra.Command{
		Use:   "ip ADDRESS|PREFIX",
		Short: "Who came from an address, or from any of a prefix",
		Long: `Ip prints who came from an IPv4 or IPv6 address, or from any of a prefix, who
failed to, and the last score of each; where it was held to be and whose it is;
and what was detected at the events from there.`,
		Example: `  riskstream history ip 203.0.113.9 -c riskstream.yaml
  riskstream history ip 2001:db8:1:2::/64 --since 24h -c riskstream.yaml
  riskstream history ip 203.0.113.0/24 -o json -c riskstream.yaml | jq -r '.visitors[] | select(.successes > 0) | .subject.subject'`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix, err := history.ParseAddress(args[0])
			if err != nil {
				return usageError{err}
			}
			return q.ask(cmd, func(ctx context.Context, store *history.Store, span history.Span) error {
				found, err := store.Address(ctx, prefix, span, q.limit)
				if err != nil {
					return err
				}
				if found == nil {
					return fmt.Errorf("no event from %s is in the history (%s)", args[0], spanText(span))
				}
				return answer(&q, cmd.OutOrStdout(), []history.Address{*found}, func(w io.Writer, _ []history.Address) error { return writeAddress(w, found) })
			})
		},
	}
	q.flags(cmd, "30d", 50)
	return cmd
}

func writeAddress(w io.Writer, a *history.Address) error {
	name := a.Prefix.String()
	if a.Prefix.IsSingleIP() {
		name = a.Prefix.Addr().String()
	}
	fmt.Fprintf(w, "%s: %s of %s, %s (UTC)\n", name, eventsText(a.Seen), plural(a.Users, "user"), seenText(a.First, a.Last))
	if a.Nobody > 0 {
		fmt.Fprintf(w, "%s by nobody who is known\n", plural(a.Nobody, "event"))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nheld to be:")
	for i := range a.Places {
		p := &a.Places[i]
		fmt.Fprintf(t, "  %s\t%s\t%s\n", livetable.Clean(addressText(p)), eventsText(p.Seen), seenText(p.First, p.Last))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(a.Visitors) > 0 {
		fmt.Fprintln(w, "\nusers:")
		fmt.Fprintln(t, "  user\tsuccesses\tfailures\tseen\tlast score")
	}
	for i := range a.Visitors {
		v := &a.Visitors[i]
		score := "none"
		if v.Score != nil {
			score = fmt.Sprintf("%.2f %s, %s of %s", v.Score.Score, v.Score.Level, v.Score.Decision, v.Score.At.Std().Format(shortTime))
		}
		fmt.Fprintf(t, "  %s\t%d\t%d\t%s\t%s\n", livetable.Clean(v.Subject.String()), v.Successes, v.Failures, seenText(v.First, v.Last), score)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more := a.Users - min(uint64(len(a.Visitors)), a.Users); more > 0 {
		fmt.Fprintf(w, "  and %s more (--limit)\n", plural(more, "user"))
	}
	return writeCounted(w, a.Detections, "detected at these events")
}

// addressText says where an address is held to be, and whose it is.
func addressText(p *history.Place) string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(p.City)
	add(p.Country)
	if p.AS != 0 {
		add(fmt.Sprintf("AS%d", p.AS))
	}
	add(p.Network)
	if p.Anonymizer != "" {
		add("(" + p.Anonymizer + ")")
	}
	if p.Corporate {
		add("(corporate)")
	}
	if parts == nil {
		return "unknown"
	}
	return strings.Join(parts, " ")
}
