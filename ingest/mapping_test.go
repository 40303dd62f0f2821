package ingest

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/event"
)

// gate is the source of testdata/mapping/gate.yaml.
func gate(t testing.TB) Source {
	t.Helper()
	text, err := os.ReadFile("testdata/mapping/gate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return Source{Format: "gate", Mapping: mapping(t, string(text))}
}

func mapping(t testing.TB, text string) *Mapping {
	t.Helper()
	m := new(Mapping)
	if err := yaml.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMappingWholeEvent(t *testing.T) {
	const want = `{"@timestamp":"2026-03-02T08:14:05.250Z",` +
		`"event":{"id":"9007199254740993","kind":"event","action":"sign_in","outcome":"success","code":"login/ok","provider":"gate"},` +
		`"user":{"id":"42","name":"ana","email":"Ana.Lindqvist@corp.example","subject":"ana.lindqvist@corp.example"},` +
		`"source":{"ip":"198.51.100.24","geo":{"country_iso_code":"DE","city_name":"Berlin","location":{"lat":52.52,"lon":13.405},"accuracy_km":50},"as":{"number":64496}},` +
		`"user_agent":{"original":"gate keeper/2.1"},"device":{"id":"badge-7","managed":false},` +
		`"session":{"id":"s-991"},"app":{"name":"badge gate"},"auth":{"method":"password","factor":"password"}}`
	if diff := cmp.Diff(want, said(parsed(t, gate(t), edited(t, "mapping/gate.json", nil)))); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

// The worked example of docs/sources/mapping.md is true.
func TestMappingDocumentedExample(t *testing.T) {
	page, err := os.ReadFile("../docs/sources/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```")
	if len(blocks) < 6 {
		t.Fatal("the page has no example")
	}
	record, config, want := strings.TrimPrefix(blocks[1], "json\n"), strings.TrimPrefix(blocks[3], "yaml\n"), strings.TrimPrefix(blocks[5], "json\n")
	var parsedConfig struct{ Sources []Source }
	if err := yaml.Unmarshal([]byte(config), &parsedConfig); err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(want)); err != nil {
		t.Fatal(err)
	}
	e := parsed(t, parsedConfig.Sources[0], []byte(record))
	if diff := cmp.Diff(compact.String(), string(e.AppendJSON(nil))); diff != "" {
		t.Errorf("(-documented +got):\n%s", diff)
	}
}

func TestMappingResults(t *testing.T) {
	tests := []struct {
		name    string
		change  edits
		action  event.Action
		outcome event.Outcome
		reason  event.Reason
		factor  event.Factor
	}{
		{"wrong password", edits{"ok": false, "error": "wrong-password"}, event.SignIn, event.Failure, event.BadCredentials, event.FactorPassword},
		{"other error", edits{"ok": false, "error": "gremlins"}, event.SignIn, event.Failure, event.OtherReason, event.FactorPassword},
		{"unknown user", edits{"ok": false, "error": "no-such-user"}, event.SignIn, event.Failure, event.UnknownUser, event.FactorPassword},
		{"second factor", edits{"kind": "otp"}, event.MFAVerify, event.Success, "", event.FactorOTP},
		{"nothing optional there", edits{"device": absent, "geo": absent, "peer": absent, "account": absent}, event.SignIn, event.Success, "", event.FactorPassword},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := parsed(t, gate(t), edited(t, "mapping/gate.json", test.change))
			if e.Action != test.action || e.Outcome != test.outcome || e.Reason != test.reason || e.Auth.Factor != test.factor {
				t.Errorf("got %s %s %q %s", e.Action, e.Outcome, e.Reason, e.Auth.Factor)
			}
			if unknown := test.reason == event.UnknownUser; unknown && (e.User.Subject != "" || e.User.Name != "") {
				t.Errorf("what was typed for an unknown user was kept: %+v", e.User)
			}
		})
	}
}

