//go:build (linux || darwin) && (amd64 || arm64) && !nochdb

package chdb

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// canLoad says that this build can load libchdb.
const canLoad = true

// library is the part of libchdb's C interface (chdb.h) that is used here.
// Handles are opaque pointers of C, strings are pointer and length.
type library struct {
	setSignalHandlers func(enabled int32)
	connect           func(argc int32, argv **byte) *uintptr
	closeConnection   func(connection *uintptr)
	classify          func(connection uintptr, sql *byte, n uintptr, database *byte, nDatabase uintptr, out *analysis) int32
	query             func(connection uintptr, sql *byte, n uintptr, format *byte, nFormat uintptr, names **byte, nNames *uintptr, values **byte, nValues *uintptr, count uintptr) uintptr
	streamQuery       func(connection uintptr, sql *byte, n uintptr, format *byte, nFormat uintptr, names **byte, nNames *uintptr, values **byte, nValues *uintptr, count uintptr) uintptr
	streamFetch       func(connection, stream uintptr) uintptr
	streamCancel      func(connection, stream uintptr)
	insert            func(connection uintptr, sql *byte, n uintptr, format *byte, nFormat uintptr, names **byte, nNames *uintptr, values **byte, nValues *uintptr, count uintptr) uintptr
	insertAppend      func(stream uintptr, data *byte, n uintptr) int32
	insertDone        func(stream uintptr) uintptr
	insertCancel      func(stream uintptr)
	insertError       func(stream uintptr) string
	insertDestroy     func(stream uintptr)
	resultBuffer      func(result uintptr) *byte
	resultLength      func(result uintptr) uintptr
	resultError       func(result uintptr) string
	resultDestroy     func(result uintptr)
}

// analysis is chdb_query_analysis_v1.
type analysis struct {
	structSize     uint32
	statementCount uint32
	_              uint32 // flags
	class          uint32
}

// loadLibrary maps the shared library at path into the process, for good.
func loadLibrary(path string) (*library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("loading libchdb: %w", err)
	}
	l := &library{}
	for name, f := range map[string]any{
		"chdb_set_signal_handlers_enabled": &l.setSignalHandlers,
		"chdb_connect":                     &l.connect,
		"chdb_close_conn":                  &l.closeConnection,
		"chdb_classify_query_n":            &l.classify,
		"chdb_query_with_params_n":         &l.query,
		"chdb_stream_query_with_params_n":  &l.streamQuery,
		"chdb_stream_fetch_result":         &l.streamFetch,
		"chdb_stream_cancel_query":         &l.streamCancel,
		"chdb_stream_insert_with_params_n": &l.insert,
		"chdb_stream_append":               &l.insertAppend,
		"chdb_stream_done":                 &l.insertDone,
		"chdb_stream_cancel_insert":        &l.insertCancel,
		"chdb_stream_insert_error":         &l.insertError,
		"chdb_destroy_insert_stream":       &l.insertDestroy,
		"chdb_result_buffer":               &l.resultBuffer,
		"chdb_result_length":               &l.resultLength,
		"chdb_result_error":                &l.resultError,
		"chdb_destroy_query_result":        &l.resultDestroy,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("%s is not a libchdb of the version that is needed, %s: %w", path, Version, err)
		}
		purego.RegisterFunc(f, symbol)
	}
	// Signals are the Go runtime's.
	l.setSignalHandlers(0)
	return l, nil
}

// connection is one connection of libchdb: a session with settings and a
// database of its own. It runs one statement at a time.
type connection struct {
	lib    *library
	handle *uintptr
}

// open connects; arguments are those of clickhouse-local.
func (l *library) open(arguments ...string) (*connection, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]*byte, 0, len(arguments)+2)
	for _, a := range append([]string{"chdb"}, arguments...) {
		argv = append(argv, cString(&pin, a))
	}
	argv = append(argv, nil)
	pin.Pin(&argv[0])
	handle := l.connect(int32(len(argv)-1), &argv[0])
	if handle == nil || *handle == 0 {
		return nil, errors.New("libchdb does not open a connection and does not say why")
	}
	return &connection{lib: l, handle: handle}, nil
}

func (c *connection) close() { c.lib.closeConnection(c.handle) }

// classify says how many statements sql is, 0 if it cannot be parsed, and
// whether it only reads.
func (c *connection) classify(sql string) (statements int, readOnly bool) {
	var pin runtime.Pinner
	defer pin.Unpin()
	out := &analysis{structSize: uint32(unsafe.Sizeof(analysis{}))}
	pin.Pin(out)
	if c.lib.classify(*c.handle, cString(&pin, sql), uintptr(len(sql)), nil, 0, out) != 0 {
		return 0, false
	}
	return int(out.statementCount), out.class == 0
}

