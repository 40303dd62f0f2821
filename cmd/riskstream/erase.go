package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/erase"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/livetable"
)

// eraseFlags are what riskstream erase is told.
type eraseFlags struct {
	config, user, output string
	verify               bool
	wait                 time.Duration
}

func eraseCommand() *cobra.Command {
	var f eraseFlags
	cmd := &cobra.Command{
		Use:   "erase --user USER --config FILE",
		Short: "Remove a person: state, scores and history; and say what remains until when",
		Long: `Erase removes what riskstream knows of one person: what the running engine
remembers, the scores of the person and of their sessions, and the rows of the
history. It asks nothing. It sends a signal to risk.events, which the engine
works off as it does an event; so riskstream run must be running, and on this
machine if the history is an embedded one.

USER is any name that the history knows; without a history it is the subject, as
tenant/subject where the tenant is not the default one. Who comes again after an
erasure begins anew, as somebody never seen: disable the account first.

What is in Kafka topics with a retention, in backups and in what others have
copied is not erased; erase lists it. With --verify it changes nothing and looks
what there is.

It ends with 0 when nothing is there that must be gone, else with 1.`,
		Example: `  riskstream erase --user anna.weber@corp.example -c riskstream.yaml
  riskstream erase --user acme/anna.weber@corp.example -c riskstream.yaml   of the tenant acme
  riskstream erase --user okta:00u1abcd --verify -c riskstream.yaml         is anything left?
  riskstream erase --user okta:00u1abcd --verify -o json -c riskstream.yaml | jq '.remains[] | [.where, .until]'`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runErase(cmd, &f) },
	}
	configFlag(cmd, &f.config)
	flags := cmd.Flags()
	flags.StringVar(&f.user, "user", "", "whom to erase")
	flags.BoolVar(&f.verify, "verify", false, "change nothing; say what there is")
	flags.DurationVar(&f.wait, "wait", time.Minute, "for the engine, and then for the history's sink, at most")
	flags.StringVarP(&f.output, "output", "o", "text", "text or json")
	if err := cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
	return cmd
}

func (f *eraseFlags) check() error {
	switch {
	case f.config == "":
		return usageError{errors.New("erase needs --config FILE")}
	case f.user == "":
		return usageError{errors.New("erase needs --user USER")}
	case f.output != "text" && f.output != "json":
		return usageError{fmt.Errorf("--output %q: want text or json", f.output)}
	case f.wait < time.Second || f.wait > time.Hour:
		return usageError{fmt.Errorf("--wait %v: want 1s to 1h", f.wait)}
	}
	return nil
}

func runErase(cmd *cobra.Command, f *eraseFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	cfg, err := config.Load(f.config)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	var store *history.Store
	if cfg.History.DSN != "" {
		if store, err = history.Open(ctx, cfg.History); err != nil {
			return fmt.Errorf("nothing was erased: %w", err)
		}
		defer func() { err = errors.Join(err, store.Close()) }()
	}
	told := func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), livetable.Clean(what)) }
	of, guessed, err := erase.Find(ctx, cfg, store, f.user)
	if err != nil {
		return err
	}
	if guessed {
		told("no history knows the name, so it is taken for the subject " + event.Key(of.Tenant, of.Name))
	}
	eraser, err := erase.New(cfg, store, plainLog(cmd.ErrOrStderr()), clock, f.wait, told)
	if err != nil {
		return err
	}
	defer eraser.Close()
	report, err := f.do(ctx, eraser, of)
	if err != nil {
		return err
	}
	if f.output == "json" {
		err = writeLines(cmd.OutOrStdout(), []*erase.Report{report})
	} else {
		err = writeErasure(cmd.OutOrStdout(), report)
	}
	if err == nil && !report.Clean() {
		err = fmt.Errorf("%s is not erased: see above", livetable.Clean(event.Key(of.Tenant, of.Name)))
	}
	return err
}

func (f *eraseFlags) do(ctx context.Context, eraser *erase.Eraser, of history.Subject) (*erase.Report, error) {
	if f.verify {
		return eraser.Verify(ctx, of)
	}
	return eraser.Erase(ctx, of)
}

// writeErasure writes a report for people.
func writeErasure(w io.Writer, r *erase.Report) error {
	who := livetable.Clean(event.Key(r.Tenant, r.Subject))
	switch {
	case !r.Clean() && r.Signal == nil:
		fmt.Fprintf(w, "%s is there:\n", who)
	case !r.Clean():
		fmt.Fprintf(w, "%s is there again, or still: what came after the erasure begins anew, and what the history stores late comes back. Erase once more.\n", who)
	case r.Signal == nil:
		fmt.Fprintf(w, "%s is not there, of what must be gone after an erasure\n", who)
	case len(r.Before) == 0:
		fmt.Fprintf(w, "%s is not there, and was not: is that the name?\n", who)
	default:
		fmt.Fprintf(w, "%s is erased:\n", who)
		writeFound(w, r.Before)
	}
	writeFound(w, r.Found)
	fmt.Fprintf(w, "\nwhat remains, or may, elsewhere (UTC):\n")
	for _, m := range r.Remains {
		until := m.Note
		if m.Until != 0 {
			until = "until " + m.Until.Std().Format(shortTime)
			if m.Note != "" {
				until += " (" + m.Note + ")"
			}
		}
		if _, err := fmt.Fprintf(w, "  %s: %s\n      %s\n", livetable.Clean(m.Where), m.What, until); err != nil {
			return err
		}
	}
	return nil
}

func writeFound(w io.Writer, found []erase.Found) {
	for _, f := range found {
		fmt.Fprintf(w, "  %s: %s (%d)\n", livetable.Clean(f.Where), f.What, f.Count)
	}
}
