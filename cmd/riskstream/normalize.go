package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
)

func normalizeCommand() *cobra.Command {
	var configFile, source string
	cmd := &cobra.Command{
		Use:   "normalize [flags] FILE...",
		Short: "Show what riskstream understands of each event of log files",
		Long: `Normalize reads log files as replay does and prints each event in riskstream's
own form, one JSON line each, enriched and with its subject, but not scored.
Standard error says what could not be read, and why.`,
		Example: `  riskstream normalize okta.jsonl
  riskstream normalize --source entra signins.json | jq .user.subject
  kcat -b localhost:9092 -t idp.okta -C -e | riskstream normalize -`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error { return normalize(cmd, configFile, source, files) },
	}
	cmd.Flags().StringVarP(&configFile, "config", "c", "", "configuration `file`; defaults without")
	cmd.Flags().StringVar(&source, "source", "", "`format` of the files, instead of recognising it")
	return cmd
}

func normalize(cmd *cobra.Command, configFile, source string, files []string) error {
	pipeline, err := openPipeline(configFile)
	if err != nil {
		return err
	}
	defer pipeline.Close()
	parser, err := pipeline.Parser(ingest.Source{Format: source})
	if err != nil {
		return usageError{err}
	}
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 1<<16)
	messages := cmd.ErrOrStderr()
	progress := newProgress(messages)
	tell := printDeadLetter(messages)
	deadLetters := map[string]int{}
	events := 0
	var line []byte
	emit := func(e *event.Event) {
		events++
		line = append(e.AppendJSON(line[:0]), '\n')
		out.Write(line) // its error comes back from Flush
	}
	reject := func(d ingest.DeadLetter) {
		deadLetters[d.Reason]++
		tell(d)
	}
	for _, file := range files {
		err := eachFile(cmd, file, progress, func(in io.Reader) error {
			return ingest.Records(in, func(record []byte, line int) error {
				parser.Parse(record, event.Origin{Offset: int64(line)}, emit, reject)
				return nil
			})
		})
		if err != nil {
			return err
		}
	}
	progress.done()
	if err := out.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(messages, "%d events", events)
	printDeadLetterCounts(messages, deadLetters)
	fmt.Fprintln(messages)
	return nil
}
