package detectors

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/riskstream/riskstream/internal/wire"
)

// What the part of the browsers says of a session or of a sign-in that waits,
// each a bit in a number for all of them.
const (
	sessionBrowser = 0                            // it has a browser, and an address where it began
	sessionMoved   = sessionBrowser + maxSessions // it was last seen elsewhere
	sessionAtHome  = sessionMoved + maxSessions   // it began at home
	pendingBrowser = sessionAtHome + maxSessions  // it has a browser
	pendingVersion = pendingBrowser + maxPending  // it has a version
	trackBits      = pendingVersion + maxPending
)

// tracks says which of these there are.
func (m *Memory) tracks() uint32 {
	var set uint32
	flag := func(bit int, is bool) {
		if is {
			set |= 1 << bit
		}
	}
	for i := range m.sessions {
		o := &m.sessions[i]
		flag(sessionBrowser+i, o.browser != 0 || o.source != 0)
		flag(sessionMoved+i, o.last != 0)
		flag(sessionAtHome+i, o.home)
	}
	for i := range m.pending {
		p := &m.pending[i]
		flag(pendingBrowser+i, p.browser != 0)
		flag(pendingVersion+i, p.version != 0)
	}
	return set
}

func (m *Memory) hasBrowsers() bool {
	return m.browsers != (browsers{}) || m.vintages != [maxDevices]vintage{} || m.tracks() != 0
}

// appendBrowsers writes the known browsers, their versions, and what sessions
// and waiting sign-ins have to do with them.
func (m *Memory) appendBrowsers(b []byte) []byte {
	b = appendFamiliar(b, m.browsers[:], m.progress.day)
	b = m.appendVintages(b)
	set := m.tracks()
	b = wire.AppendUint(b, set)
	for i := range m.sessions {
		o := &m.sessions[i]
		if set>>(sessionBrowser+i)&1 != 0 {
			b = binary.LittleEndian.AppendUint16(b, o.browser)
			b = binary.LittleEndian.AppendUint16(b, o.source)
		}
		if set>>(sessionMoved+i)&1 != 0 {
			b = wire.AppendHash32(b, o.last)
		}
	}
	for i := range m.pending {
		p := &m.pending[i]
		if set>>(pendingBrowser+i)&1 != 0 {
			b = binary.LittleEndian.AppendUint16(b, p.browser)
		}
		if set>>(pendingVersion+i)&1 != 0 {
			b = wire.AppendUint(b, p.version)
		}
	}
	return b
}

func (m *Memory) decodeBrowsers(r *wire.Reader) {
	decodeFamiliar(r, m.browsers[:], m.progress.day)
	m.decodeVintages(r)
	set := uint32(r.Uint(1<<trackBits - 1))
	for i := range m.sessions {
		o := &m.sessions[i]
		o.home = set>>(sessionAtHome+i)&1 != 0
		if set>>(sessionBrowser+i)&1 != 0 {
			o.browser, o.source = hash16(r), hash16(r)
		}
		if set>>(sessionMoved+i)&1 != 0 {
			o.last = r.Hash32()
		}
	}
	for i := range m.pending {
		p := &m.pending[i]
		if set>>(pendingBrowser+i)&1 != 0 {
			p.browser = hash16(r)
		}
		if set>>(pendingVersion+i)&1 != 0 {
			p.version = uint16(r.Uint(math.MaxUint16))
		}
	}
}

// appendVintages writes the newest version of each kind, twice, and one more
// where a byte follows with how far behind another was.
func (m *Memory) appendVintages(b []byte) []byte {
	var places uint32
	for i := range m.vintages {
		if m.vintages[i] != (vintage{}) {
			places |= 1 << i
		}
	}
	b = wire.AppendUint(b, places)
	for ; places != 0; places &= places - 1 {
		v := &m.vintages[bits.TrailingZeros32(places)]
		n := uint32(v.newest) << 1
		if v.behind != 0 {
			n++
		}
		b = wire.AppendUint(b, n)
		if v.behind != 0 {
			b = append(b, v.behind)
		}
	}
	return b
}

func (m *Memory) decodeVintages(r *wire.Reader) {
	for places := uint32(r.Uint(1<<maxDevices - 1)); places != 0; places &= places - 1 {
		v := &m.vintages[bits.TrailingZeros32(places)]
		n := r.Uint(1<<17 - 1)
		v.newest = uint16(n >> 1)
		if n&1 != 0 {
			v.behind = r.Byte()
		}
	}
}
