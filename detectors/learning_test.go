package detectors

import (
	"fmt"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
)

// breakIn is a sign-in from Tokyo that is challenged: too fast, and everything
// about it is new.
func (d *diary) breakIn(day int, changes ...change) {
	d.t.Helper()
	d.entry(signIn(on(day, "08:00"), berlin, laptop))
	d.entry(signIn(on(day, "08:30"), append([]change{tokyo, kali}, changes...)...))
	if d.last < event.Medium {
		d.t.Fatalf("the break-in is only %s", d.last)
	}
}

func TestChallengedPlaces(t *testing.T) {
	elsewhere := signIn(on(15, "12:00"), tokyo, kali)
	for _, c := range []struct {
		name    string
		then    func(d *diary)
		learned bool
	}{
		{"stay unknown", func(*diary) {}, false},
		{"by trying again", func(d *diary) { d.entry(signIn(on(14, "09:00"), tokyo, kali)) }, false},
		{"by a phishing-resistant sign-in from there", func(d *diary) { d.entry(signIn(on(14, "09:00"), tokyo, kali, factor(event.FactorStrong))) }, true},
		{"by a phishing-resistant second factor from there", func(d *diary) {
			d.entry(signIn(on(14, "08:31"), tokyo, kali, action(event.MFAVerify), factor(event.FactorStrong)))
		}, true},
		{"by a failed phishing-resistant factor", func(d *diary) {
			d.entry(signIn(on(14, "08:31"), tokyo, kali, action(event.MFAVerify), factor(event.FactorStrong), unsuccessful))
		}, false},
		{"by a workload's certificate", func(d *diary) {
			d.entry(signIn(on(14, "08:31"), tokyo, kali, action(event.MFAVerify), factor(event.FactorStrong), asService))
		}, false},
		{"by a phishing-resistant factor at home", func(d *diary) { d.entry(signIn(on(14, "08:31"), berlin, laptop, factor(event.FactorStrong))) }, false},
		{"by a phishing-resistant factor beside it", func(d *diary) { d.entry(signIn(on(14, "09:00"), tokyo, laptop, factor(event.FactorStrong))) }, true},
		{"by a push", func(d *diary) {
			d.entry(signIn(on(14, "08:31"), tokyo, kali, action(event.MFAVerify), factor(event.FactorPush)))
		}, false},
		{"by a one-time password", func(d *diary) { d.entry(signIn(on(14, "08:31"), tokyo, kali, factor(event.FactorOTP))) }, false},
		{"by a claim of an earlier token", func(d *diary) { d.entry(signIn(on(14, "08:31"), tokyo, kali, factor(event.FactorClaim))) }, false},
		{"by a confirm-safe", func(d *diary) { d.set.ConfirmSafe(&d.m) }, true},
		{"by three quiet days after a confirm-compromised", func(d *diary) {
			d.set.ConfirmCompromised(&d.m)
			d.entry(signIn(on(17, "08:30"), berlin, laptop))
		}, false},
		{"by two quiet days", func(d *diary) { d.entry(signIn(on(17, "08:29"), berlin, laptop)) }, false},
		{"by three quiet days", func(d *diary) { d.entry(signIn(on(17, "08:30"), berlin, laptop)) }, true},
		{"by three quiet days without a sign-in", func(d *diary) { d.entry(signIn(on(17, "08:30"), berlin, laptop, action(event.Access))) }, true},
		{"by three days after a late challenge of the day before", func(d *diary) {
			d.entry(signIn(on(13, "20:00"), newYork, kali))
			d.entry(signIn(on(16, "21:00"), berlin, laptop))
		}, false},
		{"by three days with another challenge", func(d *diary) {
			d.breakIn(16)
			d.entry(signIn(on(17, "08:30"), berlin, laptop))
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.breakIn(14)
			c.then(d)
			if k := d.knows(elsewhere); k.KnownDevice != c.learned || k.KnownNetwork != c.learned || k.KnownCountry != c.learned {
				t.Errorf("known device %t, network %t, country %t; want %t", k.KnownDevice, k.KnownNetwork, k.KnownCountry, c.learned)
			}
		})
	}
}

func TestWithoutAddressesNothingIsConfirmed(t *testing.T) {
	d := settled(t)
	challenged := signIn(on(14, "09:00"), noAddress, kali)
	d.set.Learn(&challenged, &d.m, Verdict{EventLevel: event.Medium})
	d.entry(signIn(on(14, "09:01"), noAddress, laptop, factor(event.FactorStrong)))
	if d.knows(challenged).KnownDevice {
		t.Error("two sign-ins without an address count as from one network")
	}
}

