package event

import "strings"

// chunkSize is that of an arena's chunks, in bytes: the strings of some 50 to
// 100 events. Larger ones measured no faster, and a string that is kept holds
// on to its whole chunk.
const chunkSize = 32 << 10

// Arena makes strings of bytes at a fraction of an allocation each: it copies
// them behind each other into chunks. A chunk is written once and never used
// again, so that the strings stay valid for ever, like any others.
//
// The price is that one string keeps its chunk from the garbage collector.
// Whoever keeps strings of an event for longer than the event (a cache, a
// record that waits for its time) keeps a strings.Clone of them.
//
// The zero Arena is ready for use. It belongs to one goroutine and must not be
// copied once it has been used.
type Arena struct{ chunk strings.Builder }

// String is the text of b.
func (a *Arena) String(b []byte) string {
	from, ok := a.room(len(b))
	if !ok {
		return string(b)
	}
	a.chunk.Write(b)
	return a.chunk.String()[from:]
}

// Clone is a copy of s in the arena: of a string that holds on to something
// larger, or to memory that will be overwritten.
func (a *Arena) Clone(s string) string {
	from, ok := a.room(len(s))
	if !ok {
		return strings.Clone(s)
	}
	a.chunk.WriteString(s)
	return a.chunk.String()[from:]
}

// room makes sure that the chunk takes n more bytes without moving, and
// returns where they will stand. What is so long that it would waste much of
// a chunk does not belong there.
func (a *Arena) room(n int) (from int, ok bool) {
	if n > a.chunk.Cap()-a.chunk.Len() {
		if n > chunkSize/8 {
			return 0, false
		}
		a.chunk.Reset() // lets go of the full chunk; its strings hold it
		a.chunk.Grow(chunkSize)
	}
	return a.chunk.Len(), true
}
