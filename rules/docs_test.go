package rules

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// fieldsOf lists the dotted names of an environment's fields with their values
// where these are a closed list.
func fieldsOf(env any) map[string]string {
	fields := map[string]string{}
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		for f := range t.Fields() {
			name := path + f.Tag.Get("expr")
			if f.Type.Kind() == reflect.Struct {
				walk(f.Type, name+".")
			} else {
				fields[name] = f.Tag.Get("values")
			}
		}
	}
	walk(reflect.TypeOf(env), "")
	return fields
}

// TestDocs: the reference for authors names every field and every rule that
// riskstream comes with, and its examples work.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := string(data)
	for field := range fieldsOf(Env{}) {
		if !strings.Contains(docs, "| `"+field+"` |") {
			t.Errorf("docs/rules.md has no line for %s", field)
		}
	}
	for _, r := range Builtin() {
		if !strings.Contains(docs, "| `"+r.ID+"` |") {
			t.Errorf("docs/rules.md does not tell of the built-in rule %s", r.ID)
		}
	}
	examples := 0
	for _, block := range strings.Split(docs, "```yaml\n")[1:] {
		text, _, _ := strings.Cut(block, "```")
		if !strings.HasPrefix(text, "rules:\n") || strings.Contains(text, "\n  paths:") {
			continue
		}
		examples++
		if _, errs := Parse("docs/rules.md", []byte(text)); len(errs) > 0 {
			t.Errorf("an example does not load: %v\n%s", errs, text)
		}
	}
	if examples < 3 {
		t.Errorf("found %d examples; want at least 3", examples)
	}
}
