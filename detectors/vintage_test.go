package detectors

import (
	"testing"
)

func TestVintage(t *testing.T) {
	for _, c := range []struct {
		name     string
		seen     []uint16
		outdated []uint16
		fine     []uint16
	}{
		{"none seen", nil, nil, []uint16{0, 1, 131}},
		{"one", []uint16{131}, []uint16{130, 1}, []uint16{131, 132, 0}},
		{"updates", []uint16{129, 130, 131}, []uint16{130, 129}, []uint16{131, 145}},
		{"another that lags by two", []uint16{131, 129}, []uint16{128}, []uint16{129, 130, 131}},
		{"both are updated", []uint16{131, 129, 133, 131}, []uint16{130}, []uint16{131, 132}},
		{"a log without versions", []uint16{131, 0}, []uint16{130}, []uint16{131}},
		{"two ways to count", []uint16{24000, 1}, nil, []uint16{1, 2, 23000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Memory{}
			m.devices[3].key = 7
			for _, v := range c.seen {
				m.vintages[3].see(v)
			}
			for _, v := range c.outdated {
				if !m.outdated(&sighting{family: 7, version: v}) {
					t.Errorf("%d is not outdated", v)
				}
			}
			for _, v := range c.fine {
				if m.outdated(&sighting{family: 7, version: v}) {
					t.Errorf("%d is outdated", v)
				}
			}
			if m.outdated(&sighting{family: 8, version: 1}) {
				t.Error("a kind that is not known is outdated")
			}
		})
	}
}

// A browser older than any of the user's is another machine's.
func TestOutdatedBrowsers(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []change // of one more sign-in the day before
		event  []change
		want   string // of new_device
	}{
		{"the same version", nil, []change{paris, laptop, version("18.2")}, ""},
		{"an update", nil, []change{paris, laptop, version("19")}, ""},
		{"no version", nil, []change{paris, laptop}, ""},
		{"an older one elsewhere", nil, []change{paris, laptop, version("17.6")}, "new_device"},
		{"an older one at home", nil, []change{berlin, laptop, version("17.6")}, "new_device×0.5"},
		{"an older one that the user has too", []change{berlin, laptop, version("17.6")}, []change{paris, laptop, version("17.1")}, ""},
		{"even older than that", []change{berlin, laptop, version("17.6")}, []change{paris, laptop, version("16")}, "new_device"},
		{"registered", []change{berlin, laptop, bound("mac-1")}, []change{paris, laptop, version("12"), bound("mac-1")}, ""},
		{"with the user's cookie", []change{berlin, laptop, version("18"), cookie("mine")}, []change{paris, laptop, version("12"), cookie("mine")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t)
			for day := range 14 {
				d.entry(signIn(on(day, "08:00"), berlin, laptop, version("18.1")))
			}
			if c.before != nil {
				d.entry(signIn(on(17, "09:00"), c.before...))
			}
			if got := names(only(d.entry(signIn(on(20, "09:00"), c.event...)), newDevice)); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
}

func TestUnfamiliarSignInTakesOutdatedBrowsersForUnknown(t *testing.T) {
	strength := func(v string) float64 {
		d := newDiary(t)
		for day := range 14 {
			d.entry(signIn(on(day, "08:00"), berlin, laptop, version("18")))
		}
		return strengthOf(d.entry(signIn(on(20, "09:00"), otherProvider, laptop, version(v))), unfamiliarSignIn)
	}
	if same, older := strength("18"), strength("17"); older <= same {
		t.Errorf("as old as the user's %g, older %g; want more", same, older)
	}
}

// A place in the list of devices is given on with nothing in it.
func TestVintagesAreOfTheirDevices(t *testing.T) {
	d := newDiary(t)
	for i, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		d.entry(signIn(on(i, "08:00"), berlin, browser("Linux", name), version("90")))
	}
	e := signIn(on(9, "08:00"), berlin, browser("Linux", "i"), version("89"))
	at := see(&e)
	if i := indexOf(d.m.devices[:], at.family); i != 0 || d.m.vintages[i] != (vintage{newest: 90}) {
		t.Errorf("in place %d, %+v", i, d.m.vintages[0])
	}
}
