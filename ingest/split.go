package ingest

import (
	"bytes"
	"strings"
)

// splitter cuts text into its top-level pieces: JSON values that follow each
// other in any layout, the elements of a top-level array one by one, and lines
// of text. It works on a window of the text that grows on demand, so that a
// file never has to be held whole.
type splitter struct {
	inArray bool // between the brackets of a top-level array
}

// next finds the first piece of data. advance says how many bytes to step
// over, the piece among them. Without a piece these were separators; more says
// that what follows them needs more data than there is, which at the end of
// the text means that nothing follows.
func (s *splitter) next(data []byte, atEOF bool) (advance int, piece []byte, more bool) {
	rest := skipSeparators(data)
	start := len(data) - len(rest)
	if len(rest) == 0 {
		return start, nil, true
	}
	length := 0
	switch {
	case s.inArray && rest[0] == ']':
		s.inArray = false
		return start + 1, nil, false
	case rest[0] == '{':
		length = objectEnd(rest, atEOF)
	case s.inArray && rest[0] == '[':
		length = containerEnd(rest, atEOF)
	case rest[0] == '[':
		inside := skipSpace(rest[1:])
		switch {
		case len(inside) == 0 && !atEOF:
		case len(inside) > 0 && strings.IndexByte(`{["]`, inside[0]) < 0:
			length = lineEnd(rest, atEOF) // of text, such as "[main] …"
		default:
			s.inArray = true
			return start + 1, nil, false
		}
	case s.inArray && rest[0] == '"':
		length = stringLength(rest, atEOF)
	default:
		length = lineEnd(rest, atEOF)
	}
	if length == 0 {
		return start, nil, true
	}
	return start + length, bytes.TrimRight(rest[:length], " \t\r\n"), false
}

// objectEnd is the length of the object at the start of b, 0 for more data.
func objectEnd(b []byte, atEOF bool) int {
	if n := wholeLine(b, atEOF); n > 0 {
		return n
	}
	return containerEnd(b, atEOF)
}

// maxFastLine bounds how far wholeLine looks, so that values behind each other
// on one endless line do not cost n² time.
const maxFastLine = 64 << 10

// wholeLine is the fast path for JSON lines: the length of the first line if
// it is a whole value for certain, else 0. It is one if it ends in } and the
// next line begins a value, which the grammar forbids inside a value.
func wholeLine(b []byte, atEOF bool) int {
	end := bytes.IndexByte(b[:min(len(b), maxFastLine)], '\n')
	if end < 0 {
		return 0
	}
	line := bytes.TrimRight(b[:end], " \t\r")
	after := skipSpace(b[end:])
	if line[len(line)-1] == '}' && ((len(after) == 0 && atEOF) || (len(after) > 0 && after[0] == '{')) {
		return len(line)
	}
	return 0
}

// containerEnd is the length of the object or array at the start of b, 0 for
// more data. One that is cut short ends where a line begins that cannot belong
// to it, or with the text.
func containerEnd(b []byte, atEOF bool) int {
	var skim skimmer
	n, result := skim.feed(b)
	if result == skimMore && !atEOF {
		return 0
	}
	return n
}

// stringLength is the length of the JSON string at the start of b, 0 for more
// data. One that never ends is a line.
func stringLength(b []byte, atEOF bool) int {
	switch n := valueEnd(b); {
	case n > 0:
		return n
	case !atEOF:
		return 0
	}
	return lineEnd(b, atEOF)
}

// lineEnd is the length of the line of text at the start of b, 0 for more data.
func lineEnd(b []byte, atEOF bool) int {
	end := bytes.IndexByte(b, '\n')
	switch {
	case end >= 0:
		return end
	case atEOF:
		return len(b)
	}
	return 0
}
