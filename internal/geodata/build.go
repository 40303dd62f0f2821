package geodata

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// epoch is the build time in every database, 2026-01-01: the same table makes
// the same bytes.
const epoch = 1767225600

// Build makes the three databases of a table in the layouts of GeoLite2 City,
// GeoLite2 ASN and GeoIP2 Anonymous IP. It is a pure function of the table.
func Build(table []byte) (city, asn, anonymous []byte, err error) {
	rows, err := Parse(table)
	if err != nil {
		return nil, nil, nil, err
	}
	if city, err = write(rows, "GeoLite2-City", cityRecord); err != nil {
		return nil, nil, nil, err
	}
	if asn, err = write(rows, "GeoLite2-ASN", asnRecord); err != nil {
		return nil, nil, nil, err
	}
	if anonymous, err = write(rows, "GeoIP2-Anonymous-IP", anonymousRecord); err != nil {
		return nil, nil, nil, err
	}
	return city, asn, anonymous, nil
}

func write(rows []Row, layout string, record func(*Row) mmdbtype.Map) ([]byte, error) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch:   epoch,
		DatabaseType: layout,
		Description:  map[string]string{"en": "Made-up networks of riskstream's fixtures and demo"},
		Languages:    []string{"en"},
		RecordSize:   24,
		// The table uses documentation and benchmark ranges, which are reserved.
		IncludeReservedNetworks: true,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", layout, err)
	}
	for i := range rows {
		value := record(&rows[i])
		if len(value) == 0 {
			continue
		}
		if err := tree.Insert(ipNet(rows[i].Prefix), value); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", layout, rows[i].Prefix, err)
		}
	}
	var out bytes.Buffer
	if _, err := tree.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("%s: %w", layout, err)
	}
	return out.Bytes(), nil
}

func cityRecord(row *Row) mmdbtype.Map {
	record := mmdbtype.Map{}
	if row.Country != "" {
		record["country"] = mmdbtype.Map{"iso_code": mmdbtype.String(row.Country)}
	}
	if row.City != "" {
		record["city"] = mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(row.City)}}
	}
	if row.Located {
		location := mmdbtype.Map{"latitude": mmdbtype.Float64(row.Lat), "longitude": mmdbtype.Float64(row.Lon)}
		if row.AccuracyKM != 0 {
			location["accuracy_radius"] = mmdbtype.Uint16(row.AccuracyKM)
		}
		record["location"] = location
	}
	return record
}

func asnRecord(row *Row) mmdbtype.Map {
	return mmdbtype.Map{
		"autonomous_system_number":       mmdbtype.Uint32(row.ASN),
		"autonomous_system_organization": mmdbtype.String(row.ASOrg),
	}
}

func anonymousRecord(row *Row) mmdbtype.Map {
	if len(row.Anonymous) == 0 {
		return nil
	}
	record := mmdbtype.Map{"is_anonymous": mmdbtype.Bool(true)}
	for _, word := range row.Anonymous {
		record[mmdbtype.String(flags[word])] = mmdbtype.Bool(true)
	}
	return record
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
