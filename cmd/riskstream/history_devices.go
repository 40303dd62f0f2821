package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/livetable"
)

func historyDevicesCommand() *cobra.Command {
	var q historyQuery
	cmd := &cobra.Command{
		Use:   "devices [USER]",
		Short: "Which devices were seen, by whom, managed and compliant or not",
		Long: `Devices prints the devices that a user, or anybody, was seen with: those that
the identity provider knows by an id, and else what looks alike by browser and
operating system. Managed and compliant are the latest that was known, and say
when it was the other before.`,
		Example: `  riskstream history devices anna.weber@corp.example -c riskstream.yaml
  riskstream history devices --since 7d -o json -c riskstream.yaml | jq 'select(.device_id and .users > 1)'   shared ones`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return q.ask(cmd, func(ctx context.Context, store *history.Store, span history.Span) error {
				return ofUserOrAll(ctx, store, args, func(of *history.Subject) error {
					devices, err := store.Devices(ctx, of, span, q.limit)
					if err != nil {
						return err
					}
					return answer(&q, cmd.OutOrStdout(), devices, func(w io.Writer, devices []history.Device) error { return writeDevices(w, of, span, devices) })
				})
			})
		},
	}
	q.flags(cmd, "30d", 50)
	return cmd
}

func historyAppsCommand() *cobra.Command {
	var q historyQuery
	cmd := &cobra.Command{
		Use:   "apps [USER]",
		Short: "Which apps were seen, by whom, sanctioned or not, and which are new",
		Long: `Apps prints the applications that a user, or anybody, had to do with: first
those that are new, of which nothing is kept from before --since, and then those
that were seen last.`,
		Example: `  riskstream history apps anna.weber@corp.example --since 7d -c riskstream.yaml
  riskstream history apps --since 24h -o json -c riskstream.yaml | jq 'select(.new and .sanctioned != true)'`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return q.ask(cmd, func(ctx context.Context, store *history.Store, span history.Span) error {
				return ofUserOrAll(ctx, store, args, func(of *history.Subject) error {
					apps, err := store.Apps(ctx, of, span, q.limit)
					if err != nil {
						return err
					}
					return answer(&q, cmd.OutOrStdout(), apps, func(w io.Writer, apps []history.App) error { return writeApps(w, of, span, apps) })
				})
			})
		},
	}
	q.flags(cmd, "30d", 50)
	return cmd
}

// ofUserOrAll asks about each user of the name in args, or about all at once
// when there is none.
func ofUserOrAll(ctx context.Context, store *history.Store, args []string, ask func(*history.Subject) error) error {
	if len(args) == 0 {
		return ask(nil)
	}
	return eachUser(ctx, store, args[0], func(subject history.Subject) error { return ask(&subject) })
}

func writeDevices(w io.Writer, of *history.Subject, span history.Span, list []history.Device) error {
	fmt.Fprintf(w, "%s: %s, %s (UTC)\n", whoText(of), plural(uint64(len(list)), "device"), spanText(span))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(list) > 0 {
		fmt.Fprintln(t, "device\tbrowser\tmanaged\tcompliant\tevents\tseen\tusers")
	}
	for i := range list {
		d := &list[i]
		id := d.ID
		if id == "" {
			id = "no id"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", livetable.Clean(id), livetable.Clean(d.Agent), flagText(d.Managed, d.ManagedChanged), flagText(d.Compliant, d.CompliantChanged),
			eventsText(d.Seen), seenText(d.First, d.Last), livetable.Clean(usersText(d.Tenant, d.Shared)))
	}
	return t.Flush()
}

func writeApps(w io.Writer, of *history.Subject, span history.Span, list []history.App) error {
	fmt.Fprintf(w, "%s: %s, %s (UTC)\n", whoText(of), plural(uint64(len(list)), "app"), spanText(span))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(list) > 0 {
		fmt.Fprintln(t, "\tapp\tid\tsanctioned\tevents\tseen\tbefore\tusers")
	}
	for i := range list {
		a := &list[i]
		mark, name, before := "", a.Name, "-"
		if name == "" {
			name = a.Key
		}
		if a.New {
			mark = "new"
		}
		if a.Before != 0 {
			before = a.Before.Std().Format(shortTime)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", mark, livetable.Clean(name), livetable.Clean(a.Key), flagText(a.Sanctioned, false), eventsText(a.Seen), seenText(a.First, a.Last), before, livetable.Clean(usersText(a.Tenant, a.Shared)))
	}
	return t.Flush()
}

func whoText(of *history.Subject) string {
	if of == nil {
		return "all users"
	}
	return livetable.Clean(of.String())
}