// Every one of the contract's words is a name that an expression may use.
func TestMappingKnowsEveryWord(t *testing.T) {
	for _, kind := range []event.UserKind{event.Human, event.Service, event.UserUnknown} {
		m := mapping(t, "time: raw.at\naction: sign_in\nuser:\n  kind: "+string(kind))
		e := parsed(t, Source{Mapping: m}, []byte(`{"at":"2026-03-02T08:14:05Z"}`))
		if e.User.Kind != kind {
			t.Errorf("kind %q, want %q", e.User.Kind, kind)
		}
	}
	for _, action := range event.Actions {
		m := mapping(t, "time: raw.at\naction: "+string(action))
		if e := parsed(t, Source{Mapping: m}, []byte(`{"at":"2026-03-02T08:14:05Z"}`)); e.Action != action {
			t.Errorf("action %q, want %q", e.Action, action)
		}
	}
}

func TestMappingWhenAndSkip(t *testing.T) {
	login := string(edited(t, "mapping/gate.json", nil))
	tests := []struct {
		name, record string
		events       int
		dead         string
	}{
		{"event", login, 1, ""},
		{"event in an envelope", `{"host":"web-1","message":` + quotedJSON(t, login) + `}`, 1, ""},
		{"array", `[` + login + `,` + login + `]`, 2, ""},
		{"left out", string(edited(t, "mapping/gate.json", edits{"account/name": "healthcheck"})), 0, ""},
		{"left out, and of another kind", string(edited(t, "mapping/gate.json", edits{"kind": "ping", "account/name": "healthcheck"})), 0, ""},
		{"of another kind", string(edited(t, "mapping/gate.json", edits{"kind": "heartbeat"})), 0, UnknownFormat},
		{"no object", `"login"`, 0, UnknownFormat},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			events, dead := parsedAll(t, gate(t), []byte(test.record))
			reason := ""
			if len(dead) > 0 {
				reason = dead[0].Reason
			}
			if len(events) != test.events || reason != test.dead {
				t.Errorf("%d events, dead letters %v; want %d, %q", len(events), reasons(dead), test.events, test.dead)
			}
		})
	}
}

func quotedJSON(t *testing.T, s string) string {
	t.Helper()
	return string(event.AppendString(nil, s))
}

