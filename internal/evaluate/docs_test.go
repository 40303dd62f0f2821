package evaluate

import (
	"os"
	"testing"
)

// Every table has its place in docs/accuracy.md, and no place is of another.
func TestAccuracyPageHasEveryTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/accuracy.md")
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]int{}
	for _, found := range marked.FindAllStringSubmatch(string(page), -1) {
		places[found[1]]++
	}
	for _, table := range reportOf(t, aMonth()).tables() {
		if places[table.Name] != 1 {
			t.Errorf("table %s has %d places in docs/accuracy.md", table.Name, places[table.Name])
		}
		delete(places, table.Name)
	}
	for name := range places {
		t.Errorf("docs/accuracy.md has a place for %s, which is no table", name)
	}
}
