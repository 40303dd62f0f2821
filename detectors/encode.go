package detectors

import (
	"encoding/binary"
	"math/bits"

	"github.com/riskstream/riskstream/internal/wire"
)

// memoryVersion is the version of Memory's binary form. Whoever changes what
// is written raises it and lets decode read all earlier ones.
const memoryVersion = 4 // 2 added what second factors leave; 3 habits, protocols, consents, passwords, and what accounts are used for; 4 browsers

// AppendBinary appends the binary form of m, from which DecodeBinary makes an
// equal Memory. Only what is set is written, each list behind a bit for every
// place in use. Days and times are written relative to others, and what a
// subject's parts have in common (its devices, countries and networks) once.
func (m *Memory) AppendBinary(b []byte) []byte {
	set := m.parts()
	b = wire.AppendUint(append(b, memoryVersion), set)
	b = m.progress.append(b, set)
	b = appendFamiliar(b, m.countries[:], m.progress.day)
	b = appendFamiliar(b, m.networks[:], m.progress.day)
	b = appendFamiliar(b, m.devices[:], m.progress.day)
	b = m.appendAnchors(b)
	if set&withFailures != 0 {
		b = m.appendFailures(b, &m.failures)
	}
	if set&withPending != 0 {
		b = m.pending.append(b)
	}
	if set&withPrompts != 0 {
		b = m.appendPrompts(b)
	}
	if set&withCodes != 0 {
		b = m.appendFailures(b, &m.codes)
	}
	if set&withArrivals != 0 {
		b = m.appendArrivals(b)
	}
	if set&withProtocols != 0 {
		b = appendFamiliar(b, m.protocols[:], m.progress.day)
	}
	if set&withConsents != 0 {
		b = appendFamiliar(b, m.consents[:], m.progress.day)
	}
	if set&withPassword != 0 {
		b = m.password.append(b)
	}
	if set&withSessions != 0 {
		b = m.appendSessions(b)
	}
	if set&withBulk != 0 {
		b = m.bulk.append(b, m.progress.day)
	}
	if set&withOpened != 0 {
		b = m.opened.append(b, m.progress.day)
	}
	if set&withHabits != 0 {
		b = m.appendHabits(b)
	}
	if set&withBrowsers != 0 {
		b = m.appendBrowsers(b)
	}
	return b
}

// DecodeBinary makes m what AppendBinary wrote. After an error, which r keeps,
// m is not to be used.
func (m *Memory) DecodeBinary(r *wire.Reader) {
	*m = Memory{}
	version := r.Version("memory of the detectors", memoryVersion)
	if version == 0 {
		return
	}
	set := uint32(r.Uint(1<<partBits - 1))
	if known := [...]int{partBits, partBitsV1, partBitsV2, partBitsV3}; version < memoryVersion && set>>known[version] != 0 {
		r.Fail(wire.ErrRange)
		return
	}
	m.progress.decode(r, set)
	decodeFamiliar(r, m.countries[:], m.progress.day)
	decodeFamiliar(r, m.networks[:], m.progress.day)
	decodeFamiliar(r, m.devices[:], m.progress.day)
	m.decodeAnchors(r)
	if set&withFailures != 0 {
		m.decodeFailures(r, &m.failures)
	}
	if set&withPending != 0 {
		m.pending.decode(r, version)
	}
	if set&withPrompts != 0 {
		m.decodePrompts(r)
	}
	if set&withCodes != 0 {
		m.decodeFailures(r, &m.codes)
	}
	if set&withArrivals != 0 {
		m.decodeArrivals(r)
	}
	if set&withProtocols != 0 {
		decodeFamiliar(r, m.protocols[:], m.progress.day)
	}
	if set&withConsents != 0 {
		decodeFamiliar(r, m.consents[:], m.progress.day)
	}
	if set&withPassword != 0 {
		m.password.decode(r)
	}
	if set&withSessions != 0 {
		m.decodeSessions(r)
	}
	if set&withBulk != 0 {
		m.bulk.decode(r, m.progress.day)
	}
	if set&withOpened != 0 {
		m.opened.decode(r, m.progress.day)
	}
	if set&withHabits != 0 {
		m.decodeHabits(r)
	}
	if set&withBrowsers != 0 {
		m.decodeBrowsers(r)
	}
}

// What most subjects lack, one bit each of the number after the version.
const (
	withChallenged = 1 << iota
	withToday      // something new was learned on progress.day
	withFailures
	withPending
	withPrompts // since version 2
	withCodes
	withArrivals
	withProtocols // since version 3
	withConsents
	withPassword
	withSessions
	withBulk
	withOpened
	withHabits
	withBrowsers // since version 4
	partBits     = iota
	partBitsV1   = 4
	partBitsV2   = 7
	partBitsV3   = 14
)

func (m *Memory) parts() uint32 {
	var set uint32
	if m.progress.challenged != 0 {
		set |= withChallenged
	}
	if p := &m.progress; p.devices|p.networks|p.countries != 0 {
		set |= withToday
	}
	if m.failures != (failures{}) {
		set |= withFailures
	}
	if m.pending != (pending{}) {
		set |= withPending
	}
	if m.prompts != (prompts{}) {
		set |= withPrompts
	}
	if m.codes != (failures{}) {
		set |= withCodes
	}
	if m.arrivals != (arrivals{}) {
		set |= withArrivals
	}
	if m.protocols != ([maxProtocols]familiar{}) {
		set |= withProtocols
	}
	if m.consents != ([maxConsents]familiar{}) {
		set |= withConsents
	}
	if m.password != (password{}) {
		set |= withPassword
	}
	if m.sessions != (sessions{}) {
		set |= withSessions
	}
	if m.bulk != (bulk{}) {
		set |= withBulk
	}
	if m.opened != (opened{}) {
		set |= withOpened
	}
	if m.hasHabits() {
		set |= withHabits
	}
	if m.hasBrowsers() {
		set |= withBrowsers
	}
	return set
}