// The newest challenged places wait, one entry for each network and device.
func TestTheNewestChallengedPlacesWait(t *testing.T) {
	d := settled(t)
	challenge := func(at string, changes ...change) event.Event {
		e := signIn(on(14, at), changes...)
		d.set.Learn(&e, &d.m, Verdict{EventLevel: event.High})
		return e
	}
	forgotten := challenge("09:00", paris, kali)
	one := challenge("10:00", tokyo, kali)
	other := challenge("10:01", tokyo, phone)
	again := challenge("10:02", newYork, kali)
	for range 5 {
		challenge("10:03", newYork, kali)
	}
	tooLate := challenge("08:00", sydney, browser("Windows", "Edge"))

	d.set.ConfirmSafe(&d.m)
	for _, e := range []event.Event{one, other, again} {
		if k := d.knows(e); !k.KnownDevice || !k.KnownNetwork {
			t.Errorf("the sign-in of %s is not learned: %+v", e.Time, k)
		}
	}
	if d.knows(forgotten).KnownNetwork || d.knows(tooLate).KnownDevice {
		t.Error("more places waited than there are entries")
	}
}

func TestConfirmedPlaceBecomesAnAnchor(t *testing.T) {
	d := settled(t)
	d.breakIn(14)
	d.set.ConfirmSafe(&d.m)
	if found := things(d.entry(signIn(on(14, "09:00"), tokyo, kali))); found != "" {
		t.Errorf("confirmed as safe, and still %s", found)
	}
}

func TestWhatNeverTeaches(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes []change
	}{
		{"wrong password", []change{wrongPassword}},
		{"refusal", []change{unsuccessful}},
		{"unknown outcome", []change{undecided}},
		{"token refresh", []change{action(event.TokenRefresh)}},
		{"access", []change{action(event.Access)}},
		{"second factor", []change{action(event.MFAVerify)}},
		{"signal", []change{func(e *event.Event) { e.Kind = event.KindSignal }}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			before := d.m
			for hour := range 9 {
				d.entry(signIn(on(20, fmt.Sprintf("1%d:00", hour)), append([]change{tokyo, kali}, c.changes...)...))
			}
			if after := d.m; baselines(after) != baselines(before) {
				t.Errorf("it moved a baseline\nbefore %+v\n after %+v", baselines(before), baselines(after))
			}
		})
	}
}

// baselines is the memory without what attempts may change.
func baselines(m Memory) Memory {
	m.failures, m.progress.challenged = failures{}, 0
	m.codes, m.prompts, m.arrivals = failures{}, prompts{}, arrivals{}
	m.protocols = [maxProtocols]familiar{}                      // a challenge takes a day back
	m.sessions, m.bulk, m.opened = sessions{}, bulk{}, opened{} // what is done with an account
	m.absence.active = 0
	return m
}

func TestLateEventsTeachNothing(t *testing.T) {
	d := settled(t)
	before := d.m
	for range 20 {
		d.entry(signIn(on(10, "08:00"), paris, kali))
		d.entry(signIn(on(10, "08:00"), paris, kali, wrongPassword))
	}
	if d.m != before {
		t.Error("events of three days ago changed the memory")
	}
	d.entry(signIn(on(12, "08:01"), berlin, kali))
	if !d.knows(signIn(on(14, "08:00"), berlin, kali)).KnownDevice {
		t.Error("an event of the day before taught nothing")
	}
}

func TestBaselinesMoveSlowly(t *testing.T) {
	set, m := New(Defaults()), Memory{}
	device := func(day, n int) change { return bound(fmt.Sprintf("device-%d-%d", day, n)) }
	known := func(day, n int) Familiarity {
		e := manyPlaces(day, n, device(day, n))
		return set.Familiarity(&e, &m)
	}
	for day := range 4 {
		for n := range 20 {
			e := manyPlaces(day, n, device(day, n))
			set.Learn(&e, &m, Verdict{})
		}
		var devices, networks, countries int
		for n := range 20 {
			k := known(day, n)
			devices += boolInt(k.KnownDevice)
			networks += boolInt(k.KnownNetwork)
			countries += boolInt(k.KnownCountry)
		}
		if devices != 3 || networks != 8 || countries != 2 {
			t.Errorf("day %d taught %d devices, %d networks, %d countries; want 3, 8, 2", day, devices, networks, countries)
		}
	}
}

func TestADeviceBeyondTheBudgetDoesNotTeachItsBrowser(t *testing.T) {
	d := settled(t)
	for _, id := range []string{"a", "b", "c", "d"} {
		d.entry(signIn(on(14, "08:00"), berlin, laptop, bound(id)))
	}
	d.entry(signIn(on(14, "09:00"), berlin, kali, bound("e")))
	if d.knows(signIn(on(15, "08:00"), berlin, kali)).KnownDevice {
		t.Error("the browser of a fifth new device is known")
	}
}

