package detectors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
)

var (
	otherProvider = place("198.51.100.77", "DE", "Berlin", 52.5, 13.4, 64650, "Other ISP")
	sameProvider  = ip("192.0.2.99")
	chromeOnMac   = browser("macOS", "Chrome")
)

// What is likelier for somebody else the more it differs, and how much.
func TestUnfamiliarSignIn(t *testing.T) {
	for _, c := range []struct {
		name        string
		event       []change
		least, most float64 // strength
	}{
		{"at home", []change{berlin, laptop}, 0, 0},
		{"another address of the provider", []change{berlin, sameProvider, laptop}, 0, 0},
		{"another browser at home", []change{berlin, chromeOnMac}, 0, 0.4},
		{"another computer at home", []change{berlin, kali}, 0, 0.5},
		{"another browser at another address of the provider", []change{berlin, sameProvider, chromeOnMac}, 0.4, 0.8},
		{"another provider in the country", []change{otherProvider, laptop}, 0.25, 0.5},
		{"another country", []change{tokyo, laptop}, 0.9, 1},
		{"another provider and computer", []change{otherProvider, kali}, 1, 1},
		{"everything", []change{tokyo, kali}, 1, 1},
		{"another computer at the office", []change{otherProvider, onCorporate, kali}, 0, 0},
		{"another computer, no address", []change{kali, noAddress}, 0.9, 1},
		{"another provider, no client", []change{otherProvider, noUserAgent}, 0.6, 0.8},
		{"no country named", []change{tokyo, laptop, country("")}, 0.4, 0.6},
		{"in flight", []change{tokyo, laptop, asType(event.ASSatellite)}, 0.4, 0.6},
		{"refused", []change{tokyo, kali, unsuccessful}, 0, 0},
		{"workload", []change{tokyo, kali, asService}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strengthOf(settled(t).entry(signIn(on(20, "09:00"), c.event...)), unfamiliarSignIn)
			if got < c.least || got > c.most {
				t.Errorf("strength %g, want %g to %g", got, c.least, c.most)
			}
		})
	}
}

// Who is always elsewhere is not suspected for it; who never is, is.
func TestUnfamiliarSignInKnowsHowOftenTheUserHasNewThings(t *testing.T) {
	newAddress := signIn(on(70, "09:00"), berlin, sameProvider, laptop, unlocated)
	homebody, wanderer := newDiary(t), newDiary(t)
	for day := range 60 {
		homebody.entry(signIn(on(day, "08:00"), berlin, laptop))
		wanderer.entry(signIn(on(day, "08:00"), berlin, laptop, ip(fmt.Sprint("203.0.113.", day))))
	}
	at := see(&newAddress)
	if one, other := homebody.m.networkOddity(&at), wanderer.m.networkOddity(&at); one < other+0.5 {
		t.Errorf("a new address: %.2f nats for who never has one, %.2f for who always has", one, other)
	}
}

func TestUnfamiliarSignInTellsWhatItSaw(t *testing.T) {
	for _, c := range []struct {
		event []change
		want  string
	}{
		{[]change{tokyo, kali}, "Unlike this user: a new network in a new country, a new device of a new system; more than 1,000 times likelier to be somebody else"},
		{[]change{otherProvider, chromeOnMac}, "Unlike this user: a new network in a known country, a new device of a known system; 355 times likelier to be somebody else"},
		{[]change{kali, noAddress}, "Unlike this user: no address, a new device of a new system; 113 times likelier to be somebody else"},
		{[]change{otherProvider, noUserAgent}, "Unlike this user: a new network in a known country, no device named; 14 times likelier to be somebody else"},
		{[]change{berlin, sameProvider, chromeOnMac, country("FR")}, "Unlike this user: a known network in a new country, a new device of a known system; 21 times likelier to be somebody else"},
		{[]change{berlin, sameProvider, chromeOnMac}, "Unlike this user: a new address in a known network, a new device of a known system; 16 times likelier to be somebody else"},
	} {
		d := get(t, settled(t).entry(signIn(on(20, "09:00"), c.event...)), unfamiliarSignIn)
		if d.Summary != c.want {
			t.Errorf("got  %s\nwant %s", d.Summary, c.want)
		}
	}
	d := get(t, settled(t).entry(signIn(on(20, "09:00"), otherProvider, noUserAgent)), unfamiliarSignIn)
	if text := evidence(d); !strings.Contains(text, "network=Other ISP (AS64650); ") || strings.Contains(text, "device=") {
		t.Errorf("evidence %s", text)
	}
}

