package detectors

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

// The user was last seen on day 13.
func TestDormantAccount(t *testing.T) {
	refreshes := func(d *diary) { d.entry(signIn(on(50, "08:00"), berlin, laptop, action(event.TokenRefresh))) }
	for _, c := range []struct {
		name  string
		then  func(*diary)
		day   int
		event []change
		want  float64
	}{
		{"elsewhere on another computer", nil, 60, []change{otherProvider, kali}, 1},
		{"after 45 days", nil, 58, []change{otherProvider, kali}, 0},
		{"after 46 days", nil, 59, []change{otherProvider, kali}, 1},
		{"back from leave", nil, 200, []change{berlin, laptop}, 0},
		{"back from leave at the office", nil, 200, []change{otherProvider, onCorporate, laptop}, 0},
		{"back from leave with another laptop", nil, 200, []change{berlin, kali}, 0.5},
		{"back from leave in another home", nil, 200, []change{otherProvider, laptop}, 0.25},
		{"back, and the log names no device", nil, 200, []change{berlin, noUserAgent}, 0},
		{"back, and the log names no address", nil, 200, []change{laptop, noAddress}, 0},
		{"a phone has fetched mail", refreshes, 60, []change{otherProvider, kali}, 0},
		{"a phone had fetched mail", refreshes, 120, []change{otherProvider, kali}, 1},
		{"a second factor just before", func(d *diary) {
			d.entry(signIn(on(60, "08:58"), otherProvider, kali, action(event.MFAVerify), factor(event.FactorOTP)))
		}, 60, []change{otherProvider, kali}, 1},
		{"refused attempts are no life", func(d *diary) { d.entry(signIn(on(50, "08:00"), otherProvider, kali, unsuccessful)) }, 60, []change{otherProvider, kali}, 1},
		{"back already", func(d *diary) { d.entry(signIn(on(59, "08:00"), berlin, laptop)) }, 60, []change{otherProvider, kali}, 0},
		{"away as long as before", func(d *diary) { d.entry(signIn(on(113, "08:00"), berlin, laptop)) }, 238, []change{otherProvider, kali}, 0},
		{"away for longer than before", func(d *diary) { d.entry(signIn(on(113, "08:00"), berlin, laptop)) }, 239, []change{otherProvider, kali}, 1},
		{"refused", nil, 60, []change{otherProvider, kali, unsuccessful}, 0},
		{"workload", nil, 60, []change{otherProvider, kali, asService}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			if c.then != nil {
				c.then(d)
			}
			found := d.entry(signIn(on(c.day, "09:00"), c.event...))
			if got := strengthOf(found, dormantAccount); got != c.want {
				t.Errorf("strength %g, want %g; fired %s", got, c.want, names(found))
			}
		})
	}
}

// A browser that has lost its cookie at an address of the user's is no new device,
// here and for new_device.
func TestDormantAccountWithoutACookie(t *testing.T) {
	for _, c := range []struct {
		name  string
		event []change
		want  float64
	}{
		{"cookies cleared at home", []change{berlin, laptop, cookie("new")}, 0},
		{"cookies cleared in another home", []change{otherProvider, laptop, cookie("new")}, 1},
		{"another laptop at home", []change{berlin, kali, cookie("new")}, knownNetworkStrength},
	} {
		if got := strengthOf(recognised(t).entry(signIn(on(60, "09:00"), c.event...)), dormantAccount); got != c.want {
			t.Errorf("%s: strength %g, want %g", c.name, got, c.want)
		}
	}
}

func TestDormantAccountTellsWhatItSaw(t *testing.T) {
	d := get(t, settled(t).entry(signIn(on(110, "09:00"), otherProvider, kali)), dormantAccount)
	want := "First sign of life for 97 days, on Firefox on Linux from Other ISP (AS64650)" +
		" / days_away=97.00; longest_before=0.00; known_device=no; known_network=no; "
	if got := d.Summary + " / " + evidence(d); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// A challenged sign-in ends no absence, but the next one is not the first.
func TestDormantAccountTellsTheFirstSignOfLifeOnce(t *testing.T) {
	d := settled(t)
	for _, c := range []struct {
		day  int
		want string
	}{
		{60, "First sign of life for 47 days, on Firefox on Linux from Other ISP (AS64650)"},
		{61, "Nothing but challenged sign-ins for 48 days, on Firefox on Linux from Other ISP (AS64650)"},
		{62, "Nothing but challenged sign-ins for 49 days, on Firefox on Linux from Other ISP (AS64650)"},
	} {
		found := get(t, d.entry(signIn(on(c.day, "09:00"), otherProvider, kali)), dormantAccount)
		if found.Summary != c.want || found.Strength != 1 {
			t.Errorf("\n got %s, strength %g\nwant %s", found.Summary, found.Strength, c.want)
		}
	}
}
