package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/chdb/chdbtest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/history"
)

// A file is there as a whole or not at all, and an old one stays until then.
func TestWriteWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "events.jsonl")
	cut := func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		return errors.New("interrupted")
	}
	if err := writeWhole(path, cut); err == nil {
		t.Error("what was cut off is no error")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	whole := func(w io.Writer) error {
		_, err := io.WriteString(w, "whole")
		return err
	}
	if err := writeWhole(path, whole); err != nil {
		t.Fatal(err)
	}
	if err := writeWhole(path, cut); err == nil {
		t.Error("what was cut off is no error")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "whole" {
		t.Errorf("%q, %v", got, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestExportToAFile(t *testing.T) {
	chdbtest.Need(t)
	store, err := history.OpenToFill(t.Context(), config.History{DSN: config.Embedded + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	dir := t.TempDir()
	cmd := &cobra.Command{}
	var messages strings.Builder
	cmd.SetErr(&messages)
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	for _, format := range []string{history.JSONL, history.Parquet} {
		f := exportFlags{out: filepath.Join(dir, "events."+format), format: format}
		if err := f.export(interrupted, cmd, store, history.Export{Table: "events", Format: format}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: interrupted: %v", format, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("%s: left behind: %v, %v", format, left, err)
		}
	}
	f := exportFlags{out: filepath.Join(dir, "events.parquet"), format: history.Parquet}
	if err := f.export(t.Context(), cmd, store, history.Export{Table: "events", Format: history.Parquet}); err != nil || !strings.Contains(messages.String(), "events.parquet: 0 rows") {
		t.Errorf("%q, %v", messages.String(), err)
	}
	if _, err := os.Stat(f.out); err != nil {
		t.Error(err)
	}
}
