package detectors

import (
	"math"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
	"pgregory.net/rapid"
)

// Every row but the first changes one thing of a sign-in from Tokyo 38 minutes
// after one from Berlin, which fires.
func TestImpossibleTravelIsSuppressedAndDowngraded(t *testing.T) {
	for _, c := range []struct {
		name    string
		anchor  change // of the sign-in from Berlin
		event   change // of the sign-in from Tokyo
		want    float64
		because string
	}{
		{name: "clean", want: 1},
		{name: "to another corporate place only", event: onCorporate, want: 1},
		{name: "from a corporate place only", anchor: onCorporate, want: 1},
		{name: "between corporate egresses", anchor: onCorporate, event: onCorporate, want: 0},
		{name: "same address", event: ip("192.0.2.10"), want: 0},
		{name: "location missing", event: unlocated, want: 0},
		{name: "radius unknown", event: radius(0), want: 0},
		{name: "radius not a number", event: radius(math.NaN()), want: 0},
		{name: "no coordinates on Earth", event: func(e *event.Event) { e.Source.Geo.Lat = 912 }, want: 0},
		{name: "radius as large as the way", event: radius(8600), want: 0},
		{name: "country only", event: countryOnly, want: 0},
		{name: "in flight", event: asType(event.ASSatellite), want: 0},
		{name: "tor", event: through("tor"), want: 0},
		{name: "vpn", event: through("vpn"), want: 0},
		{name: "proxy", event: through("proxy"), want: 0},
		{name: "residential proxy", event: through("residential_proxy"), want: 0},
		{name: "hosting", event: through("hosting"), want: 1},
		{name: "workload", event: asService, want: 0},
		{name: "user of unknown kind", event: byUnknownKind, want: 1},
		{name: "refused", event: unsuccessful, want: 0},
		{name: "unknown outcome", event: undecided, want: 0},
		{name: "token refresh", event: action(event.TokenRefresh), want: 0},
		{name: "second factor", event: action(event.MFAVerify), want: 0},
		{name: "signal", event: func(e *event.Event) { e.Kind = event.KindSignal }, want: 0},
		{name: "same bound device", anchor: bound("mac-1"), event: bound("mac-1"), want: 0.5, because: "same registered device"},
		{name: "another bound device", anchor: bound("mac-1"), event: bound("mac-2"), want: 1},
		{name: "same session", anchor: session("s1"), event: session("s1"), want: 0.5, because: "same session"},
		{name: "another session", anchor: session("s1"), event: session("s2"), want: 1},
		{name: "common place", event: commonPlace, want: 0.5, because: "place common in the organisation"},
		{name: "mobile abroad", event: asType(event.ASMobile), want: 1},
		{
			name: "mobile in one country", event: func(e *event.Event) { e.Source.AS.Type, e.Source.Geo.Country = event.ASMobile, "DE" },
			want: 0.5, because: "mobile network of the same country",
		},
		{
			name: "mobile before in one country", anchor: asType(event.ASMobile), event: country("DE"),
			want: 0.5, because: "mobile network of the same country",
		},
		{
			name: "mobile in no country", anchor: country(""), event: func(e *event.Event) { e.Source.AS.Type, e.Source.Geo.Country = event.ASMobile, "" },
			want: 1,
		},
		{name: "no addresses in the log", anchor: unaddressed, event: unaddressed, want: 1},
		{name: "fixed line in one country", event: country("DE"), want: 1},
		{
			name: "doubts do not add up to silence", anchor: bound("mac-1"),
			event: func(e *event.Event) { bound("mac-1")(e); commonPlace(e); asType(event.ASMobile)(e); country("DE")(e) },
			want:  0.25, because: "same registered device, place common in the organisation, mobile network of the same country",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := func(c change) change {
				if c == nil {
					return nothing
				}
				return c
			}
			d := settled(t)
			d.entry(signIn(on(14, "10:00"), berlin, laptop, change(c.anchor)))
			found := d.entry(signIn(on(14, "10:38"), tokyo, kali, change(c.event)))
			if got := strengthOf(found, impossibleTravel); got != c.want {
				t.Fatalf("strength %g, want %g", got, c.want)
			}
			if c.because != "" {
				facts := get(t, found, impossibleTravel).Evidence
				if why := facts[len(facts)-1]; why != event.Text("downgraded", c.because) {
					t.Errorf("last fact %v, want downgraded: %s", why, c.because)
				}
			}
		})
	}
}

