package simulate

import "github.com/riskstream/riskstream/event"

// add plans one step at a local hour.
func (s *scene) add(hour event.Time, do action) *step {
	st := s.step
	st.at, st.do = s.a.date-s.offset+hour, do
	st.app = s.a.r.favourite(s.a.draw.IntN(favourites))
	s.a.p.plan = append(s.a.p.plan, st)
	return &s.a.p.plan[len(s.a.p.plan)-1]
}

// favourites is how many applications somebody uses.
const favourites = 7

// favourite is the k-th of somebody's applications; everybody has mail and the
// calendar.
func (r *resident) favourite(k int) uint8 {
	if k < 2 {
		return uint8(k)
	}
	return uint8(mix(saltApp, r.number, uint64(k)) % uint64(len(apps)))
}

// session is a sign-in to Okta and what is opened in the hours after it.
func (s *scene) session(start event.Time, opens int) {
	s.signIn(start)
	for i := range opens {
		st := s.add(start+event.Minute+s.a.upTo(event.Time(1+3*i)*event.Hour), oktaOpen)
		if s.a.oneIn(60) { // something that they never needed
			st.app = uint8(s.a.draw.IntN(len(apps)))
		}
	}
}

// signIn is a password and, where the account has one, a second factor.
func (s *scene) signIn(at event.Time) {
	s.step.session = s.a.draw.Uint64()
	s.add(at, oktaSignIn)
	if !s.a.r.mfa {
		return
	}
	if s.a.r.factor == push {
		if s.a.oneIn(40) { // the phone was in another room
			s.add(at+2*event.Second, oktaPush)
			at += 70 * event.Second
		}
		s.add(at+2*event.Second, oktaPush)
	}
	s.add(at+8*event.Second+s.a.upTo(6*event.Second), oktaVerify)
}

// mail is a sign-in to Entra and tokens renewed in the background.
func (s *scene) mail(at event.Time) {
	s.add(at, entraSignIn)
	for range 1 + s.a.draw.IntN(2) {
		s.add(at+event.Hour+s.a.upTo(6*event.Hour), entraRefresh)
	}
}

// fumble is the wrong passwords before the right one: a typing error now and
// then, and rarely a password that is forgotten and set anew.
func (s *scene) fumble(start event.Time) {
	switch {
	case s.a.oneIn(oneInForgotten):
		s.step.truth = negative(ForgottenPassword)
		for k := range event.Time(4 + s.a.draw.IntN(4)) {
			s.add(start-3*event.Minute+k*14*event.Second, oktaBadPassword)
		}
		if s.a.chance(70) {
			s.add(start-40*event.Second, oktaReset)
		}
	case s.a.oneIn(oneInTypo):
		s.add(start-12*event.Second, oktaBadPassword)
	}
}

// develop is a day in the tools behind Keycloak.
func (s *scene) develop(start event.Time) {
	own := *s
	own.step.session = s.a.draw.Uint64()
	if s.a.oneIn(30) {
		own.add(start-10*event.Second, keycloakBadPassword)
	}
	own.add(start, keycloakSignIn)
	own.add(start+event.Second, keycloakToken)
	own.add(start+3*event.Hour+s.a.upTo(2*event.Hour), keycloakRefresh)
	own.add(start+7*event.Hour+s.a.upTo(event.Hour), keycloakSignOut)
}

// readFiles is a day's work with the file store: mostly the same few folders,
// now and then a whole one at once and, rarely, all of them onto a new machine
// within minutes.
func (s *scene) readFiles(start event.Time) {
	for range 1 + s.a.draw.IntN(3) {
		s.file(start+s.a.upTo(7*event.Hour), filesOpen)
	}
	if s.a.chance(40) {
		s.file(start+s.a.upTo(7*event.Hour), filesDownload)
	}
	if s.a.oneIn(40) {
		at := start + s.a.upTo(6*event.Hour)
		for range 6 + s.a.draw.IntN(13) {
			s.file(at, filesDownload)
			at += 5*event.Second + s.a.upTo(40*event.Second)
		}
	}
	if s.a.oneIn(2000) {
		at := start + s.a.upTo(6*event.Hour)
		for range 25 + s.a.draw.IntN(40) {
			s.file(at, filesDownload)
			at += event.Second + s.a.upTo(6*event.Second)
		}
	}
}

// file is one of the two hundred files that somebody works with.
func (s *scene) file(at event.Time, do action) {
	s.add(at, do).file = mix(s.a.r.number, s.a.draw.Uint64N(200)) >> 40
}
