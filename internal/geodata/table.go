// Package geodata turns the readable table of made-up networks
// (fixtures/geoip/networks.csv) into GeoIP databases, so that tests and the
// demo have locations without anybody's licensed data.
package geodata

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Row is one network of the table.
type Row struct {
	Prefix     netip.Prefix
	Country    string // ISO 3166-1 alpha-2; "" puts the network into no City record
	City       string
	Lat, Lon   float64 // degrees; count only when Located
	Located    bool
	AccuracyKM uint16 // 0 when unknown
	ASN        uint32
	ASOrg      string
	ASType     string   // mobile, satellite or ""; what riskstream derives from the AS number
	Anonymous  []string // tor, vpn, proxy, residential_proxy, hosting
	Role       string   // what the network plays in fixtures and the demo: home, office, vpn, …
}

var columns = []string{"cidr", "country", "city", "lat", "lon", "accuracy_km", "asn", "as_org", "as_type", "anonymous", "role"}

// flags maps a word of the column "anonymous" to the flag of the GeoIP2
// Anonymous IP layout.
var flags = map[string]string{
	"tor":               "is_tor_exit_node",
	"vpn":               "is_anonymous_vpn",
	"proxy":             "is_public_proxy",
	"residential_proxy": "is_residential_proxy",
	"hosting":           "is_hosting_provider",
}

// Parse reads the table. The error names every bad line.
func Parse(table []byte) ([]Row, error) {
	r := csv.NewReader(bytes.NewReader(table))
	r.FieldsPerRecord = len(columns)
	records, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("networks table: %w", err)
	}
	if len(records) == 0 || !slices.Equal(records[0], columns) {
		return nil, fmt.Errorf("networks table: the first line must be %s", strings.Join(columns, ","))
	}
	var rows []Row
	var errs []error
	seen := map[netip.Prefix]bool{}
	for i, record := range records[1:] {
		row, err := parseRow(record)
		if err == nil && seen[row.Prefix] {
			err = fmt.Errorf("%s stands in the table twice", row.Prefix)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("networks table, line %d: %w", i+2, err))
			continue
		}
		seen[row.Prefix] = true
		rows = append(rows, row)
	}
	return rows, errors.Join(errs...)
}

func parseRow(record []string) (Row, error) {
	row := Row{Country: record[1], City: record[2], ASOrg: record[7], ASType: record[8], Role: record[10]}
	var err error
	if row.Prefix, err = netip.ParsePrefix(record[0]); err != nil {
		return row, fmt.Errorf("cidr: %w", err)
	}
	if row.Prefix != row.Prefix.Masked() {
		return row, fmt.Errorf("cidr %s has bits beyond its length; write %s", row.Prefix, row.Prefix.Masked())
	}
	if record[3] != "" || record[4] != "" {
		row.Located = true
		if row.Lat, err = degrees(record[3], 90); err != nil {
			return row, fmt.Errorf("lat: %w", err)
		}
		if row.Lon, err = degrees(record[4], 180); err != nil {
			return row, fmt.Errorf("lon: %w", err)
		}
	}
	if record[5] != "" {
		km, err := strconv.ParseUint(record[5], 10, 16)
		if err != nil {
			return row, fmt.Errorf("accuracy_km %q is not a whole number of kilometres", record[5])
		}
		row.AccuracyKM = uint16(km)
	}
	asn, err := strconv.ParseUint(record[6], 10, 32)
	if err != nil || asn == 0 {
		return row, fmt.Errorf("asn %q is not an AS number", record[6])
	}
	row.ASN = uint32(asn)
	if record[9] != "" {
		row.Anonymous = strings.Split(record[9], "|")
	}
	for _, word := range row.Anonymous {
		if flags[word] == "" {
			return row, fmt.Errorf("anonymous %q: want tor, vpn, proxy, residential_proxy or hosting, joined by |", word)
		}
	}
	return row, nil
}

func degrees(s string, limit float64) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= -limit && f <= limit) {
		return 0, fmt.Errorf("%q is not a number from -%g to %g", s, limit, limit)
	}
	return f, nil
}
