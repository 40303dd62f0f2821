package ingest

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/valyala/fastjson"
	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/event"
)

func TestTextCleansWhatOutsidersWrite(t *testing.T) {
	long := strings.Repeat("é", maxText)
	for _, c := range []struct{ name, json, want string }{
		{"plain", `"alice"`, "alice"},
		{"space around", `"  alice \t"`, "alice"},
		{"number", `12345`, "12345"},
		{"large number keeps its digits", `123456789012345678901`, "123456789012345678901"},
		{"line break", `"a\nforged line"`, "a forged line"},
		{"escape and delete", `"a\u001b[31mb\u007f"`, "a [31mb"},
		{"direction override", `"a\u202eb"`, "a b"},
		{"line separator", `"a\u2028b"`, "a b"},
		{"accents stay", `"Zoë Müller"`, "Zoë Müller"},
		{"invalid UTF-8", "\"a\xffb\"", "a\ufffdb"},
		{"too long, cut between runes", `"` + long + `"`, long[:maxText]},
		{"empty", `""`, ""},
		{"null", `null`, ""},
		{"null as a word", `"null"`, ""},
		{"null in brackets", `"<null>"`, ""},
		{"dash", `"-"`, ""},
		{"undefined", `"undefined"`, ""},
		{"N/A", `"N/A"`, ""},
		{"boolean", `true`, ""},
		{"object", `{"a":1}`, ""},
		{"array", `["a"]`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := text(fastjson.MustParse(`{"x":`+c.json+`}`), "x")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if len(got) > maxText || !utf8.ValidString(got) {
				t.Errorf("%d bytes, valid UTF-8 %v", len(got), utf8.ValidString(got))
			}
		})
	}
	if got := text(fastjson.MustParse(`{}`), "no", "such", "path"); got != "" {
		t.Errorf("absent path: %q", got)
	}
}

