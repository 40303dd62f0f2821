package detectors

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/riskstream/riskstream/internal/wire"
)

// append writes the parts of the window in use, and of their sets the words in
// use.
func (b *bulk) append(out []byte, today uint16) []byte {
	var places uint32
	for i := range b.parts {
		if b.parts[i] != (bulkPart{}) {
			places |= 1 << i
		}
	}
	out = wire.AppendUint(out, places)
	for ; places != 0; places &= places - 1 {
		p := &b.parts[bits.TrailingZeros32(places)]
		out = wire.AppendHash32(out, p.number)
		for _, n := range [...]uint16{p.plain, p.sensitive, p.weight, p.downloads, p.changes} {
			out = wire.AppendUint(out, n)
		}
		var words byte
		for i, word := range p.seen {
			if word != 0 {
				words |= 1 << i
			}
		}
		out = append(out, words)
		for _, word := range p.seen {
			if word != 0 {
				out = wire.AppendHash32(out, word)
			}
		}
	}
	return appendFamiliar(out, b.habit[:], today)
}

func (b *bulk) decode(r *wire.Reader, today uint16) {
	for places := uint32(r.Uint(1<<bulkParts - 1)); places != 0; places &= places - 1 {
		p := &b.parts[bits.TrailingZeros32(places)]
		p.number = r.Hash32()
		for _, n := range [...]*uint16{&p.plain, &p.sensitive, &p.weight, &p.downloads, &p.changes} {
			*n = uint16(r.Uint(math.MaxUint16))
		}
		words := r.Byte()
		for i := range p.seen {
			if words>>i&1 != 0 {
				p.seen[i] = r.Hash32()
			}
		}
	}
	decodeFamiliar(r, b.habit[:], today)
}

// append writes the known apps, which fill their list from the front, and the
// new ones.
func (a *opened) append(b []byte, today uint16) []byte {
	n := maxOpened
	for n > 0 && a.known[n-1] == 0 {
		n--
	}
	b = wire.AppendUint(b, uint(n))
	for _, app := range a.known[:n] {
		b = binary.LittleEndian.AppendUint16(b, app)
	}
	b = wire.AppendUint(b, today-a.since) // wraps around when it is later
	var places uint32
	for i := range a.fresh {
		if a.fresh[i] != (freshApp{}) {
			places |= 1 << i
		}
	}
	b = wire.AppendUint(b, places)
	before := begins(today)
	for ; places != 0; places &= places - 1 {
		f := &a.fresh[bits.TrailingZeros32(places)]
		b = appendTime(b, f.at, before)
		b = binary.LittleEndian.AppendUint16(b, f.app)
		before = f.at
	}
	return b
}

func (a *opened) decode(r *wire.Reader, today uint16) {
	for i := range a.known[:r.Uint(maxOpened)] {
		a.known[i] = hash16(r)
	}
	a.since = today - uint16(r.Uint(math.MaxUint16))
	before := begins(today)
	for places := uint32(r.Uint(1<<maxFreshApps - 1)); places != 0; places &= places - 1 {
		f := &a.fresh[bits.TrailingZeros32(places)]
		f.at = decodeTime(r, before)
		f.app = hash16(r)
		before = f.at
	}
}
