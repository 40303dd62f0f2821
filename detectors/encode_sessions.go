package detectors

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/riskstream/riskstream/internal/wire"
)

// The head of a session, 16 bits: choices and what else is not written.
const (
	originNetwork  = 0  // 4 bits: choice among networks
	originBound    = 4  // 4 bits: choice among devices
	originCountry  = 8  // 3 bits: choice among countries
	originKind     = 11 // 2 bits, or sameClient
	originMobile   = 13 // 1 bit
	originOwn      = 14 // 1 bit
	originClient   = 15 // 1 bit: it follows
	originHeadBits = 16

	// sameClient in the place of the kind: the program is that of the session
	// that was written before, as it mostly is.
	sameClient = 3
)

func (m *Memory) appendSessions(b []byte) []byte {
	var places uint32
	for i := range m.sessions {
		if m.sessions[i] != (origin{}) {
			places |= 1 << i
		}
	}
	b = wire.AppendUint(b, places)
	before, last := begins(m.progress.day), origin{}
	for ; places != 0; places &= places - 1 {
		o := &m.sessions[bits.TrailingZeros32(places)]
		network := choose(m.networks[:], o.network)
		bound := choose(m.devices[:], o.bound)
		country := choose(m.countries[:], uint32(o.country))
		head := network<<originNetwork | bound<<originBound | country<<originCountry
		if o.mobile {
			head |= 1 << originMobile
		}
		if o.own {
			head |= 1 << originOwn
		}
		follows := false // the program
		switch {
		case o.client != (client{}) && o.client == last.client && o.kind == last.kind:
			head |= sameClient << originKind
		case o.client != (client{}):
			follows = true
			head |= uint16(o.kind)<<originKind | 1<<originClient
		default:
			head |= uint16(o.kind) << originKind
		}

		b = binary.LittleEndian.AppendUint16(b, head)
		b = wire.AppendHash32(b, o.session)
		b = appendTime(b, o.at, before)
		if network == given {
			b = wire.AppendHash32(b, o.network)
		}
		if bound == given {
			b = wire.AppendHash32(b, o.bound)
		}
		if country == given {
			b = binary.LittleEndian.AppendUint16(b, o.country)
		}
		if follows {
			b = binary.LittleEndian.AppendUint16(b, o.client.os)
			b = binary.LittleEndian.AppendUint16(b, o.client.name)
			b = wire.AppendUint(b, o.client.version)
		}
		before, last = o.at, *o
	}
	return b
}

func (m *Memory) decodeSessions(r *wire.Reader) {
	before, last := begins(m.progress.day), origin{}
	for places := uint32(r.Uint(1<<maxSessions - 1)); places != 0; places &= places - 1 {
		o := &m.sessions[bits.TrailingZeros32(places)]
		head := hash16(r)
		network, bound, country := head>>originNetwork&15, head>>originBound&15, head>>originCountry&7
		o.kind = clientKind(head >> originKind & 3)
		if o.kind == sameClient {
			o.kind, o.client = last.kind, last.client
		}
		if network >= another+maxNetworks || bound >= another+maxDevices || country >= another+maxCountries ||
			head>>originKind&3 == sameClient && o.client == (client{}) {
			r.Fail(wire.ErrRange)
			return
		}
		o.mobile = head>>originMobile&1 != 0
		o.own = head>>originOwn&1 != 0
		o.session = r.Hash32()
		o.at = decodeTime(r, before)
		o.network = decodeChosen(r, network, m.networks[:])
		o.bound = decodeChosen(r, bound, m.devices[:])
		switch {
		case country == given:
			o.country = hash16(r)
		case country >= another:
			o.country = uint16(m.countries[country-another].key)
		}
		if head>>originClient&1 != 0 {
			o.client.os, o.client.name = hash16(r), hash16(r)
			o.client.version = uint16(r.Uint(math.MaxUint16))
		}
		before, last = o.at, *o
	}
}

// decodeChosen reads a key that choose chose, in a place that is checked to be
// in range.
func decodeChosen(r *wire.Reader, choice uint16, known []familiar) uint32 {
	switch choice {
	case none:
		return 0
	case given:
		return r.Hash32()
	}
	return known[choice-another].key
}
