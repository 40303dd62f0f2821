package engine

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
	"github.com/riskstream/riskstream/internal/wire/wiretest"
	"github.com/riskstream/riskstream/scoring"
)

var update = flag.Bool("update", false, "rewrite the golden file of the newest version")

// decodeWindow decodes over a window that is full, which must not shine
// through.
func decodeWindow(b []byte) (window, error) {
	w := windowAfter(100)
	r := wire.NewReader(b)
	w.decodeBinary(&r)
	return w, r.End()
}

func decodeMarks(b []byte) (marks, error) {
	m := marksOf(map[originPartition]originPosition{{"old", 1, 0}: {2, 3}})
	r := wire.NewReader(b)
	m.decodeBinary(&r)
	return m, r.End()
}

// marksOf are marks at these positions.
func marksOf(at map[originPartition]originPosition) marks {
	m := newMarks()
	for key, position := range at {
		m.add(key, position)
	}
	return m
}

// positions are the positions of marks.
func positions(m marks) map[originPartition]originPosition {
	at := map[originPartition]originPosition{}
	for key, i := range m.index {
		at[key] = m.at[i]
	}
	return at
}

// windowAfter is the window of a subject that had so many events.
func windowAfter(events int) window {
	var w window
	for i := range events {
		w.add(&event.Event{ID: strconv.Itoa(i)})
	}
	return w
}

// Whatever a window holds, in every field, is there after decoding.
func TestWindowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want window
		wiretest.Fill(t, &want, map[string]uint64{"window.next": windowSize - 1, "window.hashes": hashMask})
		for i := range want.hashes { // empty places are none, or all from next on
			want.hashes[i] = max(want.hashes[i], 1)
		}
		if rapid.Bool().Draw(t, "not full") {
			clear(want.hashes[want.next:])
		}
		b := want.appendBinary(nil)
		if got, err := decodeWindow(b); err != nil || got != want {
			t.Fatalf("decoded, error %v,\n%+v, want\n%+v", err, got, want)
		}
		if used := len(b) / hashBytes; len(b) != 1+used*hashBytes {
			t.Fatalf("%d bytes for hashes of %d", len(b), hashBytes)
		}
	})
}

// Whatever was seen of origins is there after decoding, and the order of a map
// does not show.
func TestMarksRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[originPartition]originPosition{}
		for range rapid.IntRange(0, 40).Draw(t, "partitions") {
			var p struct {
				partition int32
				kind      keyKind
				position  originPosition
			}
			wiretest.Fill(t, &p, nil)
			topic := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b"}), rapid.String()).Draw(t, "topic")
			want[originPartition{topic, p.partition, p.kind % keyKinds}] = p.position
		}
		m := marksOf(want)
		b := m.appendBinary(nil)
		got, err := decodeMarks(b)
		if err != nil || !maps.Equal(positions(got), want) {
			t.Fatalf("decoded, error %v,\n%+v, want\n%+v", err, got, want)
		}
		if again := got.appendBinary(nil); !bytes.Equal(again, b) {
			t.Fatalf("the same marks are\n%x and\n%x", b, again)
		}
	})
}

func TestDamagedWindowsAndMarks(t *testing.T) {
	full, some := windowAfter(30), marksOf(map[originPartition]originPosition{{"a", 0, 0}: {1, 2}, {"a", 1, 0}: {3, 4}})
	window, origins := full.appendBinary(nil), some.appendBinary(nil)
	for n := range window {
		if _, err := decodeWindow(window[:n]); err == nil {
			t.Errorf("%d of %d bytes of a window were taken for all", n, len(window))
		}
	}
	for n := range origins {
		if _, err := decodeMarks(origins[:n]); err == nil {
			t.Errorf("%d of %d bytes of marks were taken for all", n, len(origins))
		}
	}
	for name, b := range map[string][]byte{
		"next":     {windowSize},
		"no hash":  {1, 0, 0, 0, 0, 0, 0},
		"and more": {0, 1},
	} {
		if _, err := decodeWindow(b); err == nil {
			t.Errorf("window, %s: no error", name)
		}
	}
	wide := wire.AppendInt([]byte{marksVersion, 1, 1, 1, 'a'}, math.MaxInt32+1)
	for name, b := range map[string][]byte{
		"count":     {marksVersion, 200, 1, 0, 0, 0, 0, 0, 0, 0, 0},
		"partition": append(wide, 0, 0),
	} {
		if _, err := decodeMarks(b); err == nil {
			t.Errorf("marks, %s: no error", name)
		}
	}
	origins[0]++
	if _, err := decodeMarks(origins); err == nil || !strings.Contains(err.Error(), "written by a newer riskstream") {
		t.Errorf("newer marks: error %v", err)
	}
}

