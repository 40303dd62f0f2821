package scoring

import (
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
)

// contributionsVersion is the version of the contributions' binary form.
// Whoever changes what is written, or adds a phrase, raises it and lets decode
// read all earlier ones.
const contributionsVersion = 2 // 2 writes what contributions share once, ids as numbers, and summaries in phrases

// The head of a Contribution, 32 bits. One event often opens several, so each
// is written beside an earlier one, its neighbour: the last that the same event
// has raised, else the one before it. What both have is not written again.
const (
	openUnconfirmed = 1 << iota
	openOfSession
	openCovered
	openTouched
	openOnce          // it was opened, raised and refreshed at one moment
	openSameEvent     // the event is that of the neighbour
	openSameSessionID // so is the session's id
	openHours         // the half-life is in hours
	openLLRBits       // the weight is no whole number of thousandths
	openFactorBits    // nor is the factor
	openUnmitigated   // the factor is 1
)

// Further parts of the head: how a field is written.
const (
	openKey      = 11 // 2 bits
	openFact     = 13 // 2 bits
	openNetwork  = 15 // 2 bits
	openDevice   = 17 // 2 bits
	openSession  = 19 // 2 bits
	openGroup    = 21 // 3 bits
	openBack     = 24 // 4 bits: how many places before it the neighbour is; 0 without one
	openKeyBytes = 28 // 4 bits: how many bytes of the key follow
)

// How a hash is written.
const (
	hashNone  = iota // it is 0
	hashGiven        // it follows
	hashSame         // it is the neighbour's
	hashOther        // it is another field's: of a key the network, of a fact the event's hash, of a session its id's
)

// hour is in seconds, as half-lives are.
const hour = 3600

// AppendContributions appends the binary form of a subject's open
// contributions, which are at most MaxOpen. No contribution is one byte.
func AppendContributions(b []byte, open []Contribution) []byte {
	if len(open) == 0 {
		return append(b, 0)
	}
	b = append(b, byte(len(open)), contributionsVersion)
	for i := range open {
		b = appendContribution(b, open, i)
	}
	return b
}

// DecodeContributions reads what AppendContributions wrote into the memory of
// open, which it returns with as many as there were: none after an error,
// which r keeps.
func DecodeContributions(r *wire.Reader, open []Contribution) []Contribution {
	open = open[:0]
	n := int(r.Uint(MaxOpen))
	if n == 0 {
		return open
	}
	version := r.Version("open contributions", contributionsVersion)
	if version == 0 {
		return open
	}
	if cap(open) < n {
		open = make([]Contribution, 0, MaxOpen+1) // one more is there for a moment when they are full
	}
	open = open[:n]
	for i := range open {
		open[i] = Contribution{}
		if version == 1 {
			decodeContributionV1(r, open, i)
		} else {
			decodeContribution(r, open, i)
		}
		if r.Err() != nil {
			return open[:0]
		}
	}
	return open
}

// noNeighbour is the neighbour of the first: it has nothing to share.
var noNeighbour Contribution

// neighbour is how many places before open[i] its neighbour is, and whether they
// are of the same event.
func neighbour(open []Contribution, i int) (back int, sameEvent bool) {
	c := &open[i]
	for back := 1; back <= i; back++ {
		if n := &open[i-back]; n.Raised == c.Raised && n.EventID == c.EventID {
			return back, true
		}
	}
	return min(i, 1), false
}

