package scoring

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
)

// The versions of the binary forms. Whoever changes what is written raises
// them and lets decode read all earlier ones.
const (
	stateVersion         = 1
	contributionsVersion = 1
)

// What is set of a State, with what is small enough to stand here itself.
const (
	stateEvidence = 1 << iota
	stateStanding // level and decision follow
	stateProven   // where a factor was proven follows

	stateUserKind   = 3 // from this bit on, 3 bits
	statePrivileged = 6 // 2 bits of the flag
)

// AppendBinary appends the binary form of st, from which DecodeBinary makes an
// equal State. Only what is set is written, and times by how far they are from
// AsOf.
func (st *State) AppendBinary(b []byte) []byte {
	head := st.UserKind<<stateUserKind | uint8(st.Privileged)&3<<statePrivileged
	if st.Evidence != 0 {
		head |= stateEvidence
	}
	if st.Level != 0 || st.Decision != 0 {
		head |= stateStanding
	}
	if st.ProvenAt != 0 || st.ProvenNetwork != 0 || st.ProvenSession != 0 {
		head |= stateProven
	}
	b = append(b, stateVersion, head)
	b = wire.AppendInt(b, st.AsOf)
	b = wire.AppendUint(b, st.Version)
	if head&stateEvidence != 0 {
		b = wire.AppendInt(b, st.AsOf-st.Evidence)
	}
	if head&stateStanding != 0 {
		b = append(b, byte(st.Level), byte(st.Decision))
	}
	if head&stateProven != 0 {
		b = append(b, byte(flags(st.ProvenNetwork != 0, st.ProvenSession != 0)))
		b = wire.AppendInt(b, st.AsOf-st.ProvenAt)
		b = appendHash(b, st.ProvenNetwork)
		b = appendHash(b, st.ProvenSession)
	}
	return b
}

// DecodeBinary makes st what AppendBinary wrote. After an error, which r keeps,
// st is not to be used.
func (st *State) DecodeBinary(r *wire.Reader) {
	*st = State{}
	if r.Version("state of the score", stateVersion) == 0 {
		return
	}
	head := r.Byte()
	st.UserKind = head >> stateUserKind & 7
	if int(st.UserKind) >= len(userKinds) {
		r.Fail(wire.ErrRange)
	}
	switch head >> statePrivileged {
	case uint8(event.True):
		st.Privileged = event.True
	case uint8(0xff) & 3: // -1 in two bits
		st.Privileged = event.False
	case 2:
		r.Fail(wire.ErrRange)
	}
	st.AsOf = event.Time(r.Int())
	st.Version = uint32(r.Uint(math.MaxUint32))
	if head&stateEvidence != 0 {
		st.Evidence = st.AsOf - event.Time(r.Int())
	}
	if head&stateStanding != 0 {
		st.Level = event.Level(r.Uint(uint64(event.High)))
		st.Decision = event.Decision(r.Uint(uint64(event.Revoke)))
	}
	if head&stateProven != 0 {
		set := r.Byte()
		st.ProvenAt = st.AsOf - event.Time(r.Int())
		st.ProvenNetwork = decodeHash(r, set&1 != 0)
		st.ProvenSession = decodeHash(r, set&2 != 0)
	}
}

// What is set of a Contribution, and what it shares with the one before it:
// one event often opens several.
const (
	openUnconfirmed = 1 << iota
	openOfSession
	openCovered
	openTouched
	openKey
	openFact
	openNetwork
	openDevice
	openSession
	openSamePlace // network, device and session are those of the one before
	openSameFact
	openSameEventID
	openSameSessionID
	openLLRBits // it is no whole number of thousandths
	openFactorBits
)

// AppendContributions appends the binary form of a subject's open
// contributions, which are at most MaxOpen. No contribution is one byte.
func AppendContributions(b []byte, open []Contribution) []byte {
	if len(open) == 0 {
		return append(b, 0)
	}
	b = append(b, byte(len(open)), contributionsVersion)
	before := &Contribution{}
	for i := range open {
		b = open[i].append(b, before)
		before = &open[i]
	}
	return b
}

// DecodeContributions reads what AppendContributions wrote into the memory of
// open, which it returns with as many as there were: none after an error,
// which r keeps.
func DecodeContributions(r *wire.Reader, open []Contribution) []Contribution {
	open = open[:0]
	n := int(r.Uint(MaxOpen))
	if n == 0 || r.Version("open contributions", contributionsVersion) == 0 {
		return open
	}
	if cap(open) < n {
		open = make([]Contribution, 0, MaxOpen+1) // one more is there for a moment when they are full
	}
	open = open[:n]
	before := &Contribution{}
	for i := range open {
		open[i].decode(r, before)
		before = &open[i]
		if r.Err() != nil {
			return open[:0]
		}
	}
	return open
}