// A network that is known through a VPN tells no country; without the VPN, the
// country is what is odd, unless the very address is known.
func TestUnfamiliarSignInTellsTheCountryOfAKnownNetwork(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(17, "09:00"), tokyo, laptop, through("vpn")))
	for _, c := range []struct {
		event []change
		want  string
	}{
		{[]change{tokyo, laptop, ip("203.0.113.6")}, "a known network in a new country"},
		{[]change{tokyo, laptop, ip("203.0.113.6"), through("vpn")}, "a new address in a known network"},
		{[]change{tokyo, laptop}, "a known address"},
	} {
		at := mustSee(signIn(on(20, "09:00"), c.event...))
		if got := d.m.networkWords(&at); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// What was remembered before days were counted is weighed all the same.
func TestUnfamiliarSignInOfAnOlderMemory(t *testing.T) {
	d := settled(t)
	d.m.progress.days, d.m.sources = 0, [maxSources]familiar{}
	for i := range d.m.devices {
		d.m.devices[i].kinds = 0
	}
	if got := strengthOf(d.entry(signIn(on(20, "09:00"), berlin, laptop)), unfamiliarSignIn); got != 0 {
		t.Errorf("at home: strength %g", got)
	}
	if got := strengthOf(d.entry(signIn(on(20, "10:00"), otherProvider, kali)), unfamiliarSignIn); got != 1 {
		t.Errorf("elsewhere on another computer: strength %g", got)
	}
}

// An attacker who goes unnoticed and comes back each day becomes known day by
// day, not sign-in by sign-in, and does not push out what the user has.
func TestSlowPoisoningMovesByDays(t *testing.T) {
	const each = 20 // sign-ins in a day
	poisoned := func(days int) *diary {
		d := newDiary(t)
		for day := range 60 {
			for _, at := range []string{"08:00", "12:00", "16:00"} {
				d.entry(signIn(on(day, at), berlin, laptop, app("Mail")))
			}
		}
		for day := 60; day < 60+days; day++ {
			for n := range each {
				e := signIn(on(day, "00:30")+event.Time(n)*event.Minute, otherProvider,
					ip(fmt.Sprint("198.51.100.", n)), laptop, app(fmt.Sprint("App ", day, n)))
				d.set.Learn(&e, &d.m, Verdict{})
			}
			e := signIn(on(day, "08:00"), berlin, laptop, app("Mail"))
			d.set.Learn(&e, &d.m, Verdict{})
		}
		return d
	}
	elsewhere := signIn(on(90, "00:30"), otherProvider, ip("203.0.113.250"), kali, app("Payroll"))
	detect := func(d *diary, e event.Event) []event.Detection {
		return d.set.Detect(&e, &d.m, Standing{AsOf: e.Time}, nil)
	}
	for _, days := range []int{1, 3} {
		d := poisoned(days)
		found := detect(d, elsewhere)
		if strengthOf(found, unfamiliarSignIn) < 0.9 {
			t.Errorf("after %d days: another computer there is familiar: %s", days, names(found))
		}
		if strengthOf(found, newApp) == 0 || strengthOf(found, newDevice) == 0 {
			t.Errorf("after %d days fired %s", days, names(found))
		}
		if got := find(d.m.networks[:], mustSee(elsewhere).network).days; int(got) != days {
			t.Errorf("the attacker's network was learned on %d days, want %d", got, days)
		}
		var sources, apps int
		for n := range each {
			at := mustSee(signIn(on(90, "00:30"), otherProvider, ip(fmt.Sprint("198.51.100.", n))))
			sources += boolInt(find(d.m.sources[:], at.sourceKey()) != nil)
		}
		for day := 60; day < 60+days; day++ {
			for n := range each {
				e := signIn(on(90, "00:30"), app(fmt.Sprint("App ", day, n)))
				apps += boolInt(find(d.m.apps[:], appKey(&e)) != nil)
			}
		}
		if sources > sourcesPerDay*days || apps > 4*days {
			t.Errorf("after %d days %d addresses and %d apps are known", days, sources, apps)
		}
		if night := d.m.hours.near(weekday, 1) + d.m.hours.near(weekend, 1); night > days {
			t.Errorf("after %d nights %d sign-ins are counted", days, night)
		}
		home := signIn(on(90, "08:00"), berlin, laptop, app("Mail"))
		if found := detect(d, home); things(found) != "" || strengthOf(found, unfamiliarSignIn) != 0 {
			t.Errorf("after %d days home is not known any more: %s", days, names(found))
		}
	}
	if strengthOf(detect(poisoned(1), elsewhere), unusualHours) == 0 {
		t.Error("one night makes the night usual")
	}
}

func mustSee(e event.Event) sighting { return see(&e) }
