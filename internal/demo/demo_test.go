package demo

import (
	"bufio"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start runs the demo headless, its table going into a pipe.
func start(t *testing.T, o Options) *running {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // against a demo that hangs
	t.Cleanup(cancel)
	r := &running{cancel: cancel, lines: bufio.NewScanner(out), ended: make(chan error, 1)}
	o.Out, o.Message, o.every = in, &r.messages, 100*time.Millisecond
	go func() {
		err := Run(ctx, o)
		in.Close() // ends the scanner
		r.ended <- err
	}()
	return r
}

type running struct {
	cancel   context.CancelFunc
	lines    *bufio.Scanner
	messages strings.Builder
	ended    chan error
	seen     []string
}

// await reads on until a line contains all the words.
func (r *running) await(t *testing.T, words ...string) string {
	t.Helper()
lines:
	for r.lines.Scan() {
		r.seen = append(r.seen, r.lines.Text())
		for _, word := range words {
			if !strings.Contains(r.lines.Text(), word) {
				continue lines
			}
		}
		return r.lines.Text()
	}
	t.Fatalf("the demo ended (%v) before it showed %q; it showed\n%s\n%s", <-r.ended, words, strings.Join(r.seen, "\n"), r.messages.String())
	return ""
}

// stop ends the demo as Ctrl-C does.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	for r.lines.Scan() {
	}
	if err := <-r.ended; err != nil {
		t.Errorf("the demo ended with %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDemoShowsTheFirstAttack(t *testing.T) {
	if testing.Short() {
		t.Skip("runs for some seconds")
	}
	r := start(t, Options{noHistory: true, Seed: 1, headStart: 2 * time.Minute})
	r.await(t, "attack", "A stolen password signs in from Tokyo")
	r.await(t, "high", "step_up", "anna.weber@corp.example", "Sign-in from Tokyo (JP) 1 min", " after a sign-in in Berlin (DE)")
	r.stop(t)
	if !strings.Contains(r.messages.String(), " 0 dead letters") {
		t.Errorf("at the end: %s", r.messages.String())
	}
}

func TestDemoOfOnesOwnLog(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.jsonl")
	if err := os.WriteFile(broken, []byte("not an event\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r := start(t, Options{noHistory: true, Files: []string{broken, "../../examples/okta.jsonl.gz"}, Port: taken.Addr().(*net.TCPAddr).Port})
	if broker := r.await(t, "broker"); strings.Contains(broker, taken.Addr().String()) {
		t.Errorf("%s, but something else listens there", broker)
	}
	r.await(t, "events", "1 dead letters")
	// The log is old: with time, the level would have fallen long ago.
	r.await(t, "high", "step_up", "jonas.brandt@corp.example", "after 12 wrong passwords")
	r.stop(t)
}

func TestWrongFilesAreFoundAtOnce(t *testing.T) {
	dir := t.TempDir()
	err := Run(t.Context(), Options{Files: []string{filepath.Join(dir, "none"), dir}})
	if err == nil || !strings.Contains(err.Error(), "none") || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("got %v, want both mistakes", err)
	}
}
