package scoring

import (
	"encoding/binary"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
)

// The head of a Contribution in version 1: what is set of it, and what it shares
// with the one before it.
const (
	v1Unconfirmed = 1 << iota
	v1OfSession
	v1Covered
	v1Touched
	v1Key
	v1Fact
	v1Network
	v1Device
	v1Session
	v1SamePlace // network, device and session are those of the one before
	v1SameFact
	v1SameEventID
	v1SameSessionID
	v1LLRBits // it is no whole number of thousandths
	v1FactorBits
)

// decodeContributionV1 sets open[i], which is zero.
func decodeContributionV1(r *wire.Reader, open []Contribution, i int) {
	c, before := &open[i], &noNeighbour
	if i > 0 {
		before = &open[i-1]
	}
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
	c.Unconfirmed, c.OfSession, c.Covered, c.Touched = is(v1Unconfirmed), is(v1OfSession), is(v1Covered), is(v1Touched)
	c.At = before.At + event.Time(r.Int())
	c.ClearsAt = c.At + event.Time(r.Int())
	c.First = c.At - event.Time(r.Int())
	c.Raised = c.At - event.Time(r.Int())
	c.HalfLife = r.Int()
	c.LLR = decodeNumber(r, is(v1LLRBits))
	c.Factor = decodeNumber(r, is(v1FactorBits))
	c.Key = decodeHash(r, is(v1Key))
	c.Fact = before.Fact
	if !is(v1SameFact) {
		c.Fact = decodeHash(r, is(v1Fact))
	}
	c.Network, c.Device, c.Session = before.Network, before.Device, before.Session
	if !is(v1SamePlace) {
		c.Network = decodeHash(r, is(v1Network))
		c.Device = decodeHash(r, is(v1Device))
		c.Session = decodeHash(r, is(v1Session))
	}
	copy(c.Name[:], r.Text(len(c.Name)))
	c.Summary.set(string(r.Text(maxSummary)))
	if is(v1SameEventID) {
		c.EventID = before.EventID
	} else {
		copy(c.EventID[:], r.Text(len(c.EventID)))
	}
	if is(v1SameSessionID) {
		c.SessionID = before.SessionID
	} else {
		copy(c.SessionID[:], r.Text(len(c.SessionID)))
	}
}
