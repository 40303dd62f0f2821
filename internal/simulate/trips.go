package simulate

import "github.com/riskstream/riskstream/event"

// trip is a journey of some days. It begins with a day on the way, on which
// nothing but the plane's network is used; on the last one its traveller is
// gone by noon.
type trip struct {
	to         *town
	first      event.Time // date
	days       int
	homeRouted bool // the phone's addresses abroad are its carrier's at home
	flightWiFi bool
}

// fortnight is the span in which somebody makes at most one trip.
const fortnight = 14 * event.Day

// Shares of the trips.
const (
	// A quarter of all trips of EU residents is abroad (Eurostat, 2022: 24.5 %);
	// of an international company's, a little more: ours.
	percentAbroad = 35
	// Home routing is what nearly all carriers do with roaming data (GSMA's
	// IR.88 has it as the usual way; local breakout is rare). The figure is ours.
	percentHomeRouted = 85
	percentFlightWiFi = 35 // ours
)

// tripOn is the trip that somebody is on at the date. It follows from seed,
// person and fortnight, so that nothing has to be remembered.
func (p *Population) tripOn(r *resident, date event.Time) (trip, bool) {
	block := date / fortnight
	h := mix(p.config.Seed, saltTrip, r.number, uint64(block))
	part := func(below uint64) int {
		h = mixOne(h)
		return int(h % below)
	}
	if part(100) >= r.travels || r.kiosk || r.night {
		return trip{}, false
	}
	t := trip{
		first:      block*fortnight + event.Time(part(8))*event.Day,
		days:       3 + part(4),
		homeRouted: part(100) < percentHomeRouted,
		flightWiFi: part(100) < percentFlightWiFi,
	}
	if date < t.first || date >= t.first+event.Time(t.days)*event.Day {
		return trip{}, false
	}
	domestic := r.town.nation.towns
	abroad := p.world.abroad
	if part(100) < 25 { // where the company is, too
		abroad = p.world.towns
	}
	if t.to = abroad[part(uint64(len(abroad)))]; part(100) >= percentAbroad && len(domestic) > 1 {
		t.to = domestic[part(uint64(len(domestic)))]
	}
	return t, t.to != r.town
}

// travel plans a day of a trip.
func (a *agenda) travel(t *trip) {
	if a.date == t.first {
		if t.flightWiFi && t.to.nation != a.r.town.nation {
			plane := a.p.world.planes[a.draw.IntN(len(a.p.world.planes))]
			a.at(a.r.town, plane, a.draw.Uint64(), a.mainDevice(), negative(InFlightWiFi)).session(11*event.Hour+a.upTo(2*event.Hour), 1)
		}
		return
	}
	why := label{}
	if t.to.nation != a.r.town.nation {
		why = negative(TripAbroad)
	}
	stay := mix(a.r.number, uint64(t.first))
	from, host := t.to.public[stay%uint64(len(t.to.public))], stay>>8
	if t.to.office != nil && a.chance(60) {
		from, host = t.to.office, a.draw.Uint64N(4)
	}
	last := a.date == t.first+event.Time(t.days-1)*event.Day
	if zones := t.to.utcOffset - a.r.town.utcOffset; last && (zones > 4 || zones < -4) {
		return // on the way home all day
	}
	start := 8*event.Hour + a.upTo(event.Hour)
	s := a.at(t.to, from, host, a.mainDevice(), why)
	s.session(start, 1+a.draw.IntN(3))
	if last {
		return
	}
	s.mail(start + event.Minute + a.upTo(20*event.Minute))
	if a.chance(60) {
		a.phoneOnTrip(t, why)
	}
}

// phoneOnTrip is a look at the phone, whose address is abroad or at home.
func (a *agenda) phoneOnTrip(t *trip, why label) {
	at, carrier := t.to, t.to.mobile[a.draw.IntN(len(t.to.mobile))]
	if t.homeRouted && t.to.nation != a.r.town.nation {
		carrier, why = a.r.town.mobile[a.r.carrier], negative(HomeRoutedRoaming)
	}
	a.at(at, carrier, a.draw.Uint64(), a.r.phoneOn(a.date), why).session(13*event.Hour+a.upTo(7*event.Hour), 1)
}
