package simulate

import (
	"encoding/csv"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The company's logs and the GeoIP databases must tell the same story: the
// table that the databases are built from is the truth.
func TestPlacesAgreeWithTheGeoIPTable(t *testing.T) {
	file, err := os.Open("../../fixtures/geoip/networks.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.Comment = '#'
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	truth := map[netip.Prefix][]string{}
	for _, row := range rows[1:] {
		truth[netip.MustParsePrefix(row[column["cidr"]])] = row
	}
	for _, n := range everyNetwork() {
		row, ok := truth[n.prefix]
		if !ok {
			t.Errorf("%v (%s) is not in the table", n.prefix, n.org)
			continue
		}
		number := func(name string) float64 {
			f, err := strconv.ParseFloat(row[column[name]], 64)
			if err != nil {
				t.Errorf("%v: %s: %v", n.prefix, name, err)
			}
			return f
		}
		kind := row[column["anonymous"]]
		want := network{
			prefix: n.prefix, land: n.land,
			country: row[column["country"]], city: row[column["city"]], lat: number("lat"), lon: number("lon"),
			asn: uint32(number("asn")), org: row[column["as_org"]],
			proxy: strings.Contains(kind, "vpn") || strings.Contains(kind, "tor"),
		}
		if diff := cmp.Diff(want, *n, cmp.AllowUnexported(network{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("%v (-table +here):\n%s", n.prefix, diff)
		}
	}
}

func everyNetwork() []*network {
	all := []*network{
		mobileSanFrancisco, onionRelays, rentedCloud, rentedServer, cloud, homeTokyo, homeLagos, hotelTokyo,
	}
	all = append(all, offices...)
	for _, s := range []*site{berlin, munich, london, newYork, singapore} {
		all = append(all, s.homes...)
		all = append(all, s.mobile)
		if s.vpn != nil {
			all = append(all, s.vpn)
		}
	}
	return all
}

func TestAddressesStayInTheirNetwork(t *testing.T) {
	for _, n := range everyNetwork() {
		first := n.prefix.Addr()
		for host := range uint64(600) {
			ip := n.address(host, 1<<63|host)
			if !n.prefix.Contains(ip) || ip.Is4() && ip == first {
				t.Fatalf("host %d of %v has %v", host, n.prefix, ip)
			}
		}
	}
}

func TestHouseholdKeepsItsSlash64(t *testing.T) {
	n := homesNewYork[0]
	household := func(host, device uint64) netip.Prefix {
		return netip.PrefixFrom(n.address(host, device), 64).Masked()
	}
	if household(5, 1) != household(5, 2) {
		t.Error("two devices of one household are in different /64s")
	}
	if household(5, 1) == household(6, 1) {
		t.Error("two households share a /64")
	}
}

func TestLargerCompanyKeepsItsPeople(t *testing.T) {
	small, large := hire(3, 40), hire(3, 2000)
	for i := range small {
		if small[i] != large[i] {
			t.Fatalf("person %d is %v among 40 and %v among 2000", i, small[i].email, large[i].email)
		}
	}
}
