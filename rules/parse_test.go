package rules

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/expression"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestBadFiles compares what is said about each bad file with a golden file.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no bad files", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found, errs := Parse(filepath.Base(file), data)
		if len(found) > 0 {
			t.Errorf("%s gives rule %s; every rule in it is bad", file, found[0].ID)
		}
		var told strings.Builder
		for _, err := range errs {
			told.WriteString(err.Error() + "\n")
		}
		golden := strings.TrimSuffix(file, ".bad.yaml") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(told.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), told.String()); d != "" {
			t.Errorf("%s:\n%s", file, d)
		}
	}
}

func TestGoodFile(t *testing.T) {
	data, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found, errs := Parse("good.yaml", data)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want := []Rule{{
		ID: "night-admin", Name: "An administrator signed in at night", Description: "Nobody has night duty here.",
		Severity: "high", Group: event.GroupSession, Weight: 2.25, HalfLife: 90 * time.Minute,
		Tags: []string{"attack.t1078", "team:soc"},
		When: "event.action == \"sign_in\"\nand user.privileged == \"yes\" // only where the directory says so\nand (time.hour < 6 or time.hour >= 22)",
		At:   expression.Position{File: "good.yaml", Line: 3, Column: 5},
	}, {
		ID: "weekend_download", Name: "Downloads on a weekend: many",
		Severity: "informational", Group: event.GroupBehaviour, Weight: 1, HalfLife: 7 * 24 * time.Hour,
		When: "event.action in [\"download\", \"access\"] and time.weekday > 5\nand not in_network(source.ip, \"203.0.113.0/24\", \"2001:db8::/32\")",
		At:   expression.Position{File: "good.yaml", Line: 15, Column: 5},
	}}
	if d := cmp.Diff(want, found, cmpopts.IgnoreUnexported(Rule{})); d != "" {
		t.Error(d)
	}
}

func TestTooLargeFile(t *testing.T) {
	_, errs := Parse("large.yaml", []byte(strings.Repeat("#", MaxFileSize+1)))
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "larger than 1048576 bytes") {
		t.Errorf("gives %v", errs)
	}
}

// TestClosedLists: the lists of values in Env's tags are those of package
// event, so that no word of the contract is refused in a rule.
func TestClosedLists(t *testing.T) {
	list := func(words ...string) string { return strings.Join(words, `", "`) }
	var actions, outcomes, reasons, factors []string
	for _, a := range event.Actions {
		actions = append(actions, string(a))
	}
	for _, o := range event.Outcomes {
		outcomes = append(outcomes, string(o))
	}
	for _, r := range event.Reasons {
		reasons = append(reasons, string(r))
	}
	for _, f := range event.Factors {
		factors = append(factors, string(f))
	}
	for field, words := range map[string]string{
		"event.action":    list(actions...),
		"event.outcome":   list(append([]string{""}, outcomes...)...),
		"event.reason":    list(append([]string{""}, reasons...)...),
		"auth.factor":     list(append([]string{""}, factors...)...),
		"event.kind":      list(string(event.KindEvent), string(event.KindSignal)),
		"user.kind":       list("", string(event.Human), string(event.Service), string(event.UserUnknown)),
		"source.as.type":  list("", event.ASMobile, event.ASSatellite),
		"subject.level":   list(event.None.String(), event.Low.String(), event.Medium.String(), event.High.String()),
		"user.privileged": list(expression.Yes, expression.No, expression.Unknown),
	} {
		_, err := expression.Compile(field+` == "bogus"`, Env{}, expression.Bool, expression.Position{})
		if err == nil || !strings.Contains(err.Error(), `one of "`+words+`"`) {
			t.Errorf("%s: want the values %q, got %v", field, words, err)
		}
	}
}

// FuzzParse: no file makes the parser panic, every problem has a place, and
// a rule that is returned is complete.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, errs := Parse("f.yaml", data)
		if len(found) == 0 && len(errs) == 0 {
			t.Error("neither a rule nor a problem")
		}
		for _, err := range errs {
			if !strings.HasPrefix(err.Error(), "f.yaml:") {
				t.Errorf("a problem without its place: %v", err)
			}
		}
		for _, r := range found {
			if r.ID == "" || r.Name == "" || r.when == nil || r.Weight <= 0 || r.HalfLife < MinHalfLife {
				t.Errorf("incomplete rule %+v", r)
			}
		}
	})
}
