package detectors

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

// A session that is open comes to a place as a sign-in does.
func TestASessionThatMoves(t *testing.T) {
	for _, c := range []struct {
		name   string
		first  []change
		second []change
		want   string
	}{
		{"to another country", []change{berlin, laptop}, []change{tokyo, laptop, opens}, "new_country new_network"},
		{"through a VPN", []change{berlin, laptop}, []change{tokyo, laptop, through("vpn"), opens}, "new_country new_network anonymous_ip"},
		{"a token from elsewhere", []change{berlin, laptop}, []change{tokyo, laptop, refreshes}, "new_country new_network"},
		{"a download", []change{berlin, laptop}, []change{tokyo, laptop, action(event.Download)}, "new_country new_network"},
		{"with its own browser", []change{berlin, laptop, cookie("mine")}, []change{tokyo, laptop, cookie("mine"), opens}, "new_country×0.5 new_network×0.5"},
		{"no user agent", []change{berlin, noUserAgent}, []change{tokyo, noUserAgent, refreshes}, "new_country new_network"},
		{"a sign-in in it is judged once", []change{berlin, laptop}, []change{tokyo, laptop}, "impossible_travel×0.5 new_country new_network"},

		{"nowhere", []change{berlin, laptop}, []change{berlin, ip("192.0.2.99"), laptop, opens}, ""},
		{"home", []change{tokyo, laptop}, []change{berlin, laptop, opens}, ""},
		{"to the office", []change{berlin, laptop}, []change{tokyo, laptop, onCorporate, opens}, ""},
		{"from Wi-Fi to a mobile network", []change{berlin, laptop}, []change{berlin, as(64699), asType(event.ASMobile), laptop, opens}, ""},
		{"the app's server redeems the code", []change{berlin, laptop}, []change{tokyo, script, redeems}, ""},
		{"no address", []change{berlin, laptop}, []change{noAddress, laptop, opens}, ""},
		{"no address at first", []change{noAddress, laptop}, []change{tokyo, laptop, opens}, ""},
		{"a refusal", []change{berlin, laptop}, []change{tokyo, laptop, opens, unsuccessful}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := recognised(t)
			d.entry(signIn(on(20, "09:00"), append(c.first, session("s1"))...))
			second := signIn(on(20, "15:00"), append(c.second, session("s1"))...)
			if got := things(d.entry(second)); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
			second.Session.ID = "s2"
			if second.Action != event.SignIn {
				if got := things(d.entry(second)); got != "" {
					t.Errorf("a session that was never seen: fired %q", got)
				}
			}
		})
	}
}

func TestASessionMovesOnce(t *testing.T) {
	for name, agent := range map[string]change{"laptop": laptop, "no user agent": noUserAgent} {
		t.Run(name, func(t *testing.T) {
			d := settled(t)
			d.entry(signIn(on(20, "09:00"), berlin, agent, session("s1")))
			for _, step := range []struct {
				clock string
				where change
				want  string
			}{
				{"10:00", tokyo, "new_country new_network"},
				{"10:01", tokyo, ""},
				{"10:30", noAddress, ""},
				{"10:31", tokyo, ""},
				{"11:00", berlin, ""},
				{"23:00", tokyo, "new_country new_network"},
				{"22:30", paris, ""}, // late
				{"23:01", tokyo, ""},
			} {
				if got := things(d.entry(signIn(on(20, step.clock), step.where, agent, session("s1"), opens))); got != step.want {
					t.Errorf("%s: fired %q, want %q", step.clock, got, step.want)
				}
			}
		})
	}
}

func TestASessionThatMovesSaysSo(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(20, "09:00"), berlin, laptop, session("s1")))
	found := d.entry(signIn(on(20, "15:00"), tokyo, laptop, through("vpn"), session("s1"), opens))
	for name, want := range map[string]string{
		newCountry:  "Session goes on from a country new for this user: JP; known: DE",
		newNetwork:  "Session goes on from a network new for this user: Kanto Net (AS64620)",
		anonymousIP: "Session goes on through a VPN new for this user: Kanto Net (AS64620)",
	} {
		if got := get(t, found, name).Summary; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestASessionThatMovesIsQuietWhileLearning(t *testing.T) {
	d := newDiary(t)
	d.entry(signIn(on(0, "09:00"), berlin, laptop, session("s1")))
	if got := things(d.entry(signIn(on(0, "15:00"), tokyo, laptop, session("s1"), opens))); got != "" {
		t.Errorf("fired %q", got)
	}
}

// The places to which the user's own device takes a session are the user's.
func TestOwnDevicesTeachWhereTheyGo(t *testing.T) {
	for _, c := range []struct {
		name   string
		device []change
		known  bool
	}{
		{"the user's browser", []change{laptop, cookie("mine")}, true},
		{"a browser of the kind", []change{laptop}, false},
		{"one with another cookie", []change{laptop, cookie("theirs")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := recognised(t)
			d.entry(signIn(on(20, "09:00"), append(c.device, berlin, session("s1"))...))
			moved := signIn(on(20, "15:00"), append(c.device, paris, session("s1"), opens)...)
			d.entry(moved)
			if k := d.knows(moved); k.KnownNetwork != c.known || k.KnownCountry != c.known {
				t.Errorf("network known %t, country %t; want %t", k.KnownNetwork, k.KnownCountry, c.known)
			}
		})
	}
}