// The far egress of the company says nothing of where the user is; whoever then
// goes on at home on the own device has most likely just left the gateway.
func TestImpossibleTravelHomeFromAGatewayIsDowngraded(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(14, "08:00"), tokyo, laptop, onCorporate))
	for name, e := range map[string]event.Event{
		"another device":  signIn(on(14, "08:20"), berlin, kali),
		"another network": signIn(on(14, "08:20"), paris, laptop),
	} {
		if got := strengthOf(d.set.Detect(&e, &d.m, Standing{AsOf: d.asOf, Level: d.level}, nil), impossibleTravel); got != 1 {
			t.Errorf("%s: strength %g, want 1", name, got)
		}
	}
	if got := strengthOf(d.entry(signIn(on(14, "08:20"), berlin, laptop)), impossibleTravel); got != 0.5 {
		t.Errorf("at home: strength %g, want 0.5", got)
	}
}

func TestImpossibleTravelNeverStartsFromUntrustworthyPlaces(t *testing.T) {
	for _, c := range []struct {
		name  string
		event change
		want  float64
	}{
		{"a plain place", nothing, 1},
		{"vpn", through("vpn"), 0},
		{"hosting", through("hosting"), 0},
		{"satellite", asType(event.ASSatellite), 0},
		{"unknown radius", radius(0), 0},
		{"not located", unlocated, 0},
		{"refused", unsuccessful, 0},
		{"token refresh", action(event.TokenRefresh), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			// A week after the last sign-in the only recent place is Berlin's
			// changed entry.
			d := settled(t)
			d.entry(signIn(on(20, "10:00"), berlin, laptop, c.event))
			found := d.entry(signIn(on(20, "10:38"), tokyo, kali))
			if got := strengthOf(found, impossibleTravel); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
		})
	}
}

func TestImpossibleTravelTellsWhatItSaw(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(14, "10:00"), berlin, laptop))
	got := get(t, d.entry(signIn(on(14, "10:38"), tokyo, kali, session("s9"))), impossibleTravel)

	if want := "Sign-in from Tokyo (JP) 38 minutes after a sign-in in Berlin (DE): 8,877 km at 14,016 km/h"; got.Summary != want {
		t.Errorf("summary\n got %s\nwant %s", got.Summary, want)
	}
	want := "from=Berlin (DE); to=Tokyo (JP); distance_km=8876.96; speed_kmh=14016.25; minutes=38.00; radius_km=20.00; other_radius_km=20.00; known_device=no; "
	if evidence(got) != want {
		t.Errorf("evidence\n got %s\nwant %s", evidence(got), want)
	}
	if !got.Session {
		t.Error("evidence of a sign-in with a session does not belong to it")
	}
	again := get(t, d.entry(signIn(on(14, "10:50"), tokyo, kali)), impossibleTravel)
	if again.Key != got.Key {
		t.Error("the next sign-in from the same network is other evidence")
	}
	if again.Session {
		t.Error("evidence of a sign-in without a session belongs to one")
	}
}

// Scoring joins what was seen at the other end by its source network.
func TestImpossibleTravelNamesTheOtherEnd(t *testing.T) {
	d := settled(t)
	home := signIn(on(14, "10:00"), berlin, laptop)
	d.entry(home)
	travel := get(t, d.entry(signIn(on(14, "10:38"), tokyo, kali)), impossibleTravel)
	if want := event.ShortHash(home.Source.NetworkHash()); travel.Elsewhere != want {
		t.Errorf("elsewhere %x, want Berlin's network %x", travel.Elsewhere, want)
	}
}

