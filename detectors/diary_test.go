package detectors

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
)

// A diary tells what one user does, event by event. Each entry is detected,
// gets the level that the default weights would give it, and is learned from.
type diary struct {
	t     testing.TB
	set   *Set
	m     Memory
	asOf  event.Time
	last  event.Level
	level event.Level // of the subject, as a test sets it
}

func newDiary(t testing.TB) *diary { return &diary{t: t, set: New(Defaults())} }

// settled is a diary of somebody who signed in from Berlin each morning at
// 08:00 of days 0 to 13, on a laptop at home, and is learned.
func settled(t testing.TB) *diary {
	d := newDiary(t)
	for day := range 14 {
		d.entry(signIn(on(day, "08:00"), berlin, laptop))
	}
	return d
}

// recognised is settled with a provider that knows the laptop's browser by a
// cookie.
func recognised(t testing.TB) *diary {
	d := newDiary(t)
	for day := range 14 {
		d.entry(signIn(on(day, "08:00"), berlin, laptop, cookie("mine")))
	}
	return d
}

func (d *diary) entry(e event.Event) []event.Detection {
	d.t.Helper()
	found := d.set.Detect(&e, &d.m, Standing{AsOf: d.asOf, Level: d.level}, nil)
	d.last = levelOf(found)
	late := d.asOf-e.Time > event.Day
	d.asOf = max(d.asOf, e.Time)
	d.set.Learn(&e, &d.m, Verdict{EventLevel: d.last, Late: late})
	return found
}

func (d *diary) knows(e event.Event) Familiarity { return d.set.Familiarity(&e, &d.m) }

var defaultWeights = map[string]float64{
	impossibleTravel: 6, newCountry: 3, newNetwork: 1, newDevice: 2, anonymousIP: 2, bruteForceSuccess: 5.9,
	sessionHijack: 7.5, massAccess: 5.9, serviceAccountMisuse: 6, dormantAccount: 3,
}

// levelOf weighs as the default weights and caps do.
func levelOf(found []event.Detection) event.Level {
	var network, rest float64
	for _, f := range found {
		switch points := defaultWeights[f.Name] * f.Strength; f.Name {
		case newCountry, newNetwork, anonymousIP:
			network += points
		default:
			rest += points
		}
	}
	switch sum := min(network, 4) + rest; {
	case sum >= 7.3:
		return event.High
	case sum >= 5.8:
		return event.Medium
	case sum >= 4:
		return event.Low
	}
	return event.None
}

// on is a time of day on a numbered day.
func on(day int, clock string) event.Time {
	at, err := time.Parse("15:04:05", clock+":00"[:max(0, 8-len(clock))])
	if err != nil {
		panic(err)
	}
	midnight := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day)
	return event.TimeOf(midnight.Add(at.Sub(at.Truncate(24 * time.Hour))))
}

type change func(*event.Event)

func signIn(at event.Time, changes ...change) event.Event {
	return with(event.Event{
		Time: at, ID: at.String(), Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Success,
		User: event.User{Kind: event.Human, Subject: "alice@corp.example"},
	}, changes...)
}

func with(e event.Event, changes ...change) event.Event {
	for _, c := range changes {
		c(&e)
	}
	return e
}

func wrongPassword(e *event.Event) {
	e.Outcome, e.Reason = event.Failure, event.BadCredentials
}

func place(ip, country, city string, lat, lon float64, as uint32, org string) change {
	return func(e *event.Event) {
		e.Source.IP = netip.MustParseAddr(ip)
		e.Source.Geo = event.Geo{Country: country, City: city, Lat: lat, Lon: lon, Located: true, AccuracyKM: 20}
		e.Source.AS = event.AS{Number: as, Organization: org}
	}
}

var (
	berlin  = place("192.0.2.10", "DE", "Berlin", 52.52, 13.405, 64601, "Home ISP")
	potsdam = place("192.0.2.77", "DE", "Potsdam", 52.39, 13.06, 64601, "Home ISP")
	munich  = place("192.0.2.130", "DE", "Munich", 48.137, 11.575, 64601, "Home ISP")
	paris   = place("198.51.100.20", "FR", "Paris", 48.857, 2.352, 64610, "Hotel Net")
	tokyo   = place("203.0.113.5", "JP", "Tokyo", 35.68, 139.69, 64620, "Kanto Net")
	sydney  = place("203.0.113.90", "AU", "Sydney", -33.87, 151.21, 64630, "Harbour Net")
	newYork = place("198.51.100.200", "US", "New York", 40.71, -74.0, 64640, "Hudson Net")
)

