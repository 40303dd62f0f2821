package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/livetable"
)

type replayFlags struct {
	config, source, out, until string
	top                        int
}

func replayCommand() *cobra.Command {
	var flags replayFlags
	cmd := &cobra.Command{
		Use:   "replay [flags] FILE...",
		Short: "Score the events of log files, without Kafka",
		Long: `Replay reads log files (JSON lines, arrays, vendors' envelopes; .gz too; - is
standard input), recognises their format and sends them through the same code
that scores live events. It prints one JSON line per unique event: its risk, the
subject's score, and the evidence. Messages go to standard error.

The same files and configuration give the same bytes, every time.`,
		Example: `  riskstream replay okta.jsonl                    one line per event
  riskstream replay okta.jsonl --top              the riskiest users, and why
  riskstream replay okta.jsonl | jq 'select(.score >= 40)'
  riskstream replay --config riskstream.yaml okta.jsonl.gz entra.json
  riskstream replay --out result/ events-0.jsonl  also detections, scores and state`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error { return replay(cmd, flags, files) },
	}
	f := cmd.Flags()
	f.StringVarP(&flags.config, "config", "c", "", "configuration `file`; defaults without")
	f.StringVar(&flags.source, "source", "", "`format` of the files, instead of recognising it")
	f.IntVar(&flags.top, "top", 0, "print a table of the `N` riskiest users instead of lines")
	f.Lookup("top").NoOptDefVal = "20"
	f.StringVar(&flags.out, "out", "", "also write detections, scores and state to this `directory`")
	f.StringVar(&flags.until, "until", "", "let levels fall up to this `time` (RFC 3339) at the end; with --out or --top")
	return cmd
}

func replay(cmd *cobra.Command, flags replayFlags, files []string) error {
	until, err := parseUntil(flags.until)
	if err != nil {
		return usageError{err}
	}
	pipeline, err := openPipeline(flags.config)
	if err != nil {
		return err
	}
	defer pipeline.Close()

	out, messages := cmd.OutOrStdout(), cmd.ErrOrStderr()
	lines := out
	if flags.top > 0 {
		lines = io.Discard
	}
	r, err := pipeline.NewReplay(ingest.Source{Format: flags.source}, lines, printDeadLetter(messages))
	if err != nil {
		return usageError{err}
	}
	if flags.out != "" || flags.top > 0 {
		r.Collect()
	}
	progress := newProgress(messages)
	for _, file := range files {
		if err := eachFile(cmd, file, progress, r.File); err != nil {
			return err
		}
	}
	progress.done()
	if until != 0 {
		r.FallUntil(until)
	}
	if flags.out != "" {
		if err := r.WriteOut(flags.out); err != nil {
			return err
		}
	}
	if flags.top > 0 {
		livetable.Top(out, topRows(r.Records().Top(), flags.top), colourOn(out))
	}
	printStats(messages, r.Stats())
	if pipeline.Enricher().MissingGeo() {
		fmt.Fprintln(messages, "no location for some events: without a GeoIP database (geoip.city) travel is judged by the log's own geo only")
	}
	return nil
}

func parseUntil(s string) (event.Time, error) {
	var t event.Time
	if s == "" {
		return 0, nil
	}
	if err := t.UnmarshalText([]byte(s)); err != nil {
		return 0, fmt.Errorf("--until: %w", err)
	}
	return t, nil
}

// openPipeline makes the pipeline of a configuration file; "" is the defaults.
func openPipeline(path string) (*engine.Pipeline, error) {
	cfg := config.Default()
	if path != "" {
		var err error
		if cfg, err = config.Load(path); err != nil {
			return nil, err
		}
	}
	return engine.NewPipeline(cfg, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

// eachFile opens a file, or standard input for -, and hands it to read.
func eachFile(cmd *cobra.Command, path string, progress *progress, read func(io.Reader) error) error {
	if path == "-" {
		if err := read(progress.reader(cmd.InOrStdin(), "-", 0)); err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	size := int64(0)
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	if err := read(progress.reader(bufio.NewReaderSize(f, 1<<20), path, size)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// printDeadLetter tells of the first dead letters in full and counts the rest,
// so that a broken file does not bury its own message.
func printDeadLetter(w io.Writer) func(ingest.DeadLetter) {
	const shown = 20
	n := 0
	return func(d ingest.DeadLetter) {
		n++
		switch {
		case n <= shown:
			fmt.Fprintf(w, "line %d: dead letter %s: %s\n", d.Origin.Offset, d.Reason, d.Err)
		case n == shown+1:
			fmt.Fprintln(w, "more dead letters follow; they are counted below")
		}
	}
}

func printStats(w io.Writer, s engine.ReplayStats) {
	fmt.Fprintf(w, "%d events", s.Lines)
	for _, part := range []struct {
		n    int
		name string
	}{{s.Repeats, "repeats"}, {s.Signals, "signals"}, {s.NoSubject, "without a subject"}, {s.Falls, "falls of level"}} {
		if part.n > 0 {
			fmt.Fprintf(w, ", %d %s", part.n, part.name)
		}
	}
	printDeadLetterCounts(w, s.DeadLetters)
	fmt.Fprintln(w)
}

func printDeadLetterCounts(w io.Writer, byReason map[string]int) {
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		fmt.Fprintf(w, ", %d dead letters (%s)", byReason[reason], reason)
	}
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

// progressEvery is how often progress is redrawn.
const progressEvery = 500 * time.Millisecond
