package geodata_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/riskstream/riskstream/fixtures/geoip"
	"github.com/riskstream/riskstream/internal/geodata"
)

const header = "cidr,country,city,lat,lon,accuracy_km,asn,as_org,as_type,anonymous,role\n"

// The databases are committed, so that a user can point geoip.city at them;
// they must be what the table says.
func TestCommittedDatabasesMatchTheTable(t *testing.T) {
	city, asn, anonymous, err := geodata.Build(geoip.Networks())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"city.mmdb": city, "asn.mmdb": asn, "anonymous.mmdb": anonymous} {
		got, err := os.ReadFile(filepath.Join("../../fixtures/geoip", name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not what networks.csv makes: run go generate ./fixtures/geoip", name)
		}
	}
}

// Every row must be found again at its first and last address.
func TestEveryRowIsFound(t *testing.T) {
	rows, err := geodata.Parse(geoip.Networks())
	if err != nil {
		t.Fatal(err)
	}
	city, asn, anonymous, err := geodata.Build(geoip.Networks())
	if err != nil {
		t.Fatal(err)
	}
	cities, asns, anonymizers := open(t, city), open(t, asn), open(t, anonymous)
	for _, row := range rows {
		for _, ip := range []netip.Addr{row.Prefix.Addr(), last(row.Prefix)} {
			var c struct {
				Country struct {
					ISO string `maxminddb:"iso_code"`
				} `maxminddb:"country"`
				Location *struct {
					Lat float64 `maxminddb:"latitude"`
				} `maxminddb:"location"`
			}
			if err := cities.Lookup(ip).Decode(&c); err != nil {
				t.Fatal(err)
			}
			if c.Country.ISO != row.Country || (c.Location != nil) != row.Located {
				t.Errorf("%s: city record %+v, want %+v", ip, c, row)
			}
			var a struct {
				Number uint32 `maxminddb:"autonomous_system_number"`
			}
			if err := asns.Lookup(ip).Decode(&a); err != nil {
				t.Fatal(err)
			}
			if a.Number != row.ASN {
				t.Errorf("%s: AS %d, want %d", ip, a.Number, row.ASN)
			}
			if found := anonymizers.Lookup(ip).Found(); found != (len(row.Anonymous) > 0) {
				t.Errorf("%s: in the anonymous database: %v, want %v", ip, found, row.Anonymous)
			}
		}
	}
}

func TestParseNamesEveryBadLine(t *testing.T) {
	_, err := geodata.Parse([]byte(header +
		"192.0.2.1/24,DE,Berlin,52,13,10,64512,Example,,,home\n" +
		"192.0.2.0/24,DE,Berlin,91,13,10,64512,Example,,,home\n" +
		"192.0.2.0/24,DE,Berlin,,,ten,64512,Example,,,home\n" +
		"192.0.2.0/24,DE,Berlin,,,10,AS1,Example,,,home\n" +
		"192.0.2.0/24,DE,Berlin,,,10,64512,Example,,spy,home\n" +
		"192.0.2.0/24,DE,Berlin,,,10,64512,Example,,,home\n" +
		"192.0.2.0/24,FR,Paris,,,10,64513,Example,,,home\n"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"line 2: cidr 192.0.2.1/24 has bits beyond its length; write 192.0.2.0/24",
		`line 3: lat: "91" is not a number from -90 to 90`,
		`line 4: accuracy_km "ten"`, `line 5: asn "AS1"`, `line 6: anonymous "spy"`,
		"line 8: 192.0.2.0/24 stands in the table twice",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if _, err := geodata.Parse([]byte("a,b\n")); err == nil {
		t.Error("a table without its columns was read")
	}
}

func open(t *testing.T, data []byte) *maxminddb.Reader {
	t.Helper()
	db, err := maxminddb.OpenBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Verify(); err != nil {
		t.Fatal(err)
	}
	return db
}

func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}
