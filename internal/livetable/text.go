package livetable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean removes what could drive a terminal or mislead its reader: control
// characters (with them every escape sequence), the C1 controls that some
// terminals obey, line separators, and the invisible format characters that
// reverse or hide text. What is left of an escape sequence is harmless text.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs) {
			return -1
		}
		return r // strings.Map gives U+FFFD for a byte that is no UTF-8
	}, s)
}

// fit cuts s to room cells and says how many it takes. A cut in the last span
// of a line is marked with an ellipsis.
func fit(s string, room int, mark bool) (string, int) {
	total := width(s)
	if total <= room {
		return s, total
	}
	ellipsis := 0
	if mark && room > 0 {
		ellipsis = 1
	}
	used, end := 0, 0
	for i, r := range s {
		w := runeWidth(r)
		if used+w > room-ellipsis {
			break
		}
		used += w
		end = i + utf8.RuneLen(r)
	}
	if ellipsis == 0 {
		return s[:end], used
	}
	return s[:end] + "…", used + 1
}

// pad fills s with spaces to the given number of cells.
func pad(s string, cells int) string {
	return s + strings.Repeat(" ", max(cells-width(s), 0))
}

func width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// wide holds the characters that take two cells: the ranges that Unicode
// Standard Annex 11 calls Wide or Fullwidth, joined where only unassigned
// characters lie between them, and the emoji planes.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul Jamo, leading consonants
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // CJK radicals and punctuation
		{Lo: 0x3041, Hi: 0x4dbf, Stride: 1}, // kana to CJK extension A
		{Lo: 0x4e00, Hi: 0xa4cf, Stride: 1}, // CJK ideographs, Yi
		{Lo: 0xa960, Hi: 0xa97f, Stride: 1}, // Hangul Jamo extended
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul syllables
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // CJK compatibility ideographs
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, // CJK compatibility and small forms
		{Lo: 0xff01, Hi: 0xff60, Stride: 1}, // full-width forms
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1}, // full-width signs
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // pictographs, emoticons
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1}, // transport
		{Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1}, // more pictographs
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // CJK extensions B and on
	},
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	default:
		return 1
	}
}
