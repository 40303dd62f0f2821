//go:build unix

package torture

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/riskstream/riskstream/internal/child"
)

// stopTime is how long an engine that is told to stop may take: it drains for
// at most 20 s and leaves its groups for at most 5.
const stopTime = 40 * time.Second

// Engine is one riskstream process with a configuration, an identity and a
// state directory of its own.
type Engine struct {
	Name string

	binary string
	dir    string   // of its configuration, log and state
	http   string   // address of metrics and health
	proxy  *Proxy   // between it and the brokers; nil where there is none
	env    []string // beside this process's own
	life   *child.Process
	wanted bool // it was started, and not ended by the test
}

// path is a file of the engine.
func (e *Engine) path(name string) string { return filepath.Join(e.dir, name) }

// StateDir is where the engine keeps its snapshots.
func (e *Engine) StateDir() string { return e.path("state") }

// Start starts the process. It does not wait for it to be ready.
func (e *Engine) Start() error {
	if e.Running() {
		return fmt.Errorf("engine %s is running", e.Name)
	}
	log, err := os.OpenFile(e.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "--- started at %s\n", time.Now().Format(time.RFC3339Nano))
	cmd := exec.Command(e.binary, "run", "-c", e.path("riskstream.yaml"))
	cmd.Env = append(os.Environ(), e.env...)
	// Through a pipe, so that a limit of the engine's files does not stop its log.
	cmd.Stdout, cmd.Stderr = io.Writer(onlyWriter{log}), io.Writer(onlyWriter{log})
	life, err := child.Start(cmd)
	if err != nil {
		return errors.Join(fmt.Errorf("engine %s: %w", e.Name, err), log.Close())
	}
	go func() {
		<-life.Done()
		log.Close()
	}()
	e.life, e.wanted = life, true
	return nil
}

// onlyWriter hides that a file is a file.
type onlyWriter struct{ io.Writer }

// Running reports that the process was started and has not ended.
func (e *Engine) Running() bool {
	if e.life == nil {
		return false
	}
	select {
	case <-e.life.Done():
		return false
	default:
		return true
	}
}

// Kill is kill -9.
func (e *Engine) Kill() error {
	e.wanted = false
	return e.life.Kill()
}

// Pause stops the process in its tracks; Resume lets it go on as if nothing had
// been.
func (e *Engine) Pause() error { return e.life.Signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (e *Engine) Resume() error { return e.life.Signal(syscall.SIGCONT) }

// Stop asks the process to drain and end, and wants it to end well.
func (e *Engine) Stop() error {
	e.wanted = false
	if err := e.life.Stop(stopTime); err != nil {
		return err
	}
	if err := e.life.Err(); err != nil {
		return fmt.Errorf("engine %s ended with %w", e.Name, err)
	}
	return nil
}

// LimitFiles bounds the size of the files that the engine writes, in bytes,
// from now on: writing beyond it fails, as on a disk that is full. -1 ends it.
// It needs util-linux.
func (e *Engine) LimitFiles(bytes int64) error {
	limit := "unlimited"
	if bytes >= 0 {
		limit = strconv.FormatInt(bytes, 10)
	}
	// The hard limit stays, so that the soft one can be lifted.
	out, err := exec.Command("prlimit", "--pid", strconv.Itoa(e.life.Pid()), "--fsize="+limit+":").CombinedOutput()
	if err != nil {
		return fmt.Errorf("limiting the files of engine %s: %w %s", e.Name, err, out)
	}
	return nil
}

// LogTail is the end of the engine's log.
func (e *Engine) LogTail() string {
	log, err := os.ReadFile(e.path("log"))
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-6000):])
}

var client = http.Client{Timeout: 2 * time.Second}

func (e *Engine) get(ctx context.Context, path string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.http+path, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// Ready reports why the engine is not ready, or nil.
func (e *Engine) Ready(ctx context.Context) error {
	status, body, err := e.get(ctx, "/readyz")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, bytes.TrimSpace(body))
	}
	return err
}

// Metrics are the engine's samples by name and labels, as Prometheus would read
// them.
func (e *Engine) Metrics(ctx context.Context) (map[string]float64, error) {
	_, body, err := e.get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	samples := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		name, value, found := cutLast(lines.Text(), " ")
		if number, err := strconv.ParseFloat(value, 64); found && err == nil {
			samples[name] = number
		}
	}
	return samples, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Died reports that the process has ended by itself.
func (e *Engine) Died() bool { return e.wanted && !e.Running() }
