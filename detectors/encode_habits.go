package detectors

import (
	"math/bits"

	"github.com/riskstream/riskstream/internal/wire"
)

// What a subject with habits may lack, one bit each of the number that they
// begin with.
const (
	withActive  = 1 << iota // active outside sign-ins
	withLongest             // back from an absence
	withHours
	habitBits = iota
)

func (m *Memory) hasHabits() bool {
	return m.progress.days != 0 || m.absence != (absence{}) || m.hours != (hours{}) ||
		m.sources != ([maxSources]familiar{}) || m.apps != ([maxApps]familiar{})
}

func (m *Memory) appendHabits(b []byte) []byte {
	var set uint32
	if m.absence.active != 0 {
		set |= withActive
	}
	if m.absence.longest != 0 {
		set |= withLongest
	}
	if m.hours != (hours{}) {
		set |= withHours
	}
	today := m.progress.day
	b = wire.AppendUint(b, set)
	b = append(b, m.progress.days)
	b = appendFamiliar(b, m.sources[:], today)
	b = appendFamiliar(b, m.apps[:], today)
	if set&withActive != 0 {
		b = wire.AppendInt(b, int16(m.absence.active-today)) // wraps around
	}
	if set&withLongest != 0 {
		b = append(b, m.absence.longest)
	}
	if set&withHours != 0 {
		b = m.hours.append(b, begins(today))
	}
	return b
}

func (m *Memory) decodeHabits(r *wire.Reader) {
	set := uint32(r.Uint(1<<habitBits - 1))
	today := m.progress.day
	m.progress.days = r.Byte()
	decodeFamiliar(r, m.sources[:], today)
	decodeFamiliar(r, m.apps[:], today)
	if set&withActive != 0 {
		d := r.Int()
		if d != int64(int16(d)) {
			r.Fail(wire.ErrRange)
		}
		m.absence.active = today + uint16(d)
	}
	if set&withLongest != 0 {
		m.absence.longest = r.Byte()
	}
	if set&withHours != 0 {
		m.hours.decode(r, begins(today))
	}
}

// append writes the bytes of the histogram that are not 0, behind a bit for
// each.
func (h *hours) append(b []byte, before seconds) []byte {
	b = appendTime(b, h.counted, before)
	var used uint32
	for i := range kindsOfDay * hourBytes {
		if h.counts[i/hourBytes][i%hourBytes] != 0 {
			used |= 1 << i
		}
	}
	b = wire.AppendUint(b, used)
	for ; used != 0; used &= used - 1 {
		i := bits.TrailingZeros32(used)
		b = append(b, h.counts[i/hourBytes][i%hourBytes])
	}
	return b
}

func (h *hours) decode(r *wire.Reader, before seconds) {
	h.counted = decodeTime(r, before)
	for used := uint32(r.Uint(1<<(kindsOfDay*hourBytes) - 1)); used != 0; used &= used - 1 {
		i := bits.TrailingZeros32(used)
		h.counts[i/hourBytes][i%hourBytes] = r.Byte()
	}
}
