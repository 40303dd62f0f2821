package detectors

import (
	"fmt"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// Day 0 is a Monday. Berlin's sun is an hour ahead of UTC.
func TestUnusualHours(t *testing.T) {
	office := func(d *diary) { d.workdays(40, berlin, "07:30", "12:00", "16:30") }
	nights := func(d *diary) { d.workdays(40, berlin, "02:00", "21:00") }
	for _, c := range []struct {
		name  string
		habit func(*diary)
		at    event.Time
		event []change
		want  float64
	}{
		{"as always", office, on(42, "08:00"), []change{berlin}, 0},
		{"an hour late", office, on(42, "18:20"), []change{berlin}, 0},
		{"by day, at an hour that is not the user's", nights, on(42, "11:00"), []change{berlin}, 0},
		{"at night", office, on(42, "01:00"), []change{berlin}, 1},
		{"at night, through a VPN far away", office, on(42, "01:00"), []change{tokyo, through("vpn")}, 1},
		{"at night, by an office far away", office, on(42, "01:00"), []change{tokyo, onCorporate}, 1},
		{"at night, no place known", office, on(42, "01:00"), []change{berlin, unlocated}, 1},
		{"in the morning in Tokyo", office, on(42, "23:30"), []change{tokyo}, 0},
		{"at night in New York", office, on(42, "07:30"), []change{newYork}, 1},
		{"the night shift", nights, on(42, "01:00"), []change{berlin}, 0},
		{"on a Saturday at the hours of weekdays", office, on(47, "11:00"), []change{berlin}, 0},
		{"on a Saturday night", office, on(47, "01:00"), []change{berlin}, 1},
		{"refused", office, on(42, "01:00"), []change{berlin, unsuccessful}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t)
			c.habit(d)
			found := d.entry(signIn(c.at, append([]change{laptop}, c.event...)...))
			if got := strengthOf(found, unusualHours); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
		})
	}
}

// workdays signs in on each weekday of so many days, at these times.
func (d *diary) workdays(days int, where change, times ...string) {
	for day := range days {
		for _, at := range times {
			if day%7 < 5 {
				d.entry(signIn(on(day, at), where, laptop))
			}
		}
	}
}

func TestUnusualHoursWaitUntilHoursAreKnown(t *testing.T) {
	for days, want := range map[int]float64{13: 0, 14: 1} {
		d := newDiary(t)
		for day := range days {
			d.entry(signIn(on(day, "08:00"), berlin, laptop))
		}
		if got := strengthOf(d.entry(signIn(on(21, "01:00"), berlin, laptop)), unusualHours); got != want {
			t.Errorf("after %d days: strength %g, want %g", days, got, want)
		}
	}
}

// A new shift is known within days, and the old one is forgotten.
func TestHoursFollowAChangeOfShift(t *testing.T) {
	d := newDiary(t)
	d.workdays(60, berlin, "07:30", "12:00")
	fired := 0
	for day := 63; day < 160; day++ {
		if day%7 < 5 {
			fired += boolInt(strengthOf(d.entry(signIn(on(day, "01:00"), berlin, laptop)), unusualHours) != 0)
		}
	}
	if fired == 0 || fired > 3 {
		t.Errorf("fired in %d nights of a new shift, want 1 to 3", fired)
	}
	if n := d.m.hours.near(weekday, 8); n > 3 {
		t.Errorf("after three months %d sign-ins of the old shift are counted", n)
	}
}

func TestUnusualHoursTellWhatTheySaw(t *testing.T) {
	d := newDiary(t)
	d.workdays(40, berlin, "07:30", "12:00")
	f := get(t, d.entry(signIn(on(42, "01:59"), berlin, laptop)), unusualHours)
	want := "Sign-in at about 02:00 local time on a weekday, when this user hardly ever signs in" +
		" / local_hour=2.00; day=a weekday; sign_ins_near=0.00; "
	if got := f.Summary + " / " + evidence(f); len(got) < len(want) || got[:len(want)] != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// The histogram has one cell for each hour of both kinds of day.
func TestHoursAreCountedWhereTheyBelong(t *testing.T) {
	for hour := range 24 {
		var m Memory
		at := mustSee(signIn(on(5, fmt.Sprintf("%02d:30", hour)), unlocated))
		m.teachHour(&at)
		if m.hours.at(weekend, hour) != 1 || m.hours.total() != 1 {
			t.Errorf("hour %d is counted as %+v", hour, m.hours)
		}
	}
}