func (c *Contribution) append(b []byte, before *Contribution) []byte {
	llr, llrExact := thousandths(c.LLR)
	factor, factorExact := thousandths(c.Factor)
	samePlace := c.Network == before.Network && c.Device == before.Device && c.Session == before.Session
	sameFact := c.Fact == before.Fact
	sameEvent := c.EventID == before.EventID
	sameSession := c.SessionID == before.SessionID
	head := uint16(flags(c.Unconfirmed, c.OfSession, c.Covered, c.Touched,
		c.Key != 0, c.Fact != 0 && !sameFact,
		c.Network != 0 && !samePlace, c.Device != 0 && !samePlace, c.Session != 0 && !samePlace,
		samePlace, sameFact, sameEvent, sameSession, !llrExact, !factorExact))

	b = binary.LittleEndian.AppendUint16(b, head)
	b = append(b, c.Group)
	b = wire.AppendInt(b, c.At-before.At)
	b = wire.AppendInt(b, c.ClearsAt-c.At)
	b = wire.AppendInt(b, c.At-c.First)
	b = wire.AppendInt(b, c.At-c.Raised)
	b = wire.AppendInt(b, c.HalfLife)
	b = appendNumber(b, c.LLR, llr, llrExact)
	b = appendNumber(b, c.Factor, factor, factorExact)
	b = appendHash(b, c.Key)
	if !sameFact {
		b = appendHash(b, c.Fact)
	}
	if !samePlace {
		b = appendHash(b, c.Network)
		b = appendHash(b, c.Device)
		b = appendHash(b, c.Session)
	}
	b = wire.AppendText(b, trimmed(c.Name[:]))
	b = wire.AppendText(b, trimmed(c.Summary[:]))
	if !sameEvent {
		b = wire.AppendText(b, trimmed(c.EventID[:]))
	}
	if !sameSession {
		b = wire.AppendText(b, trimmed(c.SessionID[:]))
	}
	return b
}

func (c *Contribution) decode(r *wire.Reader, before *Contribution) {
	*c = Contribution{}
	start := r.Bytes(3)
	if start == nil {
		return
	}
	head := binary.LittleEndian.Uint16(start)
	c.Group = start[2]
	if int(c.Group) >= len(event.Groups) {
		r.Fail(wire.ErrRange)
		return
	}
	is := func(bit uint16) bool { return head&bit != 0 }
	c.Unconfirmed, c.OfSession, c.Covered, c.Touched = is(openUnconfirmed), is(openOfSession), is(openCovered), is(openTouched)
	c.At = before.At + event.Time(r.Int())
	c.ClearsAt = c.At + event.Time(r.Int())
	c.First = c.At - event.Time(r.Int())
	c.Raised = c.At - event.Time(r.Int())
	c.HalfLife = r.Int()
	c.LLR = decodeNumber(r, is(openLLRBits))
	c.Factor = decodeNumber(r, is(openFactorBits))
	c.Key = decodeHash(r, is(openKey))
	c.Fact = before.Fact
	if !is(openSameFact) {
		c.Fact = decodeHash(r, is(openFact))
	}
	c.Network, c.Device, c.Session = before.Network, before.Device, before.Session
	if !is(openSamePlace) {
		c.Network = decodeHash(r, is(openNetwork))
		c.Device = decodeHash(r, is(openDevice))
		c.Session = decodeHash(r, is(openSession))
	}
	copy(c.Name[:], r.Text(len(c.Name)))
	copy(c.Summary[:], r.Text(len(c.Summary)))
	if is(openSameEventID) {
		c.EventID = before.EventID
	} else {
		copy(c.EventID[:], r.Text(len(c.EventID)))
	}
	if is(openSameSessionID) {
		c.SessionID = before.SessionID
	} else {
		copy(c.SessionID[:], r.Text(len(c.SessionID)))
	}
}

// appendHash writes no byte for 0: a bit before it says so.
func appendHash(b []byte, h uint64) []byte {
	if h == 0 {
		return b
	}
	return wire.AppendHash(b, h)
}

func decodeHash(r *wire.Reader, set bool) uint64 {
	if !set {
		return 0
	}
	return r.Hash()
}

// thousandths reports whether x is n thousandths to the last bit.
func thousandths(x float64) (n uint64, exact bool) {
	const most = 1 << 32
	if !(x >= 0 && x < most/1000) {
		return 0, false
	}
	n = uint64(x*1000 + 0.5)
	return n, math.Float64bits(float64(n)/1000) == math.Float64bits(x)
}

func appendNumber(b []byte, x float64, n uint64, exact bool) []byte {
	if exact {
		return wire.AppendUint(b, n)
	}
	return wire.AppendFloat(b, x)
}

// decodeNumber refuses what is no number: the arithmetic of evidence is in
// integers, which have no place for it.
func decodeNumber(r *wire.Reader, asBits bool) float64 {
	if !asBits {
		return float64(r.Uint(math.MaxUint32)) / 1000
	}
	x := r.Float()
	if math.IsNaN(x) || math.IsInf(x, 0) {
		r.Fail(wire.ErrRange)
		return 0
	}
	return x
}

// trimmed is a text without the zeros at its end. Its array is a multiple of 8
// bytes long.
func trimmed(b []byte) []byte {
	for n := len(b); n >= 8; n -= 8 {
		if word := binary.LittleEndian.Uint64(b[n-8 : n]); word != 0 {
			return b[:n-bits.LeadingZeros64(word)/8]
		}
	}
	return nil
}
