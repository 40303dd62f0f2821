package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/fit"
	"github.com/riskstream/riskstream/internal/history"
)

type fitFlags struct {
	config, source, since, until, output string
	labels, from, method, out            string
	most                                 int
	options                              fit.Options
}

// What --method may be.
const (
	logistic = "logistic"
	isotonic = "isotonic"
)

func fitCommand() *cobra.Command {
	var flags fitFlags
	cmd := &cobra.Command{
		Use:   "fit [flags] FILE... | fit --from history",
		Short: "Refit the detectors' weights to labelled history",
		Long: `Fit sends events of the past through the same code that scores live ones, looks
at which evidence was open when accounts were in an attacker's hands and when
they were not, and says what it should weigh: by logistic regression towards the
weights in force. It prints each weight before and after, and how good the
probabilities are on the latest days, which are not fitted on. With --out it
writes a table of weights, which scoring.weights_file names; nothing else changes.

The labels are those of --labels, JSON lines such as
{"event_id": "…", "attack": "phishing"}, as riskstream simulate writes them: an
event with an attack, or with "in_hands": true, is of an account in an attacker's
hands, and every other event is its owner's. Without --labels they are the
verdicts confirm_compromised and confirm_safe in the log, each of the 24 hours
before it.

With --method isotonic the weights stay, and each score is mapped to the
probability that it has turned out to mean.`,
		Example: `  riskstream fit --labels labels.jsonl okta.jsonl.gz
  riskstream fit --labels labels.jsonl --out weights.yaml -c riskstream.yaml okta-2026-0*.jsonl.gz
  riskstream fit --from history --since 90d -c riskstream.yaml     verdicts are the labels
  riskstream fit --method isotonic --labels labels.jsonl okta.jsonl.gz
  riskstream fit --labels labels.jsonl -o json okta.jsonl.gz | jq '.held_out'`,
		Args: func(cmd *cobra.Command, files []string) error {
			if flags.from != "" {
				return usageArgs(cobra.NoArgs)(cmd, files)
			}
			return someFiles(cmd, files)
		},
		RunE: func(cmd *cobra.Command, files []string) error {
			span, err := flags.check()
			if err != nil {
				return usageError{err}
			}
			return fitWeights(cmd, &flags, span, files)
		},
	}
	f := cmd.Flags()
	configFlag(cmd, &flags.config)
	sourceFlag(cmd, &flags.source)
	outputFlag(cmd, &flags.output)
	f.StringVar(&flags.labels, "labels", "", "`file` with labels, JSON lines; the verdicts in the log by default")
	f.StringVar(&flags.from, "from", "", "history: the events of the configured history, instead of files")
	f.StringVar(&flags.since, "since", "", "learn from events from this `time` on (RFC 3339, or as long ago: 12h, 30d); those before warm up")
	f.StringVar(&flags.until, "until", "", "learn from events up to this `time`")
	f.StringVar(&flags.method, "method", logistic, "logistic: new weights; isotonic: what scores mean under the present ones")
	f.StringVar(&flags.out, "out", "", "write the fitted weights to this `file`")
	f.Float64Var(&flags.options.Penalty, "penalty", 1, "how firmly weights are held: moving one by 1 nat must gain half as many nats of likelihood")
	f.Float64Var(&flags.options.HoldOut, "hold-out", 0.3, "share of the compromised account-days, the latest, to measure on; 0 measures nothing")
	f.BoolVar(&flags.options.FitPrior, "fit-prior", false, "take the prior from the history too, which must have every attack and no more of them than there are")
	f.IntVar(&flags.most, "max-examples", 50_000, "thin benign events with evidence out to at most `N`")
	for name, words := range map[string][]string{"from": {"history"}, "method": {logistic, isotonic}} {
		if err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err) // the flag does not exist
		}
	}
	return cmd
}

// check finds wrong usage before anything is read.
func (f *fitFlags) check() (span history.Span, err error) {
	switch {
	case f.output != "table" && f.output != "json":
		return span, fmt.Errorf("--output %q: want table or json", f.output)
	case f.from != "" && f.from != "history":
		return span, fmt.Errorf("--from %q: want history, or files without it", f.from)
	case f.method != logistic && f.method != isotonic:
		return span, fmt.Errorf("--method %q: want %s or %s", f.method, logistic, isotonic)
	case f.method == isotonic && f.out != "":
		return span, errors.New("--out is for --method logistic: isotonic regression changes no weight")
	case !(f.options.Penalty > 0 && f.options.Penalty <= 1e6):
		return span, fmt.Errorf("--penalty %v: want more than 0, up to 1000000", f.options.Penalty)
	case !(f.options.HoldOut >= 0 && f.options.HoldOut <= 0.9):
		return span, fmt.Errorf("--hold-out %v: want 0 to 0.9", f.options.HoldOut)
	case f.most < 1000:
		return span, fmt.Errorf("--max-examples %d: want at least 1000", f.most)
	}
	if span.Since, err = momentOf("since", f.since); err != nil {
		return span, err
	}
	span.Until, err = momentOf("until", f.until)
	return span, err
}

