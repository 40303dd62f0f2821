package simulate

import (
	"math/rand/v2"

	"github.com/riskstream/riskstream/event"
)

// intruder acts in somebody else's name, one step after the other.
type intruder struct {
	p    *Population
	c    *campaign
	draw *rand.Rand
	v    *resident // whose account it is

	at      event.Time
	device  *device
	from    *network
	host    uint64
	session uint64
	open    action // how applications are opened: from the session at Okta or at Entra
	label   label
}

// become turns to another account, with a new session.
func (i *intruder) become(v *resident) {
	i.v = v
	i.session = i.draw.Uint64()
}

func (i *intruder) hosting() bool           { return variants[i.c.variant-1] == Hosting }
func (i *intruder) chance(percent int) bool { return i.draw.IntN(100) < percent }

func (i *intruder) upTo(span event.Time) event.Time { return event.Time(i.draw.Int64N(int64(span))) }

// wait lets so much time go by and up to as much again.
func (i *intruder) wait(span event.Time) { i.at += span + i.upTo(span) }

// do plans one step at the present moment.
func (i *intruder) do(what action) *step {
	i.p.plan = append(i.p.plan, step{
		at: i.at, p: &i.v.person, r: i.v, device: i.device, from: i.from, host: i.host, session: i.session,
		do: what, app: i.v.favourite(i.draw.IntN(favourites)), truth: i.label,
	})
	return &i.p.plan[len(i.p.plan)-1]
}

// win is the step with which the intruder is in.
func (i *intruder) win(what action) {
	i.do(what).truth.compromise = true
	i.v.handsFrom, i.v.handsUntil = i.at, i.at+handsAfter
}

// signIn wins by the right password, at Okta or at Entra.
func (i *intruder) signIn() {
	what := oktaSignIn
	if i.chance(30) {
		what, i.open = entraSignIn, entraSignIn
	}
	i.win(what)
}

// take opens one of the applications that intruders look for.
func (i *intruder) take() { i.do(i.open).app = prized[i.draw.IntN(len(prized))] }

// prized are the applications that intruders look for.
var prized = [...]uint8{0, 4, 6, 9, 14, 18, 19, 20, 23}

// loot looks through what there is to take: many applications within minutes,
// at times many files, and often comes back the day after.
func (i *intruder) loot() {
	for range 3 + i.draw.IntN(5) {
		i.wait(30 * event.Second)
		i.take()
	}
	if i.chance(30) {
		for range 10 + i.draw.IntN(50) {
			i.wait(2 * event.Second)
			i.do(filesDownload).file = i.draw.Uint64() >> 40
		}
	}
	if i.chance(40) {
		i.at += 8*event.Hour + i.upTo(20*event.Hour)
		i.session = i.draw.Uint64()
		i.do(oktaSignIn)
		i.wait(event.Minute)
		i.open = oktaOpen
		i.take()
	}
}

// comeFrom moves to a network.
func (i *intruder) comeFrom(n *network) { i.from, i.host = n, i.draw.Uint64() }

// anywhere is wherever intruders are: rented machines of the whole world, Tor, or
// their own lines, mostly in a few countries.
func (i *intruder) anywhere() {
	switch {
	case i.hosting() && i.chance(15):
		i.comeFrom(i.p.world.tor)
		return
	case i.hosting():
		i.comeFrom(i.p.world.clouds[i.draw.IntN(len(i.p.world.clouds))])
		return
	}
	lairs := i.p.world.lairs
	if i.chance(20) {
		lairs = i.p.world.abroad
	}
	i.comeFrom(i.homeIn(lairs[i.draw.IntN(len(lairs))]))
}

// homeIn is a line in a town, by market share.
func (i *intruder) homeIn(t *town) *network { return t.homes[drawShare(i.draw, homeShares[:])] }

// inCountry is the victim's country: a rented machine there that is on no list,
// for who takes the trouble has looked it up, or a line in the victim's town.
func (i *intruder) inCountry() {
	if i.hosting() {
		machines := i.v.town.nation.unlisted
		i.comeFrom(machines[i.draw.IntN(len(machines))])
		return
	}
	i.comeFrom(i.homeIn(i.v.town))
}

// proxyIn is another address of a proxy service in a country: homes whose
// owners do not know of it, or data centres.
func (i *intruder) proxyIn(n *nation) {
	if i.hosting() {
		i.comeFrom(n.exits[i.draw.IntN(len(n.exits))])
		return
	}
	t := n.towns[i.draw.IntN(len(n.towns))]
	i.comeFrom(i.homeIn(t).proxies)
}

// imitate takes the victim's system and browser, mostly in another version.
func (i *intruder) imitate(lag event.Time) {
	i.device.software = i.v.laptopOn(i.at).software
	i.device.late = i.upTo(lag)
}
