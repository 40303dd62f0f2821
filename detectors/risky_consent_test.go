package detectors

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

func consent(app, scopes string) change {
	return func(e *event.Event) {
		e.Action, e.App = event.ConsentGrant, event.App{ID: "id-" + app, Name: app}
		e.Resource = event.Resource{Name: scopes}
	}
}

func forEverybody(e *event.Event)    { e.Resource.ID = everybody }
func byAdministrator(e *event.Event) { e.User.Privileged = event.True }
func namelessApp(e *event.Event)     { e.App = event.App{} }

func TestRiskyConsent(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []change
		change []change
		want   float64
	}{
		{"mail", nil, []change{consent("Mail Helper", "openid Mail.Read offline_access")}, 1},
		{"files, by their long name", nil, []change{consent("Mail Helper", "https://graph.microsoft.com/Files.Read.All")}, 1},
		{"Google's mail", nil, []change{consent("Mail Helper", "https://mail.google.com/ https://www.googleapis.com/auth/gmail.readonly")}, 1},
		{"the whole tenant, whatever for", nil, []change{consent("Mail Helper", "User.Read"), forEverybody}, 1},
		{"something else", nil, []change{consent("Mail Helper", "Tasks.Read")}, plainConsentStrength},
		{"not told", nil, []change{consent("Mail Helper", "")}, plainConsentStrength},
		{"told is the app alone", nil, []change{consent("Mail Helper", "Mail Helper")}, plainConsentStrength},
		{"signing in, for good", nil, []change{consent("Mail Helper", "openid User.Read offline_access")}, lastingConsentStrength},
		{"signing in", nil, []change{consent("Mail Helper", "openid profile email User.Read")}, 0},
		{"an administrator", nil, []change{consent("Mail Helper", "Mail.Read"), forEverybody, byAdministrator}, 0},
		{"a sanctioned app", nil, []change{consent("Mail Helper", "Mail.Read"), sanctioned(event.True)}, 0},
		{"a workload", nil, []change{consent("Mail Helper", "Mail.Read"), asService}, 0},
		{"refused", nil, []change{consent("Mail Helper", "Mail.Read"), unsuccessful}, 0},
		{"of no app", nil, []change{consent("Mail Helper", "Mail.Read"), namelessApp}, 0},
		{"the same app again", []change{consent("Mail Helper", "Mail.Read")}, []change{consent("Mail Helper", "Mail.Send Files.Read")}, 0},
		{"the same app reaches farther", []change{consent("Mail Helper", "Tasks.Read")}, []change{consent("Mail Helper", "Mail.Read")}, 1},
		{"another app", []change{consent("Mail Helper", "Mail.Read")}, []change{consent("Notes Helper", "Mail.Read")}, 1},
		{"what was refused is not known", []change{consent("Mail Helper", "Mail.Read"), unsuccessful}, []change{consent("Mail Helper", "Mail.Read")}, 1},
	} {
		d := settled(t)
		if c.before != nil {
			d.entry(signIn(on(19, "09:00"), append([]change{berlin, laptop}, c.before...)...))
		}
		if got := strengthOf(d.entry(signIn(on(20, "09:00"), append([]change{berlin, laptop}, c.change...)...)), riskyConsent); got != c.want {
			t.Errorf("%s: strength %g, want %g", c.name, got, c.want)
		}
	}
	f := get(t, settled(t).entry(signIn(on(20, "09:00"), berlin, laptop, consent("Mail Helper", "Mail.Read"), forEverybody)), riskyConsent)
	const want = "Let in an app that is not sanctioned: Mail Helper (Mail.Read), for the whole tenant / app=Mail Helper; whole_tenant=yes; permissions=Mail.Read; "
	if got := f.Summary + " / " + evidence(f); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A consent that was challenged is not known the next time.
func TestChallengedConsentIsNotLearned(t *testing.T) {
	d := settled(t)
	e := signIn(on(19, "09:00"), tokyo, kali, consent("Mail Helper", "Mail.Read"))
	d.set.Learn(&e, &d.m, Verdict{EventLevel: event.Medium})
	if d.m.consents != ([maxConsents]familiar{}) {
		t.Error("it was learned")
	}
}
