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

// otherCookieStrength: the provider's cookie alone tells that it is another
// browser. Elastic's rule on several cookies in one session (Multiple Device
// Token Hashes for Single Okta Session) leaves out the opening of applications,
// since some open in a browser of their own. So it is no reason to sign anybody
// out: with a new country it is medium. Ours.
const otherCookieStrength = 0.35

// strangeSessionStrength: what a phishing proxy leaves, and who signs in on a
// journey with a new computer; ours.
const strangeSessionStrength = 0.35

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

// otherHands judges whether a session that goes on at another address is in other
// hands, and says what tells so. 0: nothing does.
//
// Where the devices look alike, the provider's cookie tells: another one than the
// session began with, though applications open in browsers of their own at the
// user's; or the same, when neither the browser nor the address that it began at
// is the user's, unless somebody has come home with it.
func (m *Memory) otherHands(o *origin, at *sighting, c client, kind clientKind) (strength float64, what string) {
	sameNetwork := o.network == at.network
	otherCookie := o.browser != 0 && at.browser != 0 && o.browser != at.browser
	switch {
	case o.otherDevice(at, c, kind):
		switch {
		case !sameNetwork:
			return 1, " on another device"
		case otherCookie:
			return sameNetworkStrength, " on another device"
		}
	case o.browser == 0 || !m.byCookie(at) || m.ownDeviceOfOld(at):
		return 0, ""
	case otherCookie && !sameNetwork && !m.networkOfOld(at):
		return otherCookieStrength, " in another browser"
	case !otherCookie && !o.home && !m.sourceOfOld(at):
		return strangeSessionStrength, ", in a browser that was never this user's"
	}
	return 0, ""
}

// addressOrNetwork is what has changed since the session began.
func addressOrNetwork(o *origin, at *sighting) string {
	if o.network == at.network {
		return "address"
	}
	return "network"
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
	strength, what := m.otherHands(o, at, c, kind)
	if strength == 0 || o.handedOver(at, c) || at.is(corporate) || m.usesAnonymiser(at) || redeemsCode(e) {
		return out
	}
	own := m.ofOld(at)
	if own && o.own {
		return out
	}
	since := apart(o.at, at.at)
	d := event.Detection{
		Name:     sessionHijack,
		Strength: strength,
		Key:      uint64(at.session),
		Session:  true,
		Summary: "Session goes on from " + placeOrNetwork(&e.Source) + " with " + deviceName(e) + ", " +
			spoken(since) + " after it was used from another " + addressOrNetwork(o, at) + what,
		Evidence: []event.Fact{
			event.Text("network", networkName(&e.Source)),
			event.Text("device", deviceName(e)),
			event.Text("place", placeName(&e.Source.Geo)),
			event.Number("minutes", float64(since)/60),
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