func fitWeights(cmd *cobra.Command, flags *fitFlags, span history.Span, files []string) error {
	messages := cmd.ErrOrStderr()
	if flags.out != "" {
		// A slip in the name should not show after an hour.
		if _, err := os.Stat(filepath.Dir(flags.out)); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
	}
	labels, err := flags.readLabels()
	if err != nil {
		return err
	}
	cfg, pipeline, err := open(flags.config, plainLog(messages))
	if err != nil {
		return err
	}
	defer pipeline.Close()
	scorer := pipeline.Scorer()
	collected := fit.NewCollector(scorer.Weights(), labels, span.Since, span.Until, flags.most)
	if flags.from != "" {
		err = collectHistory(cmd, pipeline, collected, flags.config, span)
	} else {
		err = collectFiles(cmd, pipeline, collected, sourceNamed(cfg, flags.source), files)
	}
	if err != nil {
		return err
	}
	method := collected.Logistic
	if flags.method == isotonic {
		method = collected.Isotonic
	}
	report, err := method(scorer, flags.options)
	if err != nil {
		return err
	}
	if flags.output == "json" {
		err = writeLines(cmd.OutOrStdout(), []*fit.Report{report})
	} else {
		err = writeFit(cmd.OutOrStdout(), report)
	}
	if err != nil {
		return err
	}
	for _, warning := range report.Warnings() {
		fmt.Fprintf(messages, "warning: %s\n", warning)
	}
	if flags.out == "" {
		return nil
	}
	if err := os.WriteFile(flags.out, report.File(), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(messages, "weights %s are in %s; scoring.weights_file of the configuration names the file\n", report.Fitted, flags.out)
	return err
}

// readLabels reads the file of labels; nil where none is named.
func (f *fitFlags) readLabels() (*fit.Labels, error) {
	if f.labels == "" {
		return nil, nil
	}
	in, err := os.Open(f.labels)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return fit.ReadLabels(f.labels, in)
}

func collectFiles(cmd *cobra.Command, pipeline *engine.Pipeline, collected *fit.Collector, source ingest.Source, files []string) error {
	logs := newLogFiles(cmd)
	replay, err := pipeline.NewReplay(source, io.Discard, logs.deadLetter)
	if err != nil {
		return usageError{fmt.Errorf("--source: %w", err)}
	}
	replay.Observe(collected)
	if err := logs.each(files, replay.File); err != nil {
		return err
	}
	if lost := logs.counts(); lost != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), strings.TrimPrefix(lost, ", "))
	}
	return nil
}

func collectHistory(cmd *cobra.Command, pipeline *engine.Pipeline, collected *fit.Collector, file string, span history.Span) error {
	replay := pipeline.NewReplayOfStored(io.Discard)
	replay.Observe(collected)
	span.Since = max(0, span.Since-warmingUp)
	return readStored(cmd, file, span, func(e *event.Event) error {
		replay.Stored(e)
		return nil
	})
}

func writeFit(w io.Writer, r *fit.Report) error {
	const day = "2006-01-02"
	fmt.Fprintf(w, "%s to %s (UTC): %d events of people who were in, told apart by %s\n", r.Since.Std().Format(day), r.Until.Std().Format(day), r.Events, r.Source)
	fmt.Fprintf(w, "fitted on %.1f account-days in an attacker's hands and %.1f others", r.Train.Compromised, r.Train.Benign)
	if h := r.HeldOut; h != nil {
		fmt.Fprintf(w, "; held out, from %s on: %.1f and %.1f", r.Split.Std().Format(day), h.Compromised, h.Benign)
	}
	fmt.Fprintln(w)
	if r.Sampled > 1 {
		fmt.Fprintf(w, "benign events with evidence are thinned out: one in %d stands for all\n", r.Sampled)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if r.Map == nil {
		writeWeights(t, r)
	} else {
		writeMap(t, r)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tlog-loss\tBrier\torder\tmean probability: attacker\towner")
	writeQuality(t, "fitted on", &r.Train)
	if r.HeldOut != nil {
		writeQuality(t, "held out", r.HeldOut)
	}
	return t.Flush()
}

func writeWeights(t io.Writer, r *fit.Report) {
	fmt.Fprintln(t, "llr\tfitted\terror\tattacker's days\tother days\t  detection")
	for _, d := range r.Detections {
		note := ""
		switch {
		case d.Fixed:
			note = " (not fitted)"
		case d.Compromised+d.Benign == 0:
			note = " (not seen)"
		}
		fmt.Fprintf(t, "%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t  %s%s\n", d.Before, d.After, d.Error, d.Compromised, d.Benign, d.Name, note)
	}
	fmt.Fprintf(t, "%.4f%%\t%.4f%%\t\t\t\t  prior\n", 100*r.PriorBefore, 100*r.PriorAfter)
}

func writeMap(t io.Writer, r *fit.Report) {
	fmt.Fprintln(t, "score\tto\tprobability\tattacker's days\tother days\t")
	for _, b := range r.Map {
		fmt.Fprintf(t, "%.2f\t%.2f\t%.2f%%\t%.1f\t%.1f\t\n", b.From, b.To, 100*b.Probability, b.Compromised, b.Benign)
	}
}

func writeQuality(t io.Writer, name string, part *fit.Part) {
	for _, line := range []struct {
		name string
		of   fit.Quality
	}{{"the prior alone", part.Nothing}, {"before", part.Before}, {"after", part.After}} {
		fmt.Fprintf(t, "%s, %s\t%.5f\t%.6f\t%.4f\t%.4f\t%.4f\n", name, line.name, line.of.LogLoss, line.of.Brier, line.of.Order, line.of.Caught, line.of.Blamed)
	}
}
