package detectors

import "github.com/riskstream/riskstream/event"

const (
	maxBrowsers    = 8
	browsersPerDay = 3 // most new ones learned in a day (UTC)
	forgetfulFrom  = 4 // browsers seen on one day only; ours
)

// browsers are those that the provider has recognised by a cookie of its own,
// and the user is known by. A cookie is no device's key: it goes when the user
// clears it, and whoever steals it is taken for the browser. But nobody has it
// by chance, however well system and program are imitated.
type browsers [maxBrowsers]familiar

func (b *browsers) knows(at *sighting) bool { return find(b[:], uint32(at.browser)) != nil }

// forgetful reports that most of the browsers were seen on one day only: the
// user signs in from private windows, clears the cookies every day, or sits at
// shared computers, and a browser without a known one says nothing.
func (b *browsers) forgetful() bool {
	once := 0
	for i := range b {
		if b[i].days == 1 {
			once++
		}
	}
	return once >= forgetfulFrom && 2*once > count(b[:])
}

// byCookie reports that the provider recognises the user's browsers, where the
// log says which one this is.
func (m *Memory) byCookie(at *sighting) bool {
	return at.browser != 0 && count(m.browsers[:]) > 0 && !m.browsers.forgetful()
}

// strangeBrowser reports that the provider should have recognised the browser,
// were it one of the user's.
func (m *Memory) strangeBrowser(at *sighting) bool { return m.byCookie(at) && !m.browsers.knows(at) }

func (m *Memory) teachBrowser(at *sighting) {
	learnSlowly(m.browsers[:], uint32(at.browser), at.at.day(), browsersPerDay)
}

// otherCookie reports that the provider has recognised another browser than the
// one in which the session began.
func (o *origin) otherCookie(at *sighting) bool {
	return o.browser != 0 && at.browser != 0 && o.browser != at.browser
}

// strangeSession reports that a session goes on in a browser that is none of the
// user's, though the device looks the same: in another browser than it began in,
// in a network that is not the user's (at the user's some applications open in a
// browser of their own, which is why Elastic's rule on several cookies in one
// session, Multiple Device Token Hashes for Single Okta Session, leaves out the
// opening of applications); or in the one that it began in, which was at no
// address of the user's, as it is after a phishing proxy.
func (m *Memory) strangeSession(o *origin, at *sighting) bool {
	switch {
	case o.browser == 0 || !m.byCookie(at) || m.ownDeviceOfOld(at) || o.sameAddress(at):
		return false
	case o.otherCookie(at):
		return o.network != at.network && !m.networkOfOld(at)
	}
	return !o.home && !m.sourceOfOld(at)
}

// browserWords says in which browser a session goes on.
func (o *origin) browserWords(at *sighting) string {
	if o.otherCookie(at) {
		return "another browser than it began in"
	}
	return "the browser that it began in"
}

// detectStrangeSession sees a session that goes on in a browser new for the user.
// It is new_device's evidence: not so certain that somebody would be signed out.
func (s *Set) detectStrangeSession(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	o := m.sessions.find(at.session)
	if !s.cfg.NewDevice.Enabled || o == nil || !m.strangeSession(o, at) {
		return out
	}
	if c, _ := clientOf(&e.UserAgent); o.handedOver(at, c) || redeemsCode(e) {
		return out
	}
	return append(out, event.Detection{
		Name:     newDevice,
		Strength: 1,
		Key:      uint64(at.device()),
		Session:  true,
		Summary: "Session goes on from " + networkName(&e.Source) + " in " + o.browserWords(at) +
			", not known as this user's before today: " + deviceName(e),
		Evidence: []event.Fact{
			event.Text("device", deviceName(e)),
			event.Text("network", networkName(&e.Source)),
			event.Text("began_in_it", yesNo(!o.otherCookie(at))),
		},
	})
}
