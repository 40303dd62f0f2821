package event_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fastjson"
	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/event"
)

func full() event.Event {
	return event.Event{
		Time: 1767225600123, ID: "a", Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Failure,
		Reason: event.BadCredentials, Code: "50126", Provider: "entra", Original: "{}",
		User: event.User{
			ID: "u", Name: "Ann", Email: "ann@corp.example", FullName: "Ann Ä", Kind: event.Human, Privileged: event.False, Subject: "ann@corp.example",
			Leaked: event.Leak{List: "paste", At: 1767139200000},
		},
		Source: event.Source{
			IP: netip.MustParseAddr("2001:db8::1"), Corporate: event.True, Anonymizer: "tor", ThreatList: "scanners",
			Geo: event.Geo{Country: "DE", City: "Berlin", Name: "HQ", Lat: 52.52, Lon: 13.405, Located: true, AccuracyKM: 20},
			AS:  event.AS{Number: 64512, Organization: "Example", Type: event.ASMobile},
		},
		UserAgent: event.UserAgent{ID: "c", Original: "Mozilla", Name: "Chrome", Version: "130", OS: "macOS"},
		Device:    event.Device{ID: "d", Managed: event.True, Compliant: event.False},
		Session:   event.Session{ID: "s"},
		App:       event.App{ID: "app", Name: "Mail", Sanctioned: event.True},
		Resource:  event.Resource{ID: "r", Name: "plans", Classification: "restricted"},
		Auth:      event.Auth{Method: "fido2", Factor: event.FactorStrong, Protocol: "oauth2"},
		IDPRisk:   event.IDPRisk{Level: "high", Reasons: "a, b"},
		Tenant:    "default",
		Origin:    event.Origin{Topic: "idp.entra", TopicID: "x", Partition: 3, Offset: 9, Index: 1},
		Signal:    event.Signal{Users: 9, Attempts: 27, Tries: 3, Networks: 4, Since: 1767225000000, SignedIn: 1767225600000},
	}
}

func TestEventSurvivesItsJSON(t *testing.T) {
	want := full()
	raw := want.AppendJSON(nil)
	if !json.Valid(raw) {
		t.Fatalf("not JSON: %s", raw)
	}
	var d event.Decoder
	got, err := d.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("event changed on its way through JSON (-want +got):\n%s", diff)
	}
}

// The lane decodes what ingest encoded: every text must come back as the same
// bytes, or a replay from raw logs would differ from one from risk.events.
func TestTextsSurviveJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := event.Event{Time: 1767225600000, Kind: event.KindEvent, ID: "1" + rapid.String().Draw(t, "id"), Action: event.Other, Outcome: event.Success}
		e.User.FullName = rapid.String().Draw(t, "name")
		e.Source.Geo = event.Geo{Located: true, Lat: rapid.Float64Range(-90, 90).Draw(t, "lat"), Lon: rapid.Float64Range(-180, 180).Draw(t, "lon")}
		var d event.Decoder
		got, err := d.Decode(e.AppendJSON(nil))
		if err != nil {
			t.Fatal(err)
		}
		if got != e {
			t.Fatalf("got %+v, want %+v", got, e)
		}
	})
}

// checkReaders checks that Decode, which has a quick way for what AppendJSON
// writes, reads what the general way reads.
func checkReaders(t interface {
	Helper()
	Fatalf(string, ...any)
}, raw []byte,
) {
	t.Helper()
	var d event.Decoder
	got, err := d.Decode(raw)
	v, wantErr := fastjson.ParseBytes(raw)
	var want event.Event
	if wantErr == nil {
		want, wantErr = event.FromJSON(v, new(event.Arena))
	}
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%q: error %v, want %v", raw, err, wantErr)
	}
	if err == nil && string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
		t.Fatalf("%q:\ngot  %+v\nwant %+v", raw, got, want)
	}
}