// What version 1 wrote is read for ever. A new version gets a file of its own,
// and those of earlier versions stay as they are.
func TestGoldenWindowsAndMarks(t *testing.T) {
	windows := map[string]window{"window-new": {}, "window-some": windowAfter(5), "window-full": windowAfter(40)}
	origins := map[string]map[originPartition]originPosition{"marks-new": {}, "marks": {
		{"0f8fad5b-d9cb-469f-a165-70867728950e", 0, 0}: {123_456, 0},
		{"0f8fad5b-d9cb-469f-a165-70867728950e", 7, 0}: {math.MaxInt64, math.MaxInt32},
		{"idp.okta", 3, 0}: {-1, 9},
	}, "marks-kinds": {
		{"idp.okta", 3, subjectOrNetwork}: {5, 1},
		{"idp.okta", 3, application}:      {4, 0},
	}}
	written := map[string][]byte{}
	for name, w := range windows {
		written[name] = w.appendBinary(nil)
	}
	for name, at := range origins {
		m := marksOf(at)
		written[name] = m.appendBinary(nil)
	}
	wiretest.Golden(t, "testdata/engine_v%d.hex", 2, *update, written, func(t *testing.T, name string, b []byte) {
		if want, ok := windows[name]; ok {
			if got, err := decodeWindow(b); err != nil || got != want {
				t.Errorf("decoded, error %v,\n%+v, want\n%+v", err, got, want)
			}
		} else if got, err := decodeMarks(b); err != nil || !maps.Equal(positions(got), origins[name]) {
			t.Errorf("decoded, error %v,\n%+v, want\n%+v", err, got, origins[name])
		}
	})
}

// quietSubject is what months of ordinary sign-ins leave behind: 24 seen
// hashes, three places in two countries, four networks, two devices and a few
// mistyped passwords; nothing is open.
func quietSubject() (st scoring.State, memory detectors.Memory, seen window) {
	set := detectors.New(detectors.Defaults())
	at := event.MinTime + 13_300*event.Day + 9*event.Hour
	place := func(ip string, as uint32, city, country string, lat, lon float64) event.Source {
		return event.Source{
			IP: netip.MustParseAddr(ip), AS: event.AS{Number: as},
			Geo: event.Geo{City: city, Country: country, Lat: lat, Lon: lon, AccuracyKM: 20, Located: true},
		}
	}
	places := []event.Source{
		place("192.0.2.1", 64500, "Berlin", "DE", 52.5196, 13.4069),
		place("192.0.2.77", 64501, "Munich", "DE", 48.1374, 11.5755),
		place("198.51.100.4", 64502, "Paris", "FR", 48.8534, 2.3488),
		place("203.0.113.9", 64503, "Berlin", "DE", 52.5196, 13.4069),
	}
	agents := []event.UserAgent{{Name: "Chrome", OS: "Windows"}, {Name: "Safari", OS: "iOS"}}
	for i := range 120 {
		at += event.Day + event.Time(i*7_919_123%(4*3_600_000))
		e := event.Event{
			ID: strconv.Itoa(i), Provider: "okta", Time: at, Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Success,
			User: event.User{Kind: event.Human}, Source: places[max(0, i%12-8)], UserAgent: agents[i%7/6],
			Session: event.Session{ID: fmt.Sprint("session", i)},
		}
		if i%40 == 39 {
			e.Source, e.Session.ID = places[0], ""
			e.Outcome, e.Reason = event.Failure, event.BadCredentials
		}
		set.Learn(&e, &memory, detectors.Verdict{})
		seen.add(&e)
	}
	return scoring.State{AsOf: at, UserKind: 1}, memory, seen
}

func appendQuiet(b []byte, st *scoring.State, memory *detectors.Memory, seen *window) []byte {
	b = st.AppendBinary(b)
	b = scoring.AppendContributions(b, nil)
	b = memory.AppendBinary(b)
	return seen.appendBinary(b)
}

// Of most subjects there is not much to keep.
func TestQuietSubjectIsSmall(t *testing.T) {
	st, memory, seen := quietSubject()
	b := appendQuiet(nil, &st, &memory, &seen)
	t.Logf("%d bytes: state and contributions %d, memory %d, window %d", len(b),
		len(st.AppendBinary(nil))+1, len(memory.AppendBinary(nil)), len(seen.appendBinary(nil)))
	if len(b) > 430 {
		t.Errorf("a quiet subject takes %d bytes", len(b))
	}
}

// Bytes from anywhere give an error or a window that is written and read again.
func FuzzDecodeWindow(f *testing.F) {
	for _, n := range []int{0, 5, 40} {
		w := windowAfter(n)
		f.Add(w.appendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := decodeWindow(b)
		if err != nil {
			return
		}
		if again, err := decodeWindow(w.appendBinary(nil)); err != nil || again != w {
			t.Fatalf("decoded, error %v,\n%+v, want\n%+v", err, again, w)
		}
	})
}

// Bytes from anywhere give an error or marks that are written and read again.
func FuzzDecodeMarks(f *testing.F) {
	for _, at := range []map[originPartition]originPosition{{}, {{"a", 0, 0}: {1, 2}, {"a", 1, 0}: {3, 4}, {"b", 0, 0}: {5, 6}}} {
		m := marksOf(at)
		f.Add(m.appendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMarks(b)
		if err != nil {
			return
		}
		if again, err := decodeMarks(m.appendBinary(nil)); err != nil || !maps.Equal(positions(again), positions(m)) {
			t.Fatalf("decoded, error %v,\n%+v, want\n%+v", err, again, m)
		}
	})
}

func BenchmarkEncodeQuietSubject(b *testing.B) {
	st, memory, seen := quietSubject()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendQuiet(buf[:0], &st, &memory, &seen)
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}

func BenchmarkDecodeQuietSubject(b *testing.B) {
	st, memory, seen := quietSubject()
	buf := appendQuiet(nil, &st, &memory, &seen)
	var open []scoring.Contribution
	b.ReportAllocs()
	for b.Loop() {
		r := wire.NewReader(buf)
		st.DecodeBinary(&r)
		open = scoring.DecodeContributions(&r, open)
		memory.DecodeBinary(&r)
		seen.decodeBinary(&r)
		if r.End() != nil {
			b.Fatal(r.Err())
		}
	}
}