// Events that come late take from the budget of the newest day.
func TestLateEventsHaveNoBudgetOfTheirOwn(t *testing.T) {
	set, m := New(Defaults()), Memory{}
	known := 0
	for n := range 10 {
		e := signIn(on(1+n%2, "08:00"), berlin, bound(fmt.Sprint("device-", n)))
		set.Learn(&e, &m, Verdict{})
	}
	for n := range 10 {
		e := signIn(on(2, "09:00"), berlin, bound(fmt.Sprint("device-", n)))
		known += boolInt(set.Familiarity(&e, &m).KnownDevice)
	}
	if known != 4 { // 1 on the first day, 3 from the second on
		t.Errorf("%d devices learned, want 4", known)
	}
}

// manyPlaces is a sign-in whose network and country no other (day, n) has.
func manyPlaces(day, n int, changes ...change) event.Event {
	return signIn(on(day, "08:00")+event.Time(n)*event.Minute, append([]change{
		berlin, as(uint32(1000 + 100*day + n)), country(string([]byte{'A' + byte(day), 'A' + byte(n)})),
	}, changes...)...)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// An attacker who is never noticed can add what he uses, but he cannot push
// out what the user lives with.
func TestBaselinesKeepWhatIsAtHome(t *testing.T) {
	d := settled(t)
	for day := 14; day < 24; day++ {
		for n := range 20 {
			e := manyPlaces(day, n, bound(fmt.Sprintf("device-%d-%d", day, n)))
			for range 2 * atHome {
				d.set.Learn(&e, &d.m, Verdict{})
			}
		}
	}
	k := d.knows(signIn(on(40, "08:00"), berlin, laptop))
	if !k.KnownDevice || !k.KnownNetwork || !k.KnownCountry {
		t.Errorf("home is forgotten: %+v", k)
	}
}

// What the subject has moved away from does give way, once there is enough
// that it lives with now.
func TestBaselinesForgetTheOldHome(t *testing.T) {
	d := settled(t)
	for n := range maxDevices {
		for day := range atHome {
			e := signIn(on(30*(n+1)+day, "08:00"), paris, bound(fmt.Sprint("office-", n)))
			d.set.Learn(&e, &d.m, Verdict{})
		}
	}
	if d.knows(signIn(on(400, "08:00"), paris, laptop)).KnownDevice {
		t.Error("a device that was replaced long ago is still known")
	}
}

func TestFamiliarity(t *testing.T) {
	d := settled(t)
	d.guess(3, on(15, "07:50"), time.Minute, tokyo, kali)
	for _, c := range []struct {
		name  string
		event event.Event
		want  Familiarity
	}{
		{"at home", signIn(on(15, "08:00"), berlin, laptop), Familiarity{14, 15, true, true, true, 3}},
		{"elsewhere", signIn(on(15, "20:00"), tokyo, kali), Familiarity{14, 15.5, false, false, false, 0}},
		{"at another office", signIn(on(15, "08:00"), tokyo, laptop, onCorporate), Familiarity{14, 15, true, true, false, 3}},
		{"from a log that tells nothing", signIn(on(15, "08:00")), Familiarity{14, 15, false, false, false, 3}},
		{"before it all", signIn(on(-3, "08:00")), Familiarity{SignIns: 14}},
	} {
		if got := d.knows(c.event); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	if got, want := newDiary(t).knows(signIn(on(0, "08:00"), berlin, laptop)), (Familiarity{}); got != want {
		t.Errorf("a subject never seen: %+v", got)
	}
}

func TestDaysKnownCountFromTheEarliestSignIn(t *testing.T) {
	d := newDiary(t)
	d.entry(signIn(on(1, "08:00"), berlin, laptop))
	d.entry(signIn(on(0, "20:00"), berlin, laptop))
	if got := d.knows(signIn(on(1, "20:00"))).DaysKnown; got != 1 {
		t.Errorf("known for %g days, want 1", got)
	}
}

// A second factor is part of its sign-in.
func TestSecondFactorIsNoSignInOfItsOwn(t *testing.T) {
	d := newDiary(t)
	for minute := range 5 {
		at := on(0, "08:00") + event.Time(minute)*event.Minute
		d.entry(signIn(at, berlin, laptop))
		d.entry(signIn(at, berlin, laptop, action(event.MFAVerify), factor(event.FactorPush)))
	}
	if got := d.knows(signIn(on(0, "09:00"))).SignIns; got != 5 {
		t.Errorf("%d sign-ins counted, want 5", got)
	}
}