// query runs one statement and calls use with its result, which is gone after
// that.
func (c *connection) query(sql, format string, parameters []parameter, use func([]byte) error) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	p := pinParameters(&pin, parameters)
	result := c.lib.query(*c.handle, cString(&pin, sql), uintptr(len(sql)), cString(&pin, format), uintptr(len(format)), p.names, p.nameLengths, p.values, p.valueLengths, p.count)
	_, err := c.use(result, use)
	return err
}

// exec runs a statement whose result does not matter.
func (c *connection) exec(sql string) error {
	return c.query(sql, "Null", nil, func([]byte) error { return nil })
}

// use calls f with the bytes of a result, unless it is an error or empty, and
// frees it.
func (c *connection) use(result uintptr, f func([]byte) error) (n int, err error) {
	if result == 0 {
		return 0, errNoResult
	}
	defer c.lib.resultDestroy(result)
	if text := c.lib.resultError(result); text != "" {
		return 0, &exception{text: text}
	}
	n = int(c.lib.resultLength(result))
	if n == 0 {
		return 0, nil
	}
	return n, f(unsafe.Slice(c.lib.resultBuffer(result), n))
}

// stream runs one SELECT and calls use with each piece of its result, as far as
// use returns nil. The error contains errNotStreamed, and nothing was done, if
// libchdb does not stream such a statement.
func (c *connection) stream(sql, format string, parameters []parameter, use func([]byte) error) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	p := pinParameters(&pin, parameters)
	stream := c.lib.streamQuery(*c.handle, cString(&pin, sql), uintptr(len(sql)), cString(&pin, format), uintptr(len(format)), p.names, p.nameLengths, p.values, p.valueLengths, p.count)
	if stream == 0 {
		return errNoResult
	}
	defer c.lib.resultDestroy(stream)
	if text := c.lib.resultError(stream); text != "" {
		return streamError(text)
	}
	for {
		n, err := c.use(c.lib.streamFetch(*c.handle, stream), use)
		if err != nil {
			c.lib.streamCancel(*c.handle, stream)
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

var errNoResult = errors.New("libchdb gives no result and no error")

// streamError tells the refusal to stream from a statement's own errors.
func streamError(text string) error {
	if strings.Contains(text, "Streaming query is not supported for query") {
		return errNotStreamed
	}
	return &exception{text}
}

// insertStream is an INSERT that takes its data piece by piece. finish or
// cancel ends it.
type insertStream struct {
	c      *connection
	handle uintptr
}

// insert begins an INSERT; sql has no FORMAT clause.
func (c *connection) insert(sql, format string, parameters []parameter) (*insertStream, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	p := pinParameters(&pin, parameters)
	handle := c.lib.insert(*c.handle, cString(&pin, sql), uintptr(len(sql)), cString(&pin, format), uintptr(len(format)), p.names, p.nameLengths, p.values, p.valueLengths, p.count)
	if handle == 0 {
		return nil, errNoResult
	}
	s := &insertStream{c: c, handle: handle}
	if text := c.lib.insertError(handle); text != "" {
		c.lib.insertDestroy(handle)
		return nil, &exception{text: text}
	}
	return s, nil
}

// Write hands over data, which the engine copies. After an error, only cancel
// and finish are left, and finish says more about it.
func (s *insertStream) Write(data []byte) (int, error) {
	if len(data) == 0 {
		return 0, nil
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&data[0])
	if s.c.lib.insertAppend(s.handle, &data[0], uintptr(len(data))) != 0 {
		return 0, errInsertFailed
	}
	return len(data), nil
}

// finish waits until the data is stored.
func (s *insertStream) finish() error {
	defer s.c.lib.insertDestroy(s.handle)
	_, err := s.c.use(s.c.lib.insertDone(s.handle), func([]byte) error { return nil })
	return err
}

// cancel ends the statement; what it has stored of more than one block stays.
func (s *insertStream) cancel() {
	s.c.lib.insertCancel(s.handle)
	s.c.lib.insertDestroy(s.handle)
}

// pinned are parameters as C takes them.
type pinned struct {
	names, values             **byte
	nameLengths, valueLengths *uintptr
	count                     uintptr
}

func pinParameters(pin *runtime.Pinner, parameters []parameter) pinned {
	n := len(parameters)
	if n == 0 {
		return pinned{}
	}
	names, values := make([]*byte, n), make([]*byte, n)
	nameLengths, valueLengths := make([]uintptr, n), make([]uintptr, n)
	for i, p := range parameters {
		names[i], nameLengths[i] = cString(pin, p.name), uintptr(len(p.name))
		values[i], valueLengths[i] = cString(pin, p.value), uintptr(len(p.value))
	}
	pin.Pin(&names[0])
	pin.Pin(&values[0])
	pin.Pin(&nameLengths[0])
	pin.Pin(&valueLengths[0])
	return pinned{&names[0], &values[0], &nameLengths[0], &valueLengths[0], uintptr(n)}
}

// cString copies s with a NUL behind it, so that the pointer is never nil.
func cString(pin *runtime.Pinner, s string) *byte {
	b := append([]byte(s), 0)
	pin.Pin(&b[0])
	return &b[0]
}
