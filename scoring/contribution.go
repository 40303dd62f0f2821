package scoring

import (
	"bytes"
	"math"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"github.com/riskstream/riskstream/event"
)

// MaxOpen is how many contributions a subject may have open. Past it the
// weakest gives way, and what failed attempts have raised before all else.
const MaxOpen = 16

// State is what scoring remembers of a subject beside its open contributions.
// The zero State is a new subject. It holds no pointers.
type State struct {
	AsOf       event.Time     // newest event time seen; never decreases
	Evidence   event.Time     // event time of the newest new evidence that is confirmed
	Version    uint32         // of the last record
	Level      event.Level    // as last recorded
	Decision   event.Decision // as last recorded
	UserKind   uint8          // as last seen: index in userKinds
	Privileged event.Flag     // as last seen

	// Where a phishing-resistant factor was last proven; see justProven.
	ProvenAt                     event.Time
	ProvenNetwork, ProvenSession uint64 // hashes, as in Contribution
}

// userKinds maps State.UserKind to the event's words.
var userKinds = [...]event.UserKind{"", event.Human, event.Service, event.UserUnknown}

// Contribution is a detection that is still open in a subject's state. It is
// fixed in size and holds no pointers, so that the garbage collector has
// nothing to follow however many are open. Texts end at the first zero byte
// and are cut where they do not fit, at a character's boundary.
type Contribution struct {
	At       event.Time // it decays from here: as_of when it was last raised or refreshed
	ClearsAt event.Time // when decay ends it
	First    event.Time // event time when it was opened
	Raised   event.Time // event time when its detection last fired
	LLR      float64    // nats, 3 decimals, before mitigation
	Factor   float64    // mitigation: 1 when there is none
	HalfLife int64      // seconds; 0 does not decay and pins the score at 100
	Key      uint64     // Name and Key identify it
	Fact     uint64     // evidence of one Fact may overlap

	// Where it was seen: hashes of the source network, the bound device and
	// the session; 0 where the event did not say.
	Network, Device, Session uint64

	Group       uint8 // index in event.Groups
	Unconfirmed bool  // only failed attempts have raised it
	OfSession   bool  // it belongs to Session
	Covered     bool  // an overlapping detection counts in its stead
	Touched     bool  // raised or refreshed by the subject's last event

	Name      [64]byte
	EventID   [96]byte // the event that last raised it
	SessionID [96]byte // set with OfSession, unless it does not fit
	Summary   summary
}

// confirmedCompromised is the contribution that an analyst's verdict opens and
// that pins the score.
const confirmedCompromised = "confirmed_compromised"

func (c *Contribution) pins() bool { return c.HalfLife == 0 }

// effective is the evidence after mitigation, before decay.
func (c *Contribution) effective() float64 { return round3(c.LLR * c.Factor) }

func (c *Contribution) is(name string, key uint64) bool {
	return c.Key == key && string(text(c.Name[:])) == name
}

// reweigh sets when the contribution clears, after its weight or time changed.
func (c *Contribution) reweigh() { c.ClearsAt = clearsAt(c.effective(), c.At, c.HalfLife) }

// remaining is what is left of it at t, whether or not it is covered.
func (c *Contribution) remaining(t event.Time) nats {
	x := c.evidence("")
	x.covered = false
	return x.at(t)
}

func (c *Contribution) evidence(name string) evidence {
	return evidence{
		name:        name,
		group:       c.Group,
		llr:         c.effective(),
		since:       c.At,
		halfLife:    float64(c.HalfLife) * 1000,
		clears:      c.ClearsAt,
		unconfirmed: c.Unconfirmed,
		covered:     c.Covered,
	}
}

// samePlace reports that the event came from the source network, bound device
// or session that the evidence was seen on.
func (c *Contribution) samePlace(p *place) bool {
	return c.Network != 0 && c.Network == p.network ||
		c.Device != 0 && c.Device == p.device ||
		c.Session != 0 && c.Session == p.session
}

// fingerprint sums up what records show of the contribution.
func (c *Contribution) fingerprint() uint64 {
	h := xxhash.Sum64(text(c.Name[:])) ^ c.Key
	for _, part := range [...]uint64{uint64(c.At), math.Float64bits(c.effective()), flags(c.Unconfirmed, c.Covered)} {
		h = (h ^ part) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return h
}

func flags(bits ...bool) uint64 {
	var n uint64
	for i, set := range bits {
		if set {
			n |= 1 << i
		}
	}
	return n
}

// fingerprints sums up a list of contributions, whatever their order.
func fingerprints(open []Contribution) uint64 {
	var sum uint64
	for i := range open {
		sum += open[i].fingerprint()
	}
	return sum
}

// place is where an event came from, as hashes; see Contribution.
type place struct{ network, device, session uint64 }

func placeOf(e *event.Event) place {
	return place{e.Source.NetworkHash(), event.Hash(e.Device.ID), event.Hash(e.Session.ID)}
}

// setText stores s in a fixed array, cut at a character's boundary where it
// does not fit.
func setText(to []byte, s string) {
	clear(to)
	if len(s) > len(to) {
		n := len(to)
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	copy(to, s)
}

// text is what setText stored.
func text(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}
