package simulate

import (
	"encoding/binary"
	"net/netip"

	"github.com/riskstream/riskstream/event"
)

// network is one network that somebody signs in from. The rows are those of
// fixtures/geoip/networks.csv that the company needs: the identity providers'
// own geography and the GeoIP databases then tell the same story.
type network struct {
	prefix  netip.Prefix
	country string // ISO 3166-1 alpha-2, as Entra writes it
	land    string // the country's name, as Okta writes it
	city    string
	lat     float64
	lon     float64
	asn     uint32
	org     string
	proxy   bool     // what Okta knows to hide its users: VPN providers and Tor
	proxies *network // in it: the homes' addresses that a residential proxy rents out
}

// The networks, all of the ranges for documentation and benchmarks.
var (
	officeBerlin    = row("203.0.113.0/28", "DE", "Germany", "Berlin", 52.5065, 13.3320, 64520, "Example Corp Berlin")
	officeNewYork   = row("203.0.113.16/28", "US", "United States", "New York", 40.7540, -73.9840, 64521, "Example Corp New York")
	officeSingapore = row("203.0.113.32/28", "SG", "Singapore", "Singapore", 1.2840, 103.8510, 64522, "Example Corp Singapore")
	officeLondon    = row("203.0.113.48/28", "GB", "United Kingdom", "London", 51.5155, -0.0922, 64523, "Example Corp London")

	offices = []*network{officeBerlin, officeNewYork, officeSingapore, officeLondon}

	homesBerlin = []*network{
		row("198.18.0.0/24", "DE", "Germany", "Berlin", 52.5200, 13.4050, 64600, "Example Berlin Kabel"),
		row("198.18.1.0/24", "DE", "Germany", "Berlin", 52.4860, 13.4250, 64601, "Example Neukoelln DSL"),
		row("198.18.2.0/24", "DE", "Germany", "Berlin", 52.5480, 13.3550, 64602, "Example Wedding Glasfaser"),
		row("2001:db8:10::/48", "DE", "Germany", "Berlin", 52.5200, 13.4050, 64600, "Example Berlin Kabel"),
	}
	homesMunich = []*network{
		row("198.18.4.0/24", "DE", "Germany", "Munich", 48.1374, 11.5755, 64604, "Example Munich Kabel"),
		row("2001:db8:11::/48", "DE", "Germany", "Munich", 48.1374, 11.5755, 64604, "Example Munich Kabel"),
	}
	homesLondon = []*network{
		row("198.18.10.0/24", "GB", "United Kingdom", "London", 51.5074, -0.1278, 64610, "Example London Broadband"),
		row("198.18.11.0/24", "GB", "United Kingdom", "London", 51.5390, -0.1426, 64611, "Example Camden Fibre"),
	}
	homesNewYork = []*network{
		row("2001:db8:12::/48", "US", "United States", "New York", 40.7128, -74.0060, 64628, "Example New York Cable"),
		row("198.18.29.0/24", "US", "United States", "Brooklyn", 40.6782, -73.9442, 64629, "Example Brooklyn Fiber"),
	}
	homesSingapore = []*network{
		row("198.18.49.0/24", "SG", "Singapore", "Singapore", 1.3521, 103.8198, 64649, "Example Singapore Fibre"),
	}

	mobileBerlin       = row("198.19.0.0/24", "DE", "Germany", "Berlin", 52.5200, 13.4050, 12638, "Telefonica Germany")
	mobileMunich       = row("198.19.1.0/24", "DE", "Germany", "Munich", 48.1374, 11.5755, 12638, "Telefonica Germany")
	mobileLondon       = row("198.19.4.0/24", "GB", "United Kingdom", "London", 51.5074, -0.1278, 206067, "Three UK")
	mobileNewYork      = row("198.19.2.0/24", "US", "United States", "New York", 40.7128, -74.0060, 21928, "T-Mobile USA")
	mobileSanFrancisco = row("198.19.3.0/24", "US", "United States", "San Francisco", 37.7749, -122.4194, 21928, "T-Mobile USA")
	mobileSingapore    = row("198.19.6.0/24", "SG", "Singapore", "Singapore", 1.3521, 103.8198, 45143, "Singtel Mobile")

	vpnGermany   = proxy(row("192.0.2.48/28", "DE", "Germany", "Frankfurt am Main", 50.1109, 8.6821, 64903, "Example VPN Alpine DE"))
	vpnAmerica   = proxy(row("192.0.2.16/28", "US", "United States", "New York", 40.7128, -74.0060, 64901, "Example VPN Harbour US"))
	vpnSingapore = proxy(row("192.0.2.64/28", "SG", "Singapore", "Singapore", 1.3521, 103.8198, 64904, "Example VPN Lion"))

	onionRelays  = proxy(row("192.0.2.128/28", "SE", "Sweden", "Stockholm", 59.3293, 18.0686, 64910, "Example Onion Relays"))
	rentedCloud  = row("198.51.100.0/28", "US", "United States", "Ashburn", 39.0438, -77.4874, 64920, "Example Cloud East")
	rentedServer = row("198.51.100.32/28", "RU", "Russia", "Saint Petersburg", 59.9311, 30.3609, 64922, "Example Servers Neva")
	cloud        = row("198.51.100.16/28", "DE", "Germany", "Falkenstein", 50.4777, 12.3713, 64921, "Example Servers Falkenstein")
	homeTokyo    = row("198.18.53.0/24", "JP", "Japan", "Tokyo", 35.6938, 139.7034, 64653, "Example Shinjuku Fiber")
	homeLagos    = row("198.18.41.0/24", "NG", "Nigeria", "Lagos", 6.5244, 3.3792, 64641, "Example Lagos Broadband")
	hotelTokyo   = row("203.0.113.96/28", "JP", "Japan", "Tokyo", 35.6895, 139.6917, 64532, "Example Hotel Wifi Tokyo")
)

