package detectors

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

func over(name string) change { return func(e *event.Event) { e.Auth.Protocol = name } }

func uncompliantDevice(e *event.Event) { e.Device.Compliant = event.False }

// used is a diary of somebody who has used a protocol at home on so many days.
func used(t testing.TB, name string, days int) *diary {
	d := settled(t)
	for i := range days {
		d.entry(signIn(on(14+i, "08:00"), berlin, laptop, over(name)))
	}
	return d
}

func TestLegacyProtocol(t *testing.T) {
	for _, c := range []struct {
		name   string
		diary  *diary
		change []change
		want   float64
	}{
		{"first, elsewhere", settled(t), []change{tokyo, kali, over("IMAP4")}, 1},
		{"first, at home", settled(t), []change{berlin, laptop, over("IMAP4")}, ownProtocolStrength},
		{"password grant as a token", settled(t), []change{tokyo, kali, over("password"), action(event.TokenIssue)}, 1},
		{"Exchange ActiveSync as Okta logs it", settled(t), []change{tokyo, kali, over("richclient")}, 1},
		{"a browser", settled(t), []change{tokyo, kali, over("saml")}, 0},
		{"nothing said", settled(t), []change{tokyo, kali}, 0},
		{"a wrong password", settled(t), []change{tokyo, kali, over("IMAP4"), wrongPassword}, 0},
		{"a workload", settled(t), []change{tokyo, kali, over("ropc"), asService}, 0},
		{"a token is refreshed", settled(t), []change{tokyo, kali, over("ropc"), action(event.TokenRefresh)}, 0},
		{"on the third day", used(t, "imap", 2), []change{berlin, laptop, over("IMAP4")}, ownProtocolStrength},
		{"from then on", used(t, "imap", 3), []change{berlin, laptop, over("IMAP4")}, 0},
		{"elsewhere too", used(t, "imap", 3), []change{tokyo, kali, over("IMAP4")}, 0},
		{"another protocol", used(t, "imap", 3), []change{berlin, laptop, over("Authenticated SMTP")}, ownProtocolStrength},
		{"a new user", newDiary(t), []change{berlin, laptop, over("pop3")}, 1},
	} {
		if got := strengthOf(c.diary.entry(signIn(on(20, "09:00"), c.change...)), legacyProtocol); got != c.want {
			t.Errorf("%s: strength %g, want %g", c.name, got, c.want)
		}
	}
	d := get(t, settled(t).entry(signIn(on(20, "09:00"), tokyo, kali, over("IMAP4"))), legacyProtocol)
	const want = "Signed in over a protocol that cannot ask for a second factor, new for this user: IMAP4 / protocol=IMAP4; network=Kanto Net (AS64620); known_network=no; "
	if got := d.Summary + " / " + evidence(d); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDeviceCodeSignIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		diary  *diary
		change []change
		want   float64
	}{
		{"first, elsewhere", settled(t), []change{tokyo, kali}, 1},
		{"first, elsewhere, a known client", settled(t), []change{tokyo, laptop}, 1},
		{"first, at home", settled(t), []change{berlin, laptop}, firstDeviceCodeStrength},
		{"first, at home, not compliant", settled(t), []change{berlin, laptop, uncompliantDevice}, 1},
		{"first, from the office", settled(t), []change{tokyo, kali, onCorporate}, firstDeviceCodeStrength},
		{"as a token", settled(t), []change{tokyo, kali, action(event.TokenIssue)}, 1},
		{"it failed", settled(t), []change{tokyo, kali, unsuccessful}, 0},
		{"a workload", settled(t), []change{tokyo, kali, asService}, 0},
		{"a developer", used(t, "deviceCode", 3), []change{berlin, laptop}, 0},
		{"a developer, another machine at home", used(t, "deviceCode", 3), []change{berlin, kali}, 0},
		{"a developer whose machine never is compliant", used(t, "deviceCode", 3), []change{berlin, laptop, uncompliantDevice}, 0},
		{"a developer on a journey", used(t, "deviceCode", 3), []change{paris, laptop}, movedDeviceCodeStrength},
		{"a developer, phished", used(t, "deviceCode", 3), []change{tokyo, kali}, 1},
		{"on two days so far", used(t, "deviceCode", 2), []change{berlin, laptop}, firstDeviceCodeStrength},
		{"a new user", newDiary(t), []change{berlin, laptop}, 0},
		{"a new user, not compliant", newDiary(t), []change{berlin, laptop, uncompliantDevice}, 1},
		{"no address", settled(t), []change{noAddress, laptop}, firstDeviceCodeStrength},
	} {
		e := signIn(on(20, "09:00"), append(c.change, over("deviceCode"))...)
		if got := strengthOf(c.diary.entry(e), deviceCodeSignIn); got != c.want {
			t.Errorf("%s: strength %g, want %g", c.name, got, c.want)
		}
	}
	d := get(t, settled(t).entry(signIn(on(20, "09:00"), tokyo, kali, over("deviceCode"), session("s1"), uncompliantDevice)), deviceCodeSignIn)
	const want = "First device-code sign-in of this user, from a network that is new: Kanto Net (AS64620) / network=Kanto Net (AS64620); new_network=yes; used_before=no; compliant=no; "
	if got := d.Summary + " / " + evidence(d); got != want || !d.Session {
		t.Errorf("got  %s (of the session: %t)\nwant %s", got, d.Session, want)
	}
}

// A protocol becomes the user's own on days without a challenge only: neither
// the challenged event nor what else is done on that day counts.
func TestProtocolsAreLearnedFromQuietDays(t *testing.T) {
	d := settled(t)
	uses := func(day int, clock string, level event.Level) {
		e := signIn(on(day, clock), tokyo, kali, over("imap"))
		d.set.Learn(&e, &d.m, Verdict{EventLevel: level})
	}
	known := func() uint8 {
		if f := find(d.m.protocols[:], uint32(imap)); f != nil {
			return f.days
		}
		return 0
	}
	for _, c := range []struct {
		name  string
		day   int
		clock string
		level event.Level
		want  uint8
	}{
		{"a challenged event", 15, "08:00", event.Medium, 0},
		{"the same day", 15, "09:00", event.None, 0},
		{"the next day", 16, "08:00", event.None, 1},
		{"twice on one day", 16, "18:00", event.Low, 1},
		{"another day", 17, "08:00", event.None, 2},
		{"a challenge on it", 17, "09:00", event.High, 1},
		{"and another one", 17, "10:00", event.High, 1},
		{"a late event of that day", 17, "07:00", event.None, 1},
		{"a day later", 18, "08:00", event.None, 2},
		{"and one more", 19, "08:00", event.None, 3},
	} {
		if uses(c.day, c.clock, c.level); known() != c.want {
			t.Fatalf("%s: %d days, want %d", c.name, known(), c.want)
		}
	}
}
