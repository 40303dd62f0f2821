package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/backtest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/livetable"
)

func rulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rules",
		Short:   "Try rules on the past",
		Example: `  riskstream rules backtest --rules new.yaml --since 30d -c riskstream.yaml`,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(rulesBacktestCommand())
	return cmd
}

type backtestFlags struct {
	config, source, since, until, output string
	rules                                []string
}

func rulesBacktestCommand() *cobra.Command {
	var flags backtestFlags
	cmd := &cobra.Command{
		Use:   "backtest [flags] [FILE...]",
		Short: "What rules would have done: matches, users, overlap, step-ups",
		Long: `Backtest sends events of the past through the same code that scores live ones,
once with the rules under test and once without, and says how often each rule
would have matched, for whom, whether anything else was detected at the same
events, and what people would have noticed.

The rules under test are those of --rules, added to the configured ones; without
--rules, all of the configured ones. The events are those of the configured
history since --since and, to warm the baselines up, of the 30 days before; or
those of log files, which are read whole. Signals that stand in the history are
taken as they are.`,
		Example: `  riskstream rules backtest --rules new.yaml --since 30d -c riskstream.yaml
  riskstream rules backtest --rules new.yaml -c riskstream.yaml okta-2026-0*.jsonl.gz
  riskstream rules backtest -c riskstream.yaml -o json | jq '.rules[] | {id, matches_per_day, users}'`,
		RunE: func(cmd *cobra.Command, files []string) error {
			span, err := flags.check()
			if err != nil {
				return usageError{err}
			}
			return backtestRules(cmd, &flags, span, files)
		},
	}
	f := cmd.Flags()
	configFlag(cmd, &flags.config)
	sourceFlag(cmd, &flags.source)
	outputFlag(cmd, &flags.output)
	f.StringArrayVar(&flags.rules, "rules", nil, "`file`, directory or pattern of rules under test; may be repeated")
	f.StringVar(&flags.since, "since", "30d", "count events from this `time` on (RFC 3339, or as long ago: 12h, 30d); of files, all unless set")
	f.StringVar(&flags.until, "until", "", "count events up to this `time`")
	return cmd
}

// check finds wrong usage before anything is read.
func (f *backtestFlags) check() (span backtest.Span, err error) {
	if f.output != "table" && f.output != "json" {
		return span, fmt.Errorf("--output %q: want table or json", f.output)
	}
	if span.Since, err = momentOf("since", f.since); err != nil {
		return span, err
	}
	span.Until, err = momentOf("until", f.until)
	return span, err
}

// warmingUp is how far before the counted events reading begins: twice the 14
// days after which novelty is told of a new user.
const warmingUp = 30 * event.Day

func backtestRules(cmd *cobra.Command, flags *backtestFlags, span backtest.Span, files []string) error {
	cfg, with, without, err := flags.pipelines(plainLog(cmd.ErrOrStderr()))
	if err != nil {
		return err
	}
	defer with.Close()
	defer without.Close()
	if len(files) > 0 && !cmd.Flags().Changed("since") {
		span.Since = 0
	}
	test := backtest.New(with, without, span)
	if len(files) > 0 {
		err = backtestFiles(cmd, test, sourceNamed(cfg, flags.source), files)
	} else {
		err = backtestHistory(cmd, test, flags.config, span)
	}
	if err != nil {
		return err
	}
	report := test.Report()
	if flags.output == "json" {
		return writeLines(cmd.OutOrStdout(), []*backtest.Report{report})
	}
	return writeBacktest(cmd.OutOrStdout(), report)
}

func backtestFiles(cmd *cobra.Command, test *backtest.Backtest, source ingest.Source, files []string) error {
	logs := newLogFiles(cmd)
	if err := test.Files(source, logs.deadLetter); err != nil {
		return usageError{fmt.Errorf("--source: %w", err)}
	}
	if err := logs.each(files, test.File); err != nil {
		return err
	}
	if lost := logs.counts(); lost != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), strings.TrimPrefix(lost, ", "))
	}
	return nil
}

