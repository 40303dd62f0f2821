package simulate

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/riskstream/riskstream/internal/geodata"
)

// world is the networks that a population's people and attackers come from, all
// of the ranges for documentation and benchmarks. It is the same for every
// seed.
//
// A provider serves one country under one AS; each of its cities has a network
// of its own. So a move, a neighbour's line and most of an attacker's guesses
// look as they do in life: the same AS elsewhere, or another of a handful.
type world struct {
	towns  []*town            // where the company's people live
	abroad []*town            // where they travel to
	lairs  []*town            // where attackers live
	all    map[string]*nation // by code
	clouds []*network         // rented machines, wherever they stand
	tor    *network
	planes []*network // in-flight Wi-Fi
	rows   []placed   // every network, for the databases
	next4  uint32     // first address that is free
	next6  uint16
}

// placed is a network with what the databases say of it.
type placed struct {
	*network
	anonymous string // as in GeoIP2 Anonymous IP, words joined by "|"
	kind      string // as_type of the directory: mobile, satellite or ""
}

// nation is a country with its exits of VPN providers and rented machines.
type nation struct {
	code, land string
	towns      []*town
	exits      []*network // of VPN providers: the machines of four hosters
	rented     []*network
	unlisted   []*network // rented machines that no list has: small hosters, new networks
}

// town is a city: its networks by provider, in the order of market share.
type town struct {
	nation    *nation
	city      string
	lat, lon  float64
	utcOffset int // hours, in winter
	homes     []*network
	homes6    []*network // the same providers' IPv6; nil where there is none
	mobile    []*network // carriers: few addresses for everybody
	public    []*network // hotels, airports, cafés
	office    *network   // nil where the company has none
}

// Market shares in percent of a country's providers and carriers: a former
// monopolist, a cable company and the rest, as in most countries (the national
// regulators' yearly figures; rounded, ours).
var (
	homeShares   = [...]int{38, 26, 18, 11, 7}
	mobileShares = [...]int{40, 33, 27}
)

// Private AS numbers (RFC 6996), a block for each kind of network.
const (
	asHome   = 4_200_000_000
	asMobile = 4_200_010_000
	asPublic = 4_200_020_000
	asOffice = 4_200_030_000
	asHoster = 4_200_040_000
	asPlane  = 4_200_050_000
)

// newWorld lays the world out.
func newWorld() *world {
	w := &world{all: map[string]*nation{}, next4: 198<<24 | 18<<16}
	for i := range atlas {
		a := &atlas[i]
		n := w.all[a.code]
		if n == nil {
			n = &nation{code: a.code, land: a.land}
			w.all[a.code] = n
		}
		t := w.settle(n, a, uint32(len(w.all)))
		switch a.role {
		case 'w':
			w.towns = append(w.towns, t)
		case 't':
			w.abroad = append(w.abroad, t)
		case 'a':
			w.lairs = append(w.lairs, t)
		}
	}
	w.buildHosting()
	return w
}

// settle founds a town with its networks.
func (w *world) settle(n *nation, a *entry, nationNumber uint32) *town {
	t := &town{nation: n, city: a.city, lat: a.lat, lon: a.lon, utcOffset: a.utcOffset}
	n.towns = append(n.towns, t)
	bits := 25
	if a.role == 'w' {
		bits = 23
	}
	for i := range homeShares {
		asn := asHome + nationNumber*100 + uint32(i)
		org := fmt.Sprintf("Example %s Broadband %c", n.code, 'A'+i)
		home := w.add(w.v4(bits), t, asn, org, "", "")
		w.infect(home, t)
		t.homes = append(t.homes, home)
		if i%2 == 0 && a.role == 'w' {
			t.homes6 = append(t.homes6, w.add(w.v6(), t, asn, org, "", ""))
		} else {
			t.homes6 = append(t.homes6, nil)
		}
	}
	for i := range mobileShares {
		t.mobile = append(t.mobile, w.add(w.v4(28), t, asMobile+nationNumber*100+uint32(i), fmt.Sprintf("Example %s Mobile %c", n.code, 'A'+i), "", "mobile"))
	}
	for i := range 4 {
		t.public = append(t.public, w.add(w.v4(27), t, asPublic+nationNumber*100+uint32(i), fmt.Sprintf("Example %s Hotspots %c", n.code, 'A'+i), "", ""))
	}
	if a.role == 'w' && a.office {
		t.office = w.add(w.v4(28), t, asOffice+uint32(len(w.rows)), "Example Corp "+a.city, "", "")
	}
	return t
}