func TestImpossibleTravelThresholds(t *testing.T) {
	for _, c := range []struct {
		name string
		from change
		at   string // on day 14; the sign-in before was at 10:00
		to   change
		want float64
	}{
		{"8,877 km in 9 h 50", berlin, "19:50", tokyo, 1},
		{"8,877 km in 10 h, a flight", berlin, "20:00", tokyo, 0},
		{"504 km less the radii is too near", berlin, "10:01", munich, 0},
		{"878 km in 5 minutes", berlin, "10:05", paris, 1},
		{"878 km in an hour", berlin, "11:00", paris, 0},
		{"at the same moment", berlin, "10:00", paris, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.entry(signIn(on(14, "10:00"), c.from, laptop))
			found := d.entry(signIn(on(14, c.at), c.to, kali))
			if got := strengthOf(found, impossibleTravel); got != c.want {
				t.Errorf("strength %g, want %g: %v", got, c.want, found)
			}
		})
	}
}

func TestImpossibleTravelSeesALateSignInBetweenItsNeighbours(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(14, "10:00"), berlin, laptop))
	d.entry(signIn(on(14, "22:30"), berlin, laptop))
	late := d.entry(signIn(on(14, "22:00"), tokyo, kali))
	got := get(t, late, impossibleTravel)
	if want := "Sign-in from Tokyo (JP) 30 minutes before a sign-in in Berlin (DE): 8,877 km at 17,754 km/h"; got.Summary != want {
		t.Errorf("summary\n got %s\nwant %s", got.Summary, want)
	}
	if from := got.Evidence[0]; from != event.Text("from", "Tokyo (JP)") {
		t.Errorf("first fact %v: a late sign-in lies before its successor", from)
	}
	if found := d.entry(signIn(on(14, "22:40"), berlin, laptop)); len(found) != 0 {
		t.Errorf("the user at home pays for the attacker: %s", names(found))
	}
}

// Of two neighbours the worse one is told: first by strength, then by speed.
func TestImpossibleTravelChoosesAmongItsNeighbours(t *testing.T) {
	for _, c := range []struct {
		name     string
		berlin   event.Event
		munich   event.Event
		tokyo    event.Event
		want     string
		strength float64
	}{
		{
			"the later is nearer in time",
			signIn(on(14, "10:00"), berlin), signIn(on(14, "11:00"), munich), signIn(on(14, "10:50"), tokyo),
			"Sign-in from Tokyo (JP) 10 minutes before a sign-in in Munich (DE)", 1,
		},
		{
			"the earlier is nearer in time",
			signIn(on(14, "10:00"), berlin), signIn(on(14, "11:00"), munich), signIn(on(14, "10:05"), tokyo),
			"Sign-in from Tokyo (JP) 5 minutes after a sign-in in Berlin (DE)", 1,
		},
		{
			"the nearer is downgraded",
			signIn(on(14, "10:00"), berlin, bound("mac-1")), signIn(on(14, "11:00"), munich), signIn(on(14, "10:05"), tokyo, bound("mac-1")),
			"Sign-in from Tokyo (JP) 55 minutes before a sign-in in Munich (DE)", 1,
		},
		{
			"both are later",
			signIn(on(15, "12:00"), berlin), signIn(on(14, "22:30"), munich), signIn(on(14, "22:00"), tokyo),
			"Sign-in from Tokyo (JP) 30 minutes before a sign-in in Munich (DE)", 1,
		},
		{
			"both are earlier",
			signIn(on(14, "10:00"), munich), signIn(on(14, "12:00"), berlin), signIn(on(14, "12:20"), tokyo),
			"Sign-in from Tokyo (JP) 20 minutes after a sign-in in Berlin (DE)", 1,
		},
		{
			"at the same moment as one",
			signIn(on(14, "10:00"), berlin), signIn(on(14, "14:00"), munich), signIn(on(14, "10:00"), tokyo),
			"Sign-in from Tokyo (JP) 0 seconds after a sign-in in Berlin (DE): 8,877 km at 532,617 km/h", 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.entry(c.berlin)
			d.entry(c.munich)
			got := get(t, d.entry(c.tokyo), impossibleTravel)
			if !strings.HasPrefix(got.Summary, c.want) || got.Strength != c.strength {
				t.Errorf("%q with strength %g; want %q with %g", got.Summary, got.Strength, c.want, c.strength)
			}
		})
	}
}

