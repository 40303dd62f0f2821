package history

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/internal/config"
)

// Migrations are done once: a second opening changes nothing, and retention
// follows the configuration.
func TestOpenAgain(t *testing.T) {
	dir := t.TempDir()
	ttl := func(store *Store) string {
		var engine string
		if err := store.conn.QueryRow(t.Context(), "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'events'").Scan(&engine); err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(engine, "TTL ")
		before, _, _ := strings.Cut(after, " SETTINGS")
		return before
	}
	for _, days := range []int{400, 400, 30, 0, 7} {
		cfg := config.Default().History
		cfg.DSN, cfg.Days.Events = config.Embedded+dir, days
		want := map[int]string{0: "", 7: "toDateTime(recorded) + toIntervalDay(7)", 30: "toDateTime(recorded) + toIntervalDay(30)", 400: "toDateTime(recorded) + toIntervalDay(400)"}[days]
		t.Run("", func(t *testing.T) {
			if got := ttl(openStore(t, cfg)); got != want {
				t.Errorf("%d days: TTL %q, want %q", days, got, want)
			}
		})
	}
}

// The tables of a cluster cannot be made here, but the engine must understand
// each statement.
func TestTheClustersSchemaIsUnderstood(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	steps, err := migrations("riskstream")
	if err != nil {
		t.Fatal(err)
	}
	statement := regexp.MustCompile(`(?s)-- \+goose StatementBegin\n(.*?)-- \+goose StatementEnd`)
	n, distributed := 0, 0
	names, err := fs.Glob(steps, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(steps, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range statement.FindAllStringSubmatch(string(text), -1) {
			n++
			sql := strings.TrimRight(strings.TrimSpace(found[1]), ";")
			if err := store.conn.Exec(t.Context(), "EXPLAIN AST "+sql); err != nil {
				t.Errorf("%s: %v\n%s", name, err, sql)
			}
			if !strings.Contains(sql, "ON CLUSTER 'riskstream'") {
				t.Errorf("%s: not on the cluster:\n%s", name, sql)
			}
			if strings.Contains(sql, "Distributed(") {
				distributed++
			}
		}
	}
	if n != 35 || distributed != 9 {
		t.Errorf("%d statements with %d distributed tables, want 35 with 9", n, distributed)
	}
}
