package detectors

import (
	"fmt"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
)

// touched enters n events on resources named by their number, evenly over a
// span that begins at from, and returns the strongest that fired.
func (d *diary) touched(n int, from event.Time, span time.Duration, changes ...change) (strongest float64) {
	for i := range n {
		e := signIn(from.Add(span*time.Duration(i)/time.Duration(n)), append([]change{action(event.Access), resource(fmt.Sprint("file-", i))}, changes...)...)
		strongest = max(strongest, strengthOf(d.entry(e), massAccess))
	}
	return strongest
}

func TestMassAccess(t *testing.T) {
	download, write, remove := action(event.Download), action(event.Write), action(event.Delete)
	secret, restricted := classified("Confidential"), classified("restricted")
	for _, c := range []struct {
		name   string
		n      int
		span   time.Duration
		change []change
		want   float64
	}{
		{"26 files in 2 minutes, elsewhere", 26, 2 * time.Minute, []change{tokyo, kali}, 1},
		{"26 files in 2 minutes, at home", 26, 2 * time.Minute, []change{berlin, laptop}, ownBulkStrength},
		{"on the own laptop in a café", 26, 2 * time.Minute, []change{paris, laptop}, travellingStrength},
		{"on another computer at home", 26, 2 * time.Minute, []change{berlin, kali}, ownBulkStrength},
		{"13 confidential ones in a café", 13, 2 * time.Minute, []change{paris, laptop, secret}, 1},
		{"on a registered device in a café", 26, 2 * time.Minute, []change{paris, bound("d1")}, ownBulkStrength},
		{"20 files", 20, 2 * time.Minute, []change{tokyo, kali}, 0},
		{"26 files in an hour", 26, time.Hour, []change{tokyo, kali}, 0},
		{"a file, again and again", 200, 2 * time.Minute, []change{tokyo, kali, resource("the file")}, 0},
		{"13 confidential ones at home", 13, 2 * time.Minute, []change{berlin, laptop, secret}, sensitiveBulkStrength},
		{"12 confidential ones", 12, 2 * time.Minute, []change{tokyo, kali, secret}, 0},
		{"9 restricted ones", 9, 2 * time.Minute, []change{tokyo, kali, restricted}, 1},
		{"26 confidential ones at home", 26, 2 * time.Minute, []change{berlin, laptop, secret}, 1},
		{"49 files at home", 49, 2 * time.Minute, []change{berlin, laptop}, ownBulkStrength},
		{"52 files at home", 52, 2 * time.Minute, []change{berlin, laptop}, sensitiveBulkStrength},
		{"50 downloads in a minute", 50, time.Minute, []change{tokyo, kali, download, resource("")}, 1},
		{"49 downloads in a minute", 49, time.Minute, []change{tokyo, kali, download, resource("")}, 0},
		{"50 downloads in 3 minutes", 50, 3 * time.Minute, []change{tokyo, kali, download, resource("")}, 0},
		{"60 files deleted", 60, 2 * time.Minute, []change{tokyo, kali, remove}, 1},
		{"60 files written at home", 60, 2 * time.Minute, []change{berlin, laptop, write}, ownBulkStrength},
		{"30 files written", 30, 2 * time.Minute, []change{tokyo, kali, write}, 0},
		{"a backup job", 500, 2 * time.Minute, []change{tokyo, kali, download, asService}, 0},
		{"refusals", 100, 2 * time.Minute, []change{tokyo, kali, unsuccessful}, 0},
		{"nothing but apps", 100, 2 * time.Minute, []change{tokyo, kali, resource("")}, 0},
		{"nowhere", 26, 2 * time.Minute, []change{noAddress}, ownBulkStrength},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.entry(signIn(on(19, "09:00"), berlin, laptop, bound("d1")))
			if got := d.touched(c.n, on(20, "09:00"), c.span, c.change...); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
		})
	}
}

func TestMassAccessTellsWhatItSaw(t *testing.T) {
	d := settled(t)
	d.touched(12, on(20, "09:00"), time.Minute, tokyo, kali, classified("confidential"))
	one := get(t, d.entry(signIn(on(20, "09:01"), tokyo, kali, action(event.Download), resource("x"))), massAccess)
	if want := "13 resources read within 3 minutes, 12 of them confidential or restricted"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	if want := "resources=13.00; sensitive=12.00; downloads=1.00; changes=0.00; known_place=no; habit=no; "; evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
}