func TestImpossibleTravelKeepsHomeThroughJitter(t *testing.T) {
	d := settled(t)
	for minute := range 50 {
		jumps := func(e *event.Event) {
			e.Source.IP = e.Source.IP.Next()
			e.Source.Geo.Lat += float64(minute%7) * 0.05
		}
		d.entry(signIn(on(14, "10:00")+event.Time(minute)*event.Minute, potsdam, phone, jumps))
	}
	if n := len(anchoredPlaces(&d.m)); n != 1 {
		t.Fatalf("one town takes %d of the anchors", n)
	}
}

// A doubt must not grow into a certainty by being seen from both ends, or
// through one carrier's many addresses.
func TestImpossibleTravelDoubtsDoNotAddUp(t *testing.T) {
	carrier := func(e *event.Event) { e.Source.AS = event.AS{Number: 64699, Type: event.ASMobile} }
	other := place("198.51.100.77", "AU", "Sydney", -33.87, 151.21, 64650, "Coral Net")
	for _, c := range []struct {
		name        string
		home        change
		first, then event.Event
	}{
		{
			"one carrier's addresses", nothing,
			signIn(on(14, "10:38"), tokyo, carrier, country("DE")), signIn(on(14, "11:00"), tokyo, carrier, country("DE"), ip("203.0.113.77")),
		},
		{
			"one registered device", bound("mac-1"),
			signIn(on(14, "10:38"), tokyo, bound("mac-1")), signIn(on(14, "11:00"), other, bound("mac-1")),
		},
		{
			"one session", session("s1"),
			signIn(on(14, "10:38"), tokyo, session("s1")), signIn(on(14, "11:00"), other, session("s1")),
		},
		{
			"a common place", nothing,
			signIn(on(14, "10:38"), tokyo, commonPlace), signIn(on(14, "11:00"), tokyo, commonPlace, ip("203.0.113.77")),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.entry(signIn(on(14, "10:00"), berlin, laptop, c.home))
			first := get(t, d.entry(c.first), impossibleTravel)
			then := get(t, d.entry(c.then), impossibleTravel)
			if first.Strength != downgrade || then.Key != first.Key {
				t.Errorf("strength %g and keys %x, %x; want %g and one key", first.Strength, first.Key, then.Key, downgrade)
			}
			if found := d.entry(signIn(on(14, "11:20"), berlin, laptop, c.home)); strengthOf(found, impossibleTravel) != 0 {
				t.Errorf("back home: %s", names(found))
			}
		})
	}
}

// A carrier leads its customers' connections home from abroad, so that the phone
// is at home while the laptop is in a hotel.
func TestImpossibleTravelOfHomeRoutedPhonesIsDowngraded(t *testing.T) {
	carrier := func(e *event.Event) {
		berlin(e)
		e.Source.AS.Number, e.Source.AS.Type = 64900, event.ASMobile
	}
	for _, c := range []struct {
		name          string
		first, second []change
		want          float64
	}{
		{"the phone after the hotel", []change{tokyo, laptop}, []change{carrier, phone}, 0.5},
		{"the hotel after the phone, registered laptop", []change{carrier, phone}, []change{tokyo, laptop, bound("mac-1")}, 0.25},
		{"elsewhere after the phone, a browser like the laptop's", []change{carrier, phone}, []change{tokyo, laptop}, 1},
		{"an unknown device on the carrier", []change{tokyo, laptop}, []change{carrier, kali}, 1},
		{"a carrier that the user is not known on", []change{tokyo, laptop}, []change{carrier, phone, func(e *event.Event) { e.Source.AS.Number++ }}, 1},
		{"an unknown device after the phone", []change{carrier, phone}, []change{tokyo, kali, bound("x")}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.entry(signIn(on(14, "09:00"), berlin, laptop, bound("mac-1")))
			d.entry(signIn(on(14, "19:00"), carrier, phone))
			d.entry(signIn(on(16, "10:00"), c.first...))
			found := d.entry(signIn(on(16, "10:20"), c.second...))
			if got := strengthOf(found, impossibleTravel); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
		})
	}
}

