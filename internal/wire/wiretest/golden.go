package wiretest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Golden holds the binary form of named values against golden files, one for
// each version: format with the version's number is a file of lines "name hex".
// What any version wrote must still be read, which check judges; and written,
// the form of the newest version, must not have changed. update rewrites the
// newest version's file; those of earlier versions stay as they are.
func Golden(t *testing.T, format string, newest int, update bool, written map[string][]byte, check func(t *testing.T, name string, b []byte)) {
	t.Helper()
	if update {
		var out bytes.Buffer
		for _, name := range slices.Sorted(maps.Keys(written)) {
			fmt.Fprintf(&out, "%s %x\n", name, written[name])
		}
		if err := os.WriteFile(fmt.Sprintf(format, newest), out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for version := 1; version <= newest; version++ {
		file, err := os.ReadFile(fmt.Sprintf(format, version))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(file)) {
			name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
			b, err := hex.DecodeString(digits)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(fmt.Sprintf("version %d/%s", version, name), func(t *testing.T) {
				check(t, name, b)
				if version == newest && !bytes.Equal(written[name], b) {
					t.Errorf("is written as\n%x, before it was\n%x; that needs a new version", written[name], b)
				}
			})
		}
	}
}
