package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/riskstream/riskstream/event"
)

// ErrTruncated is wrapped by the error of Records when compressed input ends
// early or is damaged: what could be read has been yielded.
var ErrTruncated = errors.New("the compressed input ends early or is damaged")

// window is the initial size of the piece of a file that is held in memory; it
// grows to maxRecord only for values of that size.
const window = 256 << 10

// Records reads a file of logs, compressed with gzip or not, and yields its
// records one by one with the number of the line on which each begins: JSON
// values in any layout, the elements of a top-level array, lines of text; values
// that share a line may come as one record, which Parse takes apart. The file
// is never held whole. A record is valid until yield returns; one that is
// larger than 8 MiB is cut just past that, so that Parse rejects it as
// oversized; one that the end of the file cuts off is yielded as it is. An
// error of yield ends the reading and is returned.
func Records(r io.Reader, yield func(record []byte, line int) error) error {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := buffered.Peek(2); isGzip(magic) {
		expanded, err := gzip.NewReader(buffered)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrTruncated, err)
		}
		s := stream{in: withoutMark(bufio.NewReaderSize(expanded, 64<<10)), yield: yield, line: 1}
		return s.read(ErrTruncated)
	}
	s := stream{in: withoutMark(buffered), yield: yield, line: 1}
	return s.read(nil)
}

// withoutMark steps over a byte order mark.
func withoutMark(r *bufio.Reader) io.Reader {
	if start, _ := r.Peek(len(byteOrderMark)); string(start) == byteOrderMark {
		_, _ = r.Discard(len(byteOrderMark)) // what was peeked is there
	}
	return r
}

// stream is a file being cut into records.
type stream struct {
	in    io.Reader
	yield func(record []byte, line int) error
	split splitter
	buf   []byte // read and not yet yielded
	line  int    // on which buf begins
}

// read yields every record. A read error is returned after what came before
// it, wrapped in kind if that is set.
func (s *stream) read(kind error) error {
	s.buf = make([]byte, 0, window)
	tried := 0 // size of buf when it was last found to hold no whole record
	for {
		readErr := s.fill()
		// A large value is looked at again only when there is clearly more of
		// it, so that input in small pieces does not cost n² time.
		if readErr != nil || len(s.buf) >= tried+tried/4 {
			if err := s.cut(readErr != nil); err != nil {
				return err
			}
			tried = len(s.buf)
		}
		switch {
		case readErr == io.EOF:
			return nil
		case readErr != nil && kind != nil:
			return fmt.Errorf("%w: %w", kind, readErr)
		case readErr != nil:
			return readErr
		}
		if len(s.buf) > maxRecord {
			if err := s.oversized(); err != nil {
				return err
			}
			tried = 0
		}
	}
}

// fill reads more into buf, once.
func (s *stream) fill() error {
	if len(s.buf) == cap(s.buf) {
		grown := make([]byte, len(s.buf), 2*cap(s.buf))
		copy(grown, s.buf)
		s.buf = grown
	}
	n, err := s.in.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf = s.buf[:len(s.buf)+n]
	return err
}

// cut yields the whole records of buf and keeps the rest, which then begins
// with a record.
func (s *stream) cut(atEOF bool) error {
	rest := s.buf
	for {
		advance, piece, more := s.split.next(rest, atEOF)
		separators := advance
		if piece != nil {
			separators -= len(skipSeparators(rest[:advance]))
			line := s.line + bytes.Count(rest[:separators], newline)
			if err := s.yield(piece, line); err != nil {
				return err
			}
		}
		s.line += bytes.Count(rest[:advance], newline)
		rest = rest[advance:]
		if more {
			s.buf = s.buf[:copy(s.buf, rest)]
			return nil
		}
	}
}

// oversized yields the beginning of the record that buf begins with and skips
// the rest of it.
func (s *stream) oversized() error {
	if err := s.yield(s.buf[:maxRecord+1], s.line); err != nil {
		return err
	}
	var skim skimmer
	json := s.buf[0] == '{' || s.buf[0] == '['
	for {
		n, ended := len(s.buf), false
		if json {
			var result skimResult
			n, result = skim.feed(s.buf)
			ended = result != skimMore
		} else if at := bytes.IndexByte(s.buf, '\n'); at >= 0 {
			n, ended = at, true
		}
		s.line += bytes.Count(s.buf[:n], newline)
		s.buf = s.buf[:copy(s.buf, s.buf[n:])]
		if ended {
			return nil
		}
		if err := s.fill(); err != nil && len(s.buf) == 0 {
			return nil // read meets the same error and ends
		}
	}
}

var newline = []byte{'\n'}

// ParseFile parses every record of a file of logs; see Records. Compressed
// input that ends early is one dead letter after what could be read; any other
// read error is returned. emit gets each event with the line of its record, and
// the dead letters carry theirs.
func (p *Parser) ParseFile(r io.Reader, emit func(e *event.Event, line int), reject func(DeadLetter)) error {
	line := 0
	emitAt := func(e *event.Event) { emit(e, line) }
	rejectAt := func(d DeadLetter) {
		d.Line = line
		reject(d)
	}
	err := Records(r, func(record []byte, at int) error {
		line = at
		p.Parse(record, event.Origin{}, emitAt, rejectAt)
		return nil
	})
	if errors.Is(err, ErrTruncated) {
		rejectAt(deadLetter(&rejection{TruncatedGzip, err.Error()}, p.source.Format, event.Origin{}, nil))
		return nil
	}
	return err
}