func row(prefix, country, land, city string, lat, lon float64, asn uint32, org string) *network {
	return &network{prefix: netip.MustParsePrefix(prefix), country: country, land: land, city: city, lat: lat, lon: lon, asn: asn, org: org}
}

func proxy(n *network) *network {
	n.proxy = true
	return n
}

// address is the host-th address of the network, counted round when there are
// fewer. IPv4 networks are /30 and IPv6 networks /64 at most; in these host chooses the household's /64 and device the
// interface in it, as privacy extensions do.
func (n *network) address(host, device uint64) netip.Addr {
	free := uint(n.prefix.Addr().BitLen() - n.prefix.Bits())
	b := n.prefix.Addr().As16()
	if n.prefix.Addr().Is4() {
		usable := uint64(1)<<free - 2 // neither the network's address nor its broadcast
		last := binary.BigEndian.Uint32(b[12:]) + uint32(1+host%usable)
		binary.BigEndian.PutUint32(b[12:], last)
		return netip.AddrFrom16(b).Unmap()
	}
	household := binary.BigEndian.Uint64(b[:8]) | host%(1<<(free-64))
	binary.BigEndian.PutUint64(b[:8], household)
	binary.BigEndian.PutUint64(b[8:], device)
	return netip.AddrFrom16(b)
}

// site is a city where people work. Its offset is that of the winter, without
// daylight saving: half a year's hour changes nothing that is simulated.
type site struct {
	utcOffset event.Time
	homes     []*network
	office    *network // nil where everybody works from home
	mobile    *network
	vpn       *network // of those who work through a VPN provider at home; nil where nobody does
}

var (
	berlin    = &site{event.Hour, homesBerlin, officeBerlin, mobileBerlin, vpnGermany}
	munich    = &site{event.Hour, homesMunich, nil, mobileMunich, vpnGermany}
	london    = &site{0, homesLondon, officeLondon, mobileLondon, nil}
	newYork   = &site{-5 * event.Hour, homesNewYork, officeNewYork, mobileNewYork, vpnAmerica}
	singapore = &site{8 * event.Hour, homesSingapore, officeSingapore, mobileSingapore, vpnSingapore}
)

// sites says where the people are, in the order in which they are hired.
var sites = [...]*site{berlin, berlin, london, berlin, newYork, london, munich, newYork, singapore, berlin}
