package livetable

import (
	"fmt"
	"io"

	"github.com/riskstream/riskstream/event"
)

// maxUserCells bounds the user column of Top, so that one absurd name does not
// push every reason out of sight.
const maxUserCells = 48

// Top writes a table of the rows, the riskiest first: score, level, decision,
// user, and the three reasons that weigh most. Each row is one line of any
// length, so that it can be cut, sorted and searched.
func Top(w io.Writer, rows []Row, colour bool) error {
	rows = riskiestFirst(rows)
	user := len("USER")
	for i := range rows {
		user = max(user, min(width(Clean(rows[i].Subject)), maxUserCells))
	}
	b := paint(nil, bold, " SCORE  LEVEL   DECISION  "+pad("USER", user)+"  WHY", colour)
	b = append(b, '\n')
	for i := range rows {
		b = appendTop(b, &rows[i], user, colour)
	}
	_, err := w.Write(b)
	return err
}

func appendTop(b []byte, r *Row, user int, colour bool) []byte {
	b = paint(b, levelColour(r.Level), fmt.Sprintf("%6.2f  %-6s", r.Score, r.Level), colour)
	b = append(b, "  "...)
	b = paint(b, decisionColour(r.Decision), fmt.Sprintf("%-8s", r.Decision), colour)
	subject, _ := fit(Clean(r.Subject), user, true)
	if len(r.Reasons) == 0 {
		return append(b, "  "+subject+"\n"...)
	}
	return append(b, "  "+pad(subject, user)+"  "+why(r.Reasons)+"\n"...)
}

// why is the reasons in one line, each with its points.
func why(reasons []event.Contribution) string {
	var b []byte
	for i := range reasons[:min(len(reasons), topReasons)] {
		if i > 0 {
			b = append(b, "; "...)
		}
		b = fmt.Appendf(b, "%s (%+.2f)", Clean(reasons[i].Summary), reasons[i].Points)
	}
	return string(b)
}
