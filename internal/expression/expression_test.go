package expression

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
)

// testEnv has one field of each kind that environments use.
type testEnv struct {
	Event struct {
		Action string `expr:"action" values:",sign_in,sign_out"`
		Code   string `expr:"code"`
	} `expr:"event"`
	Device struct {
		Compliant string `expr:"compliant" values:"yes,no,unknown"`
	} `expr:"device"`
	Source struct {
		IP string `expr:"ip"`
		AS struct {
			Number int `expr:"number"`
		} `expr:"as"`
	} `expr:"source"`
	Score      float64        `expr:"score"`
	Known      bool           `expr:"known"`
	Detections []string       `expr:"detections"`
	Raw        map[string]any `expr:"raw"`
	hidden     string
}

func sample() *testEnv {
	e := &testEnv{Score: 41.5, Known: true, Detections: []string{"new_device", "new_country"}, hidden: "secret"}
	e.Event.Action, e.Event.Code = "sign_in", "user.session.start"
	e.Device.Compliant = Flag(event.Unknown)
	e.Source.IP, e.Source.AS.Number = "203.0.113.7", 64500
	e.Raw = map[string]any{"id": 12345678.0, "user": map[string]any{"login": `CORP\ada`}, "list": []any{map[string]any{"n": 1.0}, map[string]any{"n": 2.0}}}
	return e
}

func TestConditions(t *testing.T) {
	for source, want := range map[string]bool{
		`event.action == "sign_in" and score > 40`:                      true,
		`event.action in ["sign_out"] || not known`:                     false,
		`event.code startsWith "user." && event.code endsWith "start"`:  true,
		`event.code contains "session" and event.code matches "^u.*t$"`: true,
		`"new_device" in detections`:                                    true,
		`any(detections, # startsWith "new_")`:                          true,
		`count(detections, # startsWith "new_") >= 2`:                   true,
		`len(filter(detections, {# endsWith "country"})) == 1`:          true,
		`all(map(detections, upper(#)), # startsWith "NEW")`:            true,
		`none(detections, # == "mfa_fatigue")`:                          true,
		`device.compliant == "no"`:                                      false,
		`device.compliant != "yes"`:                                     true,
		`(known ? score : 0) > 40.0`:                                    true,
		`1 < source.as.number < 70000`:                                  true,
		`in_network(source.ip, "198.51.100.0/24", "203.0.113.0/24")`:    true,
		`in_network(source.ip, "2001:db8::/32")`:                        false,
		`in_network("", "0.0.0.0/0")`:                                   false,
		`in_network("::ffff:203.0.113.9", "203.0.113.0/24")`:            true,
		`split(raw.user.login, "\\")[1] == "ada"`:                       true,
		`string(raw.id) == "12345678"`:                                  true,
		`string(raw.absent) == ""`:                                      true,
		`(raw.absent?.deeper ?? "none") == "none"`:                      true,
		`any(raw.list, .n == 2)`:                                        true,
		`"ada" | upper() == "ADA"`:                                      true,
		"event.action == 'sign_in' // the usual\nand known":             true,
	} {
		p, err := Compile(source, testEnv{}, Bool, Position{})
		if err != nil {
			t.Errorf("%s\ndoes not compile: %v", source, err)
			continue
		}
		if got, err := NewVM().RunBool(p, sample()); err != nil || got != want {
			t.Errorf("%s\ngives %v, %v; want %v", source, got, err, want)
		}
	}
}

