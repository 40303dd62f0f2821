package simulate

import "github.com/riskstream/riskstream/event"

// Ordinary labels the records that belong to no story.
const Ordinary = "ordinary"

// Story is something that happens once in the live phase, to one person.
type Story struct {
	Name   string
	About  string // one sentence for the demo's audience
	Attack bool   // somebody else acts in the person's name
	Person string // the person's e-mail address
	At     event.Time

	number uint8 // counted from 1
	who    *person
	away   event.Time // how long before the live phase the person is last seen
	tell   func(*teller)
}

// Stories are the stories of the live phase, in the order in which they begin.
func (c *Company) Stories() []Story { return append([]Story(nil), c.stories...) }

// cast gives each story its person and its begin. Who plays what is fixed,
// since a story needs a person of the right city, device or second factor.
func (c *Company) cast() []Story {
	stories := []Story{
		{
			Name: "impossible_travel", Attack: true, who: &c.people[0], tell: impossibleTravel,
			About: "A stolen password signs in from Tokyo, a minute after its owner did in Berlin.",
		},
		{
			Name: "forgotten_password", who: &c.people[6], tell: forgottenPassword,
			About: "Six wrong passwords at the own laptop, then the right one.",
		},
		{
			Name: "brute_force_success", Attack: true, who: &c.people[1], tell: bruteForce,
			About: "A rented machine tries passwords until one fits.",
		},
		{
			Name: "new_phone", who: &c.people[4], tell: newPhone,
			About: "A new phone, at home and with the second factor.",
		},
		{
			Name: "password_guessing", Attack: true, who: &c.people[2], tell: passwordGuessing,
			About: "Many wrong passwords from rented machines, none of them right.",
		},
		{
			Name: "business_trip", who: &c.people[5], tell: businessTrip, away: 20 * event.Hour,
			About: "The own laptop in a country where its owner has never been.",
		},
		{
			Name: "anonymous_new_device", Attack: true, who: &c.people[3], tell: anonymousNewDevice,
			About: "A stolen password signs in through Tor, from a device nobody knows.",
		},
		{
			Name: "phone_jitter", who: &c.people[7], tell: phoneJitter,
			About: "The phone's carrier shows up on another coast for a moment.",
		},
		{
			Name: "mfa_denial", Attack: true, who: &c.people[9], tell: mfaDenial,
			About: "A stolen password meets a person who declines the push.",
		},
	}
	for i := range stories {
		s := &stories[i]
		s.number = uint8(i + 1)
		s.Person = s.who.email
		// All begin within the first four fifths of the live phase's first day.
		s.At = c.liveFrom + event.Time(i)*c.span()*4/5/event.Time(len(stories)) + 5*event.Second
		s.who.story = i + 1
	}
	return stories
}

// travelling reports whether a step of the history must not be: its person is
// on the way to where a story finds them.
func (c *Company) travelling(s *step) bool {
	if s.p == nil || s.p.story == 0 {
		return false
	}
	return s.at >= c.liveFrom-c.stories[s.p.story-1].away
}

func (c *Company) tellStories() {
	for i := range c.stories {
		s := &c.stories[i]
		c.seed(saltStory, uint64(i))
		t := &teller{c: c, story: s, p: s.who, at: s.At}
		s.tell(t)
	}
}

// teller plans the steps of a story one after the other, in real time.
type teller struct {
	c     *Company
	story *Story
	p     *person
	at    event.Time
	scene visit
}

// from begins a new scene: a place and a device, and with them a new session.
func (t *teller) from(n *network, host uint64, d *device) {
	t.scene = visit{
		c: t.c, w: window{num: 1, den: 1}, p: t.p, device: d, from: n, host: host,
		session: t.c.draw.Uint64(), story: t.story.number,
	}
}

// atHome begins a scene at the person's own desk.
func (t *teller) atHome() { t.from(t.p.home, t.p.household, &t.p.laptop) }

// attacker is the device of whoever acts in the person's name.
func (t *teller) attacker(s *software) *device { return strange(s, t.c.draw.Uint64()) }

// do plans one action, and lets the given seconds go by after it.
func (t *teller) do(what action, seconds int) {
	t.scene.add(t.at, what)
	t.at += event.Time(seconds) * event.Second
}

func impossibleTravel(t *teller) {
	t.atHome()
	t.do(oktaSignIn, 8)
	t.do(oktaVerify, 20)
	t.do(oktaOpen, 40)
	t.from(homeTokyo, t.c.draw.Uint64(), t.attacker(chromeWindows))
	t.do(oktaSignIn, 9)
	t.do(oktaOpen, 7)
	t.do(oktaOpen, 12)
	t.do(oktaOpen, 0)
}

func bruteForce(t *teller) {
	t.from(rentedServer, t.c.draw.Uint64(), t.attacker(chromeLinux))
	for range 14 {
		t.do(oktaBadPassword, 4)
	}
	t.do(oktaSignIn, 6)
	t.do(oktaOpen, 0)
}

// passwordGuessing tries at every provider, so that the failures add up only
// for who joins the person's accounts.
func passwordGuessing(t *teller) {
	d := t.attacker(firefoxLinux)
	for range 3 {
		t.from(rentedCloud, t.c.draw.Uint64(), d)
		for range 4 {
			t.do(oktaBadPassword, 2)
			t.do(entraBadPassword, 3)
		}
		t.do(keycloakBadPassword, 2)
	}
}

func anonymousNewDevice(t *teller) {
	t.from(onionRelays, t.c.draw.Uint64(), t.attacker(firefoxLinux))
	t.do(entraSignIn, 15)
	t.do(entraRefresh, 0)
}

func businessTrip(t *teller) {
	t.from(hotelTokyo, t.c.draw.Uint64(), &t.p.laptop)
	t.do(oktaSignIn, 8)
	t.do(oktaVerify, 15)
	t.do(oktaOpen, 0)
}

func forgottenPassword(t *teller) {
	t.atHome()
	for range 6 {
		t.do(oktaBadPassword, 9)
	}
	t.do(oktaSignIn, 8)
	t.do(oktaVerify, 10)
	t.do(oktaOpen, 0)
}

func newPhone(t *teller) {
	phone := newDevice(chromePhone, t.p.given+"'s new phone", t.c.draw.Uint64())
	t.from(t.p.home, t.p.household, &phone)
	t.do(oktaSignIn, 10)
	t.do(oktaVerify, 5)
	t.do(oktaEnroll, 15)
	t.do(oktaOpen, 0)
}

// phoneJitter is one phone that stays where it is, while the carrier's
// addresses are now mapped to one end of the country and now to the other.
func phoneJitter(t *teller) {
	t.atHome()
	t.do(oktaSignIn, 8)
	t.do(oktaVerify, 25)
	for _, n := range []*network{mobileNewYork, mobileSanFrancisco, mobileNewYork} {
		t.from(n, t.c.draw.Uint64(), &t.p.phone)
		t.do(oktaSignIn, 6)
		t.do(oktaVerify, 20)
	}
}

// mfaDenial does not get in: the password is right, the person declines.
func mfaDenial(t *teller) {
	t.from(homeLagos, t.c.draw.Uint64(), t.attacker(chromeWindows))
	for range 3 {
		t.do(oktaPush, 11)
		t.do(oktaPushDenied, 9)
	}
}
