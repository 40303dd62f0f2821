package simulate

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/riskstream/riskstream/event"
)

// agenda plans what one of a population's people does on one date.
type agenda struct {
	p    *Population
	r    *resident
	date event.Time
	draw *rand.Rand
}

// scene is a stretch in one place with one device.
type scene struct {
	a      *agenda
	step   step       // what the steps have in common
	offset event.Time // local time less UTC
}

// Rates of a working day, one in so many; all ours. The RBA dataset's 57.5 % of
// failed attempts are those of a public service under attack; people at work,
// most of whom have a browser that remembers, fail far less.
const (
	oneInTypo      = 20
	oneInForgotten = 220
	oneInStale     = 400
	oneInOneOff    = 60
	oneInCoworking = 25 // of the days at home: a café, a library, a friend's
	oneInMove      = 8  // on which the laptop goes elsewhere with its session open
	oneInHandOver  = 4  // looks at the phone that begin on one network and end on another
	// Of the home networks, one in so many is in another city in an edition of
	// the database. Vendors publish that they place most addresses of a country
	// within 50 km, and never all.
	oneInMisplaced = 30
	// A gateway in another city: home-town gateways are the rule, but carriers
	// concentrate them and move their users about.
	percentJitter = 9
)

func (a *agenda) chance(percent int) bool { return a.draw.IntN(100) < percent }
func (a *agenda) oneIn(n int) bool        { return a.draw.IntN(n) == 0 }

func (a *agenda) upTo(span event.Time) event.Time { return event.Time(a.draw.Int64N(int64(span))) }

// live plans the date: about one working day in twelve is free, and a few
// people look something up at the weekend.
func (a *agenda) live() {
	a.draw = a.p.draw
	if t, away := a.p.tripOn(a.r, a.date); away {
		if !weekend(a.date) || a.chance(30) {
			a.travel(&t)
		}
		return
	}
	switch {
	case weekend(a.date):
		if a.chance(8) {
			a.errand()
		}
	case a.oneIn(12):
	case a.nightWeek():
		a.work(22*event.Hour, negative(NightShift))
	default:
		a.work(a.r.hour+a.upTo(40*event.Minute), label{})
	}
}

// nightWeek reports whether the date is of a week of night shifts.
func (a *agenda) nightWeek() bool {
	return a.r.night && (uint64(a.date/(7*event.Day))+a.r.number)%2 == 0
}

// work is a working day: signed in to Okta at its beginning, to Entra a little
// later, to Keycloak where the work needs it; at times an errand on the phone.
func (a *agenda) work(start event.Time, why label) {
	s := a.desk()
	if why.negative != 0 {
		s.step.truth = why
	}
	a.occasion(s)
	s.fumble(start)
	s.session(start, 2+a.draw.IntN(3))
	mail := start + event.Minute + a.upTo(20*event.Minute)
	s.mail(mail)
	if a.r.files {
		s.readFiles(mail + event.Minute)
	}
	if a.r.developer {
		s.develop(start + 15*event.Minute + a.upTo(event.Hour))
	}
	if a.r.private == sometimesVPN && a.chance(percentVPNDay) && why.negative == 0 {
		a.toggle(start)
	}
	if a.r.second != nil && a.chance(10) {
		other := *s
		other.step.device, other.step.truth = a.r.second, label{}
		other.session(start+2*event.Hour+a.upTo(5*event.Hour), 1)
	}
	if a.oneIn(oneInMove) && why.negative == 0 && !a.r.kiosk {
		a.move(s, start)
	}
	if a.chance(30) {
		a.errand()
	}
	if a.oneIn(oneInStale) {
		a.stale(start)
	}
}

