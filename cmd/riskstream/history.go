package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/chdb"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/livetable"
)

func historyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Ask what happened before: timelines, reasons, the riskiest users",
		Long: `History asks the ClickHouse database that history.dsn names, which riskstream
run fills: events, detections, scores and dead letters. With embedded:// the
database is a directory, and its engine runs inside riskstream; it is fetched
once with riskstream history install.`,
		Example: `  riskstream history timeline anna.weber@corp.example -c riskstream.yaml
  riskstream history event 3f1c2a94 -c riskstream.yaml      why this score?
  riskstream history top --since 7d -c riskstream.yaml
  riskstream history audit -c riskstream.yaml               is anything missing or there twice?`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(historyTimelineCommand(), historyEventCommand(), historyTopCommand(), historyAuditCommand(), historyInstallCommand())
	return cmd
}

// historyQuery is what the commands that ask have in common.
type historyQuery struct {
	config, since, until, output string
	limit                        int
}

func (q *historyQuery) flags(cmd *cobra.Command, since string, limit int) {
	configFlag(cmd, &q.config)
	f := cmd.Flags()
	f.StringVarP(&q.output, "output", "o", "table", "table, or json: one line for each")
	if err := cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
	if limit > 0 {
		f.StringVar(&q.since, "since", since, "from this `time` on (RFC 3339, or as long ago: 12h, 30d)")
		f.StringVar(&q.until, "until", "", "up to this `time`")
		f.IntVar(&q.limit, "limit", limit, "at most `N`")
	}
}

// open opens the history for a question.
func (q *historyQuery) open(ctx context.Context) (*history.Store, history.Span, error) {
	var span history.Span
	if q.output != "table" && q.output != "json" {
		return nil, span, usageError{fmt.Errorf("--output %q: want table or json", q.output)}
	}
	var err error
	if span.Since, err = momentOf("since", q.since); err != nil {
		return nil, span, err
	}
	if span.Until, err = momentOf("until", q.until); err != nil {
		return nil, span, err
	}
	if q.limit < 0 || q.limit > 100_000 {
		return nil, span, usageError{fmt.Errorf("--limit %d: want 1 to 100000", q.limit)}
	}
	cfg, err := historyConfig(q.config)
	if err != nil {
		return nil, span, err
	}
	store, err := history.Open(ctx, cfg.History)
	return store, span, err
}

// historyConfig loads a configuration that must name a history.
func historyConfig(file string) (*config.Config, error) {
	if file == "" {
		return nil, usageError{errors.New("the history needs --config FILE, with history.dsn in it")}
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	if cfg.History.DSN == "" {
		return nil, fmt.Errorf("%s: history.dsn is not set, so no history is kept; embedded:///var/lib/riskstream/history needs no server", file)
	}
	return cfg, nil
}

// momentOf reads a time of a flag: RFC 3339, a date, or how long ago.
func momentOf(flag, text string) (event.Time, error) {
	if text == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 100_000 {
			return event.TimeOf(clock().AddDate(0, 0, -n)), nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return event.TimeOf(clock().Add(-ago)), nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return event.TimeOf(t), nil
		}
	}
	return 0, usageError{fmt.Errorf("--%s %q: want a time (2026-11-25T13:00:00Z), a day (2026-11-25) or how long ago (12h, 30d)", flag, text)}
}

