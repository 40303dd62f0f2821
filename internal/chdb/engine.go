package chdb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/riskstream/riskstream/internal/lockfile"
)

const (
	user            = "riskstream"
	defaultDatabase = "riskstream"
	// maxStatements bounds what runs at a time; further requests wait.
	maxStatements = 32
	// closeGrace is what Close gives running requests to end by themselves.
	closeGrace = 5 * time.Second
)

// Settings of an engine; the zero value is good.
type Settings struct {
	// Library is the shared library; empty means what Find finds.
	Library string
	// Database is where requests are that name none; it is made if it is not
	// there. Empty means "riskstream".
	Database string
	// MaxMemory bounds, in bytes, what all statements together may use; what
	// would need more fails. 0 means nine tenths of the machine's memory.
	MaxMemory int64
}

// Engine is a ClickHouse in this process. Its methods are safe for concurrent
// use.
type Engine struct {
	dir      string
	database string
	token    string // of clients; random, and nowhere else
	lib      *library
	unlock   func()

	// control keeps the engine up and runs what is not a client's.
	control     *connection
	controlLock sync.Mutex

	listener net.Listener
	server   *http.Server
	slots    chan struct{} // one of maxStatements each
	stop     context.CancelFunc
	names    atomic.Uint64 // of connections, for KILL QUERY
	grace    time.Duration // closeGrace
	closing  sync.Once
	closeErr error
}

// process is what there can be only one of: libchdb serves one directory per
// process, and stays loaded.
var process struct {
	sync.Mutex
	lib    *library
	path   string // of lib
	engine *Engine
}

// Open starts the engine on a directory, which is made if need be and belongs
// to it alone, and is ready for clients when it returns. A second engine in one
// process, or of two processes on one directory, is refused. Without a library
// the error contains ErrMissing.
func Open(dir string, s Settings) (*Engine, error) {
	e, err := open(dir, s)
	if err != nil {
		return nil, fmt.Errorf("embedded ClickHouse in %s: %w", dir, err)
	}
	return e, nil
}

func open(dir string, s Settings) (*Engine, error) {
	process.Lock()
	defer process.Unlock()
	if process.engine != nil {
		return nil, fmt.Errorf("a process can have one, and %s is open: close that first", process.engine.dir)
	}
	if err := load(s.Library); err != nil {
		return nil, err
	}
	// libchdb would take a relative path for one of its own.
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	unlock, err := lockfile.Take(filepath.Join(dir, "riskstream.lock"))
	if errors.Is(err, lockfile.ErrHeld) {
		return nil, errors.New("another process has it open: end that one, or use a ClickHouse server for both")
	}
	if err != nil {
		return nil, err
	}
	e := &Engine{dir: dir, database: s.Database, token: rand.Text(), lib: process.lib, unlock: unlock, slots: make(chan struct{}, maxStatements), grace: closeGrace}
	if e.database == "" {
		e.database = defaultDatabase
	}
	if err := e.start(s.MaxMemory); err != nil {
		unlock()
		return nil, err
	}
	process.engine = e
	return e, nil
}

// load loads the library unless it is; process is locked.
func load(path string) error {
	if path == "" || !canLoad {
		found, err := Find()
		if err != nil {
			return err
		}
		path = found
	}
	if process.lib != nil {
		if process.path != path {
			return fmt.Errorf("%s is loaded, and a process cannot have %s too", process.path, path)
		}
		return nil
	}
	lib, err := loadLibrary(path)
	if err != nil {
		return err
	}
	process.lib, process.path = lib, path
	return nil
}

func (e *Engine) start(maxMemory int64) error {
	control, err := e.connect("control", fmt.Sprintf("--max_server_memory_usage=%d", max(maxMemory, 0)))
	if err != nil {
		return err
	}
	if err := control.exec("CREATE DATABASE IF NOT EXISTS " + quoteName(e.database) + " ENGINE = Atomic"); err != nil {
		control.close()
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		control.close()
		return err
	}
	e.control, e.listener = control, listener
	var ctx context.Context
	ctx, e.stop = context.WithCancel(context.Background())
	e.server = &http.Server{
		Handler:           &bridge{engine: e},
		ReadHeaderTimeout: 30 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go e.server.Serve(listener) // ends with Close
	return nil
}

// connect opens a connection by which statements can be found under name. The
// dialect is a server's, no timer of the engine interrupts Go's threads, and its
// log stays off the terminal: there, and only there, it would tell of each insert
// that it ended on another thread.
func (e *Engine) connect(name string, more ...string) (*connection, error) {
	return e.lib.open(append([]string{
		"--path=" + e.dir,
		"--log_comment=" + name,
		"--implicit_select=0",
		"--logger.console=0",
		"--query_profiler_real_time_period_ns=0",
		"--query_profiler_cpu_time_period_ns=0",
	}, more...)...)
}

// Options returns what clickhouse.Open and clickhouse.OpenDB need to reach the
// engine. They carry its token: do not log them. Change what you like but
// address, protocol, authentication and compression.
func (e *Engine) Options() *clickhouse.Options {
	return &clickhouse.Options{
		Protocol:    clickhouse.HTTP,
		Addr:        []string{e.listener.Addr().String()},
		Auth:        clickhouse.Auth{Database: e.database, Username: user, Password: e.token},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionNone},
	}
}

// kill asks the statements of the connection of that name to end.
func (e *Engine) kill(name string) {
	e.controlLock.Lock()
	defer e.controlLock.Unlock()
	// An error leaves the statement running, which is where it was.
	_ = e.control.exec("KILL QUERY WHERE Settings['log_comment'] = " + quote(name) + " ASYNC")
}

// Close lets running requests end for five seconds, then ends SELECTs and
// inserts that still wait for data, waits for the rest, and frees the
// directory. Data that was acknowledged is on disk as ClickHouse puts it there.
func (e *Engine) Close() error {
	e.closing.Do(func() { e.closeErr = e.close() })
	return e.closeErr
}

func (e *Engine) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), e.grace)
	defer cancel()
	err := e.server.Shutdown(ctx)
	e.stop()
	if errors.Is(err, context.DeadlineExceeded) {
		err = e.server.Close()
	}
	for range maxStatements {
		e.slots <- struct{}{} // when all are taken, no statement runs
	}
	process.Lock()
	defer process.Unlock()
	e.control.close()
	e.unlock()
	process.engine = nil
	return err
}

// quote makes a string literal of ClickHouse's SQL.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// quoteName makes an identifier.
func quoteName(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}
