package enrich

import (
	"encoding/binary"
	"net/netip"

	"github.com/riskstream/riskstream/event"
)

// Kinds of anonymiser, as source.anonymizer has them.
const (
	tor              = "tor"
	residentialProxy = "residential_proxy"
	proxy            = "proxy"
	vpn              = "vpn"
	hosting          = "hosting"
)

// rank orders the kinds by how well they hide who is behind them, and so how
// much they matter. Where several are known the highest counts. What is no kind
// has rank 0.
func rank(anonymizer string) int {
	switch anonymizer {
	case hosting:
		return 1
	case vpn:
		return 2
	case proxy:
		return 3
	case residentialProxy:
		return 4
	case tor:
		return 5
	}
	return 0
}

func stronger(a, b string) string {
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// facts is what the tables say of an address.
type facts struct {
	geo        event.Geo
	as         event.AS
	anonymizer string
	threats    []listing
	network    network
}

// addrKey is an address in the cache: netip.Addr would keep zones alive.
type addrKey [16]byte

// hash spreads addresses over the cache. It is no defence against chosen
// addresses: these could only make lookups slower, by what a lookup costs.
func (k *addrKey) hash() uint64 {
	h := binary.LittleEndian.Uint64(k[:8])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(k[8:])
	h *= 0xff51afd7ed558ccd
	return h ^ h>>32
}

// enrichSource completes the source of an event.
//
// A configured City database replaces the log's own location as a whole, even
// by nothing: places from two databases differ by enough to look like travel.
// The same holds for the AS.
func (e *Enricher) enrichSource(t *tables, ev *event.Event) {
	s := &ev.Source
	none := facts{}
	f := &none
	if s.IP.IsValid() {
		f = e.lookup(t, s.IP.Unmap().WithZone(""))
	}
	if t.city != nil {
		s.Geo = f.geo
	}
	if t.asn != nil {
		s.AS = f.as
	}
	if f.network.asType != "" {
		s.AS.Type = f.network.asType
	} else if known := e.asTypes[s.AS.Number]; known != "" {
		s.AS.Type = known
	}
	if s.IP.IsValid() && t.directory.knowsCorporate {
		s.Corporate = event.FlagOf(f.network.corporate == event.True)
	}
	s.Anonymizer = stronger(s.Anonymizer, f.anonymizer)
	s.ThreatList = f.threatAt(ev.Time)
	if s.Corporate == event.True {
		s.Anonymizer, s.ThreatList = "", "" // our own egress, whatever a list calls its provider
	}
	s.Geo.Name = t.directory.place(s, &f.network)
	e.noteUnlocated(t, s, ev.Provider)
}

// lookup is what the tables say of an address, from the cache where it can.
func (e *Enricher) lookup(t *tables, ip netip.Addr) *facts {
	key := addrKey(ip.As16())
	hash := key.hash()
	if f := t.sources.get(hash, key); f != nil {
		return f
	}
	return t.sources.put(hash, key, e.read(t, ip))
}

// read asks every table. What a damaged database cannot answer is unknown.
func (e *Enricher) read(t *tables, ip netip.Addr) facts {
	var f facts
	var err error
	note := func(err error) {
		if err != nil {
			e.lookupErrors.Add(1)
		}
	}
	if t.city != nil {
		f.geo, err = t.city.lookup(ip)
		note(err)
	}
	if t.asn != nil {
		f.as, err = t.asn.lookup(ip)
		note(err)
	}
	if t.anonymous != nil {
		f.anonymizer, err = t.anonymous.lookup(ip)
		note(err)
	}
	for i := range t.lists {
		if t.lists[i].prefixes.Contains(ip) {
			f.anonymizer = stronger(f.anonymizer, t.lists[i].anonymizer)
		}
	}
	for i := range t.threats {
		if until := t.threats[i].covers(ip); until != 0 {
			f.threats = append(f.threats, listing{t.threats[i].name, until})
		}
	}
	f.network = t.directory.network(ip)
	return f
}

// threatAt is the first threat list, in the order of the configuration, that
// the address is on at an event's time; "" for none. The clock has no say, so
// that a replay finds what the live run found.
func (f *facts) threatAt(at event.Time) string {
	for _, l := range f.threats {
		if at < l.until {
			return l.list
		}
	}
	return ""
}

// noteUnlocated counts an address without location, and says once what to do
// when no database is configured that could have located it.
func (e *Enricher) noteUnlocated(t *tables, s *event.Source, provider string) {
	if !s.IP.IsValid() || s.Geo.Located || s.Geo.Country != "" {
		return
	}
	e.unlocated.Add(1)
	if t.city == nil && !e.missingGeo.Swap(true) {
		e.log.Warn("an event has an address but no location, and no City database is configured: detectors that compare places skip such events; set geoip.city", "provider", provider)
	}
}
