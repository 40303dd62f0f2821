package expression

import (
	"errors"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestErrorsStandInTheFile(t *testing.T) {
	const file = "rules:\n" +
		"  - when: |\n" +
		"      known and\n" +
		"        // größer\n" +
		"      scöre > 1\n" +
		"    plain: knwn\n" +
		"    quoted: \"knwn\"\n"
	var doc struct {
		Rules []map[string]yaml.Node
	}
	if err := yaml.Unmarshal([]byte(file), &doc); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"when":   "r.yaml:5:7: unknown name scöre; known names: event, device, source, score, known, detections, raw\n  | scöre > 1\n  | ^",
		"plain":  "r.yaml:6:12: unknown name knwn; known names: event, device, source, score, known, detections, raw\n  | knwn\n  | ^",
		"quoted": "r.yaml:7:14: unknown name knwn; known names: event, device, source, score, known, detections, raw\n  | knwn\n  | ^",
	} {
		node := doc.Rules[0][key]
		_, err := Compile(node.Value, testEnv{}, Bool, PositionOf("r.yaml", []byte(file), &node))
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n%v\nwant:\n%s", key, err, want)
		}
	}
	when := doc.Rules[0]["when"]
	if at := PositionOf("", nil, &when).String(); at != "3" {
		t.Errorf("without the file's text a block is at %s; want its line, 3, alone", at)
	}
}

func TestEveryErrorAtOnce(t *testing.T) {
	_, err := Compile("now() == nil and event.action == \"signin\"\nand not device.compliant", testEnv{}, Bool, Position{"p.yaml", 10, 9})
	many, ok := err.(interface{ Unwrap() []error })
	if !ok || len(many.Unwrap()) != 3 {
		t.Fatalf("want three errors, got %v", err)
	}
	var places []string
	for _, e := range many.Unwrap() {
		var placed *Error
		if !errors.As(e, &placed) {
			t.Fatalf("%v is no *Error", e)
		}
		places = append(places, placed.Position.String())
	}
	if want := []string{"p.yaml:10:9", "p.yaml:10:42", "p.yaml:11:17"}; !slices.Equal(places, want) {
		t.Errorf("errors at %v; want %v", places, want)
	}
}
