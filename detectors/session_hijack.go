package detectors

import (
	"math"
	"time"

	"github.com/riskstream/riskstream/event"
)

const (
	sessionHijack = "session_hijack"

	// maxSessions is how many sessions are remembered: those of a computer, a
	// phone and a tablet, at two identity providers.
	maxSessions = 6

	// sessionsKept is how long after it was last seen a session is remembered.
	// Stolen cookies are mostly used within days; ours.
	sessionsKept = 7 * 24 * time.Hour
)

// SessionHijackConfig holds the threshold of session_hijack: for how long after
// it was last seen a session is compared.
type SessionHijackConfig struct {
	Enabled bool          `yaml:"enabled"`
	Window  time.Duration `yaml:"window"`
}

// ownSessionStrength: it goes on where the user is at home, but began
// elsewhere. Some providers give all of a user's devices one session.
const ownSessionStrength = 0.5

// otherCookieStrength: all that tells the browsers apart is the provider's
// cookie. Applications that open in a browser of their own have another one in
// the same session, which is why Elastic's rule on several cookies in one
// session (Multiple Device Token Hashes for Single Okta Session) leaves out the
// opening of applications.
const otherCookieStrength = 0.35

// strangeSessionStrength: the session began in no network of the user's, in a
// browser that the provider had not seen with the user, and goes on elsewhere
// with its cookies: what a phishing proxy does, and who signs in on a journey
// with a new computer.
const strangeSessionStrength = 0.35

// sameNetworkStrength: another browser, by its name or age and by its cookie, at
// another address of the same provider.
const sameNetworkStrength = 0.5

// origin is where and with what a session was first seen. It stays, so that
// somebody who takes the session over step by step is compared with its owner.
type origin struct {
	at      seconds // when the session was last seen; 0: an empty place
	session uint32
	network uint32 // as new_network has it; 0 until the log tells
	last    uint32 // the network that it was last seen in; 0: it has not moved
	bound   uint32 // bound device id
	client  client
	country uint16
	source  uint16     // source network
	browser uint16     // by the provider's cookie
	kind    clientKind // of client
	mobile  bool
	home    bool // from an address that the user was known by on an earlier day
	own     bool // from such a network and on such a device
}

// sessions are the ones seen last, unsorted.
type sessions [maxSessions]origin

// client is a program as the user agent names it: 0 is unknown, which an
// absent user agent is too. The version is the major one.
type client struct{ os, name, version uint16 }

// clientKind says with whom a program shares a session.
type clientKind uint8

const (
	appClient     clientKind = iota // shares it with the other apps of its device, and with browsers
	browserClient                   // keeps its cookies to itself
	scriptClient                    // is no user's
	clientKinds
)

// clientOf is the program of a user agent, of which browsers and operating
// systems are recognised by enrichment.
func clientOf(ua *event.UserAgent) (c client, kind clientKind) {
	c = client{os: fold16(fold(event.Hash(ua.OS))), name: fold16(fold(event.Hash(ua.Name))), version: majorOf(ua.Version)}
	switch ua.Name {
	case "Chrome", "Safari", "Edge", "Firefox", "Opera", "Samsung Browser", "Internet Explorer":
		kind = browserClient
	// Libraries that stolen tokens are replayed with, which no app of a user's
	// device is known for (so okhttp and CFNetwork are not here).
	case "python-requests", "Python-urllib", "python-httpx", "aiohttp", "axios", "node-fetch", "undici", "node", "got",
		"Go-http-client", "curl", "Wget", "libwww-perl":
		kind = scriptClient
	}
	return c, kind
}

// majorOf is the major version; 0 where the log tells none. (strconv would
// allocate an error for each event without.)
func majorOf(version string) uint16 {
	n := 0
	for i := 0; i < len(version) && '0' <= version[i] && version[i] <= '9'; i++ {
		n = min(10*n+int(version[i]-'0'), math.MaxUint16)
	}
	return uint16(n)
}

func (c client) known() bool { return c.os != 0 || c.name != 0 }

// complete reports that the log has told enough to compare with.
func (o *origin) complete() bool { return o.network != 0 && (o.bound != 0 || o.client.known()) }

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

