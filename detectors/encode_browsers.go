package detectors

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/riskstream/riskstream/internal/wire"
)

func (m *Memory) hasBrowsers() bool {
	if m.browsers != (browsers{}) {
		return true
	}
	for i := range m.sessions {
		if o := &m.sessions[i]; o.browser != 0 || o.last != 0 || o.home {
			return true
		}
	}
	for i := range m.pending {
		if p := &m.pending[i]; p.browser != 0 || p.version != 0 {
			return true
		}
	}
	return m.vintages != [maxDevices]vintage{}
}

// appendBrowsers writes the known browsers, those of the sessions and of the
// sign-ins that wait, and where sessions went.
func (m *Memory) appendBrowsers(b []byte) []byte {
	b = appendFamiliar(b, m.browsers[:], m.progress.day)
	var places uint32
	for i := range m.sessions {
		if m.sessions[i].browser != 0 {
			places |= 1 << i
		}
	}
	for i := range m.pending {
		if m.pending[i].browser != 0 {
			places |= 1 << (maxSessions + i)
		}
	}
	b = wire.AppendUint(b, places)
	for ; places != 0; places &= places - 1 {
		b = binary.LittleEndian.AppendUint16(b, *m.browserAt(bits.TrailingZeros32(places)))
	}
	for i := range m.sessions {
		if m.sessions[i].last != 0 {
			places |= 1 << i
		}
		if m.sessions[i].home {
			places |= 1 << (maxSessions + i)
		}
	}
	b = wire.AppendUint(b, places)
	places &= 1<<maxSessions - 1
	for ; places != 0; places &= places - 1 {
		b = wire.AppendHash32(b, m.sessions[bits.TrailingZeros32(places)].last)
	}
	return m.appendVersions(b)
}

// appendVersions writes those of the sign-ins that wait, then those of the
// devices: the newest, and by how much it is above the oldest where it is.
func (m *Memory) appendVersions(b []byte) []byte {
	for i := range m.pending {
		if m.pending[i].at != 0 {
			b = wire.AppendUint(b, m.pending[i].version)
		}
	}
	var places uint32
	for i := range m.vintages {
		if m.vintages[i].newest != 0 {
			places |= 1 << i
		}
	}
	b = wire.AppendUint(b, places)
	for ; places != 0; places &= places - 1 {
		v := &m.vintages[bits.TrailingZeros32(places)]
		spread := uint32(0)
		if v.behind != 0 {
			spread = 1
		}
		b = wire.AppendUint(b, uint32(v.newest)<<1|spread)
		if spread != 0 {
			b = append(b, v.behind)
		}
	}
	return b
}

func (m *Memory) decodeBrowsers(r *wire.Reader) {
	decodeFamiliar(r, m.browsers[:], m.progress.day)
	for places := uint32(r.Uint(1<<(maxSessions+maxPending) - 1)); places != 0; places &= places - 1 {
		*m.browserAt(bits.TrailingZeros32(places)) = hash16(r)
	}
	places := uint32(r.Uint(1<<(2*maxSessions) - 1))
	for i := range m.sessions {
		m.sessions[i].home = places>>(maxSessions+i)&1 != 0
		if places>>i&1 != 0 {
			m.sessions[i].last = r.Hash32()
		}
	}
	m.decodeVersions(r)
}

func (m *Memory) decodeVersions(r *wire.Reader) {
	for i := range m.pending {
		if m.pending[i].at != 0 {
			m.pending[i].version = uint16(r.Uint(math.MaxUint16))
		}
	}
	for places := uint32(r.Uint(1<<maxDevices - 1)); places != 0; places &= places - 1 {
		v := &m.vintages[bits.TrailingZeros32(places)]
		n := r.Uint(1<<17 - 1)
		v.newest = uint16(n >> 1)
		if n&1 != 0 {
			v.behind = r.Byte()
		}
	}
}

// browserAt is where a session, or behind these a waiting sign-in, keeps its
// browser.
func (m *Memory) browserAt(place int) *uint16 {
	if place < maxSessions {
		return &m.sessions[place].browser
	}
	return &m.pending[place-maxSessions].browser
}
