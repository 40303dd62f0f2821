package detectors

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

func listed(list string) change { return func(e *event.Event) { e.Source.ThreatList = list } }

func leaked(at event.Time) change {
	return func(e *event.Event) { e.User.Leaked = event.Leak{List: "paste", At: at} }
}

func code(s string) change { return func(e *event.Event) { e.Code = s } }

func TestThreatIP(t *testing.T) {
	for _, c := range []struct {
		name   string
		change []change
		want   float64
	}{
		{"elsewhere", []change{tokyo, kali, listed("scanners")}, 1},
		{"on no list", []change{tokyo, kali}, 0},
		{"another device at home", []change{berlin, kali, listed("scanners")}, 1},
		{"at home, own device", []change{berlin, laptop, listed("scanners")}, ownThreatStrength},
		{"a corporate egress", []change{tokyo, kali, onCorporate, listed("scanners")}, 0},
		{"a wrong password", []change{tokyo, kali, listed("scanners"), wrongPassword}, 0},
		{"a workload", []change{tokyo, kali, listed("scanners"), asService}, 0},
		{"a token is refreshed", []change{tokyo, kali, listed("scanners"), action(event.TokenRefresh)}, 0},
		{"no address, whatever the log says", []change{noAddress, kali, listed("scanners")}, 1},
	} {
		if got := strengthOf(settled(t).entry(signIn(on(20, "09:00"), c.change...)), threatIP); got != c.want {
			t.Errorf("%s: strength %g, want %g", c.name, got, c.want)
		}
	}
	d := get(t, settled(t).entry(signIn(on(20, "09:00"), tokyo, kali, listed("scanners"))), threatIP)
	const want = "Sign-in from an address on the threat list scanners: Kanto Net (AS64620) / list=scanners; network=Kanto Net (AS64620); known_network_and_device=no; "
	if got := d.Summary + " / " + evidence(d); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLeakedCredential(t *testing.T) {
	changed := func(e *event.Event) { e.Action, e.Code = event.CredentialChange, "user.account.update_password" }
	type entry struct {
		at     event.Time
		change []change
	}
	old, recent := leaked(on(5, "00:00")), leaked(on(18, "00:00"))
	for _, c := range []struct {
		name   string
		before []entry
		change []change
		want   float64
	}{
		{"on another device", nil, []change{berlin, kali, recent}, 1},
		{"at home, own device", nil, []change{berlin, laptop, recent}, ownLeakedStrength},
		{"on no list", nil, []change{berlin, kali}, 0},
		{"a wrong password", nil, []change{berlin, kali, recent, wrongPassword}, 0},
		{"with a security key", nil, []change{berlin, kali, recent, factor(event.FactorStrong)}, 0},
		{"by an earlier token", nil, []change{berlin, kali, recent, factor(event.FactorClaim)}, 0},
		{"with a push behind the password", nil, []change{berlin, kali, recent, factor(event.FactorPush)}, 1},
		{"a workload", nil, []change{berlin, kali, recent, asService}, 0},
		{"changed after the leak", []entry{{on(19, "10:00"), []change{berlin, laptop, changed}}}, []change{berlin, kali, recent}, 0},
		{"changed before the leak", []entry{{on(17, "10:00"), []change{berlin, laptop, changed}}}, []change{berlin, kali, recent}, 1},
		{"changed after an older leak", []entry{{on(17, "10:00"), []change{berlin, laptop, changed}}}, []change{berlin, kali, old}, 0},
		{"reset by an administrator", []entry{{on(19, "10:00"), []change{noAddress, action(event.PasswordReset)}}}, []change{berlin, kali, recent}, 0},
		{"the change failed", []entry{{on(19, "10:00"), []change{berlin, laptop, changed, unsuccessful}}}, []change{berlin, kali, recent}, 1},
		{"another credential was changed", []entry{{on(19, "10:00"), []change{berlin, laptop, action(event.CredentialChange), code("user.account.update_primary_email")}}}, []change{berlin, kali, recent}, 1},
		{"of unknown time", nil, []change{berlin, kali, leaked(0)}, 1},
		{"of unknown time, changed before it was known", []entry{{on(19, "10:00"), []change{berlin, laptop, changed}}}, []change{berlin, kali, leaked(0)}, 1},
		{"of unknown time, changed since", []entry{
			{on(19, "09:00"), []change{berlin, laptop, leaked(0)}},
			{on(19, "10:00"), []change{berlin, laptop, changed}},
		}, []change{berlin, kali, leaked(0)}, 0},
		{"off the list for a while: a new leak", []entry{
			{on(19, "09:00"), []change{berlin, laptop, leaked(0)}},
			{on(19, "10:00"), []change{berlin, laptop, changed}},
			{on(19, "11:00"), []change{berlin, laptop}},
		}, []change{berlin, kali, leaked(0)}, 1},
	} {
		d := settled(t)
		for _, b := range c.before {
			d.entry(signIn(b.at, b.change...))
		}
		if got := strengthOf(d.entry(signIn(on(20, "09:00"), c.change...)), leakedCredential); got != c.want {
			t.Errorf("%s: strength %g, want %g", c.name, got, c.want)
		}
	}

	d := settled(t)
	f := get(t, d.entry(signIn(on(20, "09:00"), tokyo, kali, recent)), leakedCredential)
	const want = "Sign-in with a password that has leaked, by the list paste, on 2026-01-23 / list=paste; leaked_at=2026-01-23T00:00:00.000Z; known_network_and_device=no; "
	if got := f.Summary + " / " + evidence(f); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	again := get(t, d.entry(signIn(on(20, "10:00"), paris, kali, recent)), leakedCredential)
	newer := get(t, d.entry(signIn(on(20, "11:00"), paris, kali, leaked(on(19, "00:00")))), leakedCredential)
	if again.Key != f.Key || newer.Key == f.Key {
		t.Error("a leak is one piece of evidence, wherever its password is used; another leak is another one")
	}
}

// A change of the password in a challenged event may be the attacker's, and
// does not make the leak a thing of the past.
func TestChallengedPasswordChangeDoesNotCount(t *testing.T) {
	d := settled(t)
	change := signIn(on(19, "09:05"), tokyo, kali, action(event.CredentialChange), code("Change user password"))
	d.set.Learn(&change, &d.m, Verdict{EventLevel: event.Medium})
	if got := strengthOf(d.entry(signIn(on(20, "09:00"), berlin, kali, leaked(on(18, "00:00")))), leakedCredential); got != 1 {
		t.Errorf("strength %g, want 1", got)
	}
}
