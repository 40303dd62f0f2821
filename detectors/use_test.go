package detectors

import (
	"fmt"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// deployed is a diary of a workload that has signed in from Berlin each day,
// and is learned.
func deployed(t testing.TB) *diary {
	d := newDiary(t)
	for day := range 14 {
		d.entry(signIn(on(day, "02:00"), berlin, noUserAgent, asService))
	}
	return d
}

func TestServiceAccountMisuse(t *testing.T) {
	for _, c := range []struct {
		name   string
		change []change
		want   float64
	}{
		{"as ever", []change{berlin, noUserAgent}, 0},
		{"new cloud in a new country", []change{tokyo, noUserAgent}, 1},
		{"new cloud", []change{tokyo, country("DE"), noUserAgent}, newCloudStrength},
		{"new country of its cloud", []change{berlin, country("US"), noUserAgent}, newRegionStrength},
		{"a person with a browser", []change{berlin, laptop}, interactiveStrength},
		{"a person with a code", []change{berlin, noUserAgent, factor(event.FactorOTP)}, interactiveStrength},
		{"a person elsewhere", []change{tokyo, laptop}, 1},
		{"a script", []change{berlin, script}, 0},
		{"a certificate", []change{berlin, noUserAgent, factor(event.FactorStrong)}, 0},
		{"a browser that opens an app", []change{berlin, laptop, action(event.Access)}, 0},
		{"corporate network", []change{tokyo, noUserAgent, onCorporate}, 0},
		{"a refusal", []change{tokyo, noUserAgent, unsuccessful}, 0},
		{"a token", []change{tokyo, noUserAgent, action(event.TokenIssue)}, 1},
		{"no address", []change{noAddress, noUserAgent}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := deployed(t).entry(signIn(on(14, "02:00"), append(c.change, asService)...))
			if got := strengthOf(found, serviceAccountMisuse); got != c.want {
				t.Errorf("strength %g, want %g; fired %s", got, c.want, names(found))
			}
		})
	}
}

func TestServiceAccountMisuseTellsWhatItSaw(t *testing.T) {
	one := get(t, deployed(t).entry(signIn(on(14, "02:00"), tokyo, laptop, asService)), serviceAccountMisuse)
	if want := "Workload used from Tokyo (JP): interactive sign-in, network new for it, country new for it"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	want := "seen=interactive sign-in, network new for it, country new for it; network=Kanto Net (AS64620); place=Tokyo (JP); "
	if evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
}

// A workload signs in so often that it is known by days, not by sign-ins.
func TestANewWorkloadIsLearned(t *testing.T) {
	d := newDiary(t)
	for minute := range 50 {
		d.entry(signIn(on(0, fmt.Sprintf("02:%02d", minute)), berlin, noUserAgent, asService))
	}
	if got := names(d.entry(signIn(on(1, "02:00"), tokyo, noUserAgent, asService))); got != "" {
		t.Errorf("fired %q on its second day", got)
	}
	if got := names(d.entry(signIn(on(3, "02:00"), sydney, noUserAgent, asService))); got != "service_account_misuse" {
		t.Errorf("fired %q on its fourth", got)
	}
}

// A place that was challenged is learned after three quiet days, as people's
// are.
func TestWorkloadsLearnAsPeopleDo(t *testing.T) {
	d := deployed(t)
	moved := func(day int) string { return names(d.entry(signIn(on(day, "03:00"), tokyo, noUserAgent, asService))) }
	if got := moved(14); got != serviceAccountMisuse {
		t.Fatalf("fired %q", got)
	}
	for day := 15; day < 19; day++ {
		d.entry(signIn(on(day, "02:00"), berlin, noUserAgent, asService))
	}
	if got := moved(19); got != "" {
		t.Errorf("fired %q after quiet days", got)
	}
}

func outsideWindow(e *event.Event) { e.Resource.AccessWindow = event.OutsideWindow }
func insideWindow(e *event.Event)  { e.Resource.AccessWindow = event.InsideWindow }
func compliant(f event.Flag) change {
	return func(e *event.Event) { e.Device.Compliant = f }
}

func TestOutsideAccessWindow(t *testing.T) {
	for _, c := range []struct {
		name   string
		change []change
		want   string
	}{
		{"outside", []change{outsideWindow}, outsideAccessWindow},
		{"an app that is opened", []change{outsideWindow, action(event.Access)}, outsideAccessWindow},
		{"a workload", []change{outsideWindow, action(event.Download), asService}, outsideAccessWindow},
		{"inside", []change{insideWindow}, ""},
		{"no window", nil, ""},
		{"a refusal", []change{outsideWindow, unsuccessful}, ""},
		{"a token is refreshed", []change{outsideWindow, action(event.TokenRefresh)}, ""},
		{"it is signed out", []change{outsideWindow, action(event.SignOut)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(settled(t).entry(signIn(on(20, "09:00"), append([]change{berlin, laptop, resource("vault")}, c.change...)...))); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
	one := get(t, settled(t).entry(signIn(on(20, "09:00"), berlin, laptop, action(event.Access), resource("vault"), outsideWindow)), outsideAccessWindow)
	if want := "Temporary access to vault used outside its approved window"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	if want := "action=access; object=vault; "; evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
}

func TestDeviceNoncompliant(t *testing.T) {
	for _, c := range []struct {
		name   string
		change []change
		want   string
	}{
		{"restricted", []change{compliant(event.False), classified("restricted")}, "device_noncompliant"},
		{"confidential", []change{compliant(event.False), classified("CONFIDENTIAL")}, "device_noncompliant×0.6"},
		{"internal", []change{compliant(event.False), classified("internal")}, ""},
		{"not classified", []change{compliant(event.False)}, ""},
		{"compliant", []change{compliant(event.True), classified("restricted")}, ""},
		{"not said", []change{classified("restricted")}, ""},
		{"a refusal", []change{compliant(event.False), classified("restricted"), unsuccessful}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(settled(t).entry(signIn(on(20, "09:00"), append([]change{berlin, laptop, action(event.Access)}, c.change...)...))); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
	one := get(t, settled(t).entry(signIn(on(20, "09:00"), berlin, laptop, action(event.Access), resource("salaries"), compliant(event.False), classified("restricted"))), deviceNoncompliant)
	if want := "Device that is not compliant used on what is restricted: salaries"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	if want := "device=Safari on macOS; classification=restricted; object=salaries; "; evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
}

func TestPrivilegeAfterRisk(t *testing.T) {
	grant := action(event.PrivilegeGrant)
	for _, c := range []struct {
		name   string
		level  event.Level
		change []change
		want   string
	}{
		{"at medium", event.Medium, []change{grant}, privilegeAfterRisk},
		{"at high", event.High, []change{grant}, privilegeAfterRisk},
		{"a workload", event.High, []change{grant, asService}, privilegeAfterRisk},
		{"by somebody else", event.High, []change{grant, noAddress}, privilegeAfterRisk},
		{"at low", event.Low, []change{grant}, ""},
		{"refused", event.High, []change{grant, unsuccessful}, ""},
		{"something else", event.High, []change{action(event.Write)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.level = c.level
			if got := names(d.entry(signIn(on(20, "09:00"), append([]change{berlin, laptop}, c.change...)...))); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
	d := settled(t)
	d.level = event.Medium
	named := func(e *event.Event) { e.Resource.Name = "Global Administrator" }
	one := get(t, d.entry(signIn(on(20, "09:00"), berlin, laptop, grant, named)), privilegeAfterRisk)
	if want := "Privileges granted while the user is at risk (medium): Global Administrator"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	if want := "level=medium; privilege=Global Administrator; "; evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
}
