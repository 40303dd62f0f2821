package scoring

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
)

// stateVersion is the version of State's binary form. Whoever changes what is
// written raises it and lets decode read all earlier ones.
const stateVersion = 1

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
// bytes long; most are nearly empty, so it first looks at 32 at a time.
func trimmed(b []byte) []byte {
	n := len(b)
	for ; n >= 32; n -= 32 {
		w := b[n-32 : n]
		if binary.LittleEndian.Uint64(w)|binary.LittleEndian.Uint64(w[8:])|
			binary.LittleEndian.Uint64(w[16:])|binary.LittleEndian.Uint64(w[24:]) != 0 {
			break
		}
	}
	for ; n >= 8; n -= 8 {
		if word := binary.LittleEndian.Uint64(b[n-8 : n]); word != 0 {
			return b[:n-bits.LeadingZeros64(word)/8]
		}
	}
	return nil
}
