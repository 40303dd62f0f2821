package detectors

import (
	"fmt"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// Day 0 is a Monday. Berlin's sun is an hour ahead of UTC.
func TestUnusualHours(t *testing.T) {
	office := func(d *diary) { d.workdays(40, berlin, "07:30", "12:00", "16:30") }
	evening := func(d *diary) {
		office(d)
		d.entry(signIn(on(41, "18:00"), berlin, laptop))
	}
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
		{"by day in an office far away", office, on(42, "01:00"), []change{tokyo, onCorporate}, 0},
		{"at night in an office far away", office, on(42, "15:00"), []change{tokyo, onCorporate}, 1},
		{"at night in an office, and nobody knows where", office, on(42, "01:00"), []change{tokyo, onCorporate, unlocated}, 0},
		{"at night in an office that cannot be far", evening, on(42, "01:00"), []change{tokyo, onCorporate, unlocated}, 1},
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
	for _, c := range []struct {
		days  int
		times []string
		want  float64
	}{
		{13, []string{"08:00", "12:00"}, 0},
		{14, []string{"08:00", "12:00"}, 1},
		{14, []string{"08:00"}, 0}, // fewer than 20 sign-ins
	} {
		d := newDiary(t)
		for day := range c.days {
			for _, at := range c.times {
				d.entry(signIn(on(day, at), berlin, laptop))
			}
		}
		if got := strengthOf(d.entry(signIn(on(21, "01:00"), berlin, laptop)), unusualHours); got != c.want {
			t.Errorf("after %d days at %s: strength %g, want %g", c.days, c.times, got, c.want)
		}
	}
}

// A new shift is known within days, and the old one is forgotten.
func TestHoursFollowAChangeOfShift(t *testing.T) {
	d := newDiary(t)
	d.workdays(60, berlin, "07:30", "12:00", "16:30")
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
	for clock, hour := range map[string]int{"01:29": 2, "01:59": 3, "22:40": 0} {
		d := newDiary(t)
		d.workdays(40, berlin, "07:30", "12:00", "16:30")
		f := get(t, d.entry(signIn(on(42, clock), berlin, laptop)), unusualHours)
		want := fmt.Sprintf("Sign-in at about %02d:00 on a weekday where this user was last located; they hardly ever sign in then"+
			" / local_hour=%d.00; day=a weekday; weight_near=0.00; ", hour, hour)
		if got := f.Summary + " / " + evidence(f); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

// Halving leaves what was counted once.
func TestSingleSignInsStayCounted(t *testing.T) {
	d := newDiary(t)
	d.entry(signIn(on(0, "01:00"), berlin, laptop))
	d.workdays(60, berlin, "07:30", "12:00")
	if n := d.m.hours.at(weekday, 2); n != 1 {
		t.Errorf("one night is counted as %d", n)
	}
	for _, hour := range []int{8, 13} {
		if n := d.m.hours.at(weekday, hour); n < mostInHour/2 || n >= mostInHour {
			t.Errorf("hour %d is counted as %d", hour, n)
		}
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
