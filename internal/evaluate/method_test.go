package evaluate

import (
	"math"
	"net/netip"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// signIn is a sign-in of a user over a network, with a client.
func signIn(user string, at event.Time, network place, client event.UserAgent) *Case {
	return &Case{Event: event.Event{
		Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Success, Time: at,
		User: event.User{Subject: user, Kind: event.Human}, UserAgent: client,
		Source: event.Source{
			IP: netip.MustParseAddr(network.ip), AS: event.AS{Number: network.as}, Anonymizer: network.anonymizer,
			Geo: event.Geo{Country: network.country, Lat: network.lat, Lon: network.lon, Located: true},
		},
	}}
}

type place struct {
	ip, country, anonymizer string
	as                      uint32
	lat, lon                float64
}

var (
	berlin  = place{ip: "192.0.2.1", country: "DE", as: 64501, lat: 52.52, lon: 13.405}
	cafe    = place{ip: "192.0.2.77", country: "DE", as: 64501, lat: 52.52, lon: 13.405}
	tokyo   = place{ip: "198.51.100.1", country: "JP", as: 64502, lat: 35.68, lon: 139.69}
	hosting = place{ip: "203.0.113.1", country: "DE", as: 64503, anonymizer: "hosting", lat: 50.11, lon: 8.68}
	mac     = event.UserAgent{Original: "mac", Name: "Safari", Version: "18", OS: "macOS"}
	newer   = event.UserAgent{Original: "mac19", Name: "Safari", Version: "19", OS: "macOS"}
	windows = event.UserAgent{Original: "win", Name: "Edge", Version: "131", OS: "Windows"}
)

func TestTrivialCountsWhatIsNew(t *testing.T) {
	m := newTrivial()
	for i, c := range []struct {
		where  place
		client event.UserAgent
		want   float64
	}{
		{tokyo, windows, 0}, // the first sign-in says nothing
		{berlin, mac, 3},
		{berlin, newer, 0},
		{cafe, mac, 0},
		{hosting, mac, 2},
		{hosting, mac, 1}, // known by now, and still on a list
		{tokyo, windows, 0},
	} {
		if got := m.judge(signIn("anna", event.Time(i), c.where, c.client)); got != c.want {
			t.Errorf("%d: %g points, want %g", i, got, c.want)
		}
	}
	failed := signIn("anna", 9, place{ip: "192.0.2.9", country: "FR", as: 64509}, mac)
	failed.Event.Outcome = event.Failure
	if got := m.judge(failed); got != 0 {
		t.Errorf("a failure has %g points", got)
	}
	failed.Event.Outcome, failed.Event.Action = event.Success, event.Access
	for range 2 { // an access is judged and teaches nothing, nor has the failure
		if got := m.judge(failed); got != 2 {
			t.Errorf("an access has %g points, want 2", got)
		}
	}
}

// The numbers are worked out by hand from the formula.
func TestFreemanByHand(t *testing.T) {
	m := newFreeman()
	if got := m.judge(signIn("anna", 1, berlin, mac)); got != 0 {
		t.Errorf("the first sign-in has %g", got)
	}
	m.judge(signIn("ben", 2, tokyo, windows))
	m.judge(signIn("anna", 3, berlin, mac))

	// N = 3, |U| = 2, n_anna = 2. Two AS and two countries: M = 5. Two
	// browsers, systems and one kind of device: M = 6.
	own := 3.0 / 2 / 2
	address := (0.6*2/(3+5) + 0.3*2/3 + 0.1*2/3) / 1
	agent := (0.538665*2/(3+6) + 0.268045*2/3 + 0.188183*2/3 + 0.005107*3/3) / 1
	if got, want := m.judge(signIn("anna", 4, berlin, mac)), math.Log1p(own*address*agent); math.Abs(got-want) > 1e-9 {
		t.Errorf("at home: %g, want %g", got, want)
	}

	// N = 4, n_ben = 1. Anna's address on Ben: its own likelihood is 0, so that
	// its factor is 4; the kind of device alone is his.
	own = 4.0 / 1 / 2
	agent = (0.538665*3/(4+6) + 0.268045*3/4 + 0.188183*3/4 + 0.005107) / 0.005107
	if got, want := m.judge(signIn("ben", 5, berlin, mac)), math.Log1p(own*4*agent); math.Abs(got-want) > 1e-9 {
		t.Errorf("elsewhere: %g, want %g", got, want)
	}
}

func TestElasticWantsBothDistanceAndSpeed(t *testing.T) {
	for _, c := range []struct {
		name string
		to   place
		in   event.Time
		want float64 // km/h
	}{
		{"at once", tokyo, event.Minute, 8918 * 60},
		{"by plane", tokyo, 14 * event.Hour, 0},
		{"too near", hosting, event.Minute, 0},
		{"backwards in time", tokyo, -event.Hour, 8918},
	} {
		m := newElastic()
		m.judge(signIn("anna", event.Day, berlin, mac))
		if got := m.judge(signIn("anna", event.Day+c.in, c.to, mac)); math.Abs(got-c.want) > c.want/100 {
			t.Errorf("%s: %g km/h, want %g", c.name, got, c.want)
		}
	}
}
