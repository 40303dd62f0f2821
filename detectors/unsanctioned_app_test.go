package detectors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
)

func into(app string, sanctioned event.Flag) change {
	return func(e *event.Event) { e.App = event.App{ID: app, Name: strings.ToUpper(app), Sanctioned: sanctioned} }
}

func TestUnsanctionedAppTellsWhoBeginsToUseIt(t *testing.T) {
	o := newOrganisation(t)
	o.signIn("p0", home(0), on(-20, "08:00"), into("mail", event.Unknown))
	told := ""
	for i := range 9 {
		told += o.signIn(fmt.Sprint("p", i), home(i), on(i/3, "09:00"), into("notes", event.False))
	}
	if told != "" {
		t.Errorf("nine users: told %s", told)
	}
	told = o.signIn("p9", home(9), on(3, "09:00"), into("notes", event.False))
	if n := strings.Count(told, "unsanctioned_app:p"); n != 10 {
		t.Errorf("the tenth: told %s", told)
	}
	if got := o.signIn("p9", home(9), on(3, "10:00"), into("notes", event.False)); got != "" {
		t.Errorf("told again: %s", got)
	}
	signals := o.signals("p10", home(10), on(4, "09:00"), into("notes", event.False))
	if len(signals) != 1 {
		t.Fatalf("the eleventh: %+v", signals)
	}
	d := o.set.DetectSignal(&signals[0], nil)
	const want = "Use of NOTES, which is not sanctioned and was first seen on 2026-01-05; 11 users so far"
	if len(d) != 1 || d[0].Strength != 1 || d[0].Summary != want {
		t.Errorf("evidence %+v", d)
	}
	signals[0].App.Sanctioned = event.Unknown
	if d := o.set.DetectSignal(&signals[0], nil); len(d) != 1 || d[0].Strength != unknownSanctionStrength {
		t.Errorf("unknown: evidence %+v", d)
	}
	if got := o.signIn("p40", home(40), on(40, "09:00"), into("notes", event.False)); got != "" {
		t.Errorf("it is no longer new: told %s", got)
	}
}

func TestUnsanctionedAppStaysQuiet(t *testing.T) {
	for _, c := range []struct {
		name    string
		watched int // days
		users   int
		days    int // over which they come
		changes []change
	}{
		{"sanctioned: rolled out", 30, 60, 2, []change{into("notes", event.True)}},
		{"the first days of riskstream", 13, 60, 1, []change{into("notes", event.False)}},
		{"few users", 30, 9, 1, []change{into("notes", event.False)}},
		{"slowly", 30, 20, 28, []change{into("notes", event.False)}},
		{"workloads", 30, 60, 2, []change{into("notes", event.False), func(e *event.Event) { e.User.Kind = event.Service }}},
		{"no application", 30, 60, 2, nil},
	} {
		o := newOrganisation(t)
		o.watched(c.watched)
		for i := range c.users {
			at := on(0, "08:00") + event.Time(i)*event.Time(c.days)*event.Day/event.Time(c.users)
			if got := o.signIn(fmt.Sprint("p", i), home(i), at, c.changes...); got != "" {
				t.Fatalf("%s: user %d: told %s", c.name, i, got)
			}
		}
	}
}

// An application that is not new, and one that has been, takes no room.
func TestOldAppsAreForgotten(t *testing.T) {
	o := newOrganisation(t)
	for i := range 60 {
		o.signIn(fmt.Sprint("p", i), home(i), on(0, "08:00"), into("mail", event.Unknown))
		o.signIn(fmt.Sprint("p", i), home(i), on(20, "08:00"), into("notes", event.Unknown))
	}
	o.signIn("p0", home(0), on(60, "08:00"), into("notes", event.Unknown))
	for key, m := range o.apps {
		if n := len(m.AppendBinary(nil)); n > 10 {
			t.Errorf("%s: %d bytes", key, n)
		}
	}
}