// A sign-in that was not challenged teaches its place at once; it is no home
// before the next day.
func TestMassAccessWhereTheUserHasJustComeIn(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(20, "09:00"), berlin, as(64999), kali))
	if k := d.knows(signIn(on(20, "09:01"), berlin, as(64999), kali)); !k.KnownDevice || !k.KnownNetwork {
		t.Fatal("it is not learned")
	}
	if got := d.touched(26, on(20, "09:01"), 2*time.Minute, berlin, as(64999), kali); got != 1 {
		t.Errorf("strength %g", got)
	}
	if got := d.touched(26, on(21, "09:00"), 2*time.Minute, berlin, as(64999), kali); got != ownBulkStrength {
		t.Errorf("next day: strength %g", got)
	}
}

// Who copies much each day does it at home; elsewhere, and for much more than
// that, it says nothing.
func TestMassAccessIsAHabit(t *testing.T) {
	d := settled(t)
	for day := 14; day < 17; day++ {
		if got := d.touched(30, on(day, "09:00"), 2*time.Minute, berlin, laptop); got != ownBulkStrength {
			t.Errorf("day %d: strength %g", day, got)
		}
	}
	if got := d.touched(30, on(17, "09:00"), 2*time.Minute, berlin, laptop); got != 0 {
		t.Errorf("a habit has strength %g", got)
	}
	if got := d.touched(52, on(18, "09:00"), 2*time.Minute, berlin, laptop); got != ownBulkStrength {
		t.Errorf("twice the habit has strength %g", got)
	}
	if got := d.touched(60, on(18, "11:00"), 2*time.Minute, berlin, laptop, classified("restricted")); got != sensitiveBulkStrength {
		t.Errorf("much of what is sensitive has strength %g", got)
	}
	if got := d.touched(30, on(19, "09:00"), 2*time.Minute, tokyo, kali); got != 1 {
		t.Errorf("elsewhere it has strength %g", got)
	}
}

// The same events in whatever order they come, within the window.
func TestMassAccessOutOfOrder(t *testing.T) {
	d := settled(t)
	var strongest float64
	for i := range 30 {
		at := on(20, "09:00").Add(time.Duration(i*37%120) * time.Second)
		strongest = max(strongest, strengthOf(d.entry(signIn(at, tokyo, kali, action(event.Access), resource(fmt.Sprint(i)))), massAccess))
	}
	if strongest != 1 {
		t.Errorf("strength %g", strongest)
	}
}

// opened enters the opening of apps, a minute apart.
func (d *diary) opened(day int, clock string, apps []string, changes ...change) (strongest float64) {
	for i, id := range apps {
		e := signIn(on(day, clock).Add(time.Duration(i)*time.Minute), append([]change{action(event.Access), appID(id)}, changes...)...)
		strongest = max(strongest, strengthOf(d.entry(e), massAccess))
	}
	return strongest
}

func TestManyNewApps(t *testing.T) {
	five := []string{"n1", "n2", "n3", "n4", "n5"}
	for _, c := range []struct {
		name   string
		apps   []string
		change []change
		want   float64
	}{
		{"elsewhere", five, []change{tokyo, kali}, 1},
		{"at home", five, []change{berlin, laptop}, ownBulkStrength},
		{"four", five[:4], []change{tokyo, kali}, 0},
		{"four, one of them twice", []string{"n1", "n2", "n3", "n4", "n4"}, []change{tokyo, kali}, 0},
		{"four and the own ones", []string{"mail", "n1", "n2", "files", "n3", "n4"}, []change{tokyo, kali}, 0},
		{"a workload", five, []change{tokyo, kali, asService}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			for day := 14; day < 22; day++ {
				d.opened(day, "09:00", []string{"mail", "files"}, berlin, laptop)
			}
			if got := d.opened(22, "09:00", c.apps, c.change...); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
		})
	}
	t.Run("slowly", func(t *testing.T) {
		d := settled(t)
		for day := range five {
			if got := d.opened(14+3*day, "09:00", five[day:day+1], tokyo, kali); got != 0 {
				t.Errorf("strength %g", got)
			}
		}
	})
	t.Run("the log is new", func(t *testing.T) {
		if got := settled(t).opened(20, "09:00", five, tokyo, kali); got != 0 {
			t.Errorf("strength %g", got)
		}
	})
	t.Run("once learned they are quiet", func(t *testing.T) {
		d := settled(t)
		d.opened(14, "09:00", []string{"mail"}, berlin, laptop)
		d.opened(22, "09:00", five, berlin, laptop)
		if got := d.opened(23, "09:00", five, tokyo, kali); got != 0 {
			t.Errorf("strength %g", got)
		}
	})
}
