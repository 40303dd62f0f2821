//go:build unix

package child_test

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/riskstream/riskstream/internal/child"
)

func start(t *testing.T, script string) *child.Process {
	t.Helper()
	p, err := child.Start(exec.Command("sh", "-c", script))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	return p
}

func TestEnds(t *testing.T) {
	clean := start(t, "exit 0")
	<-clean.Done()
	if clean.Err() != nil {
		t.Error(clean.Err())
	}
	failed := start(t, "exit 3")
	<-failed.Done()
	if failed.Err() == nil {
		t.Error("exit code 3 was not reported")
	}
	if err := failed.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("a process that has ended is no error: %v", err)
	}
}

func TestStopKillsWhatDoesNotStop(t *testing.T) {
	willing := start(t, "sleep 60")
	if err := willing.Stop(30 * time.Second); err != nil {
		t.Error(err)
	}
	unwilling := start(t, "trap '' TERM; echo; while :; do sleep 1; done")
	// The trap may not stand yet; then the process stops, which is fine too.
	_ = unwilling.Stop(200 * time.Millisecond)
	<-unwilling.Done()
}

func TestStartReportsWhatCannotStart(t *testing.T) {
	if _, err := child.Start(exec.Command("/does/not/exist")); err == nil {
		t.Error("no error")
	}
}
