package simulate

import (
	"math/rand/v2"

	"github.com/riskstream/riskstream/event"
)

// resident is one of a population's people: a person with the habits that
// decide where they are and what they hold in their hands on a given date. All
// of it follows from the seed and their number.
type resident struct {
	person
	town  *town
	mfa   bool
	files bool // uses the file store
	kiosk bool // works at their town's shared computer
	night bool // works at night every other week

	hour     event.Time // when they usually begin, since midnight
	atOffice int        // percent of the working days
	travels  int        // percent of the fortnights that have a trip

	line     [2]line    // at home, before and after moved
	moved    event.Time // the date on which the provider changes
	secondly line       // at parents', partner's: the other place
	carrier  int
	visits   int // percent of the days at home that are spent in the other place

	private  vpnHabit
	provider int // which of a nation's exits

	newPhone  device
	bought    event.Time // the date of the new phone
	newLaptop device
	issued    event.Time
	second    *device // another browser that is used now and then
	shared    *device // the kiosk

	from, until event.Time    // employment, in dates
	away        [2]event.Time // a long leave

	// handsFrom and handsUntil enclose the time in which an attacker has the
	// account; kept by the campaigns.
	handsFrom, handsUntil event.Time
}

// line is a connection: a provider's network in a town, and the household.
type line struct {
	net, net6 *network
	household uint64
	mobile    bool // over a carrier
}

type vpnHabit uint8

const (
	neverVPN vpnHabit = iota
	sometimesVPN
	alwaysVPN
)

// Shares and rates of habits. Where a figure is published it is that one;
// the rest is ours, and said to be.
const (
	// 66 % of the people in Okta's workforce tenants sign in with a second
	// factor (Okta, Secure Sign-in Trends Report 2024).
	percentMFA = 66
	// A third of the adults surveyed use a private VPN at least sometimes, 13 %
	// of these always (YouGov for TechRadar, 2021: 32 %); 31 % of all Internet
	// users (Surfshark, 2022). On the devices that work is done with: a little
	// less, ours.
	percentVPNAlways    = 4
	percentVPNSometimes = 22
	// Days on which somebody who uses one sometimes does: ours.
	percentVPNDay = 8
	// Registered with the identity provider so that its id stands in the log:
	// ours. FastPass, which that needs, signs in 6 % of people (Okta, 2024);
	// managed laptops are more.
	percentRegisteredLaptop = 45
	percentRegisteredPhone  = 20
	// Residents of the EU over 15 make about three trips with overnight stays a
	// year (Eurostat, tour_dem: 1.1 to 1.3 billion). In percent of the
	// fortnights, most people and those who travel for work (the split is
	// ours): 2.7 a year on average.
	percentTrips           = 8
	percentTravellers      = 15
	percentTravellersTrips = 25
	// A phone is replaced after 29 months (Reviews.org survey, 2025), a laptop
	// after four years (ours).
	phoneLife  = 880 * event.Day
	laptopLife = 1460 * event.Day
	// One household in seven changes its provider in a year (the range that
	// European regulators report is 8 to 20 %).
	providerLife = 2550 * event.Day
	// One in twenty connects at home over a carrier (fixed wireless).
	percentWireless = 5
	// A week has 2.5 days in the office where there is one (the middle of what
	// surveys of hybrid work report).
	percentOffice = 50
	// Ours: share of those with another place to stay, a second browser, no
	// desk but a kiosk, nights, and of new hires, long leaves and leavers
	// within the span.
	percentSecondly = 25
	percentBrowsers = 30
	percentKiosk    = 6
	percentNight    = 5
	percentHired    = 8
	percentLeave    = 4
	percentLeft     = 5
	percentFiles    = 60
)

// softwareShares follow the RBA dataset's desktop browsers in order (Chrome far
// ahead), with the systems of office work: in percent.
var softwareShares = []struct {
	software *software
	share    int
}{
	{chromeWindows, 38},
	{edgeWindows, 24},
	{chromeMac, 20},
	{safariMac, 9},
	{firefoxLinux, 4},
	{chromeLinux, 5},
}

func drawSoftware(draw *rand.Rand) *software {
	n := draw.IntN(100)
	for _, s := range softwareShares {
		if n -= s.share; n < 0 {
			return s.software
		}
	}
	return chromeWindows
}

// drawShare draws an index by shares in percent.
func drawShare(draw *rand.Rand, shares []int) int {
	n := draw.IntN(100)
	for i, share := range shares {
		if n -= share; n < 0 {
			return i
		}
	}
	return len(shares) - 1
}