func appendContribution(b []byte, open []Contribution, i int) []byte {
	c, beside := &open[i], &noNeighbour
	back, sameEvent := neighbour(open, i)
	if back > 0 {
		beside = &open[i-back]
	}
	id := trimmed(c.EventID[:])
	sessionID := trimmed(c.SessionID[:])
	sameSessionID := c.SessionID == beside.SessionID
	once := c.First == c.At && c.Raised == c.At
	hours := c.HalfLife%hour == 0
	llr, llrExact := thousandths(c.LLR)
	factor, factorExact := thousandths(c.Factor)
	key := hashForm(c.Key, beside.Key, c.Network)
	fact := hashForm(c.Fact, beside.Fact, 0)
	if fact == hashGiven && c.Fact == xxhash.Sum64(id) {
		fact = hashOther
	}
	session := hashForm(c.Session, beside.Session, 0)
	if session == hashGiven && c.Session == xxhash.Sum64(sessionID) {
		session = hashOther
	}
	network, device := hashForm(c.Network, beside.Network, 0), hashForm(c.Device, beside.Device, 0)

	head := uint32(flags(c.Unconfirmed, c.OfSession, c.Covered, c.Touched, once, sameEvent, sameSessionID,
		hours, !llrExact, !factorExact, c.Factor == 1))
	head |= key<<openKey | fact<<openFact | network<<openNetwork | device<<openDevice | session<<openSession
	head |= uint32(c.Group)<<openGroup | uint32(back)<<openBack
	keyBytes := 0
	if key == hashGiven {
		keyBytes = (bits.Len64(c.Key) + 7) / 8
	}
	head |= uint32(keyBytes) << openKeyBytes

	b = binary.LittleEndian.AppendUint32(b, head)
	b = wire.AppendInt(b, c.At-beside.At)
	b = wire.AppendInt(b, c.ClearsAt-c.At)
	if !once {
		b = wire.AppendInt(b, c.At-c.First)
		b = wire.AppendInt(b, c.At-c.Raised)
	}
	if hours {
		b = wire.AppendInt(b, c.HalfLife/hour)
	} else {
		b = wire.AppendInt(b, c.HalfLife)
	}
	b = appendNumber(b, c.LLR, llr, llrExact)
	if c.Factor != 1 {
		b = appendNumber(b, c.Factor, factor, factorExact)
	}
	if network == hashGiven {
		b = wire.AppendHash(b, c.Network)
	}
	if device == hashGiven {
		b = wire.AppendHash(b, c.Device)
	}
	if !sameEvent {
		b = appendID(b, id)
	}
	if !sameSessionID {
		b = appendID(b, sessionID)
	}
	if session == hashGiven {
		b = wire.AppendHash(b, c.Session)
	}
	if fact == hashGiven {
		b = wire.AppendHash(b, c.Fact)
	}
	for k := range keyBytes {
		b = append(b, byte(c.Key>>(8*k)))
	}
	b = appendName(b, trimmed(c.Name[:]))
	return appendSummary(b, &c.Summary, &beside.Summary)
}

// decodeContribution sets open[i], which is zero.
func decodeContribution(r *wire.Reader, open []Contribution, i int) {
	head := r.Hash32()
	back := int(head >> openBack & 15)
	c, beside := &open[i], &noNeighbour
	if c.Group = uint8(head >> openGroup & 7); int(c.Group) >= len(event.Groups) || back > i {
		r.Fail(wire.ErrRange)
		return
	}
	if back > 0 {
		beside = &open[i-back]
	}
	is := func(bit uint32) bool { return head&bit != 0 }
	c.Unconfirmed, c.OfSession, c.Covered, c.Touched = is(openUnconfirmed), is(openOfSession), is(openCovered), is(openTouched)
	c.At = beside.At + event.Time(r.Int())
	c.ClearsAt = c.At + event.Time(r.Int())
	c.First, c.Raised = c.At, c.At
	if !is(openOnce) {
		c.First -= event.Time(r.Int())
		c.Raised -= event.Time(r.Int())
	}
	c.HalfLife = r.Int()
	if is(openHours) {
		c.HalfLife *= hour
	}
	c.LLR = decodeNumber(r, is(openLLRBits))
	c.Factor = 1
	if !is(openUnmitigated) {
		c.Factor = decodeNumber(r, is(openFactorBits))
	}
	c.Network = decodeHashForm(r, head>>openNetwork, beside.Network)
	c.Device = decodeHashForm(r, head>>openDevice, beside.Device)
	if is(openSameEvent) {
		c.EventID = beside.EventID
	} else {
		decodeID(r, c.EventID[:])
	}
	if is(openSameSessionID) {
		c.SessionID = beside.SessionID
	} else {
		decodeID(r, c.SessionID[:])
	}
	if head>>openSession&3 == hashOther {
		c.Session = xxhash.Sum64(trimmed(c.SessionID[:]))
	} else {
		c.Session = decodeHashForm(r, head>>openSession, beside.Session)
	}
	if head>>openFact&3 == hashOther {
		c.Fact = xxhash.Sum64(trimmed(c.EventID[:]))
	} else {
		c.Fact = decodeHashForm(r, head>>openFact, beside.Fact)
	}
	switch head >> openKey & 3 {
	case hashGiven:
		c.Key = decodeKey(r, int(head>>openKeyBytes))
	case hashSame:
		c.Key = beside.Key
	case hashOther:
		c.Key = c.Network
	}
	decodeName(r, &c.Name)
	decodeSummary(r, &c.Summary, &beside.Summary)
}

