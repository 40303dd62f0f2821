package enrich

import (
	"fmt"
	"math"
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/riskstream/riskstream/event"
)

// maxDatabase bounds a database; the largest commercial ones stay below it.
const maxDatabase = 2 << 30

// Layouts of databases: the words, one of which the type in a database's
// metadata must contain. Other vendors' databases in these layouts carry the
// words too.
var (
	cityLayouts      = []string{"City", "Enterprise", "Country"}
	asnLayouts       = []string{"ASN", "ISP", "Enterprise"}
	anonymousLayouts = []string{"Anonymous"}
)

// database is one file in MaxMind's format, held in memory: a mapped file that
// is overwritten in place would end the process.
type database struct {
	path   string
	reader *maxminddb.Reader
}

func openDatabase(path, key string, data []byte, layouts []string) (*database, error) {
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("%s: not a MaxMind database, or cut short: %w", path, err)
	}
	for _, word := range layouts {
		if strings.Contains(reader.Metadata.DatabaseType, word) {
			return &database{path, reader}, nil
		}
	}
	return nil, fmt.Errorf("%s: is a database of type %q; %s needs one of %s", path, reader.Metadata.DatabaseType, key, strings.Join(layouts, ", "))
}

// verify reads the whole database.
func (d *database) verify() error {
	if err := d.reader.Verify(); err != nil {
		return fmt.Errorf("%s: the database is damaged: %w", d.path, err)
	}
	return nil
}

// geo is the location of an address. An address that the database does not
// know has the zero Geo.
func (d *database) geo(ip netip.Addr) (event.Geo, error) {
	var record struct {
		Country struct {
			ISO string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
		City struct {
			Names struct {
				English string `maxminddb:"en"`
			} `maxminddb:"names"`
		} `maxminddb:"city"`
		Location struct {
			Lat      float64 `maxminddb:"latitude"`
			Lon      float64 `maxminddb:"longitude"`
			Accuracy uint16  `maxminddb:"accuracy_radius"`
		} `maxminddb:"location"`
	}
	record.Location.Lat, record.Location.Lon = math.NaN(), math.NaN()
	if err := d.reader.Lookup(ip).Decode(&record); err != nil {
		return event.Geo{}, err
	}
	g := event.Geo{Country: record.Country.ISO, City: record.City.Names.English}
	if l := &record.Location; plausible(l.Lat, l.Lon) {
		g.Lat, g.Lon, g.Located, g.AccuracyKM = l.Lat, l.Lon, true, float64(l.Accuracy)
	}
	return g, nil
}

// plausible reports whether coordinates say anything: 0,0 is how many sources
// write "unknown".
func plausible(lat, lon float64) bool {
	return lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 && (lat != 0 || lon != 0)
}

// as is the autonomous system of an address, without its type.
func (d *database) as(ip netip.Addr) (event.AS, error) {
	var record struct {
		Number       uint32 `maxminddb:"autonomous_system_number"`
		Organization string `maxminddb:"autonomous_system_organization"`
	}
	err := d.reader.Lookup(ip).Decode(&record)
	return event.AS{Number: record.Number, Organization: record.Organization}, err
}

// anonymizer is the kind of anonymiser behind an address, "" for none. An
// address may be of several kinds; the one that hides best speaks.
func (d *database) anonymizer(ip netip.Addr) (string, error) {
	var record struct {
		Tor         bool `maxminddb:"is_tor_exit_node"`
		Residential bool `maxminddb:"is_residential_proxy"`
		Proxy       bool `maxminddb:"is_public_proxy"`
		VPN         bool `maxminddb:"is_anonymous_vpn"`
		Hosting     bool `maxminddb:"is_hosting_provider"`
		Any         bool `maxminddb:"is_anonymous"`
	}
	err := d.reader.Lookup(ip).Decode(&record)
	switch {
	case err != nil:
		return "", err
	case record.Tor:
		return tor, nil
	case record.Residential:
		return residentialProxy, nil
	case record.Proxy:
		return proxy, nil
	case record.VPN:
		return vpn, nil
	case record.Hosting:
		return hosting, nil
	case record.Any: // anonymous of a kind that this layout has no name for
		return proxy, nil
	}
	return "", nil
}
