package bench

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/riskstream/riskstream/fixtures/geoip"
	"github.com/riskstream/riskstream/internal/geodata"
)

// network is one network of fixtures/geoip/networks.csv, with what the log
// says of it written out.
type network struct {
	base  [4]byte
	hosts uint64
	place string // Okta's geographicalContext
	as    string // Okta's asNumber, asOrg, isp
}

// address appends the host-th address of the network, counted round.
func (n *network) address(b []byte, host uint64) []byte {
	last := n.base[3] + byte(1+host%n.hosts)
	for _, part := range n.base[:3] {
		b = append(strconv.AppendUint(b, uint64(part), 10), '.')
	}
	return strconv.AppendUint(b, uint64(last), 10)
}

// networks are where people sign in from, by what the table calls their role.
type networks struct {
	homes     []network // where somebody lives or works
	guests    []network // mobile networks and public ones
	anonymous []network // VPN providers, Tor, data centres
}

func readNetworks() (*networks, error) {
	rows, err := geodata.Parse(geoip.Networks())
	if err != nil {
		return nil, err
	}
	n := &networks{}
	for i := range rows {
		row := &rows[i]
		if !row.Prefix.Addr().Is4() || !row.Located {
			continue
		}
		switch row.Role {
		case "home", "office":
			n.homes = append(n.homes, networkOf(row))
		case "mobile", "public_wifi":
			n.guests = append(n.guests, networkOf(row))
		case "vpn", "tor", "hosting":
			n.anonymous = append(n.anonymous, networkOf(row))
		}
	}
	if len(n.homes) == 0 || len(n.guests) == 0 || len(n.anonymous) == 0 {
		return nil, fmt.Errorf("the table of networks lacks a role: %d homes, %d guests, %d anonymous", len(n.homes), len(n.guests), len(n.anonymous))
	}
	return n, nil
}

func networkOf(row *geodata.Row) network {
	return network{
		base:  row.Prefix.Addr().As4(),
		hosts: hostsOf(row.Prefix),
		place: fmt.Sprintf(`{"city":%q,"state":null,"country":%q,"postalCode":null,"geolocation":{"lat":%.4f,"lon":%.4f}}`, row.City, row.Country, row.Lat, row.Lon),
		as:    fmt.Sprintf(`"asNumber":%d,"asOrg":%q,"isp":%q`, row.ASN, row.ASOrg, row.ASOrg),
	}
}

// hostsOf is how many addresses of a network are somebody's: at most those of
// its last byte, without the first and the last.
func hostsOf(p netip.Prefix) uint64 {
	return 1<<min(32-p.Bits(), 8) - 2
}

// software is an operating system with a browser, in Okta's words.
type software struct{ before, after, os, browser, kind string }

var softwares = [...]software{
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/", ".0.0.0 Safari/537.36", "Mac OS X", "CHROME", "Computer"},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/", ".0.0.0 Safari/537.36", "Windows 10", "CHROME", "Computer"},
	{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/", ".0.0.0 Safari/537.36", "Linux", "CHROME", "Computer"},
	{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/", ".0.0.0 Mobile Safari/537.36", "Android", "CHROME", "Mobile"},
}

// device is what somebody signs in with.
type device struct {
	software *software
	version  uint64 // of the browser
	mark     uint64 // stands for the fingerprint, and the id of one that is registered
	known    bool   // registered with Okta
}

func deviceOf(mark uint64, known bool) device {
	return device{&softwares[mark%uint64(len(softwares))], 120 + mark>>8%30, mark, known}
}

// person is a user, all of it a function of their number and the seed.
type person struct {
	number uint64
	hash   uint64
	home   *network
	host   uint64
	device device
}

func (g *generator) person(number uint32) person {
	h := mix(g.seed, uint64(number))
	return person{
		number: uint64(number),
		hash:   h,
		home:   &g.networks.homes[h%uint64(len(g.networks.homes))],
		host:   h >> 32,
		device: deviceOf(mix(h), h>>8&3 != 0),
	}
}

// mix hashes words into one: the finaliser of SplitMix64 after each.
func mix(words ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, w := range words {
		h = (h ^ w) + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}
