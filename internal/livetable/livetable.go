// Package livetable draws scores for people: the live view of the demo, which
// is redrawn in place on a terminal, and the static table of replay --top.
//
// It only draws. What it draws is a snapshot that the caller took, and the
// same snapshot gives the same bytes. Every text that came with a log is
// cleaned here, so that a user name cannot drive the reader's terminal.
package livetable

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/riskstream/riskstream/event"
)

// Row is one subject of the snapshot.
type Row struct {
	Subject       string
	Score         float64 // 0–100
	Level         event.Level
	PreviousLevel event.Level
	Decision      event.Decision
	Reasons       []event.Contribution // most points first, as in the score record
	At            event.Time
}

// RowOf takes what a Row shows from a score record.
func RowOf(s *event.Score) Row {
	return Row{
		Subject: s.Subject, Score: s.Score, Level: s.Level, PreviousLevel: s.PreviousLevel,
		Decision: s.Decision, Reasons: s.Reasons, At: s.AsOf,
	}
}

// Stats is what the whole process has done until the snapshot.
type Stats struct {
	Events, Detections, DeadLetters uint64
	PerSecond                       float64 // events, over the caller's last interval
	Elapsed                         time.Duration
}

// Size of the terminal in cells. A Width of 0 is "no terminal": Render then
// writes plain lines that can be kept in a file.
type Size struct{ Width, Height int }

// Options of Render.
type Options struct {
	Colour bool
	Broker string   // host:port that other Kafka clients can reach
	Hints  []string // one line each under the header; none: how to read the scores at Broker
}

// Terminal asks for the size of f and whether it should be coloured: no
// terminal has size 0 and no colour, NO_COLOR (set and not empty, whatever its
// value) and TERM=dumb switch colour off. A dumb terminal cannot be redrawn
// and counts as none.
func Terminal(f *os.File, getenv func(string) string) (Size, bool) {
	if !term.IsTerminal(int(f.Fd())) || getenv("TERM") == "dumb" {
		return Size{}, false
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		width, height = 80, 24 // a terminal that does not know its size, as some serial lines
	}
	return Size{width, height}, getenv("NO_COLOR") == ""
}

// topReasons is how many reasons of a subject are shown: more than three hide
// the next subject without changing what a person would do.
const topReasons = 3

// Render draws the snapshot in one Write, the riskiest subjects first. On a
// terminal it draws over the frame before: the cursor goes home and every line
// clears only what is left of it, so that nothing flickers. Rows that do not
// fit are counted in the last line.
func Render(w io.Writer, size Size, rows []Row, stats Stats, opts Options) error {
	rows = riskiestFirst(rows)
	if size.Width <= 0 {
		return plain(w, rows, stats)
	}
	f := newFrame(size, opts.Colour)
	f.buf = append(f.buf, home...)
	f.header(stats, opts)
	f.rows(rows)
	f.buf = append(f.buf, clearBelow...)
	_, err := w.Write(f.buf)
	return err
}

// riskiestFirst sorts a copy: by score, and by name where scores are equal, so
// that rows do not jump about between two snapshots.
func riskiestFirst(rows []Row) []Row {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Subject, b.Subject))
	})
	return rows
}

func (f *frame) header(stats Stats, opts Options) {
	f.line(span{bold, "riskstream"}, span{"", "  " + clock(stats.Elapsed) + "  broker " + opts.Broker})
	f.line(span{"", progress(stats)})
	hints := opts.Hints
	if len(hints) == 0 {
		hints = []string{"read the scores: kcat -b " + opts.Broker + " -t risk.scores -C"}
	}
	for _, hint := range hints {
		f.line(span{faint, hint})
	}
	f.line()
	f.line(span{bold, "SCORE   LEVEL   WAS     DECISION  AT        USER"})
}

// rows draws as many subjects as fit, each with its reasons under it. A subject
// is drawn whole or not at all, except that the first always gets its line.
func (f *frame) rows(rows []Row) {
	for i := range rows {
		r := &rows[i]
		reasons := r.Reasons[:min(len(r.Reasons), topReasons)]
		need := 1 + len(reasons)
		if i < len(rows)-1 {
			need++ // the line that counts the rest
		}
		if i > 0 && need > f.left {
			f.line(span{faint, fmt.Sprintf("… and %s more", count(uint64(len(rows)-i)))})
			return
		}
		f.line(
			span{levelColour(r.Level), fmt.Sprintf("%6.2f  %-6s", r.Score, r.Level)},
			span{"", fmt.Sprintf("  %-6s  ", r.PreviousLevel)},
			span{decisionColour(r.Decision), fmt.Sprintf("%-8s", r.Decision)},
			span{"", fmt.Sprintf("  %s  %s", r.At.Std().Format(time.TimeOnly), r.Subject)},
		)
		for j := range reasons {
			f.line(span{faint, fmt.Sprintf("        %+6.2f  %s", reasons[j].Points, reasons[j].Summary)})
		}
	}
}

// plainRows is how many subjects a plain snapshot lists: it is written again
// and again into the same file.
const plainRows = 5

func plain(w io.Writer, rows []Row, stats Stats) error {
	b := []byte(clock(stats.Elapsed) + "  " + progress(stats) + "\n")
	for i := range rows[:min(len(rows), plainRows)] {
		r := &rows[i]
		if r.Level == event.None {
			break
		}
		b = fmt.Appendf(b, "  %6.2f  %-6s  %-8s  ", r.Score, r.Level, r.Decision)
		b = append(b, strings.TrimRight(Clean(r.Subject)+"  "+why(r.Reasons), " ")...)
		b = append(b, '\n')
	}
	_, err := w.Write(b)
	return err
}

// clock writes a duration as hours, minutes and seconds.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// progress is the numbers of the whole process in one line.
func progress(s Stats) string {
	return fmt.Sprintf("%s events  %.0f/s  %s detections  %s dead letters",
		count(s.Events), s.PerSecond, count(s.Detections), count(s.DeadLetters))
}

// count writes n with a comma between thousands.
func count(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b []byte
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b = append(b, ',')
		}
		b = append(b, digits[i])
	}
	return string(b)
}