func (p *progress) append(b []byte, set uint32) []byte {
	b = wire.AppendHash32(b, uint32(p.first))
	b = wire.AppendUint(b, p.signIns)
	b = wire.AppendUint(b, p.day)
	if set&withChallenged != 0 {
		b = wire.AppendHash32(b, uint32(p.challenged))
	}
	if set&withToday != 0 {
		b = append(b, p.devices, p.networks, p.countries)
	}
	return b
}

func (p *progress) decode(r *wire.Reader, set uint32) {
	p.first = seconds(r.Hash32())
	p.signIns = uint16(r.Uint(1<<16 - 1))
	p.day = uint16(r.Uint(1<<16 - 1))
	if set&withChallenged != 0 {
		p.challenged = seconds(r.Hash32())
	}
	if set&withToday != 0 {
		p.devices, p.networks, p.countries = r.Byte(), r.Byte(), r.Byte()
	}
}

// appendTime appends t by its distance from another moment. The difference
// wraps around, so that it holds whatever the two are.
func appendTime(b []byte, t, before seconds) []byte { return wire.AppendInt(b, int32(t-before)) }

func decodeTime(r *wire.Reader, before seconds) seconds {
	d := r.Int()
	if d != int64(int32(d)) {
		r.Fail(wire.ErrRange)
	}
	return before + seconds(d)
}

// begins is the first moment of a day that seconds.day gave.
func begins(day uint16) seconds { return (seconds(day) - 1) * 86400 }

// A list of familiars begins with a number: these two bits, then one for each
// place in use.
const (
	withKinds = 1 << iota // each entry has its kinds
	wideKeys              // keys have 4 bytes, not 2
	placeBits = iota
)

func appendFamiliar(b []byte, known []familiar, today uint16) []byte {
	var head, keys uint32
	var all kinds
	for i := range known {
		f := &known[i]
		if *f != (familiar{}) {
			head |= 1 << (i + placeBits)
			keys |= f.key
			all |= f.kinds
		}
	}
	if all != 0 {
		head |= withKinds
	}
	if keys>>16 != 0 {
		head |= wideKeys
	}
	b = wire.AppendUint(b, head)
	for places := head >> placeBits; places != 0; places &= places - 1 {
		f := &known[bits.TrailingZeros32(places)]
		if head&wideKeys != 0 {
			b = append(b, byte(f.key), byte(f.key>>8), byte(f.key>>16), byte(f.key>>24), f.days)
		} else {
			b = append(b, byte(f.key), byte(f.key>>8), f.days)
		}
		if head&withKinds != 0 {
			b = append(b, byte(f.kinds))
		}
		b = wire.AppendUint(b, today-f.lastDay) // wraps around when it is later
	}
	return b
}

func decodeFamiliar(r *wire.Reader, known []familiar, today uint16) {
	head := uint32(r.Uint(1<<(len(known)+placeBits) - 1))
	for places := head >> placeBits; places != 0; places &= places - 1 {
		f := &known[bits.TrailingZeros32(places)]
		if head&wideKeys != 0 {
			f.key = r.Hash32()
		} else if p := r.Bytes(2); p != nil {
			f.key = uint32(binary.LittleEndian.Uint16(p))
		}
		f.days = r.Byte()
		if head&withKinds != 0 {
			f.kinds = kinds(r.Byte())
		}
		f.lastDay = today - uint16(r.Uint(1<<16-1))
	}
}

// append writes the sightings that wait as they are: they are few and rare.
func (p *pending) append(b []byte) []byte {
	var places uint32
	for i := range p {
		if p[i] != (sighting{}) {
			places |= 1 << i
		}
	}
	b = wire.AppendUint(b, places)
	for ; places != 0; places &= places - 1 {
		s := &p[bits.TrailingZeros32(places)]
		b = wire.AppendHash32(b, uint32(s.at))
		b = wire.AppendFloat32(b, s.lat)
		b = wire.AppendFloat32(b, s.lon)
		for _, hash := range [...]uint32{s.source, s.network, s.bound, s.family, s.session} {
			b = wire.AppendHash32(b, hash)
		}
		b = wire.AppendUint(b, s.radius)
		b = wire.AppendUint(b, s.country)
		b = append(b, byte(s.kinds), byte(s.traits), s.os)
	}
	return b
}

func (p *pending) decode(r *wire.Reader, version byte) {
	for places := uint32(r.Uint(1<<maxPending - 1)); places != 0; places &= places - 1 {
		s := &p[bits.TrailingZeros32(places)]
		s.at = seconds(r.Hash32())
		s.lat, s.lon = degrees(r), degrees(r)
		for _, hash := range [...]*uint32{&s.source, &s.network, &s.bound, &s.family, &s.session} {
			*hash = r.Hash32()
		}
		s.radius = uint16(r.Uint(1<<16 - 1))
		s.country = uint16(r.Uint(1<<16 - 1))
		s.kinds, s.traits = kinds(r.Byte()), traits(r.Byte())
		if version >= 3 {
			s.os = r.Byte()
		}
	}
}