// What goes wrong with one event is a dead letter that names the field.
func TestMappingDeadLetters(t *testing.T) {
	tests := []struct{ name, mapping, record, want string }{
		{"time that is none", "time: raw.t\naction: access", `{"t":"soon"}`, `mapping.time: "soon" is no time`},
		{"action that is none", "time: raw.t\naction: raw.a", `{"t":1772439245,"a":"jump"}`, `mapping.action: "jump" is not one of`},
		{"no action", "time: raw.t\naction: raw.a", `{"t":1772439245}`, `mapping.action: the event has no action`},
		{"outcome that is none", "time: raw.t\naction: access\noutcome: raw.o", `{"t":1772439245,"o":"OK"}`, `mapping.outcome: "OK" is not one of`},
		{"missing object", "time: raw.t\naction: access\nuser.name: raw.user.name", `{"t":1772439245}`, `mapping.user.name: `},
		{"list for a text", "time: raw.t\naction: access\nuser.name: raw.u", `{"t":1772439245,"u":["a"]}`, `mapping.user.name: the result is a list or an object`},
		{"flag that is none", "time: raw.t\naction: access\ndevice.managed: raw.m", `{"t":1772439245,"m":"maybe"}`, `mapping.device.managed: "maybe"`},
		{"skip that fails", "time: raw.t\naction: access\nskip: raw.a.b == 1", `{"t":1772439245}`, `mapping.skip: `},
		{"deep", "time: raw.t\naction: access", `{"t":1772439245,"d":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "nested more than 32 deep"},
		{"large", "time: raw.t\naction: access", `{"t":1772439245,"d":[` + strings.Repeat(`{"a":[`+strings.Repeat("1,", 99)+`1]},`, 250) + `0]}`, "more than 20000 values"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			events, dead := parsedAll(t, Source{Mapping: mapping(t, test.mapping)}, []byte(test.record))
			if len(events) != 0 || len(dead) != 1 || dead[0].Reason != InvalidEvent || !strings.Contains(dead[0].Err, test.want) {
				t.Errorf("%d events, dead letters %v; want invalid_event with %q", len(events), reasons(dead), test.want)
			}
		})
	}
}

func TestMappingWithoutTimeIsNoTime(t *testing.T) {
	_, dead := parsedAll(t, Source{Mapping: mapping(t, "time: raw.t\naction: access")}, []byte(`{"u":1}`))
	if len(dead) != 1 || dead[0].Reason != NoTime {
		t.Errorf("dead letters %v, want no_time", reasons(dead))
	}
}

// The parser reuses the memory of an element for the next: an expression must
// never see the one before.
func TestMappingSeesItsOwnEvent(t *testing.T) {
	m := mapping(t, "when: raw.k == 1\ntime: raw.t\naction: access\nuser.name: raw.n")
	events, dead := parsedAll(t, Source{Mapping: m}, []byte(`{"k":1,"t":1772439245,"n":"a"}
{"k":2,"t":1772439246,"n":"b"}
{"k":1,"t":1772439247}
{"k":1,"t":1772439248,"n":"d"}`))
	var names []string
	for _, e := range events {
		names = append(names, e.User.Name)
	}
	if diff := cmp.Diff([]string{"a", "", "d"}, names); diff != "" || len(dead) != 1 {
		t.Errorf("names (-want +got):\n%s\ndead letters %v", diff, reasons(dead))
	}
}

func TestMappingErrorsAllAtOnce(t *testing.T) {
	m := new(Mapping)
	err := yaml.Unmarshal([]byte(`time: raw.at
action: sign_inn
outcome: '"good"'
user: {id: raw.id, shoe_size: raw.s}
user.id: raw.uid
reason:
  - bad_credentials
when: raw.kind ==
session.id: now()
session: raw.s
colour: raw.c
`), m)
	if err == nil {
		t.Fatal("no error")
	}
	at := 0
	for _, want := range []string{
		"2:9: unknown name sign_inn",
		`3:10: outcome: "good" is not one of [success failure unknown]`,
		"4:20: unknown key user.shoe_size; known here: user.id, user.name, user.email, user.full_name, user.kind\n",
		"5:1: user.id is given twice",
		"7:3: reason: want an expression, such as raw.reason",
		"8:17: unexpected token EOF",
		"9:13: now cannot be used",
		"10:1: unknown key session; known here: session.id\n",
		"11:1: unknown key colour; known here: when, skip, id, time, action, outcome, reason, code, user.…, source.…, user_agent, user_agent.…, device.…",
	} {
		next := strings.Index(err.Error()[at:], want)
		if next < 0 {
			t.Fatalf("no %q in its place in:\n%v", want, err)
		}
		at += next
	}
	if _, joined := err.(interface{ Unwrap() []error }); !joined {
		t.Error("the errors cannot be told apart")
	}
}

func TestMappingNeedsTimeAndAction(t *testing.T) {
	for text, want := range map[string]string{
		"user.id: raw.id": "1:1: time is missing: an event needs it\n1:1: action is missing: an event needs it",
		"[]":              "1:1: a mapping has keys with expressions, such as time: raw.timestamp",
	} {
		err := yaml.Unmarshal([]byte(text), new(Mapping))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func FuzzMapping(f *testing.F) {
	fuzzSource(f, gate(f), "mapping")
}

func FuzzMappingYAML(f *testing.F) {
	text, err := os.ReadFile("testdata/mapping/gate.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("time: raw.t\naction: raw.a ?? other")
	f.Fuzz(func(t *testing.T, text string) {
		m := new(Mapping)
		if yaml.Unmarshal([]byte(text), m) != nil || m.fields == nil {
			return // refused, or a document without a mapping
		}
		_, dead := parsedAll(t, Source{Mapping: m}, []byte(`{"t":1772439245,"a":"access","b":{"c":[1,"x",null]}}`))
		for _, d := range dead {
			if d.Reason == ParserPanic {
				t.Fatalf("panic: %s", d.Err)
			}
		}
	})
}

func BenchmarkParseMapping(b *testing.B) {
	p, err := NewParser(gate(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	record := edited(b, "mapping/gate.json", nil)
	b.ReportAllocs()
	for b.Loop() {
		p.Parse(record, event.Origin{}, func(*event.Event) {}, func(d DeadLetter) { b.Fatal(d.Err) })
	}
}
