package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
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
  riskstream normalize --config riskstream.yaml --source idp.vpn vpn.jsonl
  kcat -b localhost:9092 -t idp.okta -C -e -q | riskstream normalize -`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, files []string) error { return normalize(cmd, configFile, source, files) },
	}
	configFlag(cmd, &configFile)
	sourceFlag(cmd, &source)
	return cmd
}

func normalize(cmd *cobra.Command, configFile, source string, files []string) error {
	messages := cmd.ErrOrStderr()
	cfg, pipeline, err := open(configFile, plainLog(messages))
	if err != nil {
		return err
	}
	defer pipeline.Close()
	parser, err := pipeline.Parser(sourceNamed(cfg, source))
	if err != nil {
		return usageError{fmt.Errorf("--source: %w", err)}
	}
	logs := newLogFiles(cmd)
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 1<<16)
	events := 0
	var line []byte
	emit := func(e *event.Event, _ int) {
		events++
		line = append(e.AppendJSON(line[:0]), '\n')
		out.Write(line) // its error comes back from Flush
	}
	err = logs.each(files, func(in io.Reader) error { return parser.ParseFile(in, emit, logs.deadLetter) })
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(messages, plural(events, "event")+logs.counts())
	return nil
}
