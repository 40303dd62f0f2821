package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/chdb"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/history"
)

func historyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Ask what happened before: users, addresses, sessions, reasons",
		Long: `History asks the ClickHouse database that history.dsn names, which riskstream
run fills: events, detections, scores and dead letters. With embedded:// the
database is a directory, and its engine runs inside riskstream; it is fetched
once with riskstream history install.`,
		Example: `  riskstream history timeline anna.weber@corp.example -c riskstream.yaml
  riskstream history event 3f1c2a94 -c riskstream.yaml      why this score?
  riskstream history top --since 7d -c riskstream.yaml
  riskstream history user 00u1abcd -c riskstream.yaml       who is this?
  riskstream history compare 00u1abcd -c riskstream.yaml    what is new today?
  riskstream history ip 203.0.113.9 -c riskstream.yaml      who came from there?
  riskstream history audit -c riskstream.yaml               is anything missing or there twice?
  riskstream history export scores --out scores.parquet -c riskstream.yaml
  riskstream history serve -c riskstream.yaml               the same questions over HTTP`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(historyTimelineCommand(), historyEventCommand(), historyTopCommand(), historyAuditCommand(), historyInstallCommand())
	cmd.AddCommand(historyUserCommand(), historyCompareCommand(), historyIPCommand(), historySessionCommand(), historyDevicesCommand(), historyAppsCommand())
	cmd.AddCommand(historyExportCommand(), historyServeCommand())
	return cmd
}

// historyQuery is what the commands that ask have in common.
type historyQuery struct {
	config, since, until, output string
	limit, least                 int
}

func (q *historyQuery) flags(cmd *cobra.Command, since string, limit int) {
	configFlag(cmd, &q.config)
	outputFlag(cmd, &q.output)
	if limit > 0 {
		q.spanFlags(cmd, since)
		q.limitFlag(cmd, limit, "at most `N`")
	}
}

// outputFlag is the flag that chooses between tables for people and JSON.
func outputFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVarP(into, "output", "o", "table", "table, or json: one line for each")
	if err := cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
}

// limitFlag is for commands that ask for as many answers as they are told.
func (q *historyQuery) limitFlag(cmd *cobra.Command, limit int, usage string) {
	q.least = 1
	cmd.Flags().IntVar(&q.limit, "limit", limit, usage)
}

func (q *historyQuery) spanFlags(cmd *cobra.Command, since string) {
	cmd.Flags().StringVar(&q.since, "since", since, "from this `time` on (RFC 3339, or as long ago: 12h, 30d)")
	cmd.Flags().StringVar(&q.until, "until", "", "up to this `time`")
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
	if q.limit < q.least || q.limit > 100_000 {
		return nil, span, usageError{fmt.Errorf("--limit %d: want 1 to 100000", q.limit)}
	}
	cfg, err := historyConfig(q.config)
	if err != nil {
		return nil, span, err
	}
	store, err := history.Open(ctx, cfg.History)
	return store, span, err
}

// ask opens the history and asks it.
func (q *historyQuery) ask(cmd *cobra.Command, question func(ctx context.Context, store *history.Store, span history.Span) error) (err error) {
	store, span, err := q.open(cmd.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return question(cmd.Context(), store, span)
}

// answer writes what was found, as lines of JSON or for people.
func answer[T any](q *historyQuery, w io.Writer, found []T, forPeople func(io.Writer, []T) error) error {
	if q.output == "json" {
		return writeLines(w, found)
	}
	return forPeople(w, found)
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

// momentOf reads a time of a flag.
func momentOf(flag, text string) (event.Time, error) {
	t, err := history.ParseMoment(text, clock())
	if err != nil {
		return 0, usageError{fmt.Errorf("--%s %w", flag, err)}
	}
	return t, nil
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
			return q.ask(cmd, func(ctx context.Context, store *history.Store, span history.Span) error {
				subjects, err := store.Find(ctx, args[0])
				if err != nil {
					return err
				}
				for _, subject := range subjects {
					entries, err := store.Timeline(ctx, subject, span, q.limit)
					if err != nil {
						return err
					}
					if err := answer(&q, cmd.OutOrStdout(), entries, func(w io.Writer, entries []history.Entry) error { return writeTimeline(w, subject, entries) }); err != nil {
						return err
					}
				}
				return nil
			})
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
			return q.ask(cmd, func(ctx context.Context, store *history.Store, _ history.Span) error {
				found, err := store.Explain(ctx, args[0])
				if err != nil {
					return err
				}
				if len(found) == 0 {
					return fmt.Errorf("no event %q is in the history", args[0])
				}
				return answer(&q, cmd.OutOrStdout(), found, writeExplanations)
			})
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
			return q.ask(cmd, func(ctx context.Context, store *history.Store, span history.Span) error {
				list, err := store.Top(ctx, span, q.limit)
				if err != nil {
					return err
				}
				return answer(&q, cmd.OutOrStdout(), list, writeTop)
			})
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
	opts, err := cfg.Kafka.ClientOptions(slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil)))
	if err != nil {
		return err
	}
	return q.ask(cmd, func(ctx context.Context, store *history.Store, _ history.Span) error {
		shown := newProgress(cmd.ErrOrStderr())
		audits, err := store.AuditAll(ctx, cfg.Kafka, opts, clock(), func(done, total int64) { shown.counted("records", done, total) })
		shown.done()
		if err != nil {
			return err
		}
		if err := answer(q, cmd.OutOrStdout(), audits, writeAudits); err != nil {
			return err
		}
		for i := range audits {
			if !audits[i].Clean() {
				return errors.New("the history is not what Kafka has: see above")
			}
		}
		return nil
	})
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
