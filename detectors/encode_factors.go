package detectors

import (
	"encoding/binary"
	"math/bits"

	"github.com/riskstream/riskstream/internal/wire"
)

// The head of a prompt, 6 bits. Other sources are, as for failures, that of the
// prompt written before it and those of the anchors.
const (
	promptSource   = 0 // 3 bits: choice
	promptFate     = 3 // 2 bits
	promptOwn      = 5 // 1 bit
	promptHeadBits = 6
)

func (m *Memory) appendPrompts(b []byte) []byte {
	var places uint32
	for i := range m.prompts {
		if m.prompts[i] != (prompt{}) {
			places |= 1 << i
		}
	}
	b = wire.AppendUint(b, places)
	last := prompt{at: begins(m.progress.day)}
	for ; places != 0; places &= places - 1 {
		p := &m.prompts[bits.TrailingZeros32(places)]
		source := m.chooseSource(p.source, last.source)
		head := source<<promptSource | byte(p.fate)<<promptFate
		if p.own {
			head |= 1 << promptOwn
		}
		b = append(b, head)
		b = appendTime(b, p.at, last.at)
		if source == given {
			b = wire.AppendHash32(b, p.source)
		}
		last = *p
	}
	return b
}

func (m *Memory) decodePrompts(r *wire.Reader) {
	last := prompt{at: begins(m.progress.day)}
	for places := uint32(r.Uint(1<<maxPrompts - 1)); places != 0; places &= places - 1 {
		p := &m.prompts[bits.TrailingZeros32(places)]
		head := r.Byte()
		source, end := head>>promptSource&7, fate(head>>promptFate&3)
		if head>>promptHeadBits != 0 || source > another+maxAnchors || end >= fates {
			r.Fail(wire.ErrRange)
			return
		}
		p.fate, p.own = end, head>>promptOwn&1 != 0
		p.at = decodeTime(r, last.at)
		p.source = m.decodeSource(r, source, last.source)
		last = *p
	}
}

// The head of an arrival, 5 bits.
const (
	arrivalSource   = 0 // 3 bits: choice
	arrivalSession  = 3 // 1 bit: it follows
	arrivalStrange  = 4 // 1 bit
	arrivalHeadBits = 5
)

func (m *Memory) appendArrivals(b []byte) []byte {
	var places uint32
	for i := range m.arrivals {
		if m.arrivals[i] != (arrival{}) {
			places |= 1 << i
		}
	}
	b = wire.AppendUint(b, places)
	last := arrival{at: begins(m.progress.day)}
	for ; places != 0; places &= places - 1 {
		a := &m.arrivals[bits.TrailingZeros32(places)]
		source := m.chooseSource(a.source, last.source)
		head := source << arrivalSource
		if a.session != 0 {
			head |= 1 << arrivalSession
		}
		if a.strange {
			head |= 1 << arrivalStrange
		}
		b = append(b, head)
		b = appendTime(b, a.at, last.at)
		if source == given {
			b = wire.AppendHash32(b, a.source)
		}
		if a.session != 0 {
			b = binary.LittleEndian.AppendUint16(b, a.session)
		}
		last = *a
	}
	return b
}

func (m *Memory) decodeArrivals(r *wire.Reader) {
	last := arrival{at: begins(m.progress.day)}
	for places := uint32(r.Uint(1<<maxArrivals - 1)); places != 0; places &= places - 1 {
		a := &m.arrivals[bits.TrailingZeros32(places)]
		head := r.Byte()
		source := head >> arrivalSource & 7
		if head>>arrivalHeadBits != 0 || source > another+maxAnchors {
			r.Fail(wire.ErrRange)
			return
		}
		a.strange = head>>arrivalStrange&1 != 0
		a.at = decodeTime(r, last.at)
		a.source = m.decodeSource(r, source, last.source)
		if head>>arrivalSession&1 != 0 {
			a.session = hash16(r)
		}
		last = *a
	}
}
