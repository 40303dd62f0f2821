package enrich

import (
	_ "embed"
	"strconv"
	"strings"
)

// as_types.csv lists autonomous systems that serve mainly mobile devices, or
// satellite and in-flight links, where the address says little about the place.
// Carriers that run fixed lines in the same AS are not in it. The numbers are
// those that the carriers registered and announce (RIR registries, BGP).
//
//go:embed as_types.csv
var asTypesCSV string

// parseASTypes maps the number of an AS to mobile or satellite. The table is
// ours: a test holds each line to its form.
func parseASTypes() map[uint32]string {
	types := map[uint32]string{}
	for line := range strings.Lines(asTypesCSV) {
		number, rest, _ := strings.Cut(line, ",")
		kind, _, _ := strings.Cut(rest, ",")
		if n, err := strconv.ParseUint(number, 10, 32); err == nil {
			types[uint32(n)] = kind
		}
	}
	return types
}