// desk is where somebody works that day.
func (a *agenda) desk() *scene {
	r := a.r
	if r.town.office != nil && a.chance(r.atOffice) {
		if r.kiosk {
			return a.at(r.town, r.town.office, a.draw.Uint64N(4), r.shared, negative(Kiosk))
		}
		return a.at(r.town, r.town.office, a.draw.Uint64N(4), a.mainDevice(), negative(OfficeNAT))
	}
	switch {
	case r.private == alwaysVPN:
		return a.through(r.town.nation)
	case a.oneIn(oneInCoworking):
		return a.elsewhere()
	case a.chance(r.visits):
		return a.over(&r.secondly, a.mainDevice())
	case a.date >= r.moved && a.date < r.moved+3*event.Day:
		s := a.over(r.lineOn(a.date), a.mainDevice())
		s.step.truth = negative(ProviderChange)
		return s
	}
	return a.over(r.lineOn(a.date), a.mainDevice())
}

// elsewhere is a café or a friend's line.
func (a *agenda) elsewhere() *scene {
	t := a.r.town
	if a.chance(50) {
		return a.at(t, t.public[a.draw.IntN(len(t.public))], a.draw.Uint64(), a.mainDevice(), label{})
	}
	l := drawLine(a.draw, t)
	return a.over(&l, a.mainDevice())
}

// through is the exit of a VPN provider in a country: mostly at one hoster, at
// times at the provider's other one.
func (a *agenda) through(n *nation) *scene {
	exit := n.exits[a.r.provider]
	if a.oneIn(6) {
		exit = n.exits[(a.r.provider+1)%len(n.exits)]
	}
	return a.at(a.r.town, exit, a.draw.Uint64N(8), a.mainDevice(), label{})
}

// mainDevice is the laptop.
func (a *agenda) mainDevice() *device { return a.r.laptopOn(a.date) }

// over is a connection at home. Its IPv4 address changes now and then; of IPv6
// the household keeps its /64, in which each day has another address.
func (a *agenda) over(l *line, d *device) *scene {
	switch {
	case l.mobile:
		return a.at(a.r.town, l.net, a.draw.Uint64(), d, negative(CarrierNAT))
	case l.net6 != nil && a.chance(60):
		s := a.at(a.r.town, l.net6, l.household, d, negative(IPv6Rotation))
		s.step.rotation = a.draw.Uint64()
		return s
	}
	lease := uint64(a.date) / uint64(21*event.Day)
	net, why := a.placed(l.net)
	return a.at(a.r.town, net, clean(net, mix(l.household, lease)), d, why)
}

// clean is a host of a home network that no residential proxy rents out.
func clean(n *network, host uint64) uint64 {
	return host % (1<<(32-n.prefix.Bits()) - 18)
}

// at is a scene at a network, with the hours of a town.
func (a *agenda) at(t *town, n *network, host uint64, d *device, why label) *scene {
	return &scene{
		a: a, offset: event.Time(t.utcOffset) * event.Hour,
		step: step{p: &a.r.person, r: a.r, device: d, from: n, host: host, session: a.draw.Uint64(), truth: why},
	}
}

// occasion is what sometimes is different about a day at the desk.
func (a *agenda) occasion(s *scene) {
	r, d := a.r, s.step.device
	was := *d
	switch {
	case a.oneIn(oneInOneOff) && d != r.shared:
		s.step.device = &device{software: drawSoftware(a.draw), mark: a.draw.Uint64(), late: a.upTo(60 * event.Day)}
		s.step.truth = negative(OneOffBrowser)
	case a.date >= r.away[1] && a.date < r.away[1]+7*event.Day && r.away[1] != 0:
		s.step.truth = negative(ReturnFromLeave)
	case a.date < r.from+21*event.Day && r.from > a.p.config.Start:
		s.step.truth = negative(NewHire)
	case was.version(a.date) != was.version(a.date-event.Day):
		s.step.truth = negative(BrowserUpdate)
	}
}

// edition is how long a database of places is used before the next one comes.
const edition = 10 * event.Day

