package detectors

import (
	"fmt"
	"slices"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// A browser of a known kind is the user's only with the cookie.
func TestBrowsers(t *testing.T) {
	for _, c := range []struct {
		name  string
		event []change
		want  string // of new_device
	}{
		{"the user's", []change{paris, laptop, cookie("mine")}, ""},
		{"a strange one elsewhere", []change{paris, laptop, cookie("theirs")}, "new_device"},
		{"a strange one in a known network", []change{munich, laptop, cookie("theirs")}, "new_device×0.5"},
		{"cookies cleared at home", []change{berlin, laptop, cookie("new")}, ""},
		{"cookies cleared at the office", []change{paris, onCorporate, laptop, cookie("new")}, ""},
		{"no cookie in the log", []change{paris, laptop}, ""},
		{"of another kind, with the cookie", []change{paris, kali, cookie("mine")}, ""},
		{"of another kind, at home", []change{berlin, kali, cookie("theirs")}, "new_device×0.5"},
		{"of another kind, in a known network", []change{munich, kali, cookie("theirs")}, "new_device"},
		{"a registered device with a strange cookie", []change{paris, laptop, bound("mac-1"), cookie("new")}, ""},
		{"a new registered device with the cookie", []change{paris, laptop, bound("mac-2"), cookie("mine")}, ""},
		{"a new registered device with a strange cookie", []change{paris, laptop, bound("mac-2"), cookie("theirs")}, "new_device"},
		{"no client at all", []change{paris, noUserAgent}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := recognised(t)
			d.entry(signIn(on(14, "08:00"), berlin, laptop, bound("mac-1"), cookie("mine")))
			found := d.entry(signIn(on(20, "09:00"), c.event...))
			if got := names(only(found, newDevice)); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
}

func TestAStrangeBrowserTellsWhatItIs(t *testing.T) {
	d := recognised(t)
	found := d.entry(signIn(on(20, "09:00"), paris, laptop, cookie("theirs")))
	one := get(t, found, newDevice)
	if want := "Sign-in from a browser of a kind that this user has, but none of theirs: Safari on macOS"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	if want := "device=Safari on macOS; registered=no; known_devices=1.00; known_kind=yes; "; evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
	if want := "Unlike this user: a new network in a new country, a new browser of a known kind; more than 1,000 times likelier to be somebody else"; get(t, found, unfamiliarSignIn).Summary != want {
		t.Errorf("summary %q, want %q", get(t, found, unfamiliarSignIn).Summary, want)
	}
}

// The user's cookie speaks for the user, a strange one against.
func TestUnfamiliarSignInWeighsTheCookie(t *testing.T) {
	strength := func(d *diary, changes ...change) float64 {
		return strengthOf(d.entry(signIn(on(20, "09:00"), append(changes, otherProvider)...)), unfamiliarSignIn)
	}
	mine := strength(recognised(t), laptop, cookie("mine"))
	none := strength(settled(t), laptop)
	strange := strength(recognised(t), laptop, cookie("theirs"))
	if mine >= none || none >= strange {
		t.Errorf("the user's own %g, without cookies %g, a strange one %g; want them to rise", mine, none, strange)
	}
	if got := strength(recognised(t), laptop, bound("mac-2"), cookie("mine")); got != mine {
		t.Errorf("newly registered, with the user's cookie: %g, want %g", got, mine)
	}
}

// Places say less in the user's own browser, from the day after it was learned.
func TestPlacesSayLessInTheUsersOwnBrowser(t *testing.T) {
	for _, c := range []struct {
		cookie string
		want   float64
	}{{"mine", ownDeviceStrength}, {"today", 1}, {"theirs", 1}} {
		d := recognised(t)
		d.entry(signIn(on(20, "08:00"), berlin, laptop, cookie("today")))
		found := d.entry(signIn(on(20, "19:00"), tokyo, through("vpn"), laptop, cookie(c.cookie)))
		for _, name := range []string{newCountry, newNetwork, anonymousIP} {
			if got := strengthOf(found, name); got != c.want {
				t.Errorf("%s, %s: strength %g, want %g", c.cookie, name, got, c.want)
			}
		}
	}
}

func TestImpossibleTravelInTheUsersOwnBrowser(t *testing.T) {
	for cookieName, want := range map[string]float64{"mine": downgrade, "theirs": 1} {
		d := recognised(t)
		d.entry(signIn(on(20, "08:00"), berlin, laptop, cookie("mine")))
		if got := strengthOf(d.entry(signIn(on(20, "09:00"), tokyo, laptop, cookie(cookieName))), impossibleTravel); got != want {
			t.Errorf("%s: strength %g, want %g", cookieName, got, want)
		}
	}
}

// Who uses private windows has another cookie each day, which says nothing.
func TestForgetfulBrowsers(t *testing.T) {
	d := newDiary(t)
	for day := range 14 {
		d.entry(signIn(on(day, "08:00"), berlin, laptop, cookie(fmt.Sprint("day ", day))))
	}
	if !d.m.browsers.forgetful() {
		t.Fatal("not taken for forgetful")
	}
	if got := strengthOf(d.entry(signIn(on(20, "09:00"), paris, laptop, cookie("day 20"))), newDevice); got != 0 {
		t.Errorf("new_device at strength %g", got)
	}
	oddity := func(changes ...change) float64 {
		at := mustSee(signIn(on(20, "09:00"), append(changes, paris, laptop)...))
		return d.m.clientOddity(&at)
	}
	if strange, none := oddity(cookie("another")), oddity(); strange != none {
		t.Errorf("unfamiliar_sign_in holds %.2f nats against a strange cookie, without any %.2f", strange, none)
	}
	for day := 21; day < 30; day++ {
		d.entry(signIn(on(day, "08:00"), berlin, laptop, cookie("kept")))
	}
	if !d.m.browsers.forgetful() {
		t.Error("one cookie that is kept does not undo a list of lost ones")
	}
}

func TestBrowsersThatAreClearedNowAndThenAreNotForgetful(t *testing.T) {
	d := newDiary(t)
	for day := range 120 {
		d.entry(signIn(on(day, "08:00"), berlin, laptop, cookie(fmt.Sprint("month ", day/30))))
	}
	if d.m.browsers.forgetful() {
		t.Error("taken for forgetful")
	}
	if got := count(d.m.browsers[:]); got != 4 {
		t.Errorf("%d browsers known, want 4", got)
	}
}

// What is known from another provider, or from before browsers were remembered,
// stays known: until the first cookie nothing is strange, and each further
// browser is new once at most.
func TestTheFirstCookies(t *testing.T) {
	d := settled(t)
	for day := 14; day < 17; day++ {
		d.entry(signIn(on(day, "08:00"), berlin, phone))
	}
	for _, step := range []struct {
		name  string
		event []change
		want  string
	}{
		{"the first cookie", []change{paris, laptop, cookie("laptop")}, ""},
		{"the phone's", []change{paris, as(64699), ip("198.51.100.21"), phone, cookie("phone")}, "new_device"},
		{"the phone's again", []change{paris, as(64698), ip("198.51.100.22"), phone, cookie("phone")}, ""},
		{"the laptop at the other provider", []change{paris, as(64697), ip("198.51.100.23"), laptop}, ""},
	} {
		found := only(d.entry(signIn(on(20, "09:00"), step.event...)), newDevice)
		if got := names(found); got != step.want {
			t.Errorf("%s: fired %q, want %q", step.name, got, step.want)
		}
	}
}

func TestBrowsersAreLearned(t *testing.T) {
	knows := func(d *diary, id string) bool {
		at := see(&event.Event{UserAgent: event.UserAgent{ID: id}})
		return d.m.browsers.knows(&at)
	}
	t.Run("a few a day", func(t *testing.T) {
		d := newDiary(t)
		for i := range browsersPerDay + 1 {
			d.entry(signIn(on(0, fmt.Sprintf("08:0%d", i)), berlin, laptop, cookie(fmt.Sprint(i))))
		}
		if !knows(d, fmt.Sprint(browsersPerDay-1)) || knows(d, fmt.Sprint(browsersPerDay)) {
			t.Errorf("%d browsers known, want %d", count(d.m.browsers[:]), browsersPerDay)
		}
	})
	t.Run("not of a challenged sign-in", func(t *testing.T) {
		d := recognised(t)
		d.entry(signIn(on(20, "09:00"), tokyo, kali, cookie("theirs")))
		if d.last < event.Medium || knows(d, "theirs") {
			t.Errorf("level %v, known %t", d.last, knows(d, "theirs"))
		}
		d.entry(signIn(on(20, "09:05"), tokyo, kali, cookie("theirs"), action(event.MFAVerify), factor(event.FactorStrong)))
		if !knows(d, "theirs") {
			t.Error("nor when a key has proven it")
		}
	})
	for _, c := range []struct {
		name  string
		event []change
		want  bool
	}{
		{"an application's own, at home", []change{berlin, laptop, opens}, true},
		{"an application's own, at another address of the network", []change{munich, laptop, opens}, true},
		{"an application's own, elsewhere", []change{paris, laptop, opens}, false},
		{"an application's own, on an unknown system", []change{berlin, kali, opens}, false},
		{"a refusal", []change{berlin, laptop, opens, unsuccessful}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := recognised(t)
			d.entry(signIn(on(20, "09:00"), append(c.event, cookie("app"))...))
			if got := knows(d, "app"); got != c.want {
				t.Errorf("known %t, want %t", got, c.want)
			}
		})
	}
}

// only leaves in what one detector has found.
func only(found []event.Detection, name string) []event.Detection {
	var one []event.Detection
	for _, d := range found {
		if d.Name == name {
			one = append(one, d)
		}
	}
	return one
}

// Where devices look alike the provider's cookie tells them apart.
func TestStrangeSession(t *testing.T) {
	hotel := []change{paris, laptop}
	for _, c := range []struct {
		name          string
		first, second []change
		want          float64
	}{
		{"another cookie elsewhere", []change{berlin, laptop, cookie("mine")}, []change{paris, laptop, cookie("theirs"), opens}, 1},
		{"a token for another cookie", []change{berlin, laptop, cookie("mine")}, []change{paris, laptop, cookie("theirs"), refreshes}, 1},
		{"another cookie and device", []change{berlin, laptop, cookie("mine")}, []change{paris, kali, cookie("theirs"), opens}, 1},
		{"an application's own browser at home", []change{berlin, laptop, cookie("mine")}, []change{munich, laptop, cookie("app"), opens}, 0},
		{"the same cookie elsewhere", []change{berlin, laptop, cookie("mine")}, []change{paris, laptop, cookie("mine"), opens}, 0},
		{"another cookie on the registered laptop", []change{berlin, laptop, bound("mac-1"), cookie("mine")}, []change{paris, laptop, bound("mac-1"), cookie("new"), opens}, 0},
		{"no cookie at first", []change{berlin, laptop}, []change{paris, laptop, cookie("theirs"), opens}, 0},
		{"no cookie then", []change{berlin, laptop, cookie("mine")}, []change{paris, laptop, opens}, 0},
		{"over the phone's hotspot", []change{berlin, laptop, cookie("mine")}, []change{berlin, as(12638), asType(event.ASMobile), laptop, cookie("app"), opens}, 0},
		{"at the office", []change{berlin, laptop, cookie("mine")}, []change{paris, onCorporate, laptop, cookie("app"), opens}, 0},

		{"passed on by a phishing proxy", append(hotel, cookie("proxy")), []change{tokyo, laptop, cookie("proxy"), opens}, 1},
		{"a known browser in a hotel, then elsewhere", append(hotel, cookie("mine")), []change{tokyo, laptop, cookie("mine"), opens}, 0},
		{"a new browser in a hotel, then at home", append(hotel, cookie("new")), []change{berlin, laptop, cookie("new"), opens}, 0},
		{"… then at another address of the user's provider", append(hotel, cookie("proxy")), []change{munich, laptop, cookie("proxy"), opens}, 1},
		{"a new browser at home, then elsewhere", []change{berlin, laptop, cookie("new")}, []change{tokyo, laptop, cookie("new"), opens}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t)
			for day := range 14 {
				d.entry(signIn(on(day, "08:00"), berlin, laptop, bound("mac-1"), cookie("mine")))
				d.entry(signIn(on(day, "08:01"), berlin, laptop, cookie("mine")))
			}
			d.entry(signIn(on(20, "09:00"), append(c.first, session("s1"))...))
			found := d.entry(signIn(on(20, "09:12"), append(c.second, session("s1"))...))
			if got := strengthOf(found, newDevice); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
		})
	}
}

