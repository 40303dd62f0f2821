package evaluate

import (
	"cmp"

	"github.com/cespare/xxhash/v2"

	"github.com/riskstream/riskstream/event"
)

// method is a simpler way to judge events, to compare with. It sees the same
// events in the same order, enriched like those of the lanes.
type method interface {
	// judge gives an event a value from what was known before it, then learns
	// from it: the higher, the likelier it is somebody else's. 0 is nothing to
	// say.
	judge(c *Case) float64
}

// Names of the methods, as reports tell them.
const (
	nameRiskstream = "riskstream"
	nameTrivial    = "trivial rule"
	nameFreeman    = "Freeman et al."
	nameElastic    = "Elastic travel rule"
)

// traits are what the baselines look at, as hashes; 0 is absent.
type traits struct {
	user, ip, as, country        uint64
	agent, browser, system, kind uint64 // user agent as sent; browser and version; operating system; kind of device
}

func traitsOf(c *Case) traits {
	e, ua := &c.Event, &c.Event.UserAgent
	t := traits{
		user:    event.Hash(event.Key(e.Tenant, e.User.Subject)),
		ip:      e.Source.NetworkHash(),
		country: event.Hash(e.Source.Geo.Country),
		agent:   event.Hash(cmp.Or(ua.Original, ua.Name+ua.Version+ua.OS)),
		browser: hashOf(ua.Name, ua.Version),
		system:  event.Hash(ua.OS),
		kind:    event.Hash(kindOf(ua.OS)),
	}
	if c.Client != (Client{}) {
		t.browser, t.system, t.kind = event.Hash(c.Client.Browser), event.Hash(c.Client.System), event.Hash(c.Client.Kind)
	}
	if as := e.Source.AS.Number; as != 0 {
		t.as = mixed(1, uint64(as))
	}
	return t
}

// kindOf is the kind of device that an operating system runs on.
func kindOf(system string) string {
	switch system {
	case "":
		return ""
	case "iOS", "Android", "HarmonyOS", "Windows Phone":
		return "mobile"
	}
	return "desktop"
}

func hashOf(name, version string) uint64 {
	if name == "" {
		return 0
	}
	return event.Hash(name + "\x00" + version)
}

// mixed is one hash of several.
func mixed(words ...uint64) uint64 {
	var b [32]byte
	n := 0
	for _, w := range words {
		for i := range 8 {
			b[n+i] = byte(w >> (8 * i))
		}
		n += 8
	}
	return xxhash.Sum64(b[:n])
}

// signedIn reports a person's sign-in that succeeded.
func signedIn(e *event.Event) bool {
	return e.Action == event.SignIn && e.Outcome == event.Success && ofPerson(e)
}

// ofPerson leaves out workloads, signals and events that name nobody.
func ofPerson(e *event.Event) bool {
	return e.Kind == event.KindEvent && e.User.Subject != "" && e.User.Kind != event.Service
}
