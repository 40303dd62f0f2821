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

// layout is what a database must hold to serve a key of the configuration, and
// how a record of it is read.
type layout[T any] struct {
	key   string
	words []string // the type in the database's metadata has one of them; other vendors' too
	read  func(maxminddb.Result) (T, error)
}

var (
	cityLayout      = layout[event.Geo]{"geoip.city", []string{"City", "Enterprise", "Country"}, readGeo}
	asnLayout       = layout[event.AS]{"geoip.asn", []string{"ASN", "ISP", "Enterprise"}, readAS}
	anonymousLayout = layout[string]{"geoip.anonymous", []string{"Anonymous"}, readAnonymizer}
)

// database is one file in MaxMind's format, held in memory: a mapped file that
// is overwritten in place would end the process.
type database[T any] struct {
	path   string
	reader *maxminddb.Reader
	read   func(maxminddb.Result) (T, error)
	seen   *cache[uintptr, T] // what was read, by its offset: many networks share a record
}

// recordSlots bounds database.seen: less than 1 MB when full.
const recordSlots = 1 << 12

func openDatabase[T any](path string, data []byte, l layout[T]) (*database[T], error) {
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("%s: not a MaxMind database, or cut short: %w", path, err)
	}
	for _, word := range l.words {
		if strings.Contains(reader.Metadata.DatabaseType, word) {
			return &database[T]{path, reader, l.read, newCache[uintptr, T](recordSlots)}, nil
		}
	}
	return nil, fmt.Errorf("%s: is a database of type %q; %s needs one of %s", path, reader.Metadata.DatabaseType, l.key, strings.Join(l.words, ", "))
}

// lookup is what the database says of an address; the zero T where it does not
// know it.
func (d *database[T]) lookup(ip netip.Addr) (record T, err error) {
	result := d.reader.Lookup(ip)
	if !result.Found() {
		return record, result.Err()
	}
	offset := result.Offset()
	hash := uint64(offset) * 0x9e3779b97f4a7c15 >> 32
	if seen := d.seen.get(hash, offset); seen != nil {
		return *seen, nil
	}
	if record, err = d.read(result); err == nil {
		d.seen.put(hash, offset, record)
	}
	return record, err
}

// verify reads every record as lookups do, and reports the first that cannot
// be read. It takes about a microsecond for each network of the database.
func (d *database[T]) verify() error {
	seen := map[uintptr]bool{} // records are shared by many networks
	for result := range d.reader.Networks() {
		err := result.Err()
		if offset := result.Offset(); err == nil && !seen[offset] {
			seen[offset] = true
			_, err = d.read(result)
		}
		if err != nil {
			return fmt.Errorf("%s: the database is damaged: %w", d.path, err)
		}
	}
	return nil
}

// readGeo is the location of an address. An address that the database does not
// know has the zero Geo.
func readGeo(result maxminddb.Result) (event.Geo, error) {
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
	if err := result.Decode(&record); err != nil {
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

// readAS is the autonomous system of an address, without its type.
func readAS(result maxminddb.Result) (event.AS, error) {
	var record struct {
		Number       uint32 `maxminddb:"autonomous_system_number"`
		Organization string `maxminddb:"autonomous_system_organization"`
	}
	err := result.Decode(&record)
	return event.AS{Number: record.Number, Organization: record.Organization}, err
}

// readAnonymizer is the kind of anonymiser behind an address, "" for none. An
// address may be of several kinds; the one that hides best speaks.
func readAnonymizer(result maxminddb.Result) (string, error) {
	var record struct {
		Tor         bool `maxminddb:"is_tor_exit_node"`
		Residential bool `maxminddb:"is_residential_proxy"`
		Proxy       bool `maxminddb:"is_public_proxy"`
		VPN         bool `maxminddb:"is_anonymous_vpn"`
		Hosting     bool `maxminddb:"is_hosting_provider"`
		Any         bool `maxminddb:"is_anonymous"`
	}
	err := result.Decode(&record)
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
