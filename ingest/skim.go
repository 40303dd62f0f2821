package ingest

import "bytes"

// skimmer follows the structure of one JSON object or array without decoding
// it, to find where it ends. It accepts what real logs contain that JSON does
// not allow, such as raw newlines in strings.
type skimmer struct {
	depth    int
	deepest  int
	arrays   [maxNesting / 64]uint64 // one bit per open container: is it an array?
	inString bool
	escaped  bool // the string's last byte was a backslash that escapes the next
	last     byte // last byte outside strings that is not space; '"' for a string
}

// maxNesting is fastjson's own limit of nesting, rounded up.
const maxNesting = 320

// skim results.
type skimResult int

const (
	skimMore   skimResult = iota // the value goes on
	skimDone                     // the value ends at n
	skimBroken                   // a line begins at n that cannot be part of the value: it was cut off
)

// feed consumes b and tells how far the value reaches. The first byte of the
// first feed must be { or [.
func (s *skimmer) feed(b []byte) (n int, result skimResult) {
	for i := 0; i < len(b); {
		if s.inString {
			end := s.stringEnd(b[i:])
			if end < 0 {
				if at := cutOff(b[i:]); at >= 0 {
					return i + at, skimBroken
				}
				return len(b), skimMore
			}
			if at := cutOff(b[i : i+end+1]); at >= 0 {
				return i + at, skimBroken
			}
			s.inString, s.last = false, '"'
			i += end + 1
			continue
		}
		c := b[i]
		i++
		switch c {
		case ' ', '\t', '\r':
		case '\n':
			if i < len(b) && b[i] == '{' && !s.valueMayBegin() {
				return i, skimBroken
			}
		case '"':
			s.inString, s.escaped = true, false
		case '{', '[':
			s.push(c == '[')
			s.last = c
		case '}', ']':
			s.depth--
			s.last = c
			if s.depth <= 0 {
				return i, skimDone
			}
		default:
			s.last = c
		}
	}
	return len(b), skimMore
}

// stringEnd is the index of the quote that ends the string, or −1.
func (s *skimmer) stringEnd(b []byte) int {
	for from := 0; ; {
		quote := bytes.IndexByte(b[from:], '"')
		segment := b[from:]
		if quote >= 0 {
			segment = segment[:quote]
		}
		backslashes := len(segment) - len(bytes.TrimRight(segment, `\`))
		odd := backslashes%2 == 1
		if backslashes == len(segment) && s.escaped { // the run began before this segment
			odd = !odd
		}
		if quote < 0 {
			s.escaped = odd
			return -1
		}
		s.escaped = false
		if !odd {
			return from + quote
		}
		from += quote + 1
	}
}

// cutOff finds, inside a string, a line that begins a new object; −1 if none.
// A quote inside a string is escaped, so that {" at the start of a line means
// that the string was never closed.
func cutOff(b []byte) int {
	if at := bytes.Index(b, []byte("\n{\"")); at >= 0 {
		return at + 1
	}
	return -1
}

// valueMayBegin reports whether the grammar allows a value here.
func (s *skimmer) valueMayBegin() bool {
	if s.last == ':' || s.last == '[' {
		return true
	}
	return s.last == ',' && s.inArray()
}

func (s *skimmer) push(array bool) {
	if s.depth < maxNesting {
		bit := uint64(1) << (s.depth % 64)
		if array {
			s.arrays[s.depth/64] |= bit
		} else {
			s.arrays[s.depth/64] &^= bit
		}
	}
	s.depth++
	s.deepest = max(s.deepest, s.depth)
}

// inArray reports whether the innermost open container is an array; deeper
// than maxNesting nobody asks.
func (s *skimmer) inArray() bool {
	d := s.depth - 1
	return d >= 0 && d < maxNesting && s.arrays[d/64]&(1<<(d%64)) != 0
}

// nesting is how deep the containers of b lie in each other.
func nesting(b []byte) int {
	var s skimmer
	s.feed(b)
	return s.deepest
}

// members calls yield with each key of a JSON object and the bytes of its
// value, in order, until yield returns false or the object ends or makes no
// sense. An array that is cut off is passed as far as it goes. Keys are passed
// as they stand, with their escapes.
func members(object []byte, yield func(key, value []byte) bool) {
	rest := skipSpace(object)
	if len(rest) == 0 || rest[0] != '{' {
		return
	}
	rest = rest[1:]
	for {
		rest = skipSeparators(rest)
		if len(rest) == 0 || rest[0] != '"' {
			return
		}
		end := valueEnd(rest)
		if end < 2 {
			return
		}
		key := rest[1 : end-1]
		rest = skipSpace(rest[end:])
		if len(rest) == 0 || rest[0] != ':' {
			return
		}
		rest = skipSpace(rest[1:])
		end = valueEnd(rest)
		if end <= 0 && len(rest) > 0 && rest[0] == '[' {
			end = len(rest)
		}
		if end <= 0 || !yield(key, rest[:end]) {
			return
		}
		rest = rest[end:]
	}
}

// member is the bytes of the value that an object has for key, or nil.
func member(object []byte, key string) (value []byte) {
	members(object, func(k, v []byte) bool {
		if string(k) == key {
			value = v
		}
		return value == nil
	})
	return value
}

// elements calls yield with the bytes of each value of a JSON array, until
// yield returns false. What cannot be told apart is yielded as one last piece.
func elements(array []byte, yield func(value []byte) bool) {
	rest := skipSpace(array)
	if len(rest) == 0 || rest[0] != '[' {
		return
	}
	rest = rest[1:]
	for {
		rest = skipSeparators(rest)
		if len(rest) == 0 || rest[0] == ']' {
			return
		}
		end := valueEnd(rest)
		if end <= 0 {
			end = len(rest)
		}
		if !yield(rest[:end]) {
			return
		}
		rest = rest[end:]
	}
}

// valueEnd is the length of the JSON value at the start of b, or −1 when it
// does not end there.
func valueEnd(b []byte) int {
	if len(b) == 0 {
		return -1
	}
	switch b[0] {
	case '{', '[':
		var s skimmer
		if n, result := s.feed(b); result == skimDone {
			return n
		}
		return -1
	case '"':
		var s skimmer
		if end := s.stringEnd(b[1:]); end >= 0 {
			return end + 2
		}
		return -1
	}
	for i, c := range b {
		switch c {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return i
		}
	}
	return len(b)
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

// skipSeparators also skips what stands between values: commas, and the
// record separator of JSON text sequences.
func skipSeparators(b []byte) []byte {
	for len(b) > 0 && (isSpace(b[0]) || b[0] == ',' || b[0] == 0x1e) {
		b = b[1:]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
