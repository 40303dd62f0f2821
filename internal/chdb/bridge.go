package chdb

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// insertPiece is how much of an insert is handed over at a time, in bytes.
	insertPiece = 1 << 20
	// killAgain is how long a statement may go on that was asked to end; one that
	// had not begun then has not heard it.
	killAgain = 100 * time.Millisecond
)

// bridge answers ClickHouse's HTTP protocol with an engine.
type bridge struct{ engine *Engine }

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &answer{w: w}
	if err := b.serve(a, r); err != nil {
		a.fail(err)
	}
}

func (b *bridge) serve(a *answer, r *http.Request) error {
	if !b.engine.knows(r) {
		return refuse(codeAuthentication, "AUTHENTICATION_FAILED", "Authentication failed: the embedded ClickHouse takes only clients with its Options")
	}
	s, err := parseRequest(r)
	if err != nil {
		return err
	}
	a.begin(s)
	select {
	case b.engine.slots <- struct{}{}:
		defer func() { <-b.engine.slots }()
	case <-r.Context().Done():
		return refuse(codeNetwork, "NETWORK_ERROR", "The embedded ClickHouse is closing, or the client has gone")
	}
	return b.engine.run(r.Context(), s, r.Body, a)
}

// knows reports whether the request has the engine's token.
func (e *Engine) knows(r *http.Request) bool {
	name, token, ok := r.BasicAuth()
	if !ok {
		name, token = r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	}
	return subtle.ConstantTimeCompare([]byte(name), []byte(user))&subtle.ConstantTimeCompare([]byte(token), []byte(e.token)) == 1
}

// run runs a statement on a connection of its own.
func (e *Engine) run(ctx context.Context, s *statement, data io.Reader, a *answer) error {
	name := "request-" + strconv.FormatUint(e.names.Add(1), 10)
	c, err := e.connect(name)
	if err != nil {
		return err
	}
	defer c.close()
	database := s.database
	if database == "" {
		database = e.database
	}
	if err := c.exec("USE " + quoteName(database)); err != nil {
		return err
	}
	if set := s.set(name); set != "" {
		if err := c.exec(set); err != nil {
			return err
		}
	}
	if s.insert != "" {
		return insert(c, s, data)
	}
	statements, readOnly := c.classify(s.sql)
	if statements > 1 {
		return refuse(codeSyntaxError, "SYNTAX_ERROR", "Multi-statements are not allowed")
	}
	if readOnly {
		defer e.killAfter(ctx, name)()
		err := c.stream(s.sql, s.format, s.parameters, a.write)
		if !errors.Is(err, errNotStreamed) {
			return err
		}
	}
	return c.query(s.sql, s.format, s.parameters, a.write)
}

// killAfter ends the statement on a connection when the context ends, until the
// returned function is called, which waits until nothing of it is left.
func (e *Engine) killAfter(ctx context.Context, name string) (done func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-over:
			return
		case <-ctx.Done():
		}
		for {
			e.kill(name)
			select {
			case <-over:
				return
			case <-time.After(killAgain):
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

// insert hands over the data as it comes. If it does not come to its end,
// nothing is stored of its last block.
func insert(c *connection, s *statement, data io.Reader) error {
	stream, err := c.insert(s.sql, s.insert, s.parameters)
	if err != nil {
		return err
	}
	piece := make([]byte, insertPiece)
	for {
		n, readErr := fill(data, piece)
		if _, err := stream.Write(piece[:n]); err != nil {
			// The statement has failed already, and its end says why.
			if err := stream.finish(); err != nil {
				return err
			}
			return errInsertFailed
		}
		if errors.Is(readErr, io.EOF) {
			return stream.finish()
		}
		if readErr != nil {
			stream.cancel()
			return refuse(codeNetwork, "NETWORK_ERROR", "The insert's data has no end, nothing was stored: %v", readErr)
		}
	}
}

// fill reads until p is full or the data ends. Unlike io.ReadFull, it returns
// the reader's own error: io.EOF is the end, and io.ErrUnexpectedEOF that of a
// client that was cut off.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// answer is the response to one request. Its header goes out with the first
// bytes, so that a statement that fails before has the status of its exception.
type answer struct {
	w        http.ResponseWriter
	revision uint64 // that Native is re-encoded at; 0 for bytes as they are
	tag      string // of an exception among the results
	written  bool
	broken   error // of the client's connection
}

// begin sets what the header says of every statement.
func (a *answer) begin(s *statement) {
	if s.format == "Native" {
		a.revision = s.revision
	}
	a.tag = rand.Text()[:16]
	id := s.queryID
	if id == "" {
		id = rand.Text()
	}
	h := a.w.Header()
	h.Set("X-ClickHouse-Query-Id", id)
	h.Set("X-ClickHouse-Format", s.format)
	h.Set("X-ClickHouse-Exception-Tag", a.tag)
	h.Set("Content-Type", "application/octet-stream")
}

// write sends a piece of the result.
func (a *answer) write(piece []byte) error {
	if a.revision > 0 {
		encoded, err := reencode(piece, a.revision)
		if err != nil {
			return err
		}
		piece = encoded
	}
	a.written = true
	_, err := a.w.Write(piece)
	if err != nil {
		a.broken = err
	}
	return err
}

// fail sends the exception: as the response, or framed behind the results that
// have gone out.
func (a *answer) fail(err error) {
	if a.broken != nil {
		return
	}
	code, text := inForm(err)
	if a.written {
		fmt.Fprintf(a.w, "\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n", a.tag, text, len(text)+1, a.tag)
		return
	}
	h := a.w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(code))
	a.w.WriteHeader(status(code))
	fmt.Fprintln(a.w, text)
}
