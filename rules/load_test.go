package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rule is a rule file with one rule.
func rule(id, when string) string {
	return fmt.Sprintf("rules:\n  - id: %s\n    name: Rule %s\n    severity: low\n    weight: 1\n    half_life: 1h\n    when: |\n      %s\n", id, id, when)
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoadPaths(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b]") // a directory whose name looks like a pattern
	write(t, dir, map[string]string{
		"b.yaml": rule("b", "true"), "a.yml": rule("a", "true"), "c.yaml": rule("c", "true"),
		"notes.txt": "not rules", "more/d.yaml": rule("d", "true"), "elsewhere.rules": rule("e", "true"),
	})
	plain := t.TempDir()
	write(t, plain, map[string]string{"x1.yaml": rule("x1", "true"), "x2.yaml": rule("x2", "true"), "y.yaml": rule("y", "true")})
	for _, c := range []struct {
		paths []string
		want  string
	}{
		{[]string{dir}, "a b c"},
		{[]string{dir + "/elsewhere.rules", dir + "/more"}, "d e"},
		{[]string{plain + "/x*.yaml"}, "x1 x2"},
		{[]string{plain + "/x*.yaml", plain, plain + "/./y.yaml"}, "x1 x2 y"}, // each file once
		{nil, ""},
	} {
		set, err := Load(c.paths, false)
		if err != nil {
			t.Errorf("%v: %v", c.paths, err)
			continue
		}
		var ids []string
		for _, r := range set.Rules() {
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, " "); got != c.want || set.Len() != len(ids) {
			t.Errorf("%v gives %q, %d rules; want %q", c.paths, got, set.Len(), c.want)
		}
	}
}

func TestLoadTellsEveryProblem(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"1.yaml": rule("same", "true"), "2.yaml": rule("same", "false"), "3.yaml": rule("bad", "nobody"),
		"4.yaml": rule("impersonation", "true"),
	})
	empty := t.TempDir()
	_, err := Load([]string{dir, empty, dir + "/none*.yaml", dir + "/missing.yaml", dir + "/[", dir + "/missing.yaml"}, true)
	if err == nil {
		t.Fatal("loads")
	}
	for _, want := range []string{
		empty + " matches no file",
		"none*.yaml matches no file",
		"missing.yaml matches no file",
		"syntax error in pattern",
		"2.yaml:2:5: rule same is already defined at " + dir + "/1.yaml:2:5",
		"3.yaml:8:7: unknown name nobody",
		"4.yaml:2:5: rule impersonation is already defined at builtin/administration.yaml:",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the errors do not say %q:\n%v", want, err)
		}
	}
}

func TestTooManyRules(t *testing.T) {
	dir := t.TempDir()
	var all strings.Builder
	all.WriteString("rules:\n")
	for i := range MaxRules + 1 {
		all.WriteString(strings.TrimPrefix(rule(fmt.Sprint("r", i), "true"), "rules:\n"))
	}
	write(t, dir, map[string]string{"all.yaml": all.String()})
	if _, err := Load([]string{dir}, false); err == nil || !strings.Contains(err.Error(), "1001 rules; at most 1000") {
		t.Errorf("gives %v", err)
	}
}

// TestHash: records carry the hash, so it must tell rules that act differently
// apart and must not change when a file is only moved or laid out anew.
func TestHash(t *testing.T) {
	hash := func(files map[string]string) string {
		dir := t.TempDir()
		write(t, dir, files)
		set, err := Load([]string{dir}, false)
		if err != nil {
			t.Fatal(err)
		}
		return set.Hash()
	}
	base := hash(map[string]string{"1.yaml": rule("a", "true"), "2.yaml": rule("b", "true")})
	if moved := hash(map[string]string{"2.yaml": rule("a", "true"), "1.yaml": "# rules\n" + rule("b", "true")}); moved != base {
		t.Error("the hash depends on the files")
	}
	for what, text := range map[string]string{
		"condition": rule("b", "false"),
		"id":        rule("c", "true"),
		"weight":    strings.Replace(rule("b", "true"), "weight: 1", "weight: 2", 1),
		"half-life": strings.Replace(rule("b", "true"), "1h", "2h", 1),
		"severity":  strings.Replace(rule("b", "true"), "low", "high", 1),
	} {
		if hash(map[string]string{"1.yaml": rule("a", "true"), "2.yaml": text}) == base {
			t.Errorf("the hash is the same with another %s", what)
		}
	}
}

func TestBuiltin(t *testing.T) {
	var ids []string
	for _, r := range Builtin() {
		ids = append(ids, r.ID)
		if r.Weight > 4 {
			t.Errorf("%s weighs %g: a built-in rule alone must not lift a subject above none", r.ID, r.Weight)
		}
	}
	want := []string{"api-token-created", "impersonation"}
	if d := cmp.Diff(want, ids); d != "" {
		t.Error(d)
	}
}