// TestRefused is the list of ways out of the sandbox, and of mistakes that
// would otherwise give a rule that silently never matches.
func TestRefused(t *testing.T) {
	for source, want := range map[string]string{
		// The clock, and what else would differ in a replay.
		`now().Hour() > 3`:                          "there are no methods",
		`now() == nil`:                              "a replay must give what the live run gave",
		`date("2026-01-01") == nil`:                 "a replay must give",
		`duration("1h") == nil`:                     "a replay must give",
		`::now() == nil`:                            "a replay must give",
		`timezone("Europe/Berlin") == nil`:          "a replay must give",
		`$env["score"] == 1`:                        "unknown name $env",
		`len($env) > 0`:                             "unknown name $env",
		`$env?.hidden == ""`:                        "unknown name $env",
		`hidden == "secret"`:                        "unknown name hidden",
		`event.action.String() == ""`:               "no methods",
		`(event)["action"] == "sign_in"`:            "", // the same field, spelt otherwise
		`event[event.code] == ""`:                   "name the field of event",
		`let x = 1; x == 1`:                         "let cannot be used",
		`true; false`:                               "sequence",
		`{"a": 1} == {"a": 1}`:                      "a map",
		`b"abc" == b"abc"`:                          "byte string",
		`event.code[0:2] == "us"`:                   "slice",
		`event.code[0] == "u"`:                      "has no parts",
		`1 in 1..9`:                                 "operator ..",
		`all(1..999999999, # > 0)`:                  "operator ..",
		`2 ** 9 > 1`:                                "operator **",
		`2 ^ 9 > 1`:                                 "operator ^",
		`repeat("a", 1000000) == ""`:                "no function repeat",
		`replace("aaa", "", "xxx") == ""`:           "no function replace",
		`join(detections, ",") == ""`:               "no function join",
		`reduce(detections, #acc, 0) == 0`:          "no function reduce",
		`sum([1, 2]) == 3`:                          "no function sum",
		`sortBy(detections, #) == nil`:              "no function sortBy",
		`groupBy(detections, #) == nil`:             "no function groupBy",
		`find(detections, # == "a") == nil`:         "no function find",
		`toJSON(raw) == ""`:                         "no function toJSON",
		`fromJSON("{}") == nil`:                     "no function fromJSON",
		`get(raw, "id") == 1`:                       "no function get",
		`frobnicate(1)`:                             "no function frobnicate; the functions are abs, all",
		`if known { true } else { false }`:          "unexpected token",
		`event.code matches event.action`:           "must be a literal text",
		`event.code matches ("a" + "b")`:            "must be a literal text",
		`event.code matches "(a"`:                   "error parsing regexp",
		`any(detections, any(detections, # == ""))`: "cannot be nested",
		`all(detections, { none(map(detections, len(#)), # > 1) })`:     "cannot be nested",
		`in_network(source.ip, event.code)`:                             "must be a literal",
		`in_network(source.ip, "203.0.113.7")`:                          `write "203.0.113.7/32"`,
		`in_network(source.ip, "203.0.113.7/24")`:                       `write "203.0.113.0/24"`,
		`in_network(source.ip, "home")`:                                 "is no network",
		`in_network(source.ip, "::ffff:10.0.0.0/104")`:                  "write it as IPv4",
		`in_network(source.ip)`:                                         "arguments",
		`in_network(score, "203.0.113.0/24")`:                           "cannot use float64",
		`split(event.code, 1) == nil`:                                   "cannot use int",
		`(` + strings.Repeat("known and ", 400) + `known)`:              "exceeds maximum allowed nodes",
		strings.Repeat(" ", MaxSource) + "known":                        "at most 4096",
		strings.Repeat("(", 2000) + "known" + strings.Repeat(")", 1999): "unexpected token EOF",

		// Mistakes.
		``:                                       "unexpected token EOF",
		`score`:                                  "expected bool",
		`raw.id`:                                 "expected bool",
		`event`:                                  "event is a group of fields; name one of them: event.action, event.code",
		`source == device`:                       "is a group of fields",
		`evnt.action == "sign_in"`:               "unknown name evnt; known names: event, device",
		`source.geo == "DE"`:                     "unknown field source.geo; known here: source.ip, source.as",
		`event.action == "signin"`:               `event.action is never "signin"; it is one of "", "sign_in", "sign_out"`,
		`"signin" != event.action`:               "is never",
		`event.action in ["sign_in", "log_out"]`: `is never "log_out"`,
		`device.compliant == false`:              `device.compliant == "yes"`,
		`device.compliant in [true]`:             `compare it with a text`,
		`device.compliant == ""`:                 `is never ""`,
		`not device.compliant`:                   "is a text, not true or false",
		`known and device.compliant`:             "is a text, not true or false",
		`device.compliant`:                       "is a text, not true or false",
		`device.compliant ? known : known`:       "is a text, not true or false",
		`any(["a"], device.compliant)`:           "is a text, not true or false",
		`score == "high"`:                        "mismatched types",
		`event.code > 3`:                         "mismatched types",
		`detections contains "x"`:                "mismatched types",
		`known = true`:                           "unexpected token",
	} {
		_, err := Compile(source, testEnv{}, Bool, Position{})
		switch {
		case want == "" && err != nil:
			t.Errorf("%.80s\nis refused: %v", source, err)
		case want != "" && err == nil:
			t.Errorf("%.80s\ncompiles; want an error with %q", source, want)
		case want != "" && !strings.Contains(err.Error(), want):
			t.Errorf("%.80s\nis refused with:\n%v\nwant %q", source, err, want)
		}
	}
}

func TestRunTimeErrors(t *testing.T) {
	for source, want := range map[string]string{
		"source.as.number % (source.as.number - 64500) == 1": "integer divide by zero",
		`int(event.code) == 1`:                               "invalid operation: int(user.session.start)",
		`detections[7] == "x"`:                               "index out of range",
		`raw.user.login.deeper.still == 1`:                   "invalid operation: int(string)",
		`raw.id and known`:                                   "interface conversion",
		`len(split(raw.long, ",")) > 1`:                      "more than 64 parts",
		`string(raw.user) == ""`:                             "string wants a text",
		`split(raw.id, ",") == nil`:                          "split wants two texts",
		`raw.nothing.deeper == 1`:                            "cannot fetch deeper from <nil>",
	} {
		p, err := Compile(source, testEnv{}, Bool, Position{File: "a.yaml", Line: 7, Column: 5})
		if err != nil {
			t.Errorf("%s\ndoes not compile: %v", source, err)
			continue
		}
		env := sample()
		env.Raw["long"] = strings.Repeat(",", 100)
		_, err = NewVM().RunBool(p, env)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "a.yaml:7:") {
			t.Errorf("%s\nruns with error %v; want a.yaml:7:… %q", source, err, want)
		}
	}
}