func historyTimelineCommand() *cobra.Command {
	var q historyQuery
	cmd := &cobra.Command{
		Use:   "timeline USER",
		Short: "What a user did, what was detected, and what followed",
		Long: `Timeline prints the events of a user, oldest first, with what was detected at
each and the score and decision that it led to. USER is any name that the user
ever had: subject, user name, e-mail address or id at the provider.`,
		Example: `  riskstream history timeline anna.weber@corp.example -c riskstream.yaml
  riskstream history timeline anna.weber@corp.example --since 2026-03-02 --until 2026-03-04 -c riskstream.yaml
  riskstream history timeline 00u1abcd -o json -c riskstream.yaml | jq -r 'select(.score.decision == "revoke") | .event_id'`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, span, err := q.open(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			subjects, err := store.Find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			for _, subject := range subjects {
				entries, err := store.Timeline(cmd.Context(), subject, span, q.limit)
				if err != nil {
					return err
				}
				if q.output == "json" {
					err = writeLines(cmd.OutOrStdout(), entries)
				} else {
					err = writeTimeline(cmd.OutOrStdout(), subject, entries)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	q.flags(cmd, "30d", 200)
	return cmd
}

func historyEventCommand() *cobra.Command {
	var q historyQuery
	cmd := &cobra.Command{
		Use:   "event ID",
		Short: "Why this score: what was detected at an event, and all that counted then",
		Example: `  riskstream history event 3f1c2a94 -c riskstream.yaml
  riskstream history event 3f1c2a94 -o json -c riskstream.yaml | jq .score.reasons`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, _, err := q.open(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			found, err := store.Explain(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if len(found) == 0 {
				return fmt.Errorf("no event %q is in the history", args[0])
			}
			if q.output == "json" {
				return writeLines(cmd.OutOrStdout(), found)
			}
			for i := range found {
				if err := writeExplanation(cmd.OutOrStdout(), &found[i]); err != nil {
					return err
				}
			}
			return nil
		},
	}
	q.flags(cmd, "", 0)
	return cmd
}

func historyTopCommand() *cobra.Command {
	var q historyQuery
	cmd := &cobra.Command{
		Use:   "top",
		Short: "The riskiest users of a stretch of time",
		Example: `  riskstream history top --since 24h -c riskstream.yaml
  riskstream history top --since 2026-03-01 --until 2026-04-01 --limit 50 -c riskstream.yaml`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, span, err := q.open(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			list, err := store.Top(cmd.Context(), span, q.limit)
			if err != nil {
				return err
			}
			if q.output == "json" {
				return writeLines(cmd.OutOrStdout(), list)
			}
			return writeTop(cmd.OutOrStdout(), list)
		},
	}
	q.flags(cmd, "7d", 20)
	return cmd
}

func historyAuditCommand() *cobra.Command {
	var q historyQuery
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Hold the history against Kafka: is anything missing, or there twice?",
		Long: `Audit reads every committed record that Kafka still has and looks it up in the
history: each must be in exactly one row. It ends with 1 if one is not. What the
history has not read yet is waiting, not missing.`,
		Example: `  riskstream history audit -c riskstream.yaml`,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return auditHistory(cmd, &q) },
	}
	q.flags(cmd, "", 0)
	return cmd
}

func auditHistory(cmd *cobra.Command, q *historyQuery) error {
	cfg, err := historyConfig(q.config)
	if err != nil {
		return err
	}
	store, _, err := q.open(cmd.Context())
	if err != nil {
		return err
	}
	defer store.Close()
	opts, err := cfg.Kafka.ClientOptions(slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil)))
	if err != nil {
		return err
	}
	audits, err := store.AuditAll(cmd.Context(), cfg.Kafka, opts, clock(), func(int64) {})
	if err != nil {
		return err
	}
	if q.output == "json" {
		err = writeLines(cmd.OutOrStdout(), audits)
	} else {
		err = writeAudits(cmd.OutOrStdout(), audits)
	}
	if err != nil {
		return err
	}
	for i := range audits {
		if !audits[i].Clean() {
			return errors.New("the history is not what Kafka has: see above")
		}
	}
	return nil
}

func historyInstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install",
		Short: "Fetch ClickHouse's engine for an embedded history (some 180 MB)",
		Long: `Install downloads ClickHouse's engine as a library (libchdb) from the public npm
registry into the user's cache, checks it and unpacks it. It is needed once, and
for history.dsn: embedded:// alone.`,
		Example: `  riskstream history install`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			shown := newProgress(cmd.ErrOrStderr())
			path, err := chdb.Fetch(cmd.Context(), func(done, total int64) { shown.at("libchdb", done, total) })
			shown.done()
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), path)
			return nil
		},
	}
}

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
	// Columns are as wide as all rows need, whatever stands between the rows.
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for i := range entries {
		e := &entries[i]
		what := e.Action
		switch {
		case e.EventID == "":
			what = "time passed"
		case e.Outcome != "success":
			what += " " + e.Outcome
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", e.Time.Std().Format(shortTime), livetable.Clean(what), livetable.Clean(placeText(e)), livetable.Clean(e.App), verdictText(e.Score), livetable.Clean(e.EventID))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	rows := strings.Split(table.String(), "\n")
	fmt.Fprintf(w, "%s, %d entries (UTC)\n", livetable.Clean(subject.String()), len(entries))
	for i := range entries {
		if _, err := io.WriteString(w, strings.TrimRight(rows[i], " \n")+"\n"); err != nil {
			return err
		}
		for _, d := range entries[i].Detections {
			fmt.Fprintf(w, "    %+6.1f %s: %s\n", d.Points, livetable.Clean(d.Name), livetable.Clean(d.Summary))
		}
	}
	return nil
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
	text := fmt.Sprintf("%.1f %s", v.Score, v.Level)
	if v.Decision != "allow" {
		text += ", " + v.Decision
	}
	return text
}

func writeExplanation(w io.Writer, e *history.Explanation) error {
	fmt.Fprintf(w, "%s  %s  %s %s  %s  %s\n", e.Event.Time.Std().Format(shortTime), livetable.Clean(e.Subject.String()), e.Event.Action, e.Event.Outcome, livetable.Clean(placeText(&e.Event)), livetable.Clean(e.Event.App))
	if len(e.Found) > 0 {
		fmt.Fprintln(w, "\ndetected at this event:")
	}
	for _, d := range e.Found {
		fmt.Fprintf(w, "  %+6.1f  %s: %s\n", d.Points, livetable.Clean(d.Name), livetable.Clean(d.Summary))
	}
	if e.Score == nil {
		fmt.Fprintln(w, "\nno score was ever published for this user")
		return nil
	}
	if e.Caused {
		fmt.Fprintf(w, "\nled to: %.1f %s, %s (version %d, prior %.1f)\n", e.Score.Score, e.Score.Level, e.Score.Decision, e.Score.Version, e.Score.Prior)
	} else {
		fmt.Fprintf(w, "\nchanged nothing; what held was of %s: %.1f %s, %s (version %d)\n", e.Score.AsOf.Std().Format(shortTime), e.Score.Score, e.Score.Level, e.Score.Decision, e.Score.Version)
	}
	for _, c := range e.Score.Reasons {
		note := ""
		switch {
		case c.CoveredBy != "":
			note = " (counted as " + c.CoveredBy + ")"
		case c.Unconfirmed:
			note = " (failed attempts only)"
		}
		fmt.Fprintf(w, "  %+6.1f  %s: %s%s\n          since %s, event %s\n", c.Points, livetable.Clean(c.Detection), livetable.Clean(c.Summary), note, c.At.Std().Format(shortTime), livetable.Clean(c.EventID))
	}
	return nil
}

func writeTop(w io.Writer, list []history.Riskiest) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "score\tlevel\tdecision\tlast\tuser\tat (UTC)\tevent\twhy")
	for i := range list {
		r := &list[i]
		fmt.Fprintf(t, "%.1f\t%s\t%s\t%.1f\t%s\t%s\t%s\t%s\n", r.Score, r.Level, r.Decision, r.Now, livetable.Clean(r.Subject.String()), r.At.Std().Format(shortTime), livetable.Clean(r.EventID), livetable.Clean(strings.Join(r.Reasons[:min(3, len(r.Reasons))], "; ")))
	}
	return t.Flush()
}

func writeAudits(w io.Writer, audits []history.Audit) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "topic\tpartition\trecords\trows\tmissing\tdoubled\twaiting\texpired\t")
	for i := range audits {
		a := &audits[i]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", a.Topic, a.Partition, a.Records, a.Rows, a.Missing, a.Doubled, a.Waiting, a.Expired)
	}
	return t.Flush()
}
