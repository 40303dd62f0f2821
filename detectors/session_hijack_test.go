package detectors

import (
	"fmt"
	"testing"

	"github.com/riskstream/riskstream/event"
)

var (
	chrome = browser("Windows", "Chrome")
	edge   = browser("Windows", "Edge")
	teams  = browser("Windows", "Microsoft Teams")
	iphone = browser("iOS", "Safari")
	script = browser("", "python-requests")

	refreshes = action(event.TokenRefresh)
	opens     = action(event.Access)
	redeems   = action(event.TokenIssue)
)

func version(v string) change { return func(e *event.Event) { e.UserAgent.Version = v } }

func TestSessionHijack(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second []change
		want          float64
	}{
		{"new network and browser", []change{berlin, chrome}, []change{tokyo, kali, refreshes}, 1},
		{"a sign-in", []change{berlin, chrome}, []change{tokyo, kali}, 1},
		{"an app is opened", []change{berlin, chrome}, []change{tokyo, kali, opens}, 1},
		{"a token is replayed by a script", []change{berlin, chrome}, []change{tokyo, script, refreshes}, 1},
		{"another browser of the same system", []change{berlin, chrome}, []change{tokyo, edge, opens}, 1},
		{"another registered device", []change{berlin, chrome, bound("d1")}, []change{tokyo, chrome, bound("d2"), opens}, 1},
		{"no longer a registered device", []change{berlin, chrome, bound("d1")}, []change{tokyo, kali, opens}, 1},
		{"the stranger first", []change{tokyo, kali}, []change{berlin, laptop, opens}, ownSessionStrength},
		{"from the office into the world", []change{berlin, chrome, onCorporate}, []change{tokyo, kali, opens}, 1},
		{"a mobile network abroad", []change{berlin, iphone}, []change{tokyo, browser("iOS", "Chrome"), asType(event.ASMobile), opens}, 1},

		{"new network only", []change{berlin, chrome}, []change{tokyo, chrome, refreshes}, 0},
		{"new browser only", []change{berlin, chrome}, []change{berlin, edge, opens}, 0},
		{"browser update", []change{berlin, chrome, version("132")}, []change{tokyo, chrome, version("133"), opens}, 0},
		{"an older one of the same browser", []change{berlin, chrome, version("132")}, []change{tokyo, chrome, version("131"), opens}, 1},
		{"an older one of an app", []change{berlin, teams, version("2")}, []change{tokyo, teams, version("1"), opens}, 0},
		{"no version", []change{berlin, chrome, version("132")}, []change{tokyo, chrome, opens}, 0},
		{"no user agent", []change{berlin, chrome}, []change{tokyo, noUserAgent, refreshes}, 0},
		{"no user agent at first", []change{berlin, noUserAgent}, []change{tokyo, kali, refreshes}, 0},
		{"no address", []change{berlin, chrome}, []change{noAddress, kali, refreshes}, 0},
		{"apps of one device", []change{berlin, chrome}, []change{paris, teams, refreshes}, 0},
		{"the same registered device", []change{berlin, chrome, bound("d1")}, []change{tokyo, kali, bound("d1"), refreshes}, 0},
		{"Wi-Fi to mobile", []change{berlin, iphone}, []change{berlin, as(12638), asType(event.ASMobile), browser("iOS", "Chrome"), opens}, 0},
		{"mobile to Wi-Fi", []change{berlin, as(12638), asType(event.ASMobile), iphone}, []change{berlin, browser("iOS", "Chrome"), opens}, 0},
		{"corporate egress", []change{paris, chrome}, []change{tokyo, kali, onCorporate, opens}, 0},
		{"the app's server redeems the code", []change{berlin, chrome}, []change{tokyo, script, redeems}, 0},
		{"a refusal", []change{berlin, chrome}, []change{tokyo, kali, opens, unsuccessful}, 0},
		{"a second factor from the phone", []change{berlin, chrome}, []change{tokyo, kali, action(event.MFAVerify)}, 0},
		{"a workload", []change{berlin, chrome, asService}, []change{tokyo, kali, opens, asService}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.entry(signIn(on(20, "09:00"), append(c.first, session("s1"))...))
			found := d.entry(signIn(on(20, "09:12"), append(c.second, session("s1"))...))
			if got := strengthOf(found, sessionHijack); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
			d.entry(signIn(on(21, "09:00"), append(c.first, session("s2"))...))
			if got := strengthOf(d.entry(signIn(on(21, "09:12"), append(c.second, session("s3"))...)), sessionHijack); got != 0 {
				t.Errorf("another session: strength %g", got)
			}
		})
	}
}

func TestSessionHijackTellsWhatItSaw(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(20, "09:00"), berlin, chrome, session("s1")))
	one := get(t, d.entry(signIn(on(20, "09:12"), tokyo, kali, session("s1"), refreshes)), sessionHijack)
	if want := "Session goes on from Tokyo (JP) with Firefox on Linux; it began in another network on another device"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	want := "network=Kanto Net (AS64620); device=Firefox on Linux; place=Tokyo (JP); known_network_and_device=no; began_in=DE; "
	if evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
	if !one.Session {
		t.Error("the evidence is not of the session")
	}
	again := get(t, d.entry(signIn(on(20, "09:20"), sydney, script, session("s1"), opens)), sessionHijack)
	if again.Key != one.Key {
		t.Error("the session's next place is other evidence")
	}
	if want := "Session goes on from Sydney (AU) with python-requests; it began in another network on another device"; again.Summary != want {
		t.Errorf("summary %q, want %q", again.Summary, want)
	}
	if got := names(d.entry(signIn(on(20, "09:21"), berlin, chrome, session("s1"), opens))); got != "" {
		t.Errorf("its owner is suspected: %s", got)
	}
}