func browser(os, name string) change {
	return func(e *event.Event) {
		e.UserAgent = event.UserAgent{Original: name + "/1 (" + os + ")", Name: name, OS: os}
	}
}

var (
	laptop = browser("macOS", "Safari")
	phone  = browser("iOS", "Safari")
	kali   = browser("Linux", "Firefox")
)

func bound(id string) change       { return func(e *event.Event) { e.Device.ID = id } }
func cookie(id string) change      { return func(e *event.Event) { e.UserAgent.ID = id } }
func session(id string) change     { return func(e *event.Event) { e.Session.ID = id } }
func factor(f event.Factor) change { return func(e *event.Event) { e.Auth.Factor = f } }
func through(kind string) change   { return func(e *event.Event) { e.Source.Anonymizer = kind } }
func asType(kind string) change    { return func(e *event.Event) { e.Source.AS.Type = kind } }
func radius(km float64) change     { return func(e *event.Event) { e.Source.Geo.AccuracyKM = km } }
func ip(s string) change           { return func(e *event.Event) { e.Source.IP = netip.MustParseAddr(s) } }
func as(number uint32) change      { return func(e *event.Event) { e.Source.AS.Number = number } }
func country(iso string) change    { return func(e *event.Event) { e.Source.Geo.Country = iso } }
func action(a event.Action) change { return func(e *event.Event) { e.Action = a } }

func appID(id string) change     { return func(e *event.Event) { e.App.ID = id } }
func resource(id string) change  { return func(e *event.Event) { e.Resource.ID = id } }
func classified(c string) change { return func(e *event.Event) { e.Resource.Classification = c } }

func onCorporate(e *event.Event)   { e.Source.Corporate = event.True }
func unlocated(e *event.Event)     { e.Source.Geo.Located = false }
func commonPlace(e *event.Event)   { e.Source.Geo.Name = "Tokyo office" }
func asService(e *event.Event)     { e.User.Kind = event.Service }
func nothing(*event.Event)         {}
func noUserAgent(e *event.Event)   { e.UserAgent = event.UserAgent{} }
func noAddress(e *event.Event)     { e.Source = event.Source{} }
func unaddressed(e *event.Event)   { e.Source.IP = netip.Addr{} }
func unsuccessful(e *event.Event)  { e.Outcome = event.Failure }
func undecided(e *event.Event)     { e.Outcome = event.OutcomeUnknown }
func nowhereNamed(e *event.Event)  { e.Source.Geo.City, e.Source.Geo.Country = "", "" }
func countryOnly(e *event.Event)   { e.Source.Geo = event.Geo{Country: e.Source.Geo.Country} }
func byUnknownKind(e *event.Event) { e.User.Kind = event.UserUnknown }

// strengthOf is the strength with which a detector fired; 0 when it was quiet.
func strengthOf(found []event.Detection, name string) float64 {
	for _, f := range found {
		if f.Name == name {
			return f.Strength
		}
	}
	return 0
}

func get(t testing.TB, found []event.Detection, name string) event.Detection {
	t.Helper()
	for _, f := range found {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("%s did not fire; fired: %s", name, names(found))
	return event.Detection{}
}

// without leaves out what detectors with tests of their own have found.
func without(found []event.Detection, unwanted ...string) []event.Detection {
	return slices.DeleteFunc(slices.Clone(found), func(d event.Detection) bool { return slices.Contains(unwanted, d.Name) })
}

// things are the detections of single new things: the model that weighs them as
// a whole, and habits, have tests of their own.
func things(found []event.Detection) string {
	return names(without(found, unfamiliarSignIn, atypicalTravel, unusualHours, dormantAccount))
}

// names is what fired, in order, downgraded ones with their strength.
func names(found []event.Detection) string {
	var list []string
	for _, f := range found {
		name := f.Name
		if f.Strength != 1 {
			name = fmt.Sprintf("%s×%g", f.Name, f.Strength)
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

func evidence(d event.Detection) string {
	var b strings.Builder
	for _, f := range d.Evidence {
		if f.IsNumber {
			fmt.Fprintf(&b, "%s=%.2f; ", f.Name, f.Number)
		} else {
			fmt.Fprintf(&b, "%s=%s; ", f.Name, f.Text)
		}
	}
	return b.String()
}
