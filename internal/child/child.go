//go:build unix

// Package child runs processes that end with the one that started them,
// however that ends: brokers and engines of tests must not outlive a test that
// panics, runs out of time or is killed.
package child

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is one life of a process, in a process group of its own.
type Process struct {
	name string
	pid  int
	done chan struct{}
	err  error // of its end; to read once done is closed
}

// Start starts cmd on a thread that lives as long as it does: Linux ends the
// child with the thread, not the process, that started it.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = ownGroup()
	p := &Process{name: cmd.Path, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		// Not to end the thread with the goroutine: one that has worked for the
		// embedded ClickHouse before must not end.
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	return p, <-started
}

// Pid is the process's id.
func (p *Process) Pid() int { return p.pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how a process that is done has ended; nil is exit code 0.
func (p *Process) Err() error { return p.err }

// Signal signals the process and its children. One that has ended is left
// alone, also if its id is another's by now.
func (p *Process) Signal(signal syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := syscall.Kill(-p.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("%s to %s: %w", signal, p.name, err)
	}
	return nil
}

// Kill ends the process at once, as a power cut would, and waits for its end.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// Stop asks the process to end, and kills it if it has not within the given
// time.
func (p *Process) Stop(within time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(within):
		return errors.Join(fmt.Errorf("%s did not stop in %v and was killed", p.name, within), p.Kill())
	}
}
