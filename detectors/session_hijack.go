package detectors

import (
	"time"

	"github.com/riskstream/riskstream/event"
)

const sessionHijack = "session_hijack"

// SessionHijackConfig holds the threshold of session_hijack: for how long after
// it was last seen a session is compared.
type SessionHijackConfig struct {
	Enabled bool          `yaml:"enabled"`
	Window  time.Duration `yaml:"window"`
}

// ownSessionStrength: it goes on where the user is at home, but began
// elsewhere. Some providers give all of a user's devices one session.
const ownSessionStrength = 0.5

// sameNetworkStrength: at another address of the same provider it takes both,
// another browser by its name or age, and by its cookie; ours.
const sameNetworkStrength = 0.5

// otherDevice reports that a session which began at o cannot be used from here
// by its own device. A registered device is told by its id alone. Else another
// system is another device, and so is another browser, since a session of a
// browser is a cookie; apps share the session of their device. An update
// changes neither; but no browser gets older while its session lasts.
func (o *origin) otherDevice(at *sighting, c client, kind clientKind) bool {
	if o.bound != 0 && at.bound != 0 {
		return o.bound != at.bound
	}
	if o.client.os != 0 && c.os != 0 && o.client.os != c.os {
		return true
	}
	if o.client.name == 0 || c.name == 0 {
		return false
	}
	if o.client.name == c.name {
		return kind == browserClient && c.version != 0 && c.version < o.client.version
	}
	return o.kind == scriptClient || kind == scriptClient || o.kind == browserClient && kind == browserClient
}

// otherHands is how surely a session that goes on at another address is on
// another device than it began on; 0: not at all.
func (o *origin) otherHands(at *sighting, c client, kind clientKind) float64 {
	switch {
	case !o.otherDevice(at, c, kind):
		return 0
	case o.network != at.network:
		return 1
	case o.otherCookie(at):
		return sameNetworkStrength
	}
	return 0
}

// beganElsewhere says where a session began that goes on at another address.
func (o *origin) beganElsewhere(at *sighting) string {
	if o.network == at.network {
		return "it began at another address on another device"
	}
	return "it began in another network on another device"
}

// detectSessionHijack sees a session go on from another network and another
// device than it began with, within the window: Elastic's rule for Entra wants
// one session with more than one address and network on a day. One of both
// alone is everyday: people move, and open other apps.
//
// A corporate network is new for nobody. An anonymiser that the user is known
// to come through is a VPN that was switched on. The code of a sign-in is often
// redeemed by a server of the app; that is no move either.
func (s *Set) detectSessionHijack(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	cfg := &s.cfg.SessionHijack
	if !cfg.Enabled || at.session == 0 || at.network == 0 {
		return out
	}
	o := m.sessions.find(at.session)
	if o == nil || !o.complete() || o.sameAddress(at) || apart(o.at, at.at) > uint32(cfg.Window/time.Second) {
		return out
	}
	c, kind := clientOf(&e.UserAgent)
	strength := o.otherHands(at, c, kind)
	if strength == 0 || o.handedOver(at, c) || at.is(corporate) || m.usesAnonymiser(at) || redeemsCode(e) {
		return out
	}
	own := m.ofOld(at)
	if own && o.own {
		return out
	}
	d := event.Detection{
		Name:     sessionHijack,
		Strength: strength,
		Key:      uint64(at.session),
		Session:  true,
		Summary:  "Session goes on from " + placeOrNetwork(&e.Source) + " with " + deviceName(e) + "; " + o.beganElsewhere(at),
		Evidence: []event.Fact{
			event.Text("network", networkName(&e.Source)),
			event.Text("device", deviceName(e)),
			event.Text("place", placeName(&e.Source.Geo)),
			event.Text("known_network_and_device", yesNo(own)),
		},
	}
	if o.country != 0 {
		d.Evidence = append(d.Evidence, event.Text("began_in", countryName(o.country)))
	}
	if own {
		d.Strength *= ownSessionStrength
	}
	return append(out, d)
}
