package detectors

import (
	"time"

	"github.com/riskstream/riskstream/event"
)

const (
	// maxSessions is how many sessions are remembered: those of a computer, a
	// phone and a tablet, at two identity providers.
	maxSessions = 6

	// sessionsKept is how long after it was last seen a session is remembered.
	// Stolen cookies are mostly used within days; ours.
	sessionsKept = 7 * 24 * time.Hour
)

// sessions are the ones seen last, unsorted.
type sessions [maxSessions]origin

// origin is where and with what a session was first seen. It stays, so that
// somebody who takes the session over step by step is compared with its owner.
// Beside it stands when and where the session was last seen.
type origin struct {
	at      seconds // when the session was last seen; 0: an empty place
	session uint32
	network uint32 // as new_network has it; 0 until the log tells
	last    uint32 // the network that it was last seen in, where that is another
	bound   uint32 // bound device id
	client  client
	country uint16
	source  uint16     // source network, of a session with a cookie
	browser uint16     // by the provider's cookie
	kind    clientKind // of client
	mobile  bool
	home    bool // from an address that the user was known by on an earlier day
	own     bool // from such a network, and on such a device
}

// complete reports that the log has told enough to compare with.
func (o *origin) complete() bool { return o.network != 0 && (o.bound != 0 || o.client.known()) }

// sameAddress reports that the session is where it began, as far as the log tells.
func (o *origin) sameAddress(at *sighting) bool {
	return o.network == at.network && (o.source == 0 || o.source == fold16(at.source))
}

// handedOver reports the move between Wi-Fi and a mobile network of the same
// country, with a program of the same family.
func (o *origin) handedOver(at *sighting, c client) bool {
	return (o.mobile || at.is(mobile)) && o.country != 0 && o.country == at.country &&
		(o.client.os != 0 && o.client.os == c.os || o.client.name != 0 && o.client.name == c.name)
}

// moveTo takes in when and where the session was last seen.
func (o *origin) moveTo(at *sighting) {
	if at.at < o.at {
		return
	}
	o.at = at.at
	switch at.network {
	case 0:
	case o.network:
		o.last = 0
	default:
		o.last = at.network
	}
}

// moved reports that a session goes on in another network than it was last seen
// in. It is no move when a device changes between Wi-Fi and a mobile network, nor
// when the server of an application redeems the code of a sign-in. An event that
// comes late tells nothing of a move.
func (m *Memory) moved(e *event.Event, at *sighting) bool {
	o := m.sessions.find(at.session)
	if o == nil || o.network == 0 || at.network == 0 || at.at < o.at {
		return false
	}
	last := o.network
	if o.last != 0 {
		last = o.last
	}
	if at.network == last {
		return false
	}
	c, _ := clientOf(&e.UserAgent)
	return !o.handedOver(at, c) && !redeemsCode(e)
}

// redeemsCode reports that a server of an application exchanges the code of a
// sign-in for tokens.
func redeemsCode(e *event.Event) bool {
	if e.Action != event.TokenIssue {
		return false
	}
	_, kind := clientOf(&e.UserAgent)
	return kind == scriptClient
}

// noteSession remembers that a session was seen. Of a session that is known only
// when and where it was last seen changes, unless its origin was incomplete. A
// new one takes the place of the one not seen for longest.
func (m *Memory) noteSession(e *event.Event, at *sighting) {
	if at.session == 0 {
		return
	}
	o := m.sessions.find(at.session)
	if o != nil && o.complete() {
		if !redeemsCode(e) {
			o.moveTo(at)
		}
		return
	}
	seen := origin{
		at: at.at, session: at.session, network: at.network, bound: at.bound,
		country: at.country, browser: at.browser, mobile: at.is(mobile),
		home: m.sourceOfOld(at), own: m.ofOld(at),
	}
	if at.browser != 0 {
		seen.source = fold16(at.source)
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
		o.moveTo(at)
	}
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