func TestImpossibleTravelWhileLearningIsDowngraded(t *testing.T) {
	d := newDiary(t)
	d.entry(signIn(on(0, "10:00"), berlin, laptop))
	found := d.entry(signIn(on(0, "10:38"), tokyo, laptop))
	if got := names(found); got != "impossible_travel×0.5" {
		t.Errorf("fired %q", got)
	}
}

func TestImpossibleTravelFromAKnownHostingNetworkIsDowngraded(t *testing.T) {
	desktop := []change{tokyo, kali, through("hosting"), factor(event.FactorStrong)}
	d := settled(t)
	if got := strengthOf(d.entry(signIn(on(13, "08:30"), desktop...)), impossibleTravel); got != 1 {
		t.Fatalf("first sign-in from a data centre: strength %g", got)
	}
	d.entry(signIn(on(14, "08:00"), berlin, laptop))
	if got := strengthOf(d.entry(signIn(on(14, "08:30"), desktop...)), impossibleTravel); got != 0.5 {
		t.Errorf("second one, after a strong factor: strength %g", got)
	}
}

// The newest trusted sign-in of each place is kept whatever the order of
// arrival, as long as the places do not overlap.
func TestAnchorsDoNotDependOnTheOrderOfArrival(t *testing.T) {
	places := []change{berlin, paris, tokyo, sydney, newYork, munich}
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) anchor {
			e := signIn(on(0, "00:00")+event.Time(rapid.IntRange(0, 86399).Draw(t, "second"))*event.Second,
				places[rapid.IntRange(0, len(places)-1).Draw(t, "place")])
			at := see(&e)
			a, _ := anchorOf(&at, e.Source.Geo.City)
			return a
		}), 1, 20, func(a anchor) seconds { return a.at }).Draw(t, "events")
		shuffled := rapid.Permutation(events).Draw(t, "shuffled")

		var one, other anchors
		for i := range events {
			one.keep(&events[i])
			other.keep(&shuffled[i])
		}
		if a, b := anchoredPlaces(&Memory{anchors: one}), anchoredPlaces(&Memory{anchors: other}); !equalAnchors(a, b) {
			t.Fatalf("in order %v, shuffled %v", a, b)
		}
	})
}

func anchoredPlaces(m *Memory) map[seconds]string {
	places := map[seconds]string{}
	for i := range m.anchors {
		if a := &m.anchors[i]; a.at != 0 {
			places[a.at] = a.name()
		}
	}
	return places
}

func equalAnchors(a, b map[seconds]string) bool {
	if len(a) != len(b) {
		return false
	}
	for at, name := range a {
		if b[at] != name {
			return false
		}
	}
	return true
}

func TestHaversine(t *testing.T) {
	for _, c := range []struct {
		name                   string
		lat1, lon1, lat2, lon2 float64
		km                     float64
	}{
		{"nowhere", 52.52, 13.405, 52.52, 13.405, 0},
		{"a quarter of the equator", 0, 0, 0, 90, 10007.56},
		{"pole to pole", 90, 0, -90, 0, 20015.11},
		{"over the date line", 0, 179.5, 0, -179.5, 111.19},
		{"Berlin to Tokyo", 52.52, 13.405, 35.68, 139.69, 8916.96},
	} {
		if got := haversine(c.lat1, c.lon1, c.lat2, c.lon2); math.Abs(got-c.km) > 0.1 {
			t.Errorf("%s: %.2f km, want %.2f", c.name, got, c.km)
		}
	}
}
