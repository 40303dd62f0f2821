package detectors

import (
	"encoding/binary"
	"math/bits"

	"github.com/riskstream/riskstream/internal/wire"
)

// The head of a failure, 8 bits: choices. Others are the failure written
// before it and, for the source, the anchors after that.
const (
	failureSource   = 0 // 3 bits
	failureBound    = 3 // 2 bits
	failureSession  = 5 // 2 bits
	failureHeadBits = 7
)

func (m *Memory) appendFailures(b []byte, all *failures) []byte {
	list := &all.list
	var places uint32
	for i := range list {
		if list[i] != (failure{}) {
			places |= 1 << i
		}
	}
	b = wire.AppendUint(b, places)
	b = wire.AppendUint(b, all.own)
	last := failure{at: begins(m.progress.day)}
	for ; places != 0; places &= places - 1 {
		f := &list[bits.TrailingZeros32(places)]
		source := m.chooseSource(f.source, last.source)
		bound, session := orAnother(f.bound, last.bound), orAnother(f.session, last.session)
		b = append(b, source<<failureSource|bound<<failureBound|session<<failureSession)
		b = appendTime(b, f.at, last.at)
		if source == given {
			b = wire.AppendHash32(b, f.source)
		}
		if bound == given {
			b = binary.LittleEndian.AppendUint16(b, f.bound)
		}
		if session == given {
			b = binary.LittleEndian.AppendUint16(b, f.session)
		}
		last = *f
	}
	return b
}

func (m *Memory) decodeFailures(r *wire.Reader, all *failures) {
	places := uint32(r.Uint(1<<maxFailures - 1))
	all.own = uint16(r.Uint(1<<16 - 1))
	last := failure{at: begins(m.progress.day)}
	for ; places != 0; places &= places - 1 {
		f := &all.list[bits.TrailingZeros32(places)]
		head := r.Byte()
		source, bound, session := head>>failureSource&7, head>>failureBound&3, head>>failureSession&3
		if head>>failureHeadBits != 0 || source > another+maxAnchors || bound > another || session > another {
			r.Fail(wire.ErrRange)
			return
		}
		f.at = decodeTime(r, last.at)
		f.source = m.decodeSource(r, source, last.source)
		f.bound = decodeOrAnother(r, bound, last.bound)
		f.session = decodeOrAnother(r, session, last.session)
		last = *f
	}
}

// chooseSource says how a source is written.
func (m *Memory) chooseSource(source, last uint32) byte {
	switch source {
	case 0:
		return none
	case last:
		return another
	}
	for i := range m.anchors {
		if m.anchors[i].source == source {
			return another + 1 + byte(i)
		}
	}
	return given
}

// decodeSource reads what chooseSource chose, which is checked to be in range.
func (m *Memory) decodeSource(r *wire.Reader, choice byte, last uint32) uint32 {
	switch choice {
	case none:
		return 0
	case given:
		return r.Hash32()
	case another:
		return last
	}
	return m.anchors[choice-another-1].source
}

func orAnother(hash, last uint16) byte {
	switch hash {
	case 0:
		return none
	case last:
		return another
	}
	return given
}

func decodeOrAnother(r *wire.Reader, choice byte, last uint16) uint16 {
	switch choice {
	case given:
		return hash16(r)
	case another:
		return last
	}
	return 0
}

func hash16(r *wire.Reader) uint16 {
	if p := r.Bytes(2); p != nil {
		return binary.LittleEndian.Uint16(p)
	}
	return 0
}
