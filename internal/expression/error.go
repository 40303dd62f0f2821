package expression

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Position is a place in a file. Line and Column count from 1 and Column counts
// characters; Column is 0 where only the line is known.
type Position struct {
	File         string
	Line, Column int
}

// PositionOf is the place of the first character of an expression that stands
// in a YAML scalar. It is exact for a block (|) and for a plain or quoted
// scalar of one line. YAML does not keep the indentation of a block: the
// column comes from data, the file's text, and is unknown when data is nil.
func PositionOf(file string, data []byte, node *yaml.Node) Position {
	switch node.Style {
	case yaml.LiteralStyle, yaml.FoldedStyle:
		at := Position{File: file, Line: node.Line + 1}
		lines := strings.Split(string(data), "\n")
		for i := node.Line; i < len(lines); i++ {
			if text := strings.TrimLeft(lines[i], " "); strings.TrimSpace(text) != "" {
				at.Column = len(lines[i]) - len(text) + 1
				break
			}
		}
		return at
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		return Position{file, node.Line, node.Column + 1}
	}
	return Position{file, node.Line, node.Column}
}

// String is file:line:column, without what is not known.
func (p Position) String() string {
	var s string
	if p.File != "" {
		s = p.File + ":"
	}
	s += fmt.Sprint(p.Line)
	if p.Column > 0 {
		s += fmt.Sprint(":", p.Column)
	}
	return s
}

// orStart is the position itself, or line 1, column 1 when none was given.
func (p Position) orStart() Position {
	if p.Line < 1 {
		p.Line, p.Column = 1, 1
	}
	return p
}

// Error is a problem of an expression with its place in the file, and the line
// that it stands in with a mark below it.
type Error struct {
	Position
	Msg     string
	Snippet string // two lines; empty when the line is long or empty
}

func (e *Error) Error() string {
	s := e.Position.String() + ": " + e.Msg
	if e.Snippet != "" {
		s += "\n" + e.Snippet
	}
	return s
}

// text is the source of an expression and where it stands.
type text struct {
	source string
	at     Position
}

// fail is an error at an offset, in characters, of the source.
func (t text) fail(offset int, format string, args ...any) *Error {
	lineStart, line, column := 0, 0, 0
	for i, r := range t.source {
		if offset == 0 {
			break
		}
		offset--
		if column++; r == '\n' {
			lineStart, column = i+1, 0
			line++
		}
	}
	at := t.at
	at.Line += line
	if at.Column > 0 {
		at.Column += column
	}
	return &Error{Position: at, Msg: fmt.Sprintf(format, args...), Snippet: snippet(t.source[lineStart:], column)}
}

// maxSnippet bounds a quoted line, in characters.
const maxSnippet = 160

// snippet quotes the first line of the text with a mark under a column.
func snippet(text string, column int) string {
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimRight(line, " \t\r")
	if n := utf8.RuneCountInString(line); n == 0 || n > maxSnippet || column > n {
		return ""
	}
	line = strings.ReplaceAll(line, "\t", " ")
	return "  | " + line + "\n  | " + strings.Repeat(" ", column) + "^"
}
