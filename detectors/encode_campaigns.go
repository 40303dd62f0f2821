package detectors

import (
	"github.com/riskstream/riskstream/internal/wire"
)

// Versions of the binary forms of OrgMemory and AppMemory. Whoever changes what
// is written raises them and lets DecodeBinary read all earlier ones.
const (
	OrgVersion = 2
	AppVersion = 1
)

// appendBinary appends the binary form of an attack, times relative to the
// newest.
func (a *attack) appendBinary(b []byte, newest seconds) []byte {
	b = wire.AppendUint(b, a.start)
	if a.start == 0 {
		return b
	}
	b = appendAge(b, newest, a.last)
	b = wire.AppendUint(b, a.users)
	b = wire.AppendUint(b, a.attempts)
	return wire.AppendUint(b, uint32(a.networks)<<1|uint32(oneIf(a.stuffing)))
}

// decodeBinary makes a what appendBinary wrote. Version 1 knew sprays from one
// network alone.
func (a *attack) decodeBinary(r *wire.Reader, newest seconds, version byte) {
	if a.start = seconds(r.Uint(1<<32 - 1)); a.start == 0 {
		return
	}
	a.last = newest - age(r)
	a.users = uint16(r.Uint(1<<16 - 1))
	a.attempts = uint16(r.Uint(1<<16 - 1))
	if version >= 2 {
		n := r.Uint(1<<17 - 1)
		a.networks, a.stuffing = uint16(n>>1), n&1 != 0
	}
}

// appendNames appends a list of names, times relative to the newest.
func appendNames(b []byte, list []named, newest seconds) []byte {
	for i := range list {
		if n := &list[i]; n.len != 0 {
			b = append(b, byte(i+1))
			b = appendAge(b, newest, n.at)
			b = wire.AppendText(b, n.name[:n.len])
		}
	}
	return append(b, 0)
}

func decodeNames(r *wire.Reader, list []named, newest seconds) {
	for i := entry(r, len(list)); i >= 0; i = entry(r, len(list)) {
		n := &list[i]
		n.at = newest - age(r)
		if n.len = uint8(copy(n.name[:], r.Text(maxName))); n.len == 0 {
			r.Fail(wire.ErrRange)
		}
	}
}

// AppendBinary appends the binary form of m, from which DecodeBinary makes an
// equal OrgMemory: the targets that there are, each some 18 bytes.
func (m *OrgMemory) AppendBinary(b []byte) []byte {
	b = append(b, OrgVersion)
	b = wire.AppendHash32(b, uint32(m.newest))
	b = wire.AppendHash32(b, uint32(m.since))
	b = wire.AppendUint(b, m.nTargets)
	for i := range m.targets[:m.nTargets] {
		t := &m.targets[i]
		b = wire.AppendHash32(b, t.user)
		b = wire.AppendHash(b, uint64(t.network))
		b = appendAge(b, m.newest, t.last)
		b = appendAge(b, t.last, t.first)
		b = append(b, t.tries, oneIf(t.told)|oneIf(t.warned)<<1)
	}
	b = wire.AppendUint(b, m.day)
	b = wire.AppendUint(b, m.today)
	for _, n := range m.days {
		b = wire.AppendUint(b, n)
	}
	c := &m.campaign
	b = wire.AppendUint(b, c.start)
	if c.start == 0 {
		return b
	}
	b = appendAge(b, m.newest, c.last)
	b = append(b, oneIf(c.slow))
	b = wire.AppendUint(b, c.users)
	b = wire.AppendUint(b, c.attempts)
	return wire.AppendUint(b, c.networks)
}

// DecodeBinary makes m what AppendBinary wrote. After an error, which r keeps,
// m is not to be used.
func (m *OrgMemory) DecodeBinary(r *wire.Reader) {
	*m = OrgMemory{}
	version := r.Version("memory of an organisation", OrgVersion)
	if version == 0 {
		return
	}
	m.newest, m.since = seconds(r.Hash32()), seconds(r.Hash32())
	m.nTargets = uint8(r.Uint(maxTargets))
	for i := range m.targets[:m.nTargets] {
		t := &m.targets[i]
		t.user = r.Hash32()
		t.network = networkID(r.Hash())
		t.last = m.newest - age(r)
		t.first = t.last - age(r)
		t.tries = r.Byte()
		flags := r.Byte()
		if t.told, t.warned = flags&1 != 0, flags&2 != 0; flags > 3 || version == 1 && t.warned {
			r.Fail(wire.ErrRange) // version 1 told networks only
		}
		if i > 0 && m.targets[i-1].first > t.first {
			r.Fail(errUnsorted)
		}
	}
	m.day, m.today = uint16(r.Uint(1<<16-1)), uint16(r.Uint(1<<16-1))
	for i := range m.days {
		m.days[i] = uint16(r.Uint(1<<16 - 1))
	}
	c := &m.campaign
	if c.start = seconds(r.Uint(1<<32 - 1)); c.start == 0 {
		return
	}
	c.last, c.slow = m.newest-age(r), flagged(r)
	c.users, c.attempts, c.networks = uint16(r.Uint(1<<16-1)), uint16(r.Uint(1<<16-1)), uint16(r.Uint(1<<16-1))
}

// AppendBinary appends the binary form of m, from which DecodeBinary makes an
// equal AppMemory. An application that is not new takes 10 bytes.
func (m *AppMemory) AppendBinary(b []byte) []byte {
	b = append(b, AppVersion)
	b = wire.AppendHash32(b, uint32(m.newest))
	b = wire.AppendHash32(b, uint32(m.first))
	b = append(b, oneIf(m.isNew)|oneIf(m.closed)<<1)
	if m.closed {
		return b
	}
	b = wire.AppendUint(b, m.count)
	for i := range m.beginners[:m.count] {
		g := &m.beginners[i]
		b = wire.AppendHash32(b, g.user)
		b = wire.AppendUint(b, uint64(m.newest-g.at)<<1|uint64(oneIf(g.told)))
	}
	return appendNames(b, m.named[:], m.newest)
}

// DecodeBinary makes m what AppendBinary wrote. After an error, which r keeps,
// m is not to be used.
func (m *AppMemory) DecodeBinary(r *wire.Reader) {
	*m = AppMemory{}
	if r.Version("memory of an application", AppVersion) == 0 {
		return
	}
	m.newest, m.first = seconds(r.Hash32()), seconds(r.Hash32())
	flags := r.Byte()
	if flags > 2 { // closed and new it is never
		r.Fail(wire.ErrRange)
	}
	m.isNew, m.closed = flags == 1, flags == 2
	if m.closed {
		return
	}
	m.count = uint8(r.Uint(maxBeginners))
	for i := range m.beginners[:m.count] {
		g := &m.beginners[i]
		g.user = r.Hash32()
		since := r.Uint(1<<33 - 1)
		g.at, g.told = m.newest-seconds(since>>1), since&1 != 0
	}
	decodeNames(r, m.named[:], m.newest)
}

func flagged(r *wire.Reader) bool {
	b := r.Byte()
	if b > 1 {
		r.Fail(wire.ErrRange)
	}
	return b == 1
}
