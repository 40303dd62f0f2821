package evaluate

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// marked is a table of a Markdown file, between its markers.
var marked = regexp.MustCompile(`(?s)<!-- table ([a-z]+) -->\n(.*?)<!-- end -->`)

// RewriteMarkdown rewrites the tables of a Markdown file: what stands between
// <!-- table NAME --> and <!-- end -->. Everything else stays.
func (r *Report) RewriteMarkdown(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	tables := map[string]table{}
	for _, t := range r.tables() {
		tables[t.Name] = t
	}
	var unknown []string
	found := 0
	fresh := marked.ReplaceAllStringFunc(string(text), func(part string) string {
		name := marked.FindStringSubmatch(part)[1]
		t, ok := tables[name]
		if !ok {
			unknown = append(unknown, name)
			return part
		}
		found++
		return fmt.Sprintf("<!-- table %s -->\n%s<!-- end -->", name, t.markdown())
	})
	switch {
	case len(unknown) > 0:
		return fmt.Errorf("%s: this evaluation has no table %s", path, strings.Join(unknown, ", "))
	case found == 0:
		return fmt.Errorf("%s: no line is <!-- table NAME -->", path)
	}
	return os.WriteFile(path, []byte(fresh), 0o644)
}

func (t *table) markdown() string {
	var b strings.Builder
	if t.Note != "" {
		fmt.Fprintf(&b, "%s\n\n", t.Note)
	}
	row := func(cells []string) {
		for _, cell := range cells {
			fmt.Fprintf(&b, "| %s ", strings.NewReplacer("|", "\\|", "<", "&lt;", "\n", " ").Replace(cell))
		}
		b.WriteString("|\n")
	}
	row(t.Head)
	rule := []string{"---"}
	for range t.Head[1:] {
		rule = append(rule, "---:")
	}
	row(rule)
	for _, cells := range t.Rows {
		row(cells)
	}
	return b.String()
}
