package simulate

import "github.com/riskstream/riskstream/event"

// action is what one record tells. The order groups them by provider.
type action uint8

const (
	oktaSignIn action = iota
	oktaBadPassword
	oktaVerify     // second factor passed
	oktaPush       // push sent
	oktaPushDenied // push declined by the person
	oktaEnroll     // second factor set up on a new device
	oktaReset      // a forgotten password set anew by its owner
	oktaOpen       // an application opened through single sign-on
	lastOkta       = oktaOpen
)

const (
	entraSignIn action = lastOkta + 1 + iota
	entraBadPassword
	entraBadSync // a mail program with a wrong password
	entraRefresh // tokens renewed by an application in the background
	entraService
	lastEntra = entraService
)

const (
	keycloakSignIn action = lastEntra + 1 + iota
	keycloakBadPassword
	keycloakToken // the code of a sign-in exchanged for tokens
	keycloakRefresh
	keycloakSignOut
	keycloakService
	lastKeycloak = keycloakService
)

const (
	filesOpen action = lastKeycloak + 1 + iota
	filesDownload
)

// step is one record to be written: who does what, from where and with what.
type step struct {
	at      event.Time
	p       *person  // nil for a service
	service *service // nil for a person
	device  *device
	from    *network
	host    uint64
	session uint64
	do      action
	app     uint8
	story   uint8 // counted from 1; 0 for none

	rotation uint64 // of the interface in an IPv6 address
	file     uint64 // what is opened or downloaded
	truth    label
	r        *resident // of a population; nil in a company
}

// visit is a stretch in which somebody stays in one place with one device.
type visit struct {
	c       *Company
	w       window
	p       *person
	device  *device
	from    *network
	host    uint64
	session uint64
	story   uint8
}

// add plans one step of the visit.
func (v *visit) add(hour event.Time, do action) {
	v.c.plan = append(v.c.plan, step{
		at: v.w.at(hour), p: v.p, device: v.device, from: v.from, host: v.host, session: v.session,
		do: do, app: uint8(v.c.draw.IntN(companyApps)), story: v.story,
	})
}

// day plans what somebody does on one date: about one working day in twelve is
// free, and a few people look something up at the weekend.
func (c *Company) day(p *person, date event.Time) {
	w := dayIn(p.site, date)
	switch {
	case weekend(date):
		if c.draw.IntN(100) < 6 {
			c.errand(p, w)
		}
	case c.draw.IntN(12) > 0:
		c.workday(p, w)
	}
}

// workday is a day on the laptop: signed in to Okta in the morning, to Entra a
// little later, to Keycloak where the work needs it; at times also an errand
// on the phone.
func (c *Company) workday(p *person, w window) {
	v := c.desk(p, w)
	start := 8*event.Hour + c.upTo(2*event.Hour)
	if c.draw.IntN(25) == 0 { // a typing error
		v.add(start-12*event.Second, oktaBadPassword)
	}
	v.add(start, oktaSignIn)
	v.add(start+8*event.Second, oktaVerify)
	for range 2 + c.draw.IntN(3) {
		v.add(start+event.Minute+c.upTo(8*event.Hour), oktaOpen)
	}
	mail := start + event.Minute + c.upTo(10*event.Minute)
	v.add(mail, entraSignIn)
	for range 1 + c.draw.IntN(3) {
		v.add(mail+event.Hour+c.upTo(7*event.Hour), entraRefresh)
	}
	if p.developer {
		c.develop(v, start+15*event.Minute+c.upTo(event.Hour))
	}
	if c.draw.IntN(100) < 30 {
		c.errand(p, w)
	}
}

// develop is a day in the tools behind Keycloak.
func (c *Company) develop(v visit, start event.Time) {
	v.session = c.draw.Uint64()
	if c.draw.IntN(30) == 0 {
		v.add(start-10*event.Second, keycloakBadPassword)
	}
	v.add(start, keycloakSignIn)
	v.add(start+event.Second, keycloakToken)
	v.add(start+event.Hour+c.upTo(2*event.Hour), keycloakRefresh)
	v.add(start+4*event.Hour+c.upTo(2*event.Hour), keycloakRefresh)
	v.add(start+7*event.Hour+c.upTo(event.Hour), keycloakSignOut)
}

// errand is a look at something on the phone, at home or on the way.
func (c *Company) errand(p *person, w window) {
	v := visit{c: c, w: w, p: p, device: &p.phone, from: p.site.mobile, host: c.draw.Uint64(), session: c.draw.Uint64()}
	if c.draw.IntN(3) == 0 {
		v.from, v.host = p.home, p.household
	}
	start := 12*event.Hour + c.upTo(10*event.Hour)
	v.add(start, oktaSignIn)
	v.add(start+6*event.Second, oktaVerify)
	v.add(start+20*event.Second, oktaOpen)
}

// desk is where somebody works that day: at the office, whose people share a
// few addresses, or at home, some of them through a VPN provider.
func (c *Company) desk(p *person, w window) visit {
	v := visit{c: c, w: w, p: p, device: &p.laptop, from: p.home, host: p.household, session: c.draw.Uint64()}
	switch {
	case p.site.office != nil && c.draw.IntN(100) < 55:
		v.from, v.host = p.site.office, c.draw.Uint64N(4)
	case p.vpn && p.site.vpn != nil:
		v.from, v.host = p.site.vpn, c.draw.Uint64()
	}
	return v
}

// shift is the day of a service account, at even intervals.
func (c *Company) shift(s *service, w window) {
	for hour := event.Time(0); hour < event.Day; hour += s.every {
		c.plan = append(c.plan, step{at: w.at(hour + c.upTo(event.Minute)), service: s, from: s.from, host: s.host, do: s.do})
	}
}

func (c *Company) upTo(span event.Time) event.Time {
	return event.Time(c.draw.Int64N(int64(span)))
}
