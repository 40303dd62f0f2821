package engine

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
)

// window remembers the events that a subject had last, to drop what the
// identity provider sends again. It holds 24 hashes: pollers overlap by
// minutes, and few users have more events than that in an overlap.
//
// A hash has 48 bits, since 24 of them are half of what is kept of a quiet
// subject. That an event is dropped which only looks like an earlier one has
// a probability of about 24·2⁻⁴⁸: once in 12 million million events.
type window struct {
	hashes [windowSize]uint64 // 0: an empty place; the places from next on, until all were used
	next   uint8
}

const (
	windowSize = 24
	hashBytes  = 6
	hashMask   = 1<<(8*hashBytes) - 1
)

// add reports whether the event is new to the window, and remembers it. The
// same id with another status is an update, not a repeat.
func (w *window) add(e *event.Event) bool {
	h := statusHash(e)
	for _, seen := range w.hashes {
		if seen == h {
			return false
		}
	}
	w.hashes[w.next] = h
	w.next = (w.next + 1) % windowSize
	return true
}

// statusHash is the hash that the window holds of an event.
func statusHash(e *event.Event) uint64 {
	var d xxhash.Digest
	d.Reset()
	for _, part := range [...]string{e.Provider, e.ID, string(e.Outcome), string(e.Reason)} {
		d.WriteString(part)
		d.Write([]byte{0})
	}
	return max(d.Sum64()&hashMask, 1) // never 0, which is an empty place
}

// windowFull is the bit beside next that says that all places are in use.
const windowFull = 1 << 7

// appendBinary appends the binary form of w: next, then the hashes in use. It
// has no version of its own; that of the subject holds for it.
func (w *window) appendBinary(b []byte) []byte {
	used, head := w.hashes[:w.next], w.next
	if w.hashes[w.next] != 0 {
		used, head = w.hashes[:], w.next|windowFull
	}
	b = append(b, head)
	for _, h := range used {
		b = append(b, byte(h), byte(h>>8), byte(h>>16), byte(h>>24), byte(h>>32), byte(h>>40))
	}
	return b
}

// decodeBinary makes w what appendBinary wrote. After an error, which r keeps,
// w is not to be used.
func (w *window) decodeBinary(r *wire.Reader) {
	*w = window{}
	head := r.Byte()
	used := int(head &^ windowFull)
	if used >= windowSize {
		r.Fail(wire.ErrRange)
		return
	}
	w.next = uint8(used)
	if head&windowFull != 0 {
		used = windowSize
	}
	b := r.Bytes(used * hashBytes)
	for i := range len(b) / hashBytes {
		h := b[i*hashBytes:][:hashBytes]
		w.hashes[i] = uint64(binary.LittleEndian.Uint32(h)) | uint64(binary.LittleEndian.Uint16(h[4:]))<<32
		if w.hashes[i] == 0 {
			r.Fail(wire.ErrRange)
			return
		}
	}
}
