package detectors

import (
	"fmt"
	"testing"

	"github.com/riskstream/riskstream/event"
)

func app(name string) change { return func(e *event.Event) { e.App.Name = name } }

func sanctioned(f event.Flag) change { return func(e *event.Event) { e.App.Sanctioned = f } }

func TestNewApp(t *testing.T) {
	for _, c := range []struct {
		name  string
		event []change
		want  float64
	}{
		{"known", []change{app("Mail")}, 0},
		{"unknown", []change{app("Payroll")}, 1},
		{"unknown by its id", []change{app("Mail"), func(e *event.Event) { e.App.ID = "0a1b" }}, 1},
		{"sanctioned", []change{app("Payroll"), sanctioned(event.True)}, 0.5},
		{"not sanctioned", []change{app("Payroll"), sanctioned(event.False)}, 1},
		{"none named", nil, 0},
		{"a front page", []change{app("Okta Dashboard")}, 0},
		{"a front page, written otherwise", []change{app("my apps")}, 0},
		{"refused", []change{app("Payroll"), unsuccessful}, 0},
		{"workload", []change{app("Payroll"), asService}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t)
			for day := range 14 {
				d.entry(signIn(on(day, "08:00"), berlin, laptop, app("Mail")))
			}
			found := d.entry(signIn(on(14, "08:00"), append([]change{berlin, laptop}, c.event...)...))
			if got := strengthOf(found, newApp); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
			if c.want != 0 {
				again := d.entry(signIn(on(14, "09:00"), append([]change{berlin, laptop}, c.event...)...))
				if strengthOf(again, newApp) != 0 {
					t.Error("new again an hour later")
				}
			}
		})
	}
}

// A log that begins to name apps makes none of them new.
func TestNewAppWaitsUntilAppsAreKnown(t *testing.T) {
	d := settled(t)
	for day := 14; day < 19; day++ {
		for n := range 2 {
			if found := d.entry(signIn(on(day, "08:00"), berlin, laptop, app(fmt.Sprint("App ", n)))); strengthOf(found, newApp) != 0 {
				t.Fatalf("day %d, app %d: %s", day, n, names(found))
			}
		}
	}
	if found := d.entry(signIn(on(19, "08:00"), berlin, laptop, app("Payroll"))); strengthOf(found, newApp) != 1 {
		t.Errorf("fired %q", names(found))
	}
}

// Of a user of many apps, a new one may be one that was forgotten.
func TestNewAppOfAUserOfManyApps(t *testing.T) {
	d := settled(t)
	for day := range 20 {
		for n := range 4 {
			d.entry(signIn(on(14+day, "08:00"), berlin, laptop, app(fmt.Sprint("App ", (4*day+n)%30))))
		}
	}
	found := d.entry(signIn(on(40, "08:00"), berlin, laptop, app("Payroll")))
	if got := strengthOf(found, newApp); got != 0.5 {
		t.Errorf("strength %g, want 0.5", got)
	}
	want := "First sign-in to an app: Payroll / app=Payroll; known_apps=12.00; "
	if d := get(t, found, newApp); d.Summary+" / "+evidence(d) != want {
		t.Errorf("got %s / %s", d.Summary, evidence(d))
	}
}

// An app that was opened in another way is no new one.
func TestNewAppOpenedBeforeInAnotherWay(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []change
		want   float64
	}{
		{"by single sign-on", []change{berlin, laptop, action(event.TokenIssue)}, 0},
		{"used", []change{berlin, laptop, action(event.Access)}, 0},
		{"kept open", []change{berlin, laptop, action(event.TokenRefresh)}, 0},
		{"kept open by somebody elsewhere", []change{tokyo, kali, action(event.TokenRefresh)}, 1},
		{"refused", []change{berlin, laptop, action(event.TokenIssue), unsuccessful}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t)
			for day := range 14 {
				d.entry(signIn(on(day, "08:00"), berlin, laptop, app("Mail")))
			}
			d.entry(signIn(on(14, "08:00"), append([]change{app("Calendar")}, c.before...)...))
			found := d.entry(signIn(on(14, "12:00"), berlin, laptop, app("Calendar")))
			if got := strengthOf(found, newApp); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
		})
	}
}
