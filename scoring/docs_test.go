package scoring

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/event"
)

// docs/scoring.md tells the weights, the built-in policies and an example;
// they must be the real ones.
func TestDocsTellTheTruth(t *testing.T) {
	raw, err := os.ReadFile("../docs/scoring.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	says := func(part string) {
		t.Helper()
		if !strings.Contains(text, part) {
			t.Errorf("docs/scoring.md lacks %q", part)
		}
	}
	w := builtinWeights()
	for name, row := range w.Detections {
		says(fmt.Sprintf("| %s | %s | %v | %vh |", name, row.Group, row.LLR, row.HalfLife.Hours()))
	}
	var caps []string
	for _, g := range event.Groups {
		caps = append(caps, fmt.Sprint(g, " ", w.Caps[g]))
	}
	says("Caps, in nats: " + strings.Join(caps, ", ") + ".")

	s := newStory(t)
	for i, reach := range s.v.reaches {
		says(fmt.Sprintf("| %v | %v | %.2f |", event.Level(i+1), s.v.levels[i].float(), reach.float()))
	}
	s.happens(signIn(monday), saw("new_device"), saw("impossible_travel"))
	rec := s.record(s.happens(signIn(monday+6*event.Hour), saw("new_network")))
	var points []string
	for _, r := range rec.Reasons {
		points = append(points, fmt.Sprintf("%.2f", r.Points))
	}
	says(fmt.Sprintf("**%.2f**, %v", rec.Score, rec.Level))
	says(strings.Join(points, " + "))
}

// Every configuration that the page shows is one.
func TestDocsExamplesAreValid(t *testing.T) {
	raw, err := os.ReadFile("../docs/scoring.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(raw), "```yaml\n")
	for i, part := range parts[1:] {
		example, _, _ := strings.Cut(part, "```")
		cfg := struct {
			Scoring  Config
			Policies Policies
		}{Scoring: Defaults()}
		if err := yaml.Unmarshal([]byte(example), &cfg); err != nil {
			t.Fatal(err)
		}
		cfg.Policies.Locate("example "+strconv.Itoa(i+1), []byte(example))
		if _, err := New(cfg.Scoring, cfg.Policies); err != nil {
			t.Error(err)
		}
		if i == 1 {
			for j, p := range builtinPolicies() {
				if q := cfg.Policies[j]; p.Name != q.Name || p.When != q.When || p.Decision != q.Decision {
					t.Errorf("the page's built-in policy %+v is not %+v", q, p)
				}
			}
		}
	}
}
