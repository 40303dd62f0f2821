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

The same files and configuration give the same bytes, every time. What cannot be
read is told and counted; the exit code is 0 all the same.`,
		Example: `  riskstream replay okta.jsonl                    one line per event
  riskstream replay okta.jsonl --top              the 20 riskiest users, and why
  riskstream replay okta.jsonl --top=5
  riskstream replay okta.jsonl | jq 'select(.score >= 40)'
  riskstream replay --config riskstream.yaml okta.jsonl.gz entra.json
  kcat -b localhost:9092 -t idp.okta -C -e -q | riskstream replay -
  riskstream replay --out result okta.jsonl       also detections, scores and state`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, files []string) error {
			until, err := flags.check(cmd, files)
			if err != nil {
				return usageError{err}
			}
			return replay(cmd, flags, until, files)
		},
	}
	f := cmd.Flags()
	configFlag(cmd, &flags.config)
	sourceFlag(cmd, &flags.source)
	f.IntVar(&flags.top, "top", 0, "print a table of the `N` riskiest users instead of lines")
	f.Lookup("top").NoOptDefVal = "20"
	f.StringVar(&flags.out, "out", "", "also write detections.jsonl, scores.jsonl and state.jsonl to this `directory`")
	f.StringVar(&flags.until, "until", "", "let levels fall up to this `time` (RFC 3339) at the end; with --out or --top")
	return cmd
}

// check finds wrong usage before anything is read.
func (f *replayFlags) check(cmd *cobra.Command, files []string) (until event.Time, err error) {
	if cmd.Flags().Changed("top") {
		if f.top < 1 {
			return 0, fmt.Errorf("--top=%d: want at least 1", f.top)
		}
		if _, err := strconv.Atoi(files[0]); err == nil && readable(files[:1]) != nil {
			return 0, fmt.Errorf("--top takes its number with an equals sign: --top=%s", files[0])
		}
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

func replay(cmd *cobra.Command, flags replayFlags, until event.Time, files []string) error {
	out, messages := cmd.OutOrStdout(), cmd.ErrOrStderr()
	cfg, pipeline, err := open(flags.config, plainLog(messages))
	if err != nil {
		return err
	}
	defer pipeline.Close()

	lines := out
	if flags.top > 0 {
		lines = io.Discard
	}
	logs := newLogFiles(cmd)
	r, err := pipeline.NewReplay(sourceNamed(cfg, flags.source), lines, logs.deadLetter)
	if err != nil {
		return usageError{fmt.Errorf("--source: %w", err)}
	}
	if flags.out != "" || flags.top > 0 {
		r.Collect()
	}
	if err := logs.each(files, r.File); err != nil {
		return err
	}
	if until != 0 {
		r.FallUntil(until)
	}
	if flags.out != "" {
		if err := r.WriteOut(flags.out); err != nil {
			return err
		}
	}
	if flags.top > 0 {
		if err := livetable.Top(out, topRows(r.Records().Top(), flags.top), colourOn(out)); err != nil {
			return err
		}
	}
	fmt.Fprintln(messages, stats(r.Stats())+logs.counts())
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
