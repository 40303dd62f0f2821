package history

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/riskstream/riskstream/event"
)

// visits makes events of many people as a history of some months has them: each
// person has one or two devices and networks and comes in now and then, signs in
// with a second factor and opens a few applications within one session. Ids are
// random, as identity providers make them. The people's visits are mingled.
type visits struct {
	random *rand.Rand
	people int
	now    event.Time
	pause  float64 // mean milliseconds between two events of anybody
	open   []visit
	offset int64
}

// visit is what a person is about.
type visit struct {
	person  int
	session string
	place   int
	step    int
}

// visitSteps is how many events a visit has: a sign-in, its second factor, and
// applications.
const visitSteps = 5

func newVisits(people, events int, days float64) *visits {
	return &visits{
		random: rand.New(rand.NewPCG(1, uint64(people))), people: people, now: began,
		pause: days * float64(event.Day) / float64(events), open: make([]visit, 64),
	}
}

var (
	towns    = [...]string{"Berlin", "Hamburg", "Munich", "Vienna", "Zurich", "Paris", "Lyon", "Madrid", "Milan", "Oslo", "Warsaw", "Prague"}
	lands    = [...]string{"DE", "DE", "DE", "AT", "CH", "FR", "FR", "ES", "IT", "NO", "PL", "CZ"}
	browsers = [...]string{"Chrome", "Safari", "Edge", "Firefox"}
	systems  = [...]string{"Windows", "macOS", "iOS", "Android", "Linux"}
)

// next is the next event.
func (v *visits) next() event.Event {
	v.now += event.Time(v.random.ExpFloat64() * v.pause)
	v.offset++
	at := &v.open[v.random.IntN(len(v.open))]
	if at.step == 0 || at.step == visitSteps {
		*at = visit{person: v.random.IntN(v.people), session: v.id(), place: v.random.IntN(10) / 9}
	}
	at.step++
	return v.event(at)
}

// id is a random one in the form of a UUID.
func (v *visits) id() string {
	a, b := v.random.Uint64(), v.random.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

func (v *visits) event(at *visit) event.Event {
	own := rand.New(rand.NewPCG(uint64(at.person), 7)) // what is the person's own
	town, device, network := own.IntN(len(towns)), own.IntN(20), own.Uint32()
	if at.place == 1 { // elsewhere, with the other device
		town, device, network = own.IntN(len(towns)), own.IntN(20), own.Uint32()
	}
	var e event.Event
	e.Time, e.ID, e.Kind, e.Outcome, e.Provider, e.Tenant = v.now, v.id(), event.KindEvent, event.Success, "okta", "default"
	name := fmt.Sprintf("person.%07d", at.person)
	e.User = event.User{ID: fmt.Sprintf("00u%016x", uint64(at.person)*0x9e3779b97f4a7c15), Name: name + "@corp.example", Email: name + "@corp.example", FullName: fmt.Sprintf("Person %d", at.person), Subject: name + "@corp.example", Kind: event.Human, Privileged: event.False}
	e.Source.IP = netip.AddrFrom4([4]byte{byte(20 + network>>24%180), byte(network >> 16), byte(network >> 8), byte(network)})
	e.Source.Geo = event.Geo{Country: lands[town], City: towns[town], Located: true, Lat: 40 + float64(town), Lon: float64(town) * 2.5, AccuracyKM: 20}
	e.Source.AS = event.AS{Number: 64500 + network%40, Organization: fmt.Sprintf("Example Net %d", network%40)}
	browser, system, version := browsers[device%len(browsers)], systems[device%len(systems)], 120+int(v.now-began)/int(30*event.Day)
	e.UserAgent = event.UserAgent{Original: fmt.Sprintf("Mozilla/5.0 (%s; x64) AppleWebKit/537.36 (KHTML, like Gecko) %s/%d.0.0.0 Safari/537.36", system, browser, version), Name: browser, OS: system, Version: fmt.Sprint(version)}
	if device%5 < 3 {
		e.Device = event.Device{ID: fmt.Sprintf("guo%016x", uint64(at.person*20+device)*0xd1342543de82ef95), Managed: event.True, Compliant: event.True}
	}
	e.Session.ID = at.session
	e.Auth.Protocol = "oauth2"
	switch at.step {
	case 1:
		e.Action, e.Code, e.App = event.SignIn, "user.session.start", event.App{ID: "0oa0", Name: "Okta Dashboard"}
		e.Auth.Method, e.Auth.Factor = "password", event.FactorPassword
		if v.random.IntN(20) == 0 {
			e.Outcome, e.Reason = event.Failure, event.BadCredentials
		}
	case 2:
		e.Action, e.Code = event.MFAVerify, "user.authentication.auth_via_mfa"
		e.Auth.Method, e.Auth.Factor = "push", event.FactorPush
	default:
		app := own.IntN(6) + v.random.IntN(3)
		e.Action, e.Code, e.App = event.Access, "user.authentication.sso", event.App{ID: fmt.Sprintf("0oa%08x", app*2654435761), Name: fmt.Sprintf("App %d", app), Sanctioned: event.True}
	}
	e.Origin = event.Origin{Topic: "idp.okta", TopicID: "AAAAAAAAAAAAAAAAAAAAAA", Partition: int32(v.offset % 6), Offset: v.offset / 6}
	return e
}
