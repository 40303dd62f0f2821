package simulate

import "github.com/riskstream/riskstream/event"

// Habits of browsers with the cookies that providers know them by.
const (
	// percentForgetful is of the browsers that keep none when they are closed,
	// and of private windows: ours.
	percentForgetful = 5
	// Cookies are cleared every 40 to 200 days, evenly spread over the browsers:
	// 30 % of them in a month, where 31 % of people at home did (comScore, The
	// Impact of Cookie Deletion, 2007).
	shortestClearing = 40 * event.Day
	longestClearing  = 200 * event.Day
	// One application in so many is opened in a browser of its own, which keeps
	// its own cookies though the session is the same. Elastic's rule on several
	// cookies in one session leaves out the opening of applications; the rate is
	// ours.
	oneInOwnJar = 30
)

// cookie is what the provider knows the device's browser by in a session.
func (d *device) cookie(at event.Time, session uint64) uint64 {
	h := mix(saltJar, d.mark)
	switch {
	case d.jar != 0:
		return d.jar
	case d.clearing != 0: // a shared computer
		return mix(h, uint64(at/d.clearing))
	case h%100 < percentForgetful:
		return mix(h, session)
	}
	every := shortestClearing + event.Time(h>>8%uint64(longestClearing-shortestClearing))
	return mix(h, uint64((at+event.Time(h>>16%uint64(every)))/every))
}

// cookieOf is what Okta knows the browser of a step by.
func cookieOf(s *step) uint64 {
	cookie := s.device.cookie(s.at, s.session)
	if own := mix(saltJar, s.device.mark, uint64(s.app)); s.do == oktaOpen && own%oneInOwnJar == 0 {
		return mix(cookie, own)
	}
	return cookie
}
