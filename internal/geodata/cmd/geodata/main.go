// Command geodata writes city.mmdb, asn.mmdb and anonymous.mmdb beside the
// networks.csv they are made from.
//
//	go run ./internal/geodata/cmd/geodata fixtures/geoip
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/riskstream/riskstream/internal/geodata"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: geodata DIRECTORY   (which holds networks.csv)")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "geodata:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	table, err := os.ReadFile(filepath.Join(dir, "networks.csv"))
	if err != nil {
		return err
	}
	city, asn, anonymous, err := geodata.Build(table)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"city.mmdb": city, "asn.mmdb": asn, "anonymous.mmdb": anonymous} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