// infect makes the last sixteen addresses of a home network residential
// proxies: machines that malware or a free application rents out. A third of
// the networks' are known to the database, as such databases are late.
func (w *world) infect(home *network, t *town) {
	listed := ""
	if len(w.rows)%3 == 0 {
		listed = "residential_proxy"
	}
	b := home.prefix.Addr().As4()
	last := binary.BigEndian.Uint32(b[:]) + 1<<(32-home.prefix.Bits()) - 16
	binary.BigEndian.PutUint32(b[:], last)
	n := *home
	n.prefix = netip.PrefixFrom(netip.AddrFrom4(b), 28)
	w.rows = append(w.rows, placed{network: &n, anonymous: listed})
	home.proxies = &n
}

// hosters is how many companies rent out machines, to VPN providers too.
const hosters = 12

// buildHosting gives every country exits of VPN providers and rented machines.
// The database knows nearly all exits as a VPN, the rest as hosting.
func (w *world) buildHosting() {
	for i := range atlas {
		n := w.all[atlas[i].code]
		if n.exits != nil {
			continue
		}
		t := n.towns[0]
		for k := range 4 {
			hoster := (i*5 + k*3) % hosters
			asn, org := asHoster+uint32(hoster), fmt.Sprintf("Example Hoster %c", 'A'+hoster)
			listed := "vpn|hosting"
			if (i+k)%8 == 7 {
				listed = "hosting"
			}
			n.exits = append(n.exits, w.add(w.v4(28), t, asn, org, listed, ""))
			if k < 2 {
				rented := w.add(w.v4(28), t, asn, org, "hosting", "")
				n.rented = append(n.rented, rented)
				w.clouds = append(w.clouds, rented)
				small := hosters + 1 + (i*3+k)%9
				n.unlisted = append(n.unlisted, w.add(w.v4(28), t, asHoster+uint32(small), fmt.Sprintf("Example Small Hoster %c", 'A'+small), "", ""))
			}
		}
	}
	stockholm := w.all["SE"].towns[0]
	w.tor = w.add(w.v4(26), stockholm, asHoster+hosters, "Example Onion Relays", "tor", "")
	w.tor.proxy = true
	for i, at := range []*town{w.towns[0], w.towns[5]} { // ground stations
		w.planes = append(w.planes, w.add(w.v4(28), at, asPlane+uint32(i), fmt.Sprintf("Example Sky Wifi %c", 'A'+i), "", "satellite"))
	}
}

// add enters a network.
func (w *world) add(prefix netip.Prefix, t *town, asn uint32, org, anonymous, kind string) *network {
	n := &network{
		prefix: prefix, country: t.nation.code, land: t.nation.land, city: t.city, lat: t.lat, lon: t.lon, asn: asn, org: org,
	}
	w.rows = append(w.rows, placed{network: n, anonymous: anonymous, kind: kind})
	return n
}

// v4 is the next free network of so many bits.
func (w *world) v4(bits int) netip.Prefix {
	size := uint32(1) << (32 - bits)
	at := (w.next4 + size - 1) &^ (size - 1)
	if w.next4 = at + size; w.next4 > 198<<24|20<<16 {
		panic("the world has more networks than 198.18.0.0/15 holds")
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], at)
	return netip.PrefixFrom(netip.AddrFrom4(b), bits)
}

// v6 is the next free /48 of 2001:db8::/32.
func (w *world) v6() netip.Prefix {
	w.next6++
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8, byte(w.next6 >> 8), byte(w.next6)}
	return netip.PrefixFrom(netip.AddrFrom16(b), 48)
}

// databases makes the databases of networks and anonymisers. There is none of
// places: the logs' own say where an address is, as they change their minds.
func (w *world) databases() (asn, anonymous []byte, err error) {
	var table strings.Builder
	table.WriteString("cidr,country,city,lat,lon,accuracy_km,asn,as_org,as_type,anonymous,role\n")
	for i := range w.rows {
		r := &w.rows[i]
		fmt.Fprintf(&table, "%s,%s,,,,,%d,%s,%s,%s,\n", r.prefix, r.country, r.asn, r.org, r.kind, r.anonymous)
	}
	_, asn, anonymous, err = geodata.Build([]byte(table.String()))
	return asn, anonymous, err
}