// hashForm is how a hash is written that may be the neighbour's, or another
// field's.
func hashForm(h, same, other uint64) uint32 {
	switch h {
	case 0:
		return hashNone
	case same:
		return hashSame
	case other:
		return hashOther
	}
	return hashGiven
}

// decodeHashForm reads a hash in the form that the two lowest bits say.
func decodeHashForm(r *wire.Reader, form uint32, same uint64) uint64 {
	switch form & 3 {
	case hashGiven:
		return r.Hash()
	case hashSame:
		return same
	case hashOther:
		r.Fail(wire.ErrRange)
	}
	return 0
}

// decodeKey reads a key that is written in its lowest n bytes: many are codes
// or short hashes.
func decodeKey(r *wire.Reader, n int) (key uint64) {
	if n > 8 {
		r.Fail(wire.ErrRange)
		return 0
	}
	for k, x := range r.Bytes(n) {
		key |= uint64(x) << (8 * k)
	}
	return key
}

// appendName appends a name: that of a detector is a phrase, and written as its
// number.
func appendName(b, name []byte) []byte {
	if n := phraseAt(name); n != 0 && len(phrases[n-1]) == len(name) {
		return append(b, n)
	}
	return wire.AppendText(append(b, 0), name)
}

func decodeName(r *wire.Reader, to *[64]byte) {
	switch n := int(r.Byte()); {
	case n == 0:
		copy(to[:], r.Text(len(to)))
	case n > len(phrases) || len(phrases[n-1]) > len(to):
		r.Fail(wire.ErrRange)
	default:
		copy(to[:], phrases[n-1])
	}
}

// summaryTail is the bit beside a summary's length that says that it ends as
// the neighbour's, with the number of bytes that follows it: one network is
// called by one name.
const summaryTail = 1

func appendSummary(b []byte, s, beside *summary) []byte {
	own, other := trimmed(s[:]), trimmed(beside[:])
	tail := 0
	for tail < len(own) && tail < len(other) && own[len(own)-1-tail] == other[len(other)-1-tail] {
		tail++
	}
	own = own[:len(own)-tail]
	if tail == 0 {
		return append(wire.AppendUint(b, uint(len(own))<<1), own...)
	}
	b = append(wire.AppendUint(b, uint(len(own))<<1|summaryTail), own...)
	return append(b, byte(tail))
}

func decodeSummary(r *wire.Reader, s, beside *summary) {
	length := r.Uint(2*uint64(len(s)) + 1)
	n := copy(s[:], r.Bytes(int(length>>1)))
	if length&summaryTail == 0 {
		return
	}
	tail, other := int(r.Byte()), trimmed(beside[:])
	if tail > len(other) || tail > len(s)-n {
		r.Fail(wire.ErrRange)
		return
	}
	copy(s[n:], other[len(other)-tail:])
}
