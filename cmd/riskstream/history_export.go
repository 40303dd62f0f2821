package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/history"
)

// exportFlags say what of the history goes where.
type exportFlags struct {
	historyQuery
	user, format, out string
}

func historyExportCommand() *cobra.Command {
	f := exportFlags{historyQuery: historyQuery{output: "json"}}
	cmd := &cobra.Command{
		Use:   "export " + strings.Join(history.Exports(), "|"),
		Short: "Write events, detections, scores or dead letters, as JSON lines or Parquet",
		Long: `Export writes what a table of the history has, a row per line of JSON or in a
Parquet file, in a fixed order: by tenant, user and time; dead letters by reason
and when they came. What is empty or null is left out. A file is there when it is
complete, and an export that is interrupted leaves none.`,
		Example: `  riskstream history export events --user anna.weber@corp.example -c riskstream.yaml
  riskstream history export scores --since 30d --out scores.parquet -c riskstream.yaml
  riskstream history export dead_letters -c riskstream.yaml | jq -r .error`,
		Args:      usageArgs(cobra.ExactArgs(1)),
		ValidArgs: history.Exports(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(args[0], cmd.OutOrStdout()); err != nil {
				return usageError{err}
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			cmd.SetContext(ctx)
			return f.ask(cmd, func(ctx context.Context, store *history.Store, span history.Span) error {
				return f.export(ctx, cmd, store, history.Export{Table: args[0], Span: span, Format: f.format})
			})
		},
	}
	configFlag(cmd, &f.config)
	f.spanFlags(cmd, "")
	cmd.Flags().StringVar(&f.user, "user", "", "only of this `USER`: any name that the user ever had")
	cmd.Flags().StringVar(&f.format, "format", "", "jsonl or parquet; jsonl, unless --out ends with .parquet")
	cmd.Flags().StringVar(&f.out, "out", "", "`file` to write, instead of standard output")
	if err := cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{history.JSONL, history.Parquet}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
	return cmd
}

// check refuses what cannot be meant, before anything is opened.
func (f *exportFlags) check(table string, out io.Writer) error {
	if f.format == "" {
		f.format = history.JSONL
		if strings.HasSuffix(f.out, ".parquet") {
			f.format = history.Parquet
		}
	}
	switch {
	case !slices.Contains(history.Exports(), table):
		return fmt.Errorf("export %q: want %s", table, strings.Join(history.Exports(), ", "))
	case f.format != history.JSONL && f.format != history.Parquet:
		return fmt.Errorf("--format %q: want %s or %s", f.format, history.JSONL, history.Parquet)
	case f.format == history.Parquet && f.out == "" && isTerminal(out):
		return errors.New("--format parquet is not for a terminal: name a file with --out")
	}
	return nil
}

func (f *exportFlags) export(ctx context.Context, cmd *cobra.Command, store *history.Store, e history.Export) error {
	if f.user != "" {
		var err error
		if e.Subjects, err = store.Find(ctx, f.user); err != nil {
			return err
		}
	}
	if f.out == "" {
		_, err := store.Export(ctx, e, cmd.OutOrStdout())
		return err
	}
	shown := newProgress(cmd.ErrOrStderr())
	var rows int64
	err := writeWhole(f.out, func(w io.Writer) (err error) {
		rows, err = store.Export(ctx, e, &countingWriter{w: w, count: func(written int64) { shown.at(f.out, written, 0) }})
		return err
	})
	shown.done()
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", f.out, plural(uint64(rows), "row"))
	return nil
}

// writeWhole writes a file that is there as a whole or not at all, for its owner
// alone.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// countingWriter tells how many bytes were written through it.
type countingWriter struct {
	w       io.Writer
	written int64
	count   func(written int64)
}

// Write implements io.Writer.
func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.written += int64(n)
	c.count(c.written)
	return n, err
}