func TestInstant(t *testing.T) {
	const noon = "2026-03-04T12:00:00.000Z"
	for in, want := range map[string]string{
		`"2026-03-04T12:00:00Z"`:            noon,
		`"2026-03-04T12:00:00.1Z"`:          "2026-03-04T12:00:00.100Z",
		`"2026-03-04T12:00:00.12Z"`:         "2026-03-04T12:00:00.120Z",
		`"2026-03-04T12:00:00.1234567Z"`:    "2026-03-04T12:00:00.123Z",
		`"2026-03-04T12:00:00.123999999Z"`:  "2026-03-04T12:00:00.123Z",
		`"2026-03-04 12:00:00.123"`:         "2026-03-04T12:00:00.123Z",
		`"2026-03-04 12:00:00,123"`:         "2026-03-04T12:00:00.123Z",
		`"2026-03-04T12:00:00"`:             noon,
		`"2026-03-04T12:00"`:                noon,
		`"2026-03-04T12:00Z"`:               noon,
		`"2026-03-04T14:00:00+02:00"`:       noon,
		`"2026-03-04T14:00:00.000+0200"`:    noon,
		`"2026-03-04T14:00:00+02"`:          noon,
		`"2026-03-04T06:30:00-05:30"`:       noon,
		`"2026-03-04 14:00:00 +0200"`:       noon,
		`"2026-03-04 12:00:00 UTC"`:         noon,
		`"2026/03/04 12:00:00"`:             noon,
		`"3/4/2026 12:00:00 PM"`:            noon,
		`"3/4/2026 12:00:00 PM +00:00"`:     noon,
		`"3/4/2026 9:41:00 AM"`:             "2026-03-04T09:41:00.000Z",
		`"3/4/2026 12:00:00"`:               noon,
		`"Mar 4, 2026 12:00:00 PM"`:         noon,
		`"Wed, 04 Mar 2026 12:00:00 GMT"`:   noon,
		`"Wed, 04 Mar 2026 14:00:00 +0200"`: noon,
		`"20260304T120000Z"`:                noon,
		`"2016-12-31T23:59:60Z"`:            "2017-01-01T00:00:00.000Z", // leap second
		`1772625600`:                        noon,
		`1772625600.5`:                      "2026-03-04T12:00:00.500Z",
		`"1772625600"`:                      noon,
		`1772625600123`:                     "2026-03-04T12:00:00.123Z",
		`1772625600123456`:                  "2026-03-04T12:00:00.123Z",
		`1772625600123456789`:               "2026-03-04T12:00:00.123Z",
		`1.7726256e9`:                       noon,
		`"/Date(1772625600000)/"`:           noon,
	} {
		if got := instant(fastjson.MustParse(in)); got.String() != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{
		`""`, `null`, `true`, `0`, `-1`, `"soon"`, `"redacted"`, `"12:00:00"`, `"2026-03-04"`,
		`"0001-01-01T00:00:00Z"`, `"1601-01-01T00:00:00Z"`, `"9999-12-31T23:59:59Z"`, `20260304`, `1e300`, `"NaN"`,
		`"2026-02-31T12:00:00Z"`, `"2026-13-01T12:00:00Z"`, `"2026-03-04T25:00:00Z"`, `"2026-03-04T23:00:000.0Z"`,
		`"2026-03-04T12:00:00+99:00"`, `"2026-03-04T12:00:00 Mars"`,
	} {
		if got := instant(fastjson.MustParse(in)); got != 0 {
			t.Errorf("%s: got %s, want no time", in, got)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.7":                          "203.0.113.7",
		"203.0.113.7:443":                      "203.0.113.7",
		"2001:db8::1":                          "2001:db8::1",
		"[2001:db8::1]":                        "2001:db8::1",
		"[2001:db8::1]:443":                    "2001:db8::1",
		"::ffff:203.0.113.7":                   "203.0.113.7",
		"fe80::1%eth0":                         "fe80::1",
		"10.0.0.1":                             "10.0.0.1",
		"0.0.0.0":                              "",
		"::":                                   "",
		"":                                     "",
		"AWS Internal":                         "",
		"rds.amazonaws.com":                    "",
		"203.0.113.7, 1.1.1.1":                 "",
		"203.0.113.7:https":                    "",
		"203.0.113.007":                        "",
		"[2001:db8::1":                         "",
		"[2001:db8::1]x":                       "",
		"5d6e1f7a-0000-4c2b-9d3e-1f2a3b4c5d6e": "",
	} {
		got := parseAddress(in)
		if want == "" && got.IsValid() || want != "" && got.String() != want {
			t.Errorf("%q: got %v, want %q", in, got, want)
		}
	}
}

func TestCountry(t *testing.T) {
	for in, want := range map[string]string{
		"DE": "DE", "de": "DE", "uk": "GB", "Germany": "DE", "UNITED STATES": "US", "Korea, Republic of": "KR",
		"South Korea": "KR", "Russian Federation": "RU", "Türkiye": "TR", "Côte d'Ivoire": "CI", "Viet Nam": "VN",
		"Czech Republic": "CZ", "The Netherlands": "NL", "Kosovo": "XK",
		"": "", "EU": "", "AP": "", "ZZ": "", "D ": "", "Atlantis": "", "Unknown": "", "12": "",
	} {
		if got := country(in); got != want {
			t.Errorf("country(%q) = %q, want %q", in, got, want)
		}
	}
	for name, code := range countryByName {
		if name != strings.ToLower(name) || len(name) > maxCountryName || country(code) != code {
			t.Errorf("entry %q: %q can never be found or is no code", name, code)
		}
	}
}

func TestLocated(t *testing.T) {
	for _, c := range []struct {
		name     string
		geo      event.Geo
		lat, lon float64
		located  bool
		radius   float64
	}{
		{"city", event.Geo{Country: "DE", City: "Berlin"}, 52.5, 13.4, true, 50},
		{"no city: the middle of a country", event.Geo{Country: "US"}, 37.75, -97.82, true, 2000},
		{"0,0 is unknown", event.Geo{City: "Berlin"}, 0, 0, false, 0},
		{"on the equator", event.Geo{City: "Quito"}, 0, -78.5, true, 50},
		{"not on Earth", event.Geo{City: "Berlin"}, 91, 13, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			located(&c.geo, c.lat, c.lon)
			if c.geo.Located != c.located || c.geo.AccuracyKM != c.radius {
				t.Errorf("located %v within %v km, want %v within %v", c.geo.Located, c.geo.AccuracyKM, c.located, c.radius)
			}
		})
	}
}

func TestResolveSubject(t *testing.T) {
	const guid = "5d6e1f7a-1111-4c2b-9d3e-1f2a3b4c5d6e"
	for _, c := range []struct {
		name string
		user event.User
		want string
	}{
		{"e-mail", event.User{ID: guid, Email: "Alice@Example.com"}, "alice@example.com"},
		{"UPN as name", event.User{ID: guid, Name: "Alice@Example.com"}, "alice@example.com"},
		{"id when the name is no address", event.User{ID: guid, Name: "alice"}, "idp:" + guid},
		{"name without id", event.User{Name: "Alice"}, "idp:alice"},
		{"zero GUID is no id", event.User{ID: "00000000-0000-0000-0000-000000000000"}, ""},
		{"unknown is no name", event.User{Name: "unknown"}, ""},
		{"the provider's own machinery", event.User{ID: "00u1", Name: "system@okta.com"}, ""},
		{"nobody", event.User{}, ""},
		{"an @ alone makes no address", event.User{Name: "p@ss word", ID: "7"}, "idp:7"},
		{"the format's own choice", event.User{ID: "7", Subject: "chosen"}, "chosen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := event.Event{Provider: "idp", User: c.user}
			resolveSubject(&e)
			if e.User.Subject != c.want {
				t.Errorf("got %q, want %q", e.User.Subject, c.want)
			}
		})
	}
}

func TestUnknownUserIsErased(t *testing.T) {
	e := event.Event{
		Provider: "idp", Reason: event.UnknownUser,
		User: event.User{ID: "1", Name: "hunter2!", Email: "hunter2@x.y", FullName: "hunter2!", Kind: event.Human},
	}
	resolveSubject(&e)
	if want := (event.User{Kind: event.Human}); e.User != want {
		t.Errorf("what was typed is still there: %+v", e.User)
	}
}

// Words are compared without package strings where that would allocate.
func TestLowerCaseIsThatOfStrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("aZ9-é\u212aİſ@"))).Draw(t, "s")
		if got := string(event.AppendLower([]byte("x"), s)); got != "x"+strings.ToLower(s) {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

func TestNobodyIsFoundInAnyCase(t *testing.T) {
	for _, s := range []string{"", "unknown", "UNKNOWN", "un\u212anown", "Anonymous", "NULL", "None", "00000000-0000-0000-0000-000000000000"} {
		if !nobody(s) {
			t.Errorf("%q is somebody", s)
		}
	}
	for _, s := range []string{"unknowns", "nul", "ann", "ann@corp", "anonymouſ", "00000000-0000-0000-0000-000000000001"} {
		if nobody(s) {
			t.Errorf("%q is nobody", s)
		}
	}
}
