package scoring

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
	"github.com/riskstream/riskstream/internal/wire/wiretest"
)

// valid are the fields that hold fewer values than their type.
var valid = map[string]uint64{
	"State.Level":        uint64(event.High),
	"State.Decision":     uint64(event.Revoke),
	"State.UserKind":     uint64(len(userKinds) - 1),
	"State.Privileged":   uint64(event.True),
	"Contribution.Group": uint64(len(event.Groups) - 1),
}

// scored is what a subject has of scoring.
type scored struct {
	state State
	open  []Contribution
}

func (s *scored) appended() []byte { return AppendContributions(s.state.AppendBinary(nil), s.open) }

func (s *scored) equal(other *scored) bool {
	return s.state == other.state && slices.Equal(s.open, other.open)
}

func decode(b []byte) (scored, error) {
	s := goldenScored()["busy"] // what was there before must not shine through
	r := wire.NewReader(b)
	s.state.DecodeBinary(&r)
	s.open = DecodeContributions(&r, s.open)
	return s, r.End()
}

// Whatever the values hold, in every field, is there after decoding.
func TestScoringRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want scored
		wiretest.Fill(t, &want.state, valid)
		want.open = make([]Contribution, rapid.IntRange(0, MaxOpen).Draw(t, "open"))
		for i := range want.open {
			c := &want.open[i]
			wiretest.Fill(t, c, valid)
			if i > 0 && rapid.Bool().Draw(t, "same event") {
				before := &want.open[i-1]
				c.EventID, c.SessionID, c.Fact = before.EventID, before.SessionID, before.Fact
				c.Network, c.Device, c.Session = before.Network, before.Device, before.Session
			}
		}
		got, err := decode(want.appended())
		if err != nil || !got.equal(&want) {
			t.Fatalf("decoded, error %v,\n%+v, want\n%+v", err, got, want)
		}
	})
}

func TestScoringOfANewerVersion(t *testing.T) {
	busy := goldenScored()["busy"]
	b := busy.state.AppendBinary(nil)
	version := map[string]int{"state of the score": 0, "open contributions": len(b) + 1}
	b = AppendContributions(b, busy.open)
	for value, at := range version {
		newer := bytes.Clone(b)
		newer[at]++
		_, err := decode(newer)
		if err == nil || !strings.Contains(err.Error(), value) || !strings.Contains(err.Error(), "written by a newer riskstream") {
			t.Errorf("%s: error %v", value, err)
		}
	}
}

// Bytes that end too early or hold what cannot be are an error, and leave no
// contribution.
func TestDamagedScoring(t *testing.T) {
	busy := goldenScored()["busy"]
	b := busy.appended()
	for n := range b {
		if s, err := decode(b[:n]); err == nil || len(s.open) > 0 {
			t.Errorf("%d of %d bytes: error %v, %d open", n, len(b), err, len(s.open))
		}
	}
	for name, spoil := range map[string]func(s *scored){
		"level":    func(s *scored) { s.state.Level = event.High + 1 },
		"decision": func(s *scored) { s.state.Decision = event.Revoke + 1 },
		"kind":     func(s *scored) { s.state.UserKind = uint8(len(userKinds)) },
		"flag":     func(s *scored) { s.state.Privileged = 2 },
		"group":    func(s *scored) { s.open[1].Group = uint8(len(event.Groups)) },
		"llr":      func(s *scored) { s.open[0].LLR = math.Inf(1) },
		"factor":   func(s *scored) { s.open[0].Factor = math.NaN() },
		"too many": func(s *scored) { s.open = make([]Contribution, MaxOpen+1) },
	} {
		bad := goldenScored()["busy"]
		spoil(&bad)
		if s, err := decode(bad.appended()); err == nil || len(s.open) > 0 {
			t.Errorf("%s: error %v, %d open", name, err, len(s.open))
		}
	}
}

// What version 1 wrote is read for ever. A new version gets a file of its own,
// and those of earlier versions stay as they are.
func TestGoldenScoring(t *testing.T) {
	const newest = max(stateVersion, contributionsVersion)
	want, written := goldenScored(), map[string][]byte{}
	for name, s := range want {
		written[name] = s.appended()
	}
	wiretest.Golden(t, "testdata/scoring_v%d.hex", newest, *update, written, func(t *testing.T, name string, b []byte) {
		s := want[name]
		if got, err := decode(b); err != nil || !got.equal(&s) {
			t.Errorf("decoded, error %v,\n%+v, want\n%+v", err, got, s)
		}
	})
}

