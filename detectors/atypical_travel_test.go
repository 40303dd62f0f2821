package detectors

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

func TestAtypicalTravel(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    event.Time // of the sign-in; the last one at home is on day 13 at 08:00
		event []change
		want  float64
	}{
		{"Tokyo the same night, by plane", on(13, "23:00"), []change{tokyo, kali}, 1},
		{"Tokyo too soon", on(13, "10:00"), []change{tokyo, kali}, 0},
		{"Munich by train is near", on(13, "14:00"), []change{munich, as(64699), kali}, 0},
		{"Paris by car", on(13, "20:00"), []change{paris, kali}, 0.5},
		{"Tokyo after some days", on(18, "08:00"), []change{tokyo, kali}, 0.5},
		{"after more than a week", on(20, "09:00"), []change{tokyo, kali}, 0},
		{"on the known device", on(13, "23:00"), []change{tokyo, laptop}, 0},
		{"in the known network", on(13, "23:00"), []change{tokyo, as(64601), kali}, 0},
		{"on no device", on(13, "23:00"), []change{tokyo, noUserAgent}, 0},
		{"nowhere", on(13, "23:00"), []change{tokyo, kali, unlocated}, 0},
		{"by satellite", on(13, "23:00"), []change{tokyo, kali, asType(event.ASSatellite)}, 0},
		{"at an office", on(13, "23:00"), []change{tokyo, kali, onCorporate}, 0},
		{"at a place common in the organisation", on(13, "23:00"), []change{tokyo, kali, commonPlace}, 0},
		{"through a VPN", on(13, "23:00"), []change{tokyo, kali, through("vpn")}, 0},
		{"on a rented server", on(13, "23:00"), []change{tokyo, kali, through("hosting")}, 1},
		{"by phone in the country", on(13, "23:00"), []change{tokyo, kali, country("DE"), asType(event.ASMobile)}, 0},
		{"on a registered device that is new", on(13, "23:00"), []change{tokyo, laptop, bound("mac-9")}, 1},
		{"refused", on(13, "23:00"), []change{tokyo, kali, unsuccessful}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := settled(t).entry(signIn(c.at, c.event...))
			if got := strengthOf(found, atypicalTravel); got != c.want {
				t.Errorf("strength %g, want %g; fired %s", got, c.want, names(found))
			}
		})
	}
}

// Somewhere that the user has been lately is no unusual place.
func TestAtypicalTravelKnowsSecondHomes(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(13, "23:00"), tokyo, laptop))
	d.entry(signIn(on(15, "08:00"), berlin, laptop))
	if found := d.entry(signIn(on(16, "08:00"), tokyo, ip("203.0.113.6"), as(64699), kali)); strengthOf(found, atypicalTravel) != 0 {
		t.Errorf("fired %s", names(found))
	}
}

func TestAtypicalTravelNeverComesWithImpossibleTravel(t *testing.T) {
	for hour := range 48 {
		for _, changes := range [][]change{{tokyo, kali}, {newYork, kali}, {paris, kali}, {sydney, kali, bound("mac-1")}, {munich, as(7), kali}} {
			found := settled(t).entry(signIn(on(12, "12:00")+event.Time(hour)*event.Hour, changes...))
			if strengthOf(found, atypicalTravel) != 0 && strengthOf(found, impossibleTravel) != 0 {
				t.Fatalf("after %d hours: %s", hour, names(found))
			}
		}
	}
}

func TestAtypicalTravelTellsWhatItSaw(t *testing.T) {
	d := get(t, settled(t).entry(signIn(on(13, "23:00"), tokyo, kali)), atypicalTravel)
	want := "Sign-in from Tokyo (JP) on a new device 15 hours after a sign-in in Berlin (DE): 8,877 km from anywhere this user was seen lately" +
		" / place=Tokyo (JP); other_place=Berlin (DE); distance_km=8876.96; speed_kmh=591.80; hours=15.00; device=Firefox on Linux; "
	if got := d.Summary + " / " + evidence(d); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	late := newDiary(t)
	for day := range 14 {
		late.entry(signIn(on(day, "08:00"), berlin, laptop))
	}
	late.entry(signIn(on(14, "08:00"), berlin, laptop))
	if d := get(t, late.entry(signIn(on(13, "17:00"), tokyo, kali)), atypicalTravel); d.Summary !=
		"Sign-in from Tokyo (JP) on a new device 15 hours before a sign-in in Berlin (DE): 8,877 km from anywhere this user was seen lately" {
		t.Errorf("late: %s", d.Summary)
	}
}
