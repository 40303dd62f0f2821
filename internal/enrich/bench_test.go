package enrich_test

import (
	"net/netip"
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/enrich"
)

// signIn is a typical event of a user of the fixtures' world.
func signIn() event.Event {
	ev := event.Event{Tenant: "default", Provider: "okta"}
	ev.User.Subject = "alice.smith@corp.example"
	ev.Source.IP = netip.MustParseAddr("198.18.0.9")
	ev.UserAgent.Original = chromeOnMac
	ev.App = event.App{ID: "0oa9", Name: "Mail"}
	return ev
}

// BenchmarkEnrich is one event whose address and user agent were seen before.
func BenchmarkEnrich(b *testing.B) {
	e := open(b, withDirectory(b, allDatabases(), company))
	template := signIn()
	b.ReportAllocs()
	for b.Loop() {
		ev := template
		e.Enrich(&ev)
	}
}

// BenchmarkEnrichLists adds what a threat list of a network and a list of leaked
// accounts cost: the hash of the name.
func BenchmarkEnrichLists(b *testing.B) {
	dir := b.TempDir()
	cfg := withDirectory(b, allDatabases(), company)
	cfg.GeoIP.Lists = []enrich.ListConfig{{Path: write(b, dir, "threats.txt", "198.18.0.0/15 2100-01-01\n"), Threat: "scanners"}}
	cfg.Leaked = []enrich.LeakedConfig{{Path: write(b, dir, "leaked.txt", "ann@corp.example\n"), Name: "paste"}}
	e := open(b, cfg)
	template := signIn()
	b.ReportAllocs()
	for b.Loop() {
		ev := template
		e.Enrich(&ev)
	}
}

// BenchmarkEnrichNewAddress looks every address up in the three databases.
func BenchmarkEnrichNewAddress(b *testing.B) {
	e := open(b, withDirectory(b, allDatabases(), company))
	template := signIn()
	n := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		ev := template
		n += 2654435761 // visits addresses in no order
		ev.Source.IP = netip.AddrFrom4([4]byte{198, 18 | byte(n>>16&1), byte(n >> 8), byte(n)})
		e.Enrich(&ev)
	}
}

// BenchmarkEnrichNewAgent parses every user agent.
func BenchmarkEnrichNewAgent(b *testing.B) {
	e := open(b, withDirectory(b, allDatabases(), company))
	template := signIn()
	agent := []byte(chromeOnMac + "     ")
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		ev := template
		n++
		for i, m := 0, n; i < 5; i, m = i+1, m/10 {
			agent[len(agent)-1-i] = byte('0' + m%10)
		}
		ev.UserAgent.Original = string(agent)
		e.Enrich(&ev)
	}
}
