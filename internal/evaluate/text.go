package evaluate

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/riskstream/riskstream/internal/livetable"
)

// WriteText writes the report for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for i, t := range r.tables() {
		if i > 0 {
			b.WriteByte('\n')
		}
		t.text(&b)
		if i == 0 {
			for _, note := range r.Data.Notes {
				fmt.Fprintf(&b, "%s\n", note)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s\n", t.Title)
	if t.Note != "" {
		fmt.Fprintf(b, "%s\n", t.Note)
	}
	widths := make([]int, len(t.Head))
	lines := append([][]string{t.Head}, t.Rows...)
	for _, line := range lines {
		for i := range line {
			line[i] = livetable.Clean(line[i]) // names of users are from outside
			widths[i] = max(widths[i], utf8.RuneCountInString(line[i]))
		}
	}
	for i, line := range lines {
		if i == 0 && strings.Join(line, "") == "" {
			continue
		}
		text := "  "
		for j, cell := range line {
			space := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if j == 0 {
				text += cell + space
			} else {
				text += "  " + space + cell
			}
		}
		fmt.Fprintln(b, strings.TrimRight(text, " "))
	}
}
