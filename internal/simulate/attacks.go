package simulate

import "github.com/riskstream/riskstream/event"

// attacks are what intruders do, in the order of Attacks. Sign-ins by password
// go against people without a second factor: where there is one they end there.
var attacks = [len(Attacks)]func(*intruder){
	naive, throughVPN, targeted, veryTargeted, sprayFast, sprayDistributed, spraySlow, stuffing, residentialProxy,
	fatigue, sessionReplay, dormantRevival, factorEnrolment, insiderDownload,
}

// naive has bought a password and signs in from where they are, with what they
// have; sometimes the first one is out of date.
func naive(i *intruder) {
	i.anywhere()
	if i.chance(20) {
		i.do(oktaBadPassword)
		i.wait(10 * event.Second)
	}
	i.signIn()
	i.loot()
}

// throughVPN knows that a foreign country stands out. The residential variant
// buys an exit at somebody's home.
func throughVPN(i *intruder) {
	if n := i.v.town.nation; i.hosting() {
		i.comeFrom(n.exits[i.draw.IntN(len(n.exits))])
	} else {
		i.proxyIn(n)
	}
	i.signIn()
	i.loot()
}

// targeted has read up on the victim: country, working hours, system and
// browser are the same.
func targeted(i *intruder) {
	i.inCountry()
	i.imitate(90 * event.Day)
	i.signIn()
	i.loot()
}

// veryTargeted comes from the victim's own provider (or, hosting, through the
// exit that the victim uses) with the victim's browser, at the victim's hours.
// What is left is the address, the version and what is done next. One in four
// has the browser's cookies too, as malware takes them and markets sell them.
func veryTargeted(i *intruder) {
	if mix(saltJar, i.device.mark)%4 == 0 {
		i.device.jar = i.v.laptopOn(i.at).cookie(i.at, i.session)
	}
	if i.hosting() {
		i.comeFrom(i.v.town.nation.exits[i.v.provider])
	} else if l := i.v.lineOn(i.at); l.mobile {
		i.comeFrom(l.net)
	} else {
		towns := i.v.town.nation.towns // the line's neighbourhood, or the provider elsewhere
		at := i.v.town
		if i.chance(40) {
			at = towns[i.draw.IntN(len(towns))]
		}
		i.comeFrom(sameProvider(at, l.net))
	}
	i.imitate(40 * event.Day)
	i.signIn()
	i.loot()
}

// sameProvider is a provider's network in a town, its AS the same.
func sameProvider(t *town, n *network) *network {
	for _, home := range t.homes {
		if home.asn == n.asn {
			return home
		}
	}
	return n
}

// sprayFast tries three passwords on many accounts from one address, within an
// hour.
func sprayFast(i *intruder) {
	i.anywhere()
	i.spray(i.targets(80), 3, 4*event.Second, func(int) {})
}

// sprayDistributed does so from another address each time, out of some forty.
func sprayDistributed(i *intruder) {
	pool := i.pool(40)
	i.spray(i.targets(80), 3, 12*event.Second, func(int) { i.takeFrom(pool) })
}

// spraySlow takes a week for two passwords, stays below every lock-out, and
// comes from a dozen addresses.
func spraySlow(i *intruder) {
	pool := i.pool(12)
	targets := i.targets(100)
	pause := 6 * event.Day / event.Time(3*len(targets)) // half as much again on average
	i.spray(targets, 2, pause, func(int) { i.takeFrom(pool) })
}

// stuffing tries leaked pairs, one for each account: from three rented machines,
// or through a residential proxy that changes every few tries.
func stuffing(i *intruder) {
	pool := i.pool(3)
	if !i.hosting() {
		pool = i.pool(30)
	}
	i.spray(i.targets(150), 1, 2*event.Second, func(try int) {
		if try%8 == 0 {
			i.takeFrom(pool)
		}
	})
}

// residentialProxy has each request come from another address of the victim's
// country.
func residentialProxy(i *intruder) {
	n := i.v.town.nation
	i.proxyIn(n)
	i.signIn()
	for range 4 + i.draw.IntN(4) {
		i.wait(40 * event.Second)
		i.proxyIn(n)
		i.take()
	}
}

