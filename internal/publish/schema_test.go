package publish

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/riskstream/riskstream/event"
)

const schemas = "../../docs/schemas"

func schemaOf(t *testing.T, topic string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	schema, err := compiler.Compile(filepath.Join(schemas, topic+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func instance(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v.(map[string]any)
}

// records are what the encoders write: full ones, whose every field must be in
// the schema, and the smallest ones.
func records() map[string][][]byte {
	e, d, s := sampleEvent(), sampleDetection(), sampleScore()
	activity, use := e.NetworkActivity(), e.AppActivity()
	note := event.Event{Time: e.Time, ID: "x", Kind: event.KindSignal, Action: event.IDPSignal, Code: event.NoteTried, Signal: e.Signal}
	d.Rule = &event.RuleInfo{ID: "r1", Title: "T", Severity: "high", Tags: []string{"a"}}
	s.Session = "s-1"
	s.Reasons[0].Unconfirmed, s.Reasons[0].CoveredBy = true, "new_country"
	small := event.Event{Time: e.Time, ID: "x", Kind: event.KindSignal}
	bare := event.Detection{Name: "n", Group: event.GroupDevice}
	pinned := event.Score{Entity: "user:t/u", Tenant: "t", Subject: "u", Score: 100, Level: event.High, Decision: event.Revoke, AsOf: e.Time, ReauthAfter: e.Time, Version: 1}
	small.Tenant, small.User.Subject = "t", "u"
	bareActivity := event.Event{Time: e.Time, ID: "x", Kind: event.KindEvent, User: event.User{Subject: "u"}}
	return map[string][][]byte{
		"risk.activity":   {activity.AppendJSON(nil), use.AppendJSON(nil), note.AppendJSON(nil), bareActivity.AppendJSON(nil)},
		"risk.events":     {e.AppendJSON(nil), small.AppendJSON(nil)},
		"risk.detections": {AppendDetection(nil, &e, &d, "c"), AppendDetection(nil, &small, &bare, "")},
		"risk.scores":     {AppendScore(nil, &s), AppendScore(nil, &pinned)},
		"risk.deadletter": {
			AppendDeadLetter(nil, DeadLetter{Reason: "not_json", Error: "e", Format: "okta", Origin: e.Origin, Size: 3, SHA256: strings.Repeat("0a", 32), Raw: []byte("abc")}),
			AppendDeadLetter(nil, DeadLetter{Reason: "not_json"}),
		},
	}
}

func TestRecordsFollowTheirSchemas(t *testing.T) {
	for topic, list := range records() {
		schema := schemaOf(t, topic)
		for _, raw := range list {
			if err := schema.Validate(instance(t, raw)); err != nil {
				t.Errorf("%s: %v\n%s", topic, err, raw)
			}
		}
	}
}

// A schema that takes anything would pass the test above.
func TestSchemasRefuseWhatIsMissingOrWrong(t *testing.T) {
	for topic, list := range records() {
		schema, full := schemaOf(t, topic), instance(t, list[0])
		if len(schema.Required) == 0 {
			t.Errorf("%s: no required fields", topic)
		}
		for _, field := range schema.Required {
			broken := maps.Clone(full)
			delete(broken, field)
			if schema.Validate(broken) == nil {
				t.Errorf("%s without %s passes", topic, field)
			}
			broken[field] = []any{true}
			if schema.Validate(broken) == nil {
				t.Errorf("%s with a list as %s passes", topic, field)
			}
		}
		extended := maps.Clone(full)
		extended["added_later"] = "x"
		if err := schema.Validate(extended); err != nil {
			t.Errorf("%s with an unknown field: %v; schemas only add, so readers must take it", topic, err)
		}
	}
}

// The full records hold every field the encoders know, so that nothing is
// published that the schemas do not describe.
func TestSchemasDescribeEveryField(t *testing.T) {
	for topic, list := range records() {
		described(t, topic, schemaOf(t, topic), instance(t, list[0]))
	}
}

func described(t *testing.T, path string, schema *jsonschema.Schema, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if _, free := schema.AdditionalProperties.(*jsonschema.Schema); free {
			return // evidence: named by its detector
		}
		for name, value := range v {
			if schema.Properties[name] == nil {
				t.Errorf("%s.%s is published but not in the schema", path, name)
				continue
			}
			described(t, path+"."+name, schema.Properties[name], value)
		}
	case []any:
		for _, item := range v {
			described(t, path+"[]", schema.Items2020, item)
		}
	}
}

func TestSchemasListTheSameWordsAsTheCode(t *testing.T) {
	words := map[string][]string{
		"action":         texts(event.Actions[:]),
		"outcome":        texts(event.Outcomes[:]),
		"reason":         texts(event.Reasons[:]),
		"factor":         texts(event.Factors[:]),
		"group":          texts(event.Groups[:]),
		"kind":           {"event", "signal"},
		"level":          {"none", "low", "medium", "high"},
		"previous_level": {"none", "low", "medium", "high"},
		"decision":       {"allow", "step_up", "revoke"},
	}
	found := map[string]bool{}
	for topic := range records() {
		raw, err := os.ReadFile(filepath.Join(schemas, topic+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var tree any
		if err := json.Unmarshal(raw, &tree); err != nil {
			t.Fatal(err)
		}
		eachEnum("", tree, func(path string, enum []string) {
			name := path[strings.LastIndexByte(path, '.')+1:]
			want := words[name]
			if strings.HasSuffix(path, "user.kind") {
				want = []string{string(event.Human), string(event.Service), string(event.UserUnknown)}
			}
			if name == "encoding" {
				return
			}
			found[name] = true
			if diff := cmp.Diff(want, enum); diff != "" {
				t.Errorf("%s%s (-code +schema):\n%s", topic, path, diff)
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		if !found[name] {
			t.Errorf("no schema lists the words of %s", name)
		}
	}
}

func eachEnum(path string, tree any, visit func(path string, enum []string)) {
	switch tree := tree.(type) {
	case map[string]any:
		if list, ok := tree["enum"].([]any); ok {
			var enum []string
			for _, word := range list {
				enum = append(enum, word.(string))
			}
			visit(path, enum)
		}
		for name, child := range tree {
			if properties, ok := child.(map[string]any); ok && name == "properties" {
				for field, schema := range properties {
					eachEnum(path+"."+field, schema, visit)
				}
			} else if name == "items" {
				eachEnum(path, child, visit)
			}
		}
	}
}

func texts[S ~string](list []S) []string {
	var out []string
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}
