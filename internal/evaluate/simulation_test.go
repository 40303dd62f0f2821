package evaluate

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/riskstream/riskstream/internal/config"
)

var twoCompanies = sync.OnceValues(func() (*Report, error) {
	return Simulate(context.Background(), config.Default(), Simulation{Seeds: []uint64{1, 2}, Users: 40, Days: 42, Learn: 14, Calibrate: 7})
})

// simulated is a copy of one report of two companies.
func simulated(t *testing.T) *Report {
	t.Helper()
	r, err := twoCompanies()
	if err != nil {
		t.Fatal(err)
	}
	own := *r
	return &own
}

// The same seeds give the same report, but for the time that it took.
func TestSimulateIsDeterministic(t *testing.T) {
	var texts [2][]byte
	for i := range texts {
		r, err := Simulate(t.Context(), config.Default(), Simulation{Seeds: []uint64{7}, Users: 40, Days: 42, Learn: 14, Calibrate: 7})
		if err != nil {
			t.Fatal(err)
		}
		r.CostNS = 0
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = text
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Errorf("%s\n%s", texts[0], texts[1])
	}
}

func TestSimulateStopsWhenAsked(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Simulate(ctx, config.Default(), Simulation{Seeds: []uint64{1}, Users: 40, Days: 42, Learn: 14, Calibrate: 7}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The page is well-formed, needs no other file and no script, and has every plot
// and table.
func TestHTML(t *testing.T) {
	r := simulated(t)
	r.Data.Notes = []string{"<b>not bold</b>"}
	r.Ablation = []Ablated{{TPR: 0.5, Recall: 0.5}, {Without: "new_device", TPR: 0.4, Recall: 0.55}}
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, outside := range []string{"http:", "https:", "src=", "href=", "<script", "<b>", "NaN", "Inf", "ZgotmplZ"} {
		if strings.Contains(text, outside) {
			t.Errorf("the page has %s", outside)
		}
	}
	for _, p := range r.plots() {
		if !strings.Contains(text, p.Title) {
			t.Errorf("no plot %q", p.Title)
		}
	}
	for _, drawing := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		decoder := xml.NewDecoder(strings.NewReader(drawing))
		for {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, drawing)
			}
		}
	}
}

// Every table has as many cells in each row as in its head, and a name of its
// own.
func TestTablesAreWhole(t *testing.T) {
	r := simulated(t)
	r.Ablation = []Ablated{{}, {Without: "new_device", Most: Fall{Attack: "naive", TPR: 0.1}}}
	names := map[string]bool{}
	for _, table := range r.tables() {
		if names[table.Name] {
			t.Errorf("two tables are named %s", table.Name)
		}
		names[table.Name] = true
		for _, row := range table.Rows {
			if len(row) != len(table.Head) {
				t.Errorf("%s: %d cells under %d heads: %q", table.Name, len(row), len(table.Head), row)
			}
		}
	}
}

func TestRewriteMarkdown(t *testing.T) {
	r := simulated(t)
	path := filepath.Join(t.TempDir(), "accuracy.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# A\n<!-- table precision -->\nold\n<!-- end -->\nkept\n<!-- table recall -->\n<!-- end -->\n")
	for range 2 { // the second time changes nothing
		if err := r.RewriteMarkdown(path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(text); strings.Contains(got, "old") || !strings.Contains(got, "\n<!-- end -->\nkept\n<!-- table recall -->\n|") ||
			!strings.Contains(got, "| perfect | 100.0 |") || strings.Count(got, "<!-- end -->") != 2 {
			t.Errorf("%s", got)
		}
	}
	write("<!-- table nonsense -->\n<!-- end -->\n")
	if err := r.RewriteMarkdown(path); err == nil || !strings.Contains(err.Error(), "no table nonsense") {
		t.Error(err)
	}
	write("nothing\n")
	if err := r.RewriteMarkdown(path); err == nil {
		t.Error("a file without markers is rewritten")
	}
}