// fatigue has the password and asks until the owner gives in, which one in five
// does not.
func fatigue(i *intruder) {
	if i.chance(50) {
		i.anywhere()
	} else {
		i.inCountry()
	}
	for range 4 + i.draw.IntN(8) {
		i.do(oktaPush)
		if i.chance(45) {
			i.at += 4*event.Second + i.upTo(15*event.Second)
			i.do(oktaPushDenied)
		}
		i.wait(15 * event.Second)
	}
	if i.chance(20) {
		return
	}
	i.do(oktaPush)
	i.at += 5*event.Second + i.upTo(10*event.Second)
	i.do(oktaVerify)
	i.at += event.Second
	i.win(oktaSignIn)
	i.loot()
}

// sessionReplay goes on with the owner's session elsewhere. Three in five have
// it from a phishing proxy, through which the owner has signed in, and half of
// these take all cookies over; the others have it from malware on the owner's
// machine, where nothing shows and which takes every cookie.
func sessionReplay(i *intruder) {
	thief := *i.device
	if i.chance(60) {
		i.phish()
		if mix(saltJar, thief.mark)%2 == 0 {
			thief.jar = i.device.jar
		}
	} else {
		a := &agenda{p: i.p, r: i.v, date: midnight(i.at), draw: i.draw}
		s := a.over(i.v.lineOn(i.at), i.v.laptopOn(i.at))
		s.offset = 0
		s.session(i.at-midnight(i.at), 1)
		i.session = s.step.session
		thief.jar = s.step.device.cookie(i.at, i.session)
		i.wait(10 * event.Minute)
	}
	i.device = &thief
	if i.chance(50) {
		i.anywhere()
	} else {
		i.inCountry()
		i.imitate(70 * event.Day)
	}
	i.wait(2 * event.Minute)
	i.win(oktaOpen)
	i.loot()
}

// phish is the owner's sign-in through the intruder's proxy, which passes the
// browser's name on but no device's key; nor has the browser ever had a cookie
// from the proxy's site.
func (i *intruder) phish() {
	owners := *i.v.laptopOn(i.at)
	owners.id, owners.name, owners.managed = "", "", false
	owners.jar = mix(saltJar, i.device.mark, i.session)
	i.device = &owners
	if i.hosting() {
		i.anywhere()
	} else {
		i.proxyIn(i.v.town.nation)
	}
	i.do(oktaSignIn)
	if i.v.factor == push {
		i.at += 2 * event.Second
		i.do(oktaPush)
	}
	i.at += 6*event.Second + i.upTo(8*event.Second)
	i.do(oktaVerify)
}

// dormantRevival uses an account whose owner is long gone and that nobody has
// closed.
func dormantRevival(i *intruder) {
	if i.chance(50) {
		i.anywhere()
	} else {
		i.inCountry()
		i.imitate(70 * event.Day)
	}
	i.signIn()
	i.loot()
}

// factorEnrolment sets up a second factor of its own, so that the account stays
// open when the password is changed.
func factorEnrolment(i *intruder) {
	if i.chance(50) {
		i.anywhere()
	} else {
		i.inCountry()
	}
	i.win(oktaSignIn)
	i.wait(2 * event.Minute)
	i.do(oktaEnroll)
	i.loot()
}

// insiderDownload is the owner, at home or through the own VPN, who takes what
// they can before they leave. There is no break-in: it counts from the 25th
// file, where Elastic's rule for OneDrive begins.
func insiderDownload(i *intruder) {
	a := &agenda{p: i.p, r: i.v, date: midnight(i.at), draw: i.draw}
	s := a.over(i.v.lineOn(i.at), i.v.laptopOn(i.at))
	if i.hosting() {
		s = a.through(i.v.town.nation)
	}
	s.offset, s.step.truth = 0, label{}
	s.session(i.at-midnight(i.at), 1)
	i.device, i.from, i.host, i.session = s.step.device, s.step.from, s.step.host, s.step.session
	i.wait(2 * event.Minute)
	begun := i.at
	for n := range 60 + i.draw.IntN(240) {
		i.at += event.Second + i.upTo(5*event.Second)
		if n == 24 {
			i.win(filesDownload)
		} else {
			i.do(filesDownload)
		}
		i.p.plan[len(i.p.plan)-1].file = i.draw.Uint64() >> 40
	}
	i.v.handsFrom = begun
}