// TestVMSurvivesErrors runs a program that fails inside a predicate and then
// another in the same VM, as a worker does.
func TestVMSurvivesErrors(t *testing.T) {
	bad, err := Compile(`any(detections, int(#) > 0)`, testEnv{}, Bool, Position{})
	if err != nil {
		t.Fatal(err)
	}
	good, err := Compile(`any(detections, # == "new_device")`, testEnv{}, Bool, Position{})
	if err != nil {
		t.Fatal(err)
	}
	vm := NewVM()
	for range 3 {
		if _, err := vm.RunBool(bad, sample()); err == nil {
			t.Error("int of a text gives no error")
		}
		if ok, err := vm.RunBool(good, sample()); !ok || err != nil {
			t.Errorf("after an error the next program gives %v, %v", ok, err)
		}
	}
}

func TestFieldsAndRequirements(t *testing.T) {
	for _, c := range []struct {
		source  string
		fields  []string
		actions []string
	}{
		{`event.action == "sign_in" and source.as.number > 1`, []string{"event.action", "source.as.number"}, []string{"sign_in"}},
		{`known and "sign_in" == event.action and score > 1`, []string{"event.action", "known", "score"}, []string{"sign_in"}},
		{`event.action in ["sign_in", "sign_out"] && known`, []string{"event.action", "known"}, []string{"sign_in", "sign_out"}},
		{`(event.action == "sign_in" and known) or event.action == "sign_out"`, []string{"event.action", "known"}, []string{"sign_in", "sign_out"}},
		{`event.action == "sign_in" or known`, []string{"event.action", "known"}, nil},
		{`not (event.action == "sign_in")`, []string{"event.action"}, nil},
		{`event.action != "sign_in"`, []string{"event.action"}, nil},
		{`(event.action == "sign_in") == known`, []string{"event.action", "known"}, nil},
		{`event.action in ["sign_in", event.code]`, []string{"event.action", "event.code"}, nil},
		{`any(detections, # == event["code"])`, []string{"detections", "event.code"}, nil},
		{`raw.user.login == "a" and raw.list[0].n == 1`, []string{"raw.list.n", "raw.user.login"}, nil},
	} {
		p, err := Compile(c.source, testEnv{}, Bool, Position{})
		if err != nil {
			t.Errorf("%s\ndoes not compile: %v", c.source, err)
			continue
		}
		if d := cmp.Diff(c.fields, p.Fields()); d != "" {
			t.Errorf("%s\nfields: %s", c.source, d)
		}
		if d := cmp.Diff(c.actions, p.Requires("event.action")); d != "" {
			t.Errorf("%s\nrequired actions: %s", c.source, d)
		}
	}
}

func TestText(t *testing.T) {
	for source, want := range map[string]string{
		`lower(event.code)`:          "user.session.start",
		`raw.user.login`:             `CORP\ada`,
		`raw.absent`:                 "",
		`known ? "yes" : raw.absent`: "yes",
	} {
		p, err := Compile(source, testEnv{}, Text, Position{})
		if err != nil {
			t.Errorf("%s does not compile: %v", source, err)
			continue
		}
		if got, err := NewVM().RunText(p, sample()); err != nil || got != want {
			t.Errorf("%s gives %q, %v; want %q", source, got, err, want)
		}
	}
	if _, err := Compile(`score`, testEnv{}, Text, Position{}); err == nil {
		t.Error("a number compiles as a text")
	}
	p, err := Compile(`raw.id`, testEnv{}, Text, Position{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewVM().RunText(p, sample()); err == nil || !strings.Contains(err.Error(), "the result is a number; want a text") {
		t.Errorf("a number at run time gives %v", err)
	}
}

// TestMapEnvironment is how mappings use the package: data of any shape.
func TestMapEnvironment(t *testing.T) {
	p, err := Compile(`raw.user.login ?? raw.user.name`, struct {
		Raw any `expr:"raw"`
	}{}, Any, Position{})
	if err != nil {
		t.Fatal(err)
	}
	env := struct {
		Raw any `expr:"raw"`
	}{map[string]any{"user": map[string]any{"name": "ada"}}}
	if got, err := NewVM().Run(p, env); err != nil || got != "ada" {
		t.Errorf("gives %v, %v", got, err)
	}
	if d := cmp.Diff([]string{"raw.user.login", "raw.user.name"}, p.Fields()); d != "" {
		t.Error(d)
	}
}
