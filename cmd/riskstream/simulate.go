package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/simulate"
)

type simulateFlags struct {
	seed                 uint64
	users, days, attacks int
	quiet                int
	out                  string
	merged               bool
}

func simulateCommand() *cobra.Command {
	var flags simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate [flags]",
		Short: "Write the logs of a made-up company under attack, with the truth beside them",
		Long: `Simulate writes what the identity providers of a made-up company would have
logged (Okta, Entra, Keycloak and a file store): people with their habits,
journeys and new phones, and attackers among them, from the naive to those who
know their victim's browser and provider. It writes into a directory, which it
makes:

  okta.jsonl, entra.jsonl, keycloak.jsonl, files.jsonl   the logs, in time order
  labels.jsonl      what each event is: attack, harmless story, or ordinary
  riskstream.yaml   the configuration to read them with, and what it names

The same flags give the same bytes. With --merged the logs are one file,
events.jsonl, in the order in which things happened: replay reads one file after
the other, so this is the one to replay. docs/simulation.md says who is in it.`,
		Example: `  riskstream simulate --out company
  riskstream simulate --merged --out company
  riskstream replay -c company/riskstream.yaml company/events.jsonl --top
  riskstream simulate --seed 7 --users 1000 --days 90 --out large
  riskstream simulate --attacks -1 --out peace    nobody attacks
  jq 'select(.compromise)' company/labels.jsonl   who is taken over, when and how`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(); err != nil {
				return usageError{err}
			}
			return runSimulate(cmd, &flags)
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&flags.seed, "seed", 1, "`number` that everything follows from")
	f.IntVar(&flags.users, "users", 100, "people, 12 to 100000")
	f.IntVar(&flags.days, "days", 70, "length in days, 14 to 730")
	f.IntVar(&flags.quiet, "quiet-days", 21, "`days` before the first attack; at most half of all")
	f.IntVar(&flags.attacks, "attacks", 28, "takeovers for each 100 people; -1 for none")
	f.StringVar(&flags.out, "out", "simulated", "`directory` to write to")
	f.BoolVar(&flags.merged, "merged", false, "one file of logs, events.jsonl, instead of one for each provider")
	return cmd
}

func (f *simulateFlags) check() error {
	switch {
	case f.users < simulate.MinUsers || f.users > simulate.MaxUsers:
		return fmt.Errorf("--users %d: want %d to %d", f.users, simulate.MinUsers, simulate.MaxUsers)
	case f.days < simulate.MinDays || f.days > simulate.MaxDays:
		return fmt.Errorf("--days %d: want %d to %d", f.days, simulate.MinDays, simulate.MaxDays)
	case f.quiet < 1 || f.quiet > f.days:
		return fmt.Errorf("--quiet-days %d: want 1 to %d", f.quiet, f.days)
	case f.attacks == 0 || f.attacks < -1 || f.attacks > 100:
		return fmt.Errorf("--attacks %d: want 1 to 100, or -1 for none", f.attacks)
	case f.out == "":
		return fmt.Errorf("--out needs a directory")
	}
	return nil
}

func runSimulate(cmd *cobra.Command, flags *simulateFlags) error {
	p := simulate.NewPopulation(simulate.PopulationConfig{
		Seed: flags.seed, Users: flags.users, Days: flags.days, QuietDays: flags.quiet, Attacks: flags.attacks,
	})
	messages := cmd.ErrOrStderr()
	progress := newProgress(messages)
	ctx := cmd.Context()
	written, err := p.Write(flags.out, flags.merged, func(now event.Time) error {
		progress.counted("days", int64((now-p.Start())/event.Day), int64(flags.days))
		return ctx.Err()
	})
	progress.done()
	if err != nil {
		return err
	}
	fmt.Fprintf(messages, "%s of %d people over %d days; %d takeovers (%s), harmless stories %s\n",
		plural(written.Events, "event"), flags.users, flags.days, written.Takeovers, plural(written.Attacks, "event"), plural(written.Stories, "event"))
	if flags.merged {
		fmt.Fprintf(messages, "next: riskstream replay -c %s %s --top\n",
			filepath.Join(flags.out, "riskstream.yaml"), filepath.Join(flags.out, simulate.MergedFile))
	}
	return nil
}