// otherHands judges, of a session that goes on in another network, whether it is
// in other hands, and says in words what tells so. 0: nothing does.
func (m *Memory) otherHands(o *origin, at *sighting, c client, kind clientKind) (strength float64, where string) {
	otherBrowser := o.browser != 0 && at.browser != 0 && o.browser != at.browser
	switch {
	case o.otherDevice(at, c, kind):
		if o.network != at.network {
			return 1, " on another device"
		}
		if otherBrowser {
			return sameNetworkStrength, " on another device"
		}
		return 0, ""
	case o.browser == 0 || !m.byCookie(at) || m.ownDeviceOfOld(at):
		return 0, ""
	case otherBrowser && !m.networkOfOld(at) && o.network != at.network:
		return otherCookieStrength, " in another browser"
	case o.browser == at.browser && !o.home:
		return strangeSessionStrength, ", in a browser that was never this user's"
	}
	return 0, ""
}

// sameSource reports that the session is where it began, as far as the log tells.
func (o *origin) sameSource(at *sighting) bool {
	return o.network == at.network && (o.source == 0 || o.source == fold16(at.source))
}

// handedOver reports the move between Wi-Fi and a mobile network of the same
// country, with a program of the same family.
func (o *origin) handedOver(at *sighting, c client) bool {
	return (o.mobile || at.is(mobile)) && o.country != 0 && o.country == at.country &&
		(o.client.os != 0 && o.client.os == c.os || o.client.name != 0 && o.client.name == c.name)
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
	if o == nil || !o.complete() || o.sameSource(at) || apart(o.at, at.at) > uint32(cfg.Window/time.Second) {
		return out
	}
	c, kind := clientOf(&e.UserAgent)
	strength, where := m.otherHands(o, at, c, kind)
	if strength == 0 || o.handedOver(at, c) || at.is(corporate) || m.usesAnonymiser(at) {
		return out
	}
	if kind == scriptClient && e.Action == event.TokenIssue {
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
			spoken(since) + " after it was used from another network" + where,
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

// find returns the origin of a session, or nil.
func (s *sessions) find(session uint32) *origin {
	for i := range s {
		if s[i].session == session && s[i].at != 0 {
			return &s[i]
		}
	}
	return nil
}

// noteSession remembers that a session was seen. Of a session that is known only the
// time changes, unless its origin was incomplete. A new one takes the place of
// the one not seen for longest.
func (m *Memory) noteSession(e *event.Event, at *sighting) {
	if at.session == 0 {
		return
	}
	o := m.sessions.find(at.session)
	if o != nil && o.complete() {
		o.moveTo(at)
		return
	}
	seen := origin{
		at: at.at, session: at.session, network: at.network, bound: at.bound,
		country: at.country, source: fold16(at.source), browser: at.browser, mobile: at.is(mobile),
		home: at.is(corporate) || at.ofOld(m.sources[:], at.sourceKey()), own: m.ofOld(at),
	}
	seen.client, seen.kind = clientOf(&e.UserAgent)
	switch {
	case o == nil:
		if o = m.sessions.oldest(); at.at >= o.at {
			*o = seen
		}
	case seen.complete():
		seen.at = max(o.at, at.at)
		*o = seen
	default:
		o.at = max(o.at, at.at)
	}
}

// moveTo remembers when and in which network the session was last seen.
func (o *origin) moveTo(at *sighting) {
	if at.at < o.at || at.network == 0 {
		return
	}
	o.at, o.last = at.at, at.network
	if o.last == o.network {
		o.last = 0
	}
}

// moved reports that a session goes on in another network than it was last seen
// in.
func (m *Memory) moved(e *event.Event, at *sighting) bool {
	o := m.sessions.find(at.session)
	if o == nil || o.network == 0 || at.network == 0 || at.at < o.at {
		return false
	}
	last := o.last
	if last == 0 {
		last = o.network
	}
	c, _ := clientOf(&e.UserAgent)
	return at.network != last && !o.handedOver(at, c)
}

// oldest is the place of the session not seen for longest; an empty one if
// there is any.
func (s *sessions) oldest() *origin {
	oldest := &s[0]
	for i := range s {
		if s[i].at < oldest.at {
			oldest = &s[i]
		}
	}
	return oldest
}

// forgetBefore drops the sessions that were last seen before a moment.
func (s *sessions) forgetBefore(t seconds) {
	for i := range s {
		if s[i].at < t {
			s[i] = origin{}
		}
	}
}
