package livetable

import "github.com/riskstream/riskstream/event"

// Control sequences that every terminal since the VT100 knows.
const (
	home       = "\x1b[H"  // cursor to the top left
	clearRight = "\x1b[K"  // from the cursor to the end of its line
	clearBelow = "\x1b[J"  // from the cursor to the end of the screen
	reset      = "\x1b[0m" // plain text again
	bold       = "\x1b[1m"
	faint      = "\x1b[2m"
	red        = "\x1b[31m"
	green      = "\x1b[32m"
	yellow     = "\x1b[33m"
	cyan       = "\x1b[36m"
)

// span is a text and the sequence that gives it its look, "" for none.
type span struct{ look, text string }

// frame is one picture in the making. A line is never wider than the terminal
// (it would wrap and push the rest down) and there are never more lines than
// fit (the screen would scroll and the next frame would land beside this one).
type frame struct {
	buf    []byte
	width  int
	left   int // lines that still fit
	colour bool
}

// newFrame leaves the last column and the last line free: a terminal whose
// cursor stands behind its last column takes clearRight for that column, and a
// line break in its last line scrolls.
func newFrame(size Size, colour bool) frame {
	return frame{width: size.Width - 1, left: size.Height - 1, colour: colour}
}

// line appends one line. Each span is cleaned, and cut where the width ends.
func (f *frame) line(spans ...span) {
	if f.left <= 0 {
		return
	}
	f.left--
	room := f.width
	for i, s := range spans {
		text, used := fit(Clean(s.text), room, i == len(spans)-1)
		room -= used
		f.paint(s.look, text)
	}
	f.buf = append(f.buf, clearRight+"\r\n"...)
}

func (f *frame) paint(look, text string) { f.buf = paint(f.buf, look, text, f.colour) }

func paint(b []byte, look, text string, colour bool) []byte {
	if !colour || look == "" || text == "" {
		return append(b, text...)
	}
	b = append(b, look...)
	b = append(b, text...)
	return append(b, reset...)
}

func levelColour(l event.Level) string {
	switch l {
	case event.High:
		return red
	case event.Medium:
		return yellow
	case event.Low:
		return cyan
	default:
		return green
	}
}

func decisionColour(d event.Decision) string {
	switch d {
	case event.Revoke:
		return red
	case event.StepUp:
		return yellow
	default:
		return ""
	}
}
