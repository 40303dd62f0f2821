package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
)

// open loads a configuration ("" is the defaults) and makes its pipeline. The
// error joins everything wrong with the file and with what it names. An error
// in the file does not keep the databases, rules and policies that can be
// opened from being checked too; the configuration that could be read is then
// returned beside the error.
func open(path string, log *slog.Logger) (*config.Config, *engine.Pipeline, error) {
	cfg, cfgErr := config.Default(), error(nil)
	if path != "" {
		if cfg, cfgErr = config.Load(path); cfg == nil {
			return nil, nil, cfgErr
		}
	}
	pipeline, err := engine.NewPipeline(cfg, log)
	if cfgErr == nil && err == nil {
		return cfg, pipeline, nil
	}
	if pipeline != nil {
		pipeline.Close()
	}
	return cfg, nil, &configError{errors.Join(cfgErr, cfg.Place(err))}
}

// configError is everything wrong with a configuration.
type configError struct{ error }

func (e *configError) Error() string {
	problems := e.error.Error()
	if !strings.Contains(problems, "\n") {
		return problems
	}
	return "the configuration has errors:\n" + problems
}

func (e *configError) Unwrap() error { return e.error }

// plainLog tells a person at a terminal what matters, without time and level.
func plainLog(w io.Writer) *slog.Logger { return slog.New(&plainHandler{w: w}) }

type plainHandler struct {
	mu sync.Mutex
	w  io.Writer
}

func (h *plainHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (h *plainHandler) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(" (%s: %v)", a.Key, a.Value)
		return true
	})
	_, err := fmt.Fprintf(h.w, "%s: %s\n", strings.ToLower(r.Level.String()), text)
	return err
}

func (h *plainHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *plainHandler) WithGroup(string) slog.Handler      { return h }

// sourceFlag is the flag that says what log files are, where that cannot or
// need not be recognised.
func sourceFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "source", "", "`name` of the format, or the topic of a configured source, instead of recognising each event")
	formats := cobra.FixedCompletions(ingest.Formats(), cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("source", formats); err != nil {
		panic(err) // the flag does not exist
	}
}

// sourceNamed is the configured source with that topic, or else that mapping,
// or else the format.
func sourceNamed(cfg *config.Config, name string) ingest.Source {
	for _, s := range cfg.Sources {
		if name != "" && s.Topic == name {
			return s
		}
	}
	for _, s := range cfg.Sources {
		if name != "" && s.Mapping != nil && s.Format == name {
			return s
		}
	}
	return ingest.Source{Format: name}
}