// Without the user's own cookies there is nothing to compare with.
func TestStrangeSessionOfWhomNoCookieIsKnown(t *testing.T) {
	d := settled(t)
	d.m.sessions[0] = origin{
		at: secondsOf(on(20, "09:00")), session: fold(event.Hash("s1")), network: 1, browser: 2, client: client{name: 3},
	}
	if got := strengthOf(d.entry(signIn(on(20, "09:12"), paris, laptop, cookie("theirs"), session("s1"), opens)), newDevice); got != 0 {
		t.Errorf("strength %g", got)
	}
}

func TestStrangeSessionTellsWhere(t *testing.T) {
	for _, c := range []struct {
		first, second string
		want, summary string
	}{
		{"mine", "theirs", "no", "Session goes on from Kanto Net (AS64620) in another browser than it began in, not known as this user's before today: Safari on macOS"},
		{"proxy", "proxy", "yes", "Session goes on from Kanto Net (AS64620) in the browser that it began in, not known as this user's before today: Safari on macOS"},
	} {
		d := recognised(t)
		d.entry(signIn(on(20, "09:00"), paris, laptop, cookie(c.first), session("s1")))
		one := get(t, d.entry(signIn(on(20, "09:12"), tokyo, laptop, cookie(c.second), session("s1"), opens)), newDevice)
		if !slices.Contains(one.Evidence, event.Text("began_in_it", c.want)) || !one.Session {
			t.Errorf("began in it is not %s, or it is not of the session: %+v", c.want, one)
		}
		if one.Summary != c.summary {
			t.Errorf("summary %q, want %q", one.Summary, c.summary)
		}
	}
}