// placed is a home network as the current edition of the database has it: now
// and then in another city of the country, for everybody in it.
func (a *agenda) placed(n *network) (*network, label) {
	towns := a.r.town.nation.towns
	first := n.prefix.Addr().As4()
	h := mix(saltPlace, uint64(binary.BigEndian.Uint32(first[:])), uint64(a.date/edition))
	to := towns[h>>32%uint64(len(towns))]
	if h%oneInMisplaced != 0 || to.city == n.city {
		return n, label{}
	}
	moved := *n
	moved.city, moved.lat, moved.lon = to.city, to.lat, to.lon
	return &moved, negative(GeoIPChange)
}

// errand is a look at something on the phone, at home or on the way.
func (a *agenda) errand() {
	r := a.r
	phone := r.phoneOn(a.date)
	start := 12*event.Hour + a.upTo(10*event.Hour)
	var s *scene
	switch {
	case a.chance(35):
		s = a.over(r.lineOn(a.date), phone)
	case a.chance(percentJitter) && len(r.town.nation.towns) > 1:
		other := r.town.nation.towns[a.draw.IntN(len(r.town.nation.towns))]
		s = a.at(r.town, other.mobile[r.carrier], a.draw.Uint64(), phone, negative(CarrierJitter))
	default:
		s = a.at(r.town, r.town.mobile[r.carrier], a.draw.Uint64(), phone, negative(CarrierNAT))
	}
	if a.date >= r.bought && a.date < r.bought+4*event.Day {
		s.step.truth = negative(NewPhone)
		if a.date == r.bought || a.chance(30) {
			s.session(start, 1)
			s.add(start+event.Minute, oktaEnroll)
			return
		}
	}
	s.session(start, 1)
	if a.oneIn(oneInHandOver) {
		other := a.at(r.town, r.town.mobile[r.carrier], a.draw.Uint64(), phone, label{})
		if s.step.from == other.step.from {
			other = a.over(r.lineOn(a.date), phone)
		}
		s.goOn(other, start+2*event.Minute+a.upTo(20*event.Minute))
	}
}

// move takes the laptop elsewhere with the session open: to another place, to
// the phone's hotspot, or into the VPN that its owner has.
func (a *agenda) move(s *scene, start event.Time) {
	to := a.elsewhere()
	switch {
	case a.r.private != neverVPN && a.chance(50):
		to = a.through(a.r.town.nation)
	case a.chance(40):
		to = a.at(a.r.town, a.r.town.mobile[a.r.carrier], a.draw.Uint64(), a.mainDevice(), label{})
	case a.chance(40):
		to = a.over(a.r.lineOn(a.date), a.mainDevice())
	}
	to.step.device = s.step.device
	s.goOn(to, start+20*event.Minute+a.upTo(7*event.Hour))
}

// goOn opens an application or two from another network, in the session that is
// open.
func (s *scene) goOn(to *scene, at event.Time) {
	to.step.session, to.offset = s.step.session, s.offset
	to.step.truth = negative(SessionMove)
	for range 1 + s.a.draw.IntN(2) {
		to.add(at, oktaOpen)
		at += event.Minute + s.a.upTo(10*event.Minute)
	}
}

// toggle switches a VPN on during the day and off again.
func (a *agenda) toggle(start event.Time) {
	n := a.r.town.nation
	if a.chance(20) {
		n = a.p.world.abroad[a.draw.IntN(len(a.p.world.abroad))].nation
	}
	on := start + 2*event.Hour + a.upTo(3*event.Hour)
	s := a.through(n)
	s.step.truth = negative(VPNToggling)
	s.session(on, 1)
	off := a.over(a.r.lineOn(a.date), a.mainDevice())
	off.step.truth = negative(VPNToggling)
	off.session(on+20*event.Minute+a.upTo(2*event.Hour), 1)
}

// stale is a mail program on the phone that goes on trying a password that has
// been changed, until its owner sees to it.
func (a *agenda) stale(start event.Time) {
	r := a.r
	s := a.over(r.lineOn(a.date), r.phoneOn(a.date))
	s.step.truth = negative(StalePassword)
	at := start + a.upTo(event.Hour)
	for range 15 + a.draw.IntN(40) {
		s.add(at, entraBadSync)
		at += event.Minute + a.upTo(6*event.Minute)
	}
}