// Who takes a session over in two steps, first the network and then the
// device, is compared with where it began.
func TestSessionHijackInSteps(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(20, "09:00"), berlin, chrome, session("s1")))
	d.entry(signIn(on(20, "09:10"), tokyo, chrome, session("s1"), refreshes))
	if got := strengthOf(d.entry(signIn(on(20, "09:20"), tokyo, kali, session("s1"), refreshes)), sessionHijack); got != 1 {
		t.Errorf("strength %g", got)
	}
}

// A VPN that the user is known to come through is switched on and off.
func TestSessionHijackKnowsTheUsersVPN(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(15, "09:00"), paris, laptop, through("vpn")))
	d.entry(signIn(on(20, "09:00"), berlin, chrome, session("s1")))
	if got := strengthOf(d.entry(signIn(on(20, "09:10"), paris, edge, through("vpn"), session("s1"), opens)), sessionHijack); got != 0 {
		t.Errorf("strength %g", got)
	}
	if got := strengthOf(d.entry(signIn(on(20, "09:20"), tokyo, edge, through("vpn"), session("s1"), opens)), sessionHijack); got != 1 {
		t.Errorf("another VPN: strength %g", got)
	}
}

// Some providers give all devices of a user one session.
func TestOneSessionForAllOfAUsersDevices(t *testing.T) {
	d := settled(t)
	for day := 14; day < 17; day++ {
		d.entry(signIn(on(day, "09:00"), munich, as(64602), iphone))
	}
	d.entry(signIn(on(20, "09:00"), berlin, laptop, session("s1")))
	if got := strengthOf(d.entry(signIn(on(20, "09:10"), munich, as(64602), iphone, session("s1"), opens)), sessionHijack); got != 0 {
		t.Errorf("strength %g", got)
	}
}

// A place that an unchallenged sign-in has just taught is not the user's.
func TestSessionHijackFromWhereSomebodyHasJustComeIn(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(20, "08:30"), berlin, laptop, session("s1")))
	d.entry(signIn(on(20, "09:00"), berlin, as(64999), kali, session("s2")))
	if k := d.knows(signIn(on(20, "09:01"), berlin, as(64999), kali)); !k.KnownDevice || !k.KnownNetwork {
		t.Fatal("it is not learned")
	}
	if got := strengthOf(d.entry(signIn(on(20, "09:10"), berlin, as(64999), kali, session("s1"), opens)), sessionHijack); got != 1 {
		t.Errorf("strength %g", got)
	}
}

func TestASessionThatIsSafeGoesOn(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(20, "09:00"), berlin, chrome, session("s1")))
	moved := signIn(on(20, "09:10"), tokyo, kali, session("s1"), opens)
	if got := strengthOf(d.entry(moved), sessionHijack); got != 1 {
		t.Fatalf("strength %g", got)
	}
	d.set.ConfirmSafe(&d.m)
	if got := strengthOf(d.entry(moved), sessionHijack); got != 0 {
		t.Errorf("confirmed as safe, and still strength %g", got)
	}
}

func TestSessionsAreForgotten(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(20, "09:00"), berlin, chrome, session("s1")))
	d.entry(signIn(on(27, "09:00"), berlin, chrome))
	if d.m.sessions == (sessions{}) {
		t.Error("forgotten within a week")
	}
	d.entry(signIn(on(27, "09:01"), berlin, chrome))
	if d.m.sessions != (sessions{}) {
		t.Error("kept for longer than a week")
	}
	for i := range maxSessions + 1 {
		d.entry(signIn(on(28, fmt.Sprintf("10:0%d", i)), berlin, chrome, session(fmt.Sprint("s", i))))
	}
	if got := strengthOf(d.entry(signIn(on(28, "11:00"), tokyo, kali, session("s0"), opens)), sessionHijack); got != 0 {
		t.Error("more sessions are remembered than there are places")
	}
	if got := strengthOf(d.entry(signIn(on(28, "11:00"), tokyo, kali, session("s6"), opens)), sessionHijack); got != 1 {
		t.Error("the newest session is forgotten")
	}
}

// At another address of the provider's network it takes both: another program,
// and another cookie.
func TestSessionHijackInOneNetwork(t *testing.T) {
	for _, c := range []struct {
		name   string
		second []change
		want   float64
	}{
		{"another program and cookie", []change{munich, kali, cookie("theirs"), opens}, sameNetworkStrength},
		{"another program alone", []change{munich, kali, opens}, 0},
		{"another program with the session's cookie", []change{munich, kali, cookie("mine"), opens}, 0},
		{"another cookie alone", []change{munich, laptop, cookie("theirs"), opens}, 0},
		{"at the address that it began at", []change{berlin, kali, cookie("theirs"), opens}, 0},
		{"in another network", []change{paris, kali, cookie("theirs"), opens}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := recognised(t)
			d.entry(signIn(on(20, "09:00"), berlin, laptop, cookie("mine"), session("s1")))
			if got := strengthOf(d.entry(signIn(on(20, "09:12"), append(c.second, session("s1"))...)), sessionHijack); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
		})
	}
}
