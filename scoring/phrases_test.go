package scoring

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"
)

// Each detector's name is one byte, and no phrase is there twice.
func TestPhrases(t *testing.T) {
	if len(phrases) > itemPhrases {
		t.Errorf("%d phrases do not fit", len(phrases))
	}
	seen := map[string]bool{}
	for _, p := range phrases {
		if len(p) < phraseStart || seen[p] {
			t.Errorf("%q is too short, or there already", p)
		}
		seen[p] = true
	}
	for name := range builtinWeights().Detections {
		if b := appendName(nil, []byte(name)); len(b) != 1 {
			t.Errorf("%s is no phrase", name)
		}
	}
}

// What is kept refers to phrases by their places, so they stay there. With more of
// them the list of a new version gets a line, and the earlier lines stay.
func TestPhrasesStay(t *testing.T) {
	for _, of := range []struct {
		version, phrases int
		sum              uint64
	}{
		{2, 127, 0xbb0f3704877d0a29},
	} {
		if of.version == contributionsVersion && of.phrases != len(phrases) {
			t.Errorf("version %d has %d phrases, not %d", of.version, of.phrases, len(phrases))
		}
		if sum := xxhash.Sum64String(strings.Join(phrases[:of.phrases], "\n")); sum != of.sum {
			t.Errorf("the phrases of version %d have changed: %#x", of.version, sum)
		}
	}
}

// Summaries as detectors word them are kept in a third of their bytes.
func TestSummariesAreSmall(t *testing.T) {
	for text, most := range map[string]int{
		"Sign-in from a device new for this user: Chrome on Windows":                                                4,
		"Sign-in from a registered device new for this user: Edge on Windows":                                       4,
		"Session goes on from Ashburn (US) with Firefox on Linux; it began in another network on another device":    30,
		"Sign-in from a network new for this user: Example Hoster A (AS64500)":                                      28,
		"Sign-in from a country new for this user: JP; known: GB, FR":                                               13,
		"Unlike this user: a new network in a known country, a known device; 92 times likelier to be somebody else": 7,
		"Sign-in at about 03:00 on a weekend where this user was last located; they hardly ever sign in then":       6,
		"Sign-in from Tōkyō (JP) 10 minutes after a sign-in in Berlin (DE): 8,900 km at 53,400 km/h":                48,
		"Sign-in from Berlin (DE) after 12 wrong passwords within 30 minutes":                                       24,
	} {
		var s summary
		s.set(text)
		if n := len(trimmed(s[:])); n > most || s.String() != text {
			t.Errorf("%q takes %d bytes, want at most %d, and reads %q", text, n, most, s.String())
		}
	}
}

// Whatever a text holds, but for zeros, it reads as it was set.
func TestSummaryRoundTrip(t *testing.T) {
	piece := rapid.OneOf(rapid.SampledFrom(phrases[:]), rapid.String(), rapid.Map(rapid.Byte(), func(b byte) string { return string([]byte{max(b, 1)}) }))
	rapid.Check(t, func(t *rapid.T) {
		text := ""
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			text += piece.Draw(t, "piece")
		}
		var plain [maxSummary]byte
		setText(plain[:], text)
		var s summary
		s.set(text)
		if want := trimmedText(plain[:]); s.String() != want {
			t.Fatalf("%q reads %q, want %q", text, s.String(), want)
		}
		if utf8.ValidString(text) && !utf8.ValidString(s.String()) {
			t.Fatalf("%q was cut within a character", text)
		}
	})
}

func trimmedText(b []byte) string { return string(text(b)) }

// Bytes from anywhere read as something.
func FuzzSummary(f *testing.F) {
	f.Add([]byte{itemPhrase, 3, 'a'})
	f.Add([]byte{0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s summary
		copy(s[:], b)
		_ = s.String()
	})
}