func goldenScored() map[string]scored {
	const now event.Time = 1_791_273_845_123
	one := Contribution{
		At: now - event.Hour, ClearsAt: now + 20*event.Hour, First: now - 3*event.Hour, Raised: now - 2*event.Hour,
		LLR: 2.5, Factor: 1, HalfLife: 36 * 3600, Key: 0x9e3779b97f4a7c15, Fact: 0x3c6ef372fe94f82b,
		Network: 0xdaa66d2c7ddf743f, Session: 0x78dde6e5fd29f054, Group: 1, Touched: true,
	}
	setText(one.Name[:], "new_device")
	setText(one.EventID[:], "0b4c8f1e-64cf-4a8e-9d0a-0f5d3f6a1c77")
	one.Summary.set("First sign-in with Chrome on Windows in 120 days")
	travel := one
	travel.LLR, travel.Factor, travel.HalfLife, travel.Key, travel.Group = 6.0001, 0.2, 24*3600, 5, 3
	travel.Device, travel.Unconfirmed, travel.OfSession, travel.Covered = 0x1715609f7c746c69, true, true, true
	setText(travel.Name[:], "impossible_travel")
	setText(travel.SessionID[:], "102bZDNFfWaQSyEZQuDgWt-uQ")
	travel.Summary.set("Sign-in from Tōkyō (JP) 10 minutes after Berlin (DE): 8,900 km at 53,400 km/h")
	pinned := Contribution{At: now, ClearsAt: forever, First: now, Raised: now, Factor: 1, Group: 4}
	setText(pinned.Name[:], confirmedCompromised)
	quiet := State{AsOf: now, UserKind: 1}
	return map[string]scored{
		"new":   {},
		"quiet": {state: quiet},
		"proven": {state: State{
			AsOf: now, Version: 3, UserKind: 1, Privileged: event.False,
			ProvenAt: now - event.Hour, ProvenNetwork: 0xdaa66d2c7ddf743f, ProvenSession: 0x78dde6e5fd29f054,
		}},
		"open": {state: State{AsOf: now, Version: 1, Evidence: now - event.Hour, Level: event.Low, UserKind: 1}, open: []Contribution{one}},
		"busy": {
			state: State{
				AsOf: now, Version: 300, Evidence: now - event.Hour, Level: event.High, Decision: event.Revoke,
				UserKind: 2, Privileged: event.True, ProvenAt: now - event.Day, ProvenNetwork: 7,
			},
			open: []Contribution{one, travel, pinned},
		},
	}
}

// Scoring's share of a quiet subject's bytes, and of one with evidence.
func TestScoringIsSmall(t *testing.T) {
	for name, most := range map[string]int{"new": 5, "quiet": 12, "proven": 32, "open": 180} {
		s := goldenScored()[name]
		if n := len(s.appended()); n > most {
			t.Errorf("%s: %d bytes, want at most %d", name, n, most)
		} else {
			t.Logf("%s: %d bytes", name, n)
		}
	}
}

// Bytes from anywhere give an error or values that are written and read again.
func FuzzDecodeScoring(f *testing.F) {
	for _, s := range goldenScored() {
		f.Add(s.appended())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decode(b)
		if err != nil {
			return
		}
		if again, err := decode(s.appended()); err != nil || !again.equal(&s) {
			t.Fatalf("decoded, error %v,\n%+v, want\n%+v", err, again, s)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for name, s := range goldenScored() {
		b.Run(name, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendContributions(s.state.AppendBinary(buf[:0]), s.open)
			}
			b.ReportMetric(float64(len(buf)), "bytes")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, s := range goldenScored() {
		b.Run(name, func(b *testing.B) {
			buf := s.appended()
			b.ReportAllocs()
			for b.Loop() {
				r := wire.NewReader(buf)
				s.state.DecodeBinary(&r)
				s.open = DecodeContributions(&r, s.open)
				if r.End() != nil {
					b.Fatal(r.Err())
				}
			}
		})
	}
}