func TestReadersAgree(t *testing.T) {
	e := full()
	canonical := e.AppendJSON(nil)
	checkReaders(t, canonical)
	for i := range canonical { // without any one byte, and cut off anywhere
		checkReaders(t, append(bytes.Clone(canonical[:i]), canonical[i+1:]...))
		checkReaders(t, canonical[:i])
	}
	pieces := []string{
		`"`, `\`, `{`, `}`, `[`, `]`, `,`, `:`, ` `, `0`, `-`, `.`, `e`, `null`, `true`, `""`, `\u0041`, "\x00", "\xff", `"id":"other",`, `"x":1,`,
		`"name":"a"`, `9999999999999999999`, `-5`, `1.5`, `"event":{"id":"2"},`,
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := bytes.Clone(canonical)
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			from := rapid.IntRange(0, len(raw)).Draw(t, "from")
			to := min(len(raw), from+rapid.IntRange(0, 12).Draw(t, "cut"))
			raw = slices.Concat(raw[:from], []byte(rapid.SampledFrom(pieces).Draw(t, "piece")), raw[to:])
		}
		checkReaders(t, raw)
	})
}

func TestDecodeAllocatesNothing(t *testing.T) {
	e := full()
	e.Original = ""
	raw := e.AppendJSON(nil)
	var d event.Decoder
	if err := d.DecodeInto(raw, &e); err != nil {
		t.Fatal(err)
	}
	if allocs := testing.AllocsPerRun(1000, func() {
		if err := d.DecodeInto(raw, &e); err != nil {
			t.Fatal(err)
		}
	}); allocs >= 1 {
		t.Errorf("%.0f allocations", allocs)
	}
}

func TestAbsentFieldsAreLeftOut(t *testing.T) {
	e := event.Event{Time: 1767225600000, ID: "1", Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Success}
	const want = `{"@timestamp":"2026-01-01T00:00:00.000Z","event":{"id":"1","kind":"event","action":"sign_in","outcome":"success"}}`
	if got := string(e.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestControlCharactersAreEscaped(t *testing.T) {
	got := string(event.AppendString(nil, "a\x1b[31m\n\"\xff\u2028"))
	const want = `"a\u001b[31m\n\"` + "\ufffd\u2028" + `"`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDecodeRejects(t *testing.T) {
	for name, raw := range map[string]string{
		"malformed":      `{"@timestamp":`,
		"no time":        `{"event":{"id":"1","kind":"event"}}`,
		"bad time":       `{"@timestamp":"yesterday","event":{"id":"1","kind":"event"}}`,
		"no kind":        `{"@timestamp":"2026-01-01T00:00:00Z","event":{"id":"1"}}`,
		"no id":          `{"@timestamp":"2026-01-01T00:00:00Z","event":{"kind":"event"}}`,
		"unknown action": `{"@timestamp":"2026-01-01T00:00:00Z","event":{"id":"1","kind":"event","action":"dance"}}`,
		"bad signal":     `{"@timestamp":"2026-01-01T00:00:00Z","event":{"id":"1","kind":"signal"},"signal":{"since":"once"}}`,
		"bad address":    `{"@timestamp":"2026-01-01T00:00:00Z","event":{"id":"1","kind":"event"},"source":{"ip":"here"}}`,
	} {
		var d event.Decoder
		if _, err := d.Decode([]byte(raw)); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	e := full()
	f.Add(e.AppendJSON(nil))
	f.Add([]byte(`{"@timestamp":1,"event":[],"source":{"ip":5}}`))
	f.Add([]byte(`{"@timestamp":"2026-01-01T00:00:00.000Z","event":{"id":"1","kind":"event"},"source":{"ip":"::1%a","geo":{"location":{"lat":1.2.3}},"as":{"number":-0}},"origin":{"topic":"t","partition":99999999999,"offset":1e3}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkReaders(t, raw)
		var d event.Decoder
		e, err := d.Decode(raw)
		if err != nil {
			return
		}
		again, err := d.Decode(e.AppendJSON(nil))
		if err != nil {
			t.Fatalf("an event that was read cannot be read again: %v", err)
		}
		_ = again
	})
}

func TestNetworkGroupsIPv6By64(t *testing.T) {
	hash := func(ip string) uint64 { return (&event.Source{IP: netip.MustParseAddr(ip)}).NetworkHash() }
	if hash("2001:db8::1") != hash("2001:db8::ffff:1") {
		t.Error("two addresses of one /64 are two networks")
	}
	if hash("2001:db8::1") == hash("2001:db8:0:1::1") {
		t.Error("two /64 are one network")
	}
	if hash("192.0.2.1") == hash("192.0.2.2") {
		t.Error("two IPv4 addresses are one network")
	}
	if (&event.Source{}).NetworkHash() != 0 {
		t.Error("no address has a network")
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	e := full()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = e.AppendJSON(buf[:0])
	}
}

func BenchmarkDecode(b *testing.B) {
	e := full()
	raw := e.AppendJSON(nil)
	var d event.Decoder
	b.ReportAllocs()
	for b.Loop() {
		if err := d.DecodeInto(raw, &e); err != nil {
			b.Fatal(err)
		}
	}
}

// Texts are scanned in words; what they hold at any place of a word must come
// out as it does byte by byte.
func TestStringsAreEscapedAtEveryPlace(t *testing.T) {
	for c := range 256 {
		for n := 1; n <= 20; n++ {
			for at := range n {
				raw := bytes.Repeat([]byte{'a'}, n)
				raw[at] = byte(c)
				want := string(raw[:at]) + escaped(byte(c)) + string(raw[at+1:])
				if got := string(event.AppendString(nil, string(raw))); got != `"`+want+`"` {
					t.Fatalf("byte %#x at %d of %d: got %s, want %q", c, at, n, got, want)
				}
			}
		}
	}
}

func escaped(c byte) string {
	switch {
	case c == '"' || c == '\\':
		return `\` + string(rune(c))
	case c == '\n':
		return `\n`
	case c == '\r':
		return `\r`
	case c == '\t':
		return `\t`
	case c < ' ' || c == 0x7f:
		return fmt.Sprintf(`\u%04x`, c)
	case c >= 0x80:
		return "\ufffd" // no character by itself
	}
	return string(rune(c))
}
