// Package architecture holds the test that keeps the dependency direction of
// DESIGN.md: event ← {ingest, enrich, detectors, rules, scoring} ← engine ← cmd.
package architecture

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/riskstream/riskstream"

func TestDependencyDirection(t *testing.T) {
	const (
		kafka   = "github.com/twmb/franz-go"
		maxmind = "github.com/oschwald"
		expr    = "github.com/expr-lang"
		house   = "github.com/ClickHouse"
	)
	for pkg, forbidden := range map[string][]string{
		"event": {module, kafka, maxmind, expr},
		"detectors": {
			kafka, maxmind, expr, house, module + "/ingest", module + "/rules", module + "/scoring", module + "/internal/config", module + "/internal/enrich",
			module + "/internal/engine", module + "/internal/expression", module + "/internal/publish",
		},
		"rules":               {kafka, house, maxmind, module + "/ingest", module + "/detectors", module + "/scoring", module + "/internal/enrich", module + "/internal/engine"},
		"scoring":             {kafka, house, maxmind, module + "/ingest", module + "/detectors", module + "/rules", module + "/internal/enrich", module + "/internal/engine"},
		"ingest":              {kafka, maxmind, module + "/detectors", module + "/rules", module + "/scoring", module + "/internal/enrich", module + "/internal/engine"},
		"enforce":             {maxmind, house, expr, module + "/ingest", module + "/detectors", module + "/rules", module + "/scoring", module + "/internal/engine"},
		"internal/expression": {kafka, maxmind, module + "/rules", module + "/scoring"},
		"internal/enrich":     {kafka, expr, module + "/ingest", module + "/detectors", module + "/rules", module + "/scoring", module + "/internal/engine"},
		"internal/publish":    {maxmind, expr, module + "/ingest", module + "/detectors", module + "/rules", module + "/scoring", module + "/internal/engine"},
		"internal/fit":        {kafka, house, maxmind, module + "/detectors", module + "/internal/engine", module + "/internal/history"},
		"internal/history":    {module + "/internal/engine", module + "/internal/demo"},
		"internal/historyapi": {module + "/internal/engine", module + "/internal/demo"},
		"internal/chdb":       {kafka, maxmind, expr, module + "/event", module + "/internal/config", module + "/internal/engine", module + "/internal/history"},
		"internal/engine":     {house, module + "/internal/history", module + "/cmd", module + "/internal/simulate", module + "/internal/livetable", module + "/fixtures"},
	} {
		for _, dep := range dependencies(t, pkg) {
			if dep == module+"/"+pkg {
				continue
			}
			if i := slices.IndexFunc(forbidden, func(f string) bool { return dep == f || strings.HasPrefix(dep, f+"/") }); i >= 0 {
				t.Errorf("%s depends on %s; DESIGN.md forbids %s there", pkg, dep, forbidden[i])
			}
		}
	}
}

func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", module+"/"+pkg).Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}
