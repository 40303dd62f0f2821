package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/livetable"
)

type replayFlags struct {
	config, source, out, until string
	top                        int
	from, user                 string
	toHistory                  bool
}

func replayCommand() *cobra.Command {
	var flags replayFlags
	cmd := &cobra.Command{
		Use:   "replay [flags] FILE... | replay --from history --user USER",
		Short: "Score the events of log files, without Kafka",
		Long: `Replay reads log files (JSON lines, arrays, vendors' envelopes; .gz too; - is
standard input), recognises their format and sends them through the same code
that scores live events. It prints one JSON line per unique event: its risk, the
subject's score, and the evidence. Messages go to standard error.

The same files and configuration give the same bytes, every time. What cannot be
read is told and counted; the exit code is 0 all the same.

With --to-history all of it also goes into the history that history.dsn names,
for the questions of riskstream history and for backtests. A file is known by
its SHA-256: loading it again adds nothing, and a load that was cut off goes on.
A log that still grows is another file each time, so load finished ones.

With --from history the stored events of a user are replayed, in the order in
which they were scored, and the scores are held against the published ones.`,
		Example: `  riskstream replay okta.jsonl                    one line per event
  riskstream replay okta.jsonl --top              the 20 riskiest users, and why
  riskstream replay okta.jsonl --top=5
  riskstream replay okta.jsonl | jq 'select(.score >= 40)'
  riskstream replay --config riskstream.yaml okta.jsonl.gz entra.json
  kcat -b localhost:9092 -t idp.okta -C -e -q | riskstream replay -
  riskstream replay --out result okta.jsonl       also detections, scores and state
  riskstream replay --to-history -c riskstream.yaml 2026-0*.jsonl.gz
  riskstream replay --from history --user anna.weber@corp.example -c riskstream.yaml`,
		Args: func(cmd *cobra.Command, files []string) error {
			if flags.from != "" {
				return usageArgs(cobra.NoArgs)(cmd, files)
			}
			return someFiles(cmd, files)
		},
		RunE: func(cmd *cobra.Command, files []string) error {
			until, err := flags.check(cmd, files)
			if err != nil {
				return usageError{err}
			}
			if flags.from != "" {
				return replayStored(cmd, &flags, until)
			}
			return replay(cmd, &flags, until, files)
		},
	}
	f := cmd.Flags()
	configFlag(cmd, &flags.config)
	sourceFlag(cmd, &flags.source)
	f.IntVar(&flags.top, "top", 0, "print a table of the `N` riskiest users instead of lines")
	f.Lookup("top").NoOptDefVal = "20"
	f.StringVar(&flags.out, "out", "", "also write detections.jsonl, scores.jsonl and state.jsonl to this `directory`")
	f.BoolVar(&flags.toHistory, "to-history", false, "also write everything into the configured history")
	f.StringVar(&flags.from, "from", "", "history: replay what the configured history has, instead of files")
	f.StringVar(&flags.user, "user", "", "with --from history: the `user`, by any name")
	if err := cmd.RegisterFlagCompletionFunc("from", cobra.FixedCompletions([]string{"history"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
	f.StringVar(&flags.until, "until", "", "let levels fall up to this `time` (RFC 3339) at the end; with --out or --top")
	return cmd
}

// check finds wrong usage before anything is read.
func (f *replayFlags) check(cmd *cobra.Command, files []string) (until event.Time, err error) {
	if cmd.Flags().Changed("top") {
		if f.top < 1 {
			return 0, fmt.Errorf("--top=%d: want at least 1", f.top)
		}
		if len(files) > 0 {
			if _, err := strconv.Atoi(files[0]); err == nil && readable(files[:1]) != nil {
				return 0, fmt.Errorf("--top takes its number with an equals sign: --top=%s", files[0])
			}
		}
	}
	if err := f.checkHistory(files); err != nil {
		return 0, err
	}
	if f.until == "" {
		return 0, nil
	}
	if f.out == "" && f.top == 0 {
		return 0, errors.New("--until is for --out or --top: a line shows its event's own moment")
	}
	if err := until.UnmarshalText([]byte(f.until)); err != nil {
		return 0, fmt.Errorf("--until: %w", err)
	}
	return until, nil
}

// checkHistory finds wrong usage of the flags about the history.
func (f *replayFlags) checkHistory(files []string) error {
	switch {
	case f.from != "" && f.from != "history":
		return fmt.Errorf("--from %q: want history, or files without it", f.from)
	case f.from != "" && f.user == "":
		return errors.New("--from history needs --user USER")
	case f.from != "" && f.toHistory:
		return errors.New("--to-history is for files: what comes --from history is there already")
	case f.from == "" && f.user != "":
		return errors.New("--user goes with --from history")
	case f.from != "" || f.toHistory:
		if f.toHistory && slices.Contains(files, "-") {
			return errors.New("--to-history knows a file by its checksum: give it a file instead of standard input")
		}
		_, err := historyConfig(f.config)
		return err
	}
	return nil
}

// lines is where the replay's lines go.
func (f *replayFlags) lines(cmd *cobra.Command) io.Writer {
	if f.top > 0 {
		return io.Discard
	}
	return cmd.OutOrStdout()
}

// collect has the replay keep what is asked for at the end.
func (f *replayFlags) collect(r *engine.Replay) {
	if f.out != "" || f.top > 0 {
		r.Collect()
	}
}

// finish lets levels fall and writes what is asked for at the end.
func (f *replayFlags) finish(cmd *cobra.Command, r *engine.Replay, until event.Time) error {
	if until != 0 {
		r.FallUntil(until)
	}
	if f.out != "" {
		if err := r.WriteOut(f.out); err != nil {
			return err
		}
	}
	if f.top > 0 {
		out := cmd.OutOrStdout()
		return livetable.Top(out, topRows(r.Records().Top(), f.top), colourOn(out))
	}
	return nil
}

func replay(cmd *cobra.Command, flags *replayFlags, until event.Time, files []string) (err error) {
	messages := cmd.ErrOrStderr()
	cfg, pipeline, err := open(flags.config, plainLog(messages))
	if err != nil {
		return err
	}
	defer pipeline.Close()

	logs := newLogFiles(cmd)
	var load *loading
	r, err := pipeline.NewReplay(sourceNamed(cfg, flags.source), flags.lines(cmd), func(d ingest.DeadLetter) {
		logs.deadLetter(d)
		if load != nil {
			load.deadLetter(d)
		}
	})
	if err != nil {
		return usageError{fmt.Errorf("--source: %w", err)}
	}
	flags.collect(r)
	read := r.File
	if flags.toHistory {
		if load, err = startLoading(cmd.Context(), cfg, pipeline, r); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, load.close()) }()
		read = func(in io.Reader) error { return load.file(logs.name, in, r.File) }
	}
	if err := logs.each(files, read); err != nil {
		return err
	}
	added := ""
	if load != nil {
		if load.loader.Fresh() {
			r.FallUntil(max(until, r.Newest()))
		}
		if added, err = load.end(); err != nil {
			return err
		}
		added = "\n" + added
	}
	if err := flags.finish(cmd, r, until); err != nil {
		return err
	}
	fmt.Fprintln(messages, stats(r.Stats())+logs.counts()+added)
	return nil
}

// stats is what became of the events that were read.
func stats(s engine.ReplayStats) string {
	text := plural(s.Lines, "event")
	add := func(n int, what string) {
		if n > 0 {
			text += fmt.Sprintf(", %d %s", n, what)
		}
	}
	add(s.Repeats, "repeated")
	add(s.Signals, "of feedback")
	add(s.NoSubject, "without a subject")
	add(s.Falls, "falls of level")
	return text
}

// topRows are the riskiest users: by score, then name.
func topRows(users []*event.Score, n int) []livetable.Row {
	slices.SortFunc(users, func(a, b *event.Score) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Entity, b.Entity))
	})
	var rows []livetable.Row
	for _, rec := range users[:min(n, len(users))] {
		rows = append(rows, livetable.RowOf(rec))
	}
	return rows
}
