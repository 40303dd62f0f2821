package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/ingest"
)

// logFiles reads the log files that a command names, one after the other.
type logFiles struct {
	cmd      *cobra.Command
	progress *progress
	name     string // of the file at hand

	deadLetters map[string]int // by reason
	told        int            // of dead letters
}

func newLogFiles(cmd *cobra.Command) *logFiles {
	return &logFiles{cmd: cmd, progress: newProgress(cmd.ErrOrStderr()), deadLetters: map[string]int{}}
}

// each hands every file to read. Names are checked first, so that a mistake in
// the last one does not show after an hour.
func (l *logFiles) each(files []string, read func(io.Reader) error) error {
	defer l.progress.done()
	if err := readable(files); err != nil {
		return err
	}
	for _, path := range files {
		if err := l.one(path, read); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
}

func readable(files []string) error {
	var errs []error
	for _, path := range files {
		if path == "-" {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			errs = append(errs, err)
		case info.IsDir():
			errs = append(errs, fmt.Errorf("%s is a directory: name its files", path))
		}
	}
	return errors.Join(errs...)
}

// one opens a file, or standard input for -, and hands it to read.
func (l *logFiles) one(path string, read func(io.Reader) error) error {
	if path == "-" {
		l.name = "standard input"
		return read(l.progress.reader(l.cmd.InOrStdin(), l.name, 0))
	}
	l.name = path
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	size := int64(0)
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	return read(l.progress.reader(bufio.NewReaderSize(f, 1<<20), path, size))
}

// shownDeadLetters are told in full, so that a broken file does not bury its
// own message.
const shownDeadLetters = 20

// deadLetter counts a dead letter, and tells of the first ones where they are.
func (l *logFiles) deadLetter(d ingest.DeadLetter) {
	l.deadLetters[d.Reason]++
	l.told++
	w := l.cmd.ErrOrStderr()
	if l.told <= shownDeadLetters+1 {
		l.progress.done()
	}
	switch {
	case l.told <= shownDeadLetters:
		fmt.Fprintf(w, "%s:%d: dead letter (%s): %s\n", l.name, d.Line, d.Reason, d.Err)
	case l.told == shownDeadLetters+1:
		fmt.Fprintln(w, "more dead letters follow; they are counted below")
	}
}

// counts is what became no event, to go behind the number of those that did.
func (l *logFiles) counts() string {
	total, reasons := 0, []string{}
	for _, reason := range slices.Sorted(maps.Keys(l.deadLetters)) {
		total += l.deadLetters[reason]
		reasons = append(reasons, fmt.Sprintf("%d %s", l.deadLetters[reason], reason))
	}
	if total == 0 {
		return ""
	}
	return ", " + plural(total, "dead letter") + " (" + strings.Join(reasons, ", ") + ")"
}

func plural[N int | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
