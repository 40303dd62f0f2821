package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/livetable"
)

func historySessionCommand() *cobra.Command {
	var q historyQuery
	cmd := &cobra.Command{
		Use:   "session ID",
		Short: "What happened in a session, and what changed within it",
		Long: `Session prints the events of a session, oldest first, with what changed from one
to the next (user, network, country, device, browser), what was detected at each,
and the session's own score, which ends when its evidence has faded.`,
		Example: `  riskstream history session 102Nq0aLd -c riskstream.yaml
  riskstream history session 102Nq0aLd -o json -c riskstream.yaml | jq '.steps[] | select(.changed) | {time, changed}'`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return q.ask(cmd, func(ctx context.Context, store *history.Store, _ history.Span) error {
				found, err := store.Sessions(ctx, args[0], q.limit)
				if err != nil {
					return err
				}
				if len(found) == 0 {
					return fmt.Errorf("no session %q is in the history", args[0])
				}
				return answer(&q, cmd.OutOrStdout(), found, writeSessions)
			})
		},
	}
	q.flags(cmd, "", 0)
	q.limitFlag(cmd, 1000, "at most `N` events")
	return cmd
}

func writeSessions(w io.Writer, list []history.Session) error {
	for i := range list {
		if err := writeSession(w, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func writeSession(w io.Writer, s *history.Session) error {
	users := make([]string, len(s.Subjects))
	for i, name := range s.Subjects {
		users[i] = history.Subject{Tenant: s.Tenant, Name: name}.String()
	}
	if len(users) == 0 {
		users = []string{"nobody who is known"}
	}
	fmt.Fprintf(w, "session %s of %s, %s, %s (UTC)\n", livetable.Clean(s.ID), livetable.Clean(strings.Join(users, " and ")), eventsText(s.Seen), seenText(s.First, s.Last))
	err := writeRows(w, len(s.Steps), func(w io.Writer, i int) {
		e := &s.Steps[i].Entry
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", e.Time.Std().Format(shortTime), livetable.Clean(whatText(e)), livetable.Clean(placeText(e)), livetable.Clean(e.App), verdictText(e.Score), livetable.Clean(e.EventID))
	}, func(w io.Writer, i int) {
		for _, c := range s.Steps[i].Changed {
			fmt.Fprintf(w, "    changed %s: %s, before %s\n", c.What, livetable.Clean(c.To), livetable.Clean(c.From))
		}
		writeDetections(w, s.Steps[i].Detections)
	})
	if err != nil {
		return err
	}
	if s.More > 0 {
		fmt.Fprintf(w, "and %s more (--limit)\n", plural(s.More, "event"))
	}
	if s.Ended != 0 {
		fmt.Fprintf(w, "%s  no evidence of its own is left\n", s.Ended.Std().Format(shortTime))
	}
	return nil
}
