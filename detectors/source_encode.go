package detectors

import (
	"errors"

	"github.com/riskstream/riskstream/internal/wire"
)

// SourceVersion is the version of SourceMemory's binary form. Whoever changes
// what is written raises it and lets DecodeBinary read all earlier ones.
const SourceVersion = 3

var errUnsorted = errors.New("memory of a source: its users are not in order; the bytes are damaged")

// AppendBinary appends the binary form of m, from which DecodeBinary makes an
// equal SourceMemory: the places in use, with times relative to the newest. A
// home network with one user takes about 40 bytes.
func (m *SourceMemory) AppendBinary(b []byte) []byte {
	b = append(b, SourceVersion)
	b = wire.AppendHash32(b, uint32(m.newest))
	b = wire.AppendUint(b, m.nTried)
	for i := range m.tried[:m.nTried] {
		t := &m.tried[i]
		b = wire.AppendHash32(b, t.user)
		b = appendAge(b, m.newest, t.last)
		b = wire.AppendUint(b, uint64(t.last-t.first)<<2|uint64(t.told))
		b = append(b, t.tries)
	}
	for i := range m.guests {
		if g := &m.guests[i]; g.user != 0 {
			b = append(b, byte(i+1))
			b = wire.AppendHash32(b, g.user)
			b = wire.AppendUint(b, uint64(m.newest-g.at)<<1|uint64(oneIf(g.told)))
		}
	}
	b = append(b, 0)
	b = appendNames(b, m.named[:], m.newest)
	for i, id := range m.repeats {
		if id != 0 {
			b = append(b, byte(i+1))
			b = wire.AppendHash32(b, id)
		}
	}
	b = append(b, 0, m.nextRepeat)
	return m.attack.appendBinary(b, m.newest)
}

// DecodeBinary makes m what AppendBinary wrote. After an error, which r keeps,
// m is not to be used.
func (m *SourceMemory) DecodeBinary(r *wire.Reader) {
	*m = SourceMemory{}
	version := r.Version("memory of a source", SourceVersion)
	if version == 0 {
		return
	}
	m.newest = seconds(r.Hash32())
	m.nTried = uint8(r.Uint(maxTried))
	for i := range m.tried[:m.nTried] {
		t := &m.tried[i]
		t.user = r.Hash32()
		t.last = m.newest - age(r)
		t.decodeSpan(r, version)
		t.tries = r.Byte()
		if i > 0 && m.tried[i-1].user >= t.user {
			r.Fail(errUnsorted)
		}
	}
	for i := entry(r, maxGuests); i >= 0; i = entry(r, maxGuests) {
		g := &m.guests[i]
		g.user = r.Hash32()
		since := r.Uint(1<<33 - 1)
		g.at, g.told = m.newest-seconds(since>>1), since&1 != 0
	}
	decodeNames(r, m.named[:], m.newest)
	for i := entry(r, maxRepeats); i >= 0; i = entry(r, maxRepeats) {
		m.repeats[i] = r.Hash32()
	}
	if m.nextRepeat = r.Byte(); m.nextRepeat >= maxRepeats {
		r.Fail(wire.ErrRange)
	}
	m.attack.decodeBinary(r, m.newest, version)
}

// decodeSpan reads since when before the last try there were tries, and by which
// name the user was told, which versions before 3 never were.
func (t *tried) decodeSpan(r *wire.Reader, version byte) {
	if version < 3 {
		t.first = t.last - age(r)
		return
	}
	span := r.Uint(1<<34 - 1)
	t.first, t.told = t.last-seconds(span>>2), told(span&3)
	if t.told > toldOfStuffing {
		r.Fail(wire.ErrRange)
	}
}

// appendAge appends how far an earlier time lies before t, and age reads it.
func appendAge(b []byte, t, earlier seconds) []byte { return wire.AppendUint(b, t-earlier) }

func age(r *wire.Reader) seconds { return seconds(r.Uint(1<<32 - 1)) }

// entry reads the place of the next entry of a list; -1 at its end.
func entry(r *wire.Reader, places int) int {
	i := int(r.Byte())
	if i > places {
		r.Fail(wire.ErrRange)
		return -1
	}
	return i - 1
}

func oneIf(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