// newResident makes the n-th of the people.
func (p *Population) newResident(n uint64) resident {
	p.reseed(saltPeople, n)
	draw := p.draw
	chance := func(percent int) bool { return draw.IntN(100) < percent }
	r := resident{person: newPerson(p.config.Seed, n), town: p.world.towns[draw.IntN(len(p.world.towns))]}
	r.site, r.home = nil, nil
	r.mfa, r.files = chance(percentMFA), chance(percentFiles)
	r.developer = chance(25)
	r.hour = 7*event.Hour + event.Time(draw.Int64N(int64(3*event.Hour)))
	r.atOffice = min(max(percentOffice+draw.IntN(61)-30, 0), 100)
	r.travels = percentTrips
	if chance(percentTravellers) {
		r.travels = percentTravellersTrips
	}
	for i := range r.line {
		r.line[i] = drawLine(draw, r.town)
	}
	r.moved = p.someday(providerLife)
	r.secondly = drawLine(draw, r.town.nation.towns[draw.IntN(len(r.town.nation.towns))])
	if chance(percentSecondly) {
		r.visits = 5 + draw.IntN(20)
	}
	r.carrier = drawShare(draw, mobileShares[:])
	switch v := draw.IntN(100); {
	case v < percentVPNAlways:
		r.private = alwaysVPN
	case v < percentVPNAlways+percentVPNSometimes:
		r.private = sometimesVPN
	}
	r.provider = draw.IntN(4)
	p.equip(&r, chance)
	p.employ(&r, chance)
	return r
}

func drawLine(draw *rand.Rand, t *town) line {
	l := line{household: draw.Uint64()}
	if draw.IntN(100) < percentWireless {
		l.net, l.mobile = t.mobile[drawShare(draw, mobileShares[:])], true
		return l
	}
	i := drawShare(draw, homeShares[:])
	l.net, l.net6 = t.homes[i], t.homes6[i]
	return l
}

// someday is a date at which something happens that happens once in a life so
// long; mostly it lies beyond the span.
func (p *Population) someday(life event.Time) event.Time {
	return p.config.Start + event.Time(p.draw.Int64N(int64(life/event.Day)))*event.Day
}

// equip hands out devices.
func (p *Population) equip(r *resident, chance func(int) bool) {
	draw := p.draw
	device := func(s *software, name string, registered int) device {
		d := newDevice(s, r.given+"'s "+name, draw.Uint64())
		d.late = event.Time(draw.Int64N(int64(12 * event.Day)))
		if !chance(registered) {
			d.id, d.name = "", ""
		}
		return d
	}
	phone := phones[draw.IntN(len(phones))]
	r.laptop = device(drawSoftware(draw), "laptop", percentRegisteredLaptop)
	r.laptop.managed = r.laptop.id != ""
	r.newLaptop = device(r.laptop.software, "new laptop", percentRegisteredLaptop)
	if chance(25) { // another system
		r.newLaptop.software = drawSoftware(draw)
	}
	r.newLaptop.managed = r.newLaptop.id != ""
	r.phone = device(phone, "phone", percentRegisteredPhone)
	if r.newPhone = device(phone, "new phone", percentRegisteredPhone); chance(12) {
		r.newPhone.software = phones[draw.IntN(len(phones))]
	}
	r.bought, r.issued = p.someday(phoneLife), p.someday(laptopLife)
	if chance(percentBrowsers) {
		d := device(drawSoftware(draw), "", 0)
		r.second = &d
	}
	switch k := draw.IntN(100); {
	case k < 12:
		r.factor = fastPass
	case k < 45:
		r.factor = totp
	default:
		r.factor = push
	}
}

// employ decides on shifts, and when somebody comes, is away and goes.
func (p *Population) employ(r *resident, chance func(int) bool) {
	span := event.Time(p.config.Days) * event.Day
	end := p.config.Start + span
	r.from, r.until = p.config.Start-event.Day, end+event.Day
	within := func(a, b int) event.Time { // of the span, in percent
		return midnight(p.config.Start + span*event.Time(a+p.draw.IntN(b-a))/100)
	}
	switch k := p.draw.IntN(100); {
	case k < percentHired:
		r.from = within(20, 90)
	case k < percentHired+percentLeave:
		r.away = [2]event.Time{within(14, 22), within(86, 94)}
	case k < percentHired+percentLeave+percentLeft:
		r.until, r.mfa = within(14, 18), false // an account from before there was a second factor
	}
	if r.kiosk = r.town.office != nil && chance(percentKiosk); r.kiosk {
		r.shared = p.kiosks[r.town]
		r.atOffice, r.developer = 100, false
	}
	r.night = chance(percentNight)
}

// working reports whether somebody works here on the date.
func (r *resident) working(date event.Time) bool {
	return date >= r.from && date < r.until && (date < r.away[0] || date >= r.away[1])
}

// lineOn is the connection at home on the date.
func (r *resident) lineOn(date event.Time) *line {
	if date >= r.moved {
		return &r.line[1]
	}
	return &r.line[0]
}

func (r *resident) laptopOn(date event.Time) *device {
	if date >= r.issued {
		return &r.newLaptop
	}
	return &r.laptop
}

func (r *resident) phoneOn(date event.Time) *device {
	if date >= r.bought {
		return &r.newPhone
	}
	return &r.phone
}