func backtestHistory(cmd *cobra.Command, test *backtest.Backtest, file string, span backtest.Span) error {
	what := history.Span{Since: max(0, span.Since-warmingUp), Until: span.Until}
	return test.Stored(func(each func(*event.Event) error) error { return readStored(cmd, file, what, each) })
}

// readStored reads the events of the configured history, user after user.
func readStored(cmd *cobra.Command, file string, span history.Span, each func(*event.Event) error) (err error) {
	cfg, err := historyConfig(file)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	store, err := history.Open(ctx, cfg.History)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	what := history.Selection{Span: span}
	total, err := store.Count(ctx, what)
	if err != nil {
		return err
	}
	shown := newProgress(cmd.ErrOrStderr())
	defer shown.done()
	done := int64(0)
	return store.Read(ctx, what, func(e *event.Event) error {
		if done++; done%1000 == 0 {
			shown.counted("events", done, total)
		}
		return each(e)
	})
}

// pipelines are the configured one with the rules under test, and without.
func (f *backtestFlags) pipelines(log *slog.Logger) (cfg *config.Config, with, without *engine.Pipeline, err error) {
	cfg, configured, err := open(f.config, log)
	if err != nil {
		return nil, nil, nil, err
	}
	other := *cfg
	if len(f.rules) == 0 {
		no := false
		other.Rules = config.Rules{Builtin: &no}
	} else {
		other.Rules.Paths = slices.Clone(cfg.Rules.Paths)
		for _, path := range f.rules {
			absolute, err := filepath.Abs(path)
			if err != nil {
				return nil, nil, nil, errors.Join(err, configured.Close())
			}
			other.Rules.Paths = append(other.Rules.Paths, absolute)
		}
	}
	changed, err := engine.NewPipeline(&other, log)
	if err != nil {
		return nil, nil, nil, errors.Join(&configError{err}, configured.Close())
	}
	if len(f.rules) == 0 {
		return cfg, configured, changed, nil
	}
	return cfg, changed, configured, nil
}

func writeBacktest(w io.Writer, r *backtest.Report) error {
	const day = "2006-01-02 15:04"
	fmt.Fprintf(w, "%s to %s (UTC): %d events of %d users", r.Since.Std().Format(day), r.Until.Std().Format(day), r.Events, r.Users)
	if r.Read > r.Events {
		fmt.Fprintf(w, ", %d events read", r.Read)
	}
	fmt.Fprintln(w)
	if len(r.Rules) == 0 {
		fmt.Fprintln(w, "no rules are under test: name some with --rules")
		return nil
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "matches\tper day\tmost\tusers\talone\t  rule")
	for i := range r.Rules {
		rule := &r.Rules[i]
		most := 0
		for _, d := range rule.Days {
			most = max(most, d.Matches)
		}
		fmt.Fprintf(t, "%d\t%.2f\t%d\t%d\t%d\t  %s (%s)\n", rule.Matches, rule.PerDay, most, rule.Users, rule.Alone, rule.ID, rule.Severity)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range r.Rules {
		writeMatches(w, &r.Rules[i])
	}
	fmt.Fprintf(w, "\nstep-ups per 1,000 users per week: %.2f with the rules, %.2f without (%d and %d)\n", r.With.StepUpRate, r.Without.StepUpRate, r.With.StepUps, r.Without.StepUps)
	_, err := fmt.Fprintf(w, "revokes: %d with the rules, %d without; users challenged: %d and %d\n", r.With.Revokes, r.Without.Revokes, r.With.Challenged, r.Without.Challenged)
	return err
}

// writeMatches tells what the matches of a rule were like.
func writeMatches(w io.Writer, rule *backtest.RuleReport) {
	if rule.Matches == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s: %s\n", rule.ID, livetable.Clean(rule.Title))
	for _, o := range rule.Overlap[:min(5, len(rule.Overlap))] {
		fmt.Fprintf(w, "  %d of %d also %s\n", o.Matches, rule.Matches, o.Detection)
	}
	for _, e := range rule.Examples {
		fmt.Fprintf(w, "  such as %s  %s  event %s\n", e.Time.Std().Format(shortTime), livetable.Clean(history.Subject{Tenant: e.Tenant, Name: e.Subject}.String()), livetable.Clean(e.EventID))
	}
}
