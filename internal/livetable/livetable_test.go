package livetable_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/livetable"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const morning event.Time = 1767603600000 // 2026-01-05T09:00:00Z

func snapshot() ([]livetable.Row, livetable.Stats) {
	reason := func(points float64, summary string) event.Contribution {
		return event.Contribution{Detection: "x", Points: points, Summary: summary}
	}
	rows := []livetable.Row{
		{Subject: "quiet@corp.example", Score: 0.2, At: morning},
		{
			Subject: "li.wei@corp.example", Score: 96.55, Level: event.High, Decision: event.Revoke, At: morning + 83*event.Second,
			Reasons: []event.Contribution{
				reason(61.2, "Sign-in from 東京 (JP) 4 minutes after Berlin (DE): 8,918 km at 133,770 km/h, which nobody travels"),
				reason(20.4, "New device: Firefox on Linux"), reason(10.05, "New network: AS64999"), reason(4.7, "a fourth reason that is not shown"),
			},
		},
		{
			Subject: "bea@corp.example", Score: 41, Level: event.Medium, PreviousLevel: event.High, Decision: event.StepUp, At: morning,
			Reasons: []event.Contribution{reason(40.8, "Sign-in through Tor")},
		},
		{Subject: "abe@corp.example", Score: 41, Level: event.Medium, PreviousLevel: event.Low, Decision: event.StepUp, At: morning},
		{
			Subject: "low@corp.example", Score: 12.5, Level: event.Low, At: morning,
			Reasons: []event.Contribution{reason(12.3, "14 failed sign-ins within 2 minutes")},
		},
	}
	stats := livetable.Stats{Events: 1234567, Detections: 1042, DeadLetters: 3, PerSecond: 250.4, Elapsed: 3723 * time.Second}
	return rows, stats
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, rewrite with -update):\n%s", path, diff)
	}
}

// readable writes each control character so that a golden file can be read.
func readable(s string) string {
	return strings.NewReplacer("\x1b", "<ESC>", "\r", "").Replace(s)
}

func TestRender(t *testing.T) {
	rows, stats := snapshot()
	for name, c := range map[string]struct {
		size livetable.Size
		opts livetable.Options
	}{
		"width80.golden":        {livetable.Size{Width: 80, Height: 24}, livetable.Options{}},
		"width80colour.golden":  {livetable.Size{Width: 80, Height: 24}, livetable.Options{Colour: true}},
		"width120.golden":       {livetable.Size{Width: 120, Height: 40}, livetable.Options{}},
		"width120colour.golden": {livetable.Size{Width: 120, Height: 40}, livetable.Options{Colour: true}},
		"short.golden":          {livetable.Size{Width: 80, Height: 12}, livetable.Options{Hints: []string{"stop with Ctrl-C"}}},
		"noterminal.golden":     {livetable.Size{}, livetable.Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			c.opts.Broker = "127.0.0.1:9092"
			var out bytes.Buffer
			if err := livetable.Render(&out, c.size, rows, stats, c.opts); err != nil {
				t.Fatal(err)
			}
			golden(t, name, readable(out.String()))
		})
	}
}

func TestTop(t *testing.T) {
	rows, _ := snapshot()
	for name, colour := range map[string]bool{"top.golden": false, "topcolour.golden": true} {
		var out bytes.Buffer
		if err := livetable.Top(&out, rows, colour); err != nil {
			t.Fatal(err)
		}
		golden(t, name, readable(out.String()))
	}
}

// A frame that is wider or higher than the terminal would wrap or scroll, and
// the next one would no longer land on it.
func TestFrameStaysInsideTheTerminal(t *testing.T) {
	rows, stats := snapshot()
	for width := 1; width <= 130; width += 3 {
		for height := 1; height <= 26; height += 5 {
			var out bytes.Buffer
			if err := livetable.Render(&out, livetable.Size{Width: width, Height: height}, rows, stats, livetable.Options{Broker: "b:1"}); err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer("\x1b[H", "", "\x1b[K", "", "\x1b[J", "").Replace(out.String())
			lines := strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n")
			if len(lines) > max(height-1, 1) {
				t.Errorf("%d×%d: %d lines", width, height, len(lines))
			}
			for _, line := range lines {
				cells := 0
				for _, r := range line {
					cells++
					if r == '東' || r == '京' {
						cells++
					}
				}
				if cells > width-1 {
					t.Errorf("%d×%d: %d cells: %q", width, height, cells, line)
				}
			}
		}
	}
}

// Names come from logs that attackers write into.
func TestNamesCannotDriveTheTerminal(t *testing.T) {
	evil := "a\x1b]0;owned\x07\x1b[2J\r\n\u009b31m\u202eb\u200b\u2028c\x00\x7f\xff"
	rows := []livetable.Row{{
		Subject: evil, Score: 50, Level: event.Medium, At: morning,
		Reasons: []event.Contribution{{Points: 1, Summary: evil}},
	}}
	draw := map[string]func(*bytes.Buffer) error{
		"terminal": func(b *bytes.Buffer) error {
			return livetable.Render(b, livetable.Size{Width: 100, Height: 20}, rows, livetable.Stats{}, livetable.Options{Broker: evil})
		},
		"plain": func(b *bytes.Buffer) error {
			return livetable.Render(b, livetable.Size{}, rows, livetable.Stats{}, livetable.Options{})
		},
		"top": func(b *bytes.Buffer) error { return livetable.Top(b, rows, false) },
	}
	for name, draw := range draw {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := draw(&out); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), "a]0;owned[2J31mbc\ufffd") {
				t.Errorf("the readable part of the name is gone: %q", out.String())
			}
			ours := strings.NewReplacer("\x1b[H", "", "\x1b[K", "", "\x1b[J", "", "\r\n", "", "\n", "").Replace(out.String())
			if strings.ContainsAny(ours, "\x1b\r\n\x00\x07\x7f\u009b\u202e\u200b\u2028") {
				t.Errorf("a control character came through: %q", ours)
			}
		})
	}
}

func TestCallersRowsKeepTheirOrder(t *testing.T) {
	rows, stats := snapshot()
	before, _ := snapshot()
	var out bytes.Buffer
	if err := livetable.Render(&out, livetable.Size{Width: 80, Height: 24}, rows, stats, livetable.Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, rows); diff != "" {
		t.Errorf("Render changed its input: %s", diff)
	}
}

func TestTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size, colour := livetable.Terminal(file, func(string) string { return "" })
	if size != (livetable.Size{}) || colour {
		t.Errorf("a file is no terminal, got %v, colour %v", size, colour)
	}
}
