package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValidateReadsEveryRecord: a database whose records are damaged opens all
// the same. It is told beside the other errors, each of which is told once.
func TestValidateReadsEveryRecord(t *testing.T) {
	city, err := os.ReadFile("../../fixtures/geoip/city.mmdb")
	if err != nil {
		t.Fatal(err)
	}
	records := strings.Index(string(city), strings.Repeat("\x00", 16)) + 16
	copy(city[records+20:], strings.Repeat("\xff", 100))
	dir := t.TempDir()
	for name, content := range map[string]string{
		"city.mmdb":  string(city),
		"asn.mmdb":   "no database",
		"rules.yaml": "rules:\n  - id: night\n",
		"c.yaml":     "geoip: {city: city.mmdb, asn: asn.mmdb}\nrules: {paths: [rules.yaml]}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := root()
	cmd.SetArgs([]string{"validate", "--config", filepath.Join(dir, "c.yaml")})
	err = cmd.Execute()
	if err == nil {
		t.Fatal("valid")
	}
	for _, want := range []string{"city.mmdb: the database is damaged", "asn.mmdb: not a MaxMind database", "rules.yaml:2:5: name is missing"} {
		if n := strings.Count(err.Error(), want); n != 1 {
			t.Errorf("%q is told %d times:\n%v", want, n, err)
		}
	}
}
