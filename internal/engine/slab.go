package engine

// slab holds values of one fixed size in chunks, addressed by number. It holds
// no pointers when T holds none, so that the garbage collector has nothing to
// scan however many subjects there are. Number 0 is never given out: it means
// "none".
type slab[T any] struct {
	chunks [][]T
	free   []uint32
	next   uint32
}

const chunkBits = 10

func (s *slab[T]) at(i uint32) *T {
	return &s.chunks[i>>chunkBits][i&(1<<chunkBits-1)]
}

// alloc gives the number of a zero value. Pointers that at returned before
// stay valid: chunks never move.
func (s *slab[T]) alloc() uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	s.next++
	if int(s.next>>chunkBits) >= len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, 1<<chunkBits))
	}
	return s.next
}

// release clears the value and takes its number back.
func (s *slab[T]) release(i uint32) {
	var zero T
	*s.at(i) = zero
	s.free = append(s.free, i)
}

// len is the count of values in use.
func (s *slab[T]) len() int { return int(s.next) - len(s.free) }

// arena holds the subjects' keys in one buffer. Released keys leave holes;
// compact closes them when they are half of it.
type arena struct {
	buf    []byte
	wasted int
}

// keyRef is the place of a key in the arena.
type keyRef struct {
	at  uint32
	len uint16
}

// maxKey bounds a key so that keyRef holds it; ingest bounds its parts far
// below.
const maxKey = 1<<16 - 1

func (a *arena) add(key []byte) keyRef {
	if len(key) > maxKey {
		key = key[:maxKey]
	}
	ref := keyRef{uint32(len(a.buf)), uint16(len(key))}
	a.buf = append(a.buf, key...)
	return ref
}

func (a *arena) get(r keyRef) []byte { return a.buf[r.at : r.at+uint32(r.len)] }

func (a *arena) drop(r keyRef) { a.wasted += int(r.len) }

// sparse reports that a compaction is worth its cost.
func (a *arena) sparse() bool { return a.wasted > 1<<16 && a.wasted*2 > len(a.buf) }
