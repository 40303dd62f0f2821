package rules

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
)

// load makes an evaluator of one file's rules.
func load(t testing.TB, text string) *Evaluator {
	t.Helper()
	var l loader
	l.add("test.yaml", []byte(text))
	for _, err := range l.errs {
		t.Fatal(err)
	}
	return newSet(l.rules).NewEvaluator()
}

// full is an event that has every field that rules see. It was a Sunday.
func full() event.Event {
	at, _ := netip.ParseAddr("203.0.113.7")
	return event.Event{
		Time: event.Time(1_790_553_599_999), // 2026-09-27T23:59:59.999Z
		ID:   "e-1", Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Success, Reason: event.OtherReason,
		Code: "user.session.start", Provider: "okta", Original: "{}",
		User: event.User{ID: "u-1", Name: "ada", Email: "ada@example.com", FullName: "Ada", Kind: event.Human, Privileged: event.True, Subject: "ada@example.com", Leaked: event.Leak{List: "paste"}},
		Source: event.Source{
			IP: at, Corporate: event.False, Anonymizer: "vpn", ThreatList: "scanners",
			Geo: event.Geo{Country: "DE", City: "Berlin", Name: "hq"},
			AS:  event.AS{Number: 64500, Organization: "Example Net", Type: event.ASMobile},
		},
		UserAgent: event.UserAgent{ID: "cookie", Original: "Mozilla/5.0", Name: "Firefox", Version: "140", OS: "Linux"},
		Device:    event.Device{ID: "d-1", Managed: event.True},
		Session:   event.Session{ID: "s-1"},
		App:       event.App{ID: "a-1", Name: "Payroll", Sanctioned: event.False},
		Resource:  event.Resource{ID: "r-1", Name: "salaries", Classification: "restricted", AccessWindow: event.OutsideWindow},
		Auth:      event.Auth{Method: "fido2", Factor: event.FactorStrong, Protocol: "oauth2"},
		IDPRisk:   event.IDPRisk{Level: "high", Reasons: "leaked"},
		Tenant:    "acme",
	}
}

func fullSubject() Subject {
	return Subject{Score: 41.25, Level: event.Medium, SignIns: 12, DaysKnown: 20.5, KnownDevice: true, KnownCountry: true, RecentFailures: 3}
}

// TestEveryField: each field has the event's value, and an event without it has
// what docs/rules.md says of absent ones.
func TestEveryField(t *testing.T) {
	values := map[string][2]string{ // present, absent
		"time.hour": {`23`, `0`}, "time.weekday": {`7`, `4`}, "time.unix": {`1790553599`, `0`},
		"event.id": {`"e-1"`, `""`}, "event.kind": {`"event"`, `"event"`}, "event.action": {`"sign_in"`, `"sign_in"`},
		"event.outcome": {`"success"`, `""`}, "event.reason": {`"other"`, `""`}, "event.code": {`"user.session.start"`, `""`},
		"event.provider": {`"okta"`, `""`},
		"user.id":        {`"u-1"`, `""`}, "user.name": {`"ada"`, `""`}, "user.email": {`"ada@example.com"`, `""`},
		"user.kind": {`"human"`, `""`}, "user.privileged": {`"yes"`, `"unknown"`}, "user.subject": {`"ada@example.com"`, `""`},
		"user.leaked.list": {`"paste"`, `""`}, "source.threat.list": {`"scanners"`, `""`},
		"source.ip": {`"203.0.113.7"`, `""`}, "source.corporate": {`"no"`, `"unknown"`}, "source.anonymizer": {`"vpn"`, `""`},
		"source.geo.country_iso_code": {`"DE"`, `""`}, "source.geo.city_name": {`"Berlin"`, `""`}, "source.geo.name": {`"hq"`, `""`},
		"source.as.number": {`64500`, `0`}, "source.as.organization.name": {`"Example Net"`, `""`}, "source.as.type": {`"mobile"`, `""`},
		"user_agent.id": {`"cookie"`, `""`}, "user_agent.name": {`"Firefox"`, `""`}, "user_agent.version": {`"140"`, `""`}, "user_agent.original": {`"Mozilla/5.0"`, `""`},
		"user_agent.os.name": {`"Linux"`, `""`},
		"device.id":          {`"d-1"`, `""`}, "device.managed": {`"yes"`, `"unknown"`}, "device.compliant": {`"unknown"`, `"unknown"`},
		"session.id": {`"s-1"`, `""`},
		"app.id":     {`"a-1"`, `""`}, "app.name": {`"Payroll"`, `""`}, "app.sanctioned": {`"no"`, `"unknown"`},
		"resource.id": {`"r-1"`, `""`}, "resource.name": {`"salaries"`, `""`}, "resource.classification": {`"restricted"`, `""`},
		"resource.access_window": {`"outside"`, `""`},
		"auth.method":            {`"fido2"`, `""`}, "auth.factor": {`"phishing_resistant"`, `""`}, "auth.protocol": {`"oauth2"`, `""`},
		"idp_risk.level": {`"high"`, `""`}, "idp_risk.reasons": {`"leaked"`, `""`},
		"organization.id": {`"acme"`, `""`},
		"subject.score":   {`41.25`, `0.0`}, "subject.level": {`"medium"`, `"none"`}, "subject.sign_ins": {`12`, `0`},
		"subject.days_known": {`20.5`, `0.0`}, "subject.known_device": {`true`, `false`}, "subject.known_network": {`false`, `false`},
		"subject.known_country": {`true`, `false`}, "subject.recent_failures": {`3`, `0`},
		"detections": {`["new_device"]`, `[]`},
	}
	var present, absent strings.Builder
	n := 0
	for field, value := range values {
		present.WriteString(strings.TrimPrefix(rule(fmt.Sprint("r", n), field+" == "+value[0]), "rules:\n"))
		absent.WriteString(strings.TrimPrefix(rule(fmt.Sprint("r", n), field+" == "+value[1]), "rules:\n"))
		n++
	}
	check := func(what, text string, e event.Event, subject Subject, seen []event.Detection) {
		matched := map[string]bool{}
		evaluator := load(t, "rules:\n"+text)
		for _, d := range evaluator.Match(&e, subject, seen)[len(seen):] {
			matched[d.Rule.ID] = true
		}
		for _, r := range evaluator.set.rules {
			if !matched[r.ID] {
				t.Errorf("%s: %s does not hold", what, r.When)
			}
		}
	}
	check("a full event", present.String(), full(), fullSubject(), []event.Detection{{Name: "new_device"}})
	check("an empty event", absent.String(), event.Event{Kind: event.KindEvent, Action: event.SignIn}, Subject{}, nil)

	for field := range fieldsOf(Env{}) {
		if _, tested := values[field]; !tested {
			t.Errorf("%s is not tested", field)
		}
	}
}

func TestMatch(t *testing.T) {
	text := `
rules:
  - id: z-weekend
    name: Sunday work
    severity: high
    group: session
    weight: 2.5
    half_life: 90m
    tags: [attack.t1078]
    when: |
      event.action == "sign_in" and time.weekday == 7 and user_agent.original != ""
      and "new_device" in detections and not ("rule:a-always" in detections)
      and not subject.known_network and subject.score > 40 and user.name != "" and device.compliant != "no"
  - id: a-always
    name: Always
    severity: low
    weight: 1
    half_life: 1d
    when: |
      true
  - id: other-action
    name: Never here
    severity: low
    weight: 1
    half_life: 1d
    when: |
      event.action == "download"
`
	e, evaluator := full(), load(t, text)
	e.User.Name = strings.Repeat("ü", 100)
	seen := []event.Detection{{Name: "new_device"}}
	got := evaluator.Match(&e, fullSubject(), seen)
	key := e.Source.NetworkHash()
	want := []event.Detection{
		{Name: "new_device"},
		{
			Name: "rule:a-always", Group: event.GroupBehaviour, Strength: 1, LLR: 1, HalfLife: 86400,
			Summary: "Always", Evidence: []event.Fact{}, Key: key,
			Rule: &event.RuleInfo{ID: "a-always", Title: "Always", Severity: "low"},
		},
		{
			Name: "rule:z-weekend", Group: event.GroupSession, Strength: 1, LLR: 2.5, HalfLife: 5400,
			Summary: "Sunday work", Key: key,
			Evidence: []event.Fact{
				event.Text("detections", "new_device"), event.Text("device.compliant", "unknown"), event.Text("event.action", "sign_in"),
				event.Text("subject.known_network", "false"), event.Number("subject.score", 41.25), event.Number("time.weekday", 7),
				event.Text("user.name", strings.Repeat("ü", 58)+"…"),
			},
			Rule: &event.RuleInfo{ID: "z-weekend", Title: "Sunday work", Severity: "high", Tags: []string{"attack.t1078"}},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestKey: the same again refreshes, so the key must be what an attacker cannot
// vary at will and two places differ in.
func TestKey(t *testing.T) {
	e := full()
	byNetwork := key(&e)
	neighbour := full()
	neighbour.Device.ID, neighbour.Session.ID, neighbour.App.ID = "d-2", "s-2", "a-2"
	if key(&neighbour) != byNetwork {
		t.Error("two events from one network have two keys")
	}
	e.Source.IP = netip.Addr{}
	byDevice := key(&e)
	e.Device.ID = ""
	bySession := key(&e)
	e.Session.ID = ""
	bySubject := key(&e)
	seen := map[uint64]bool{0: true}
	for _, k := range []uint64{byNetwork, byDevice, bySession, bySubject} {
		if seen[k] {
			t.Errorf("key %d twice, or 0", k)
		}
		seen[k] = true
	}
}

// TestFailingRule: a rule that fails at run does not match, is counted, and
// leaves the others alone.
func TestFailingRule(t *testing.T) {
	text := rule("fails", `100 % source.as.number == 1`) + strings.TrimPrefix(rule("works", "true"), "rules:\n")
	evaluator := load(t, text)
	e := full()
	e.Source.AS.Number = 0
	for range 3 {
		if got := evaluator.Match(&e, Subject{}, nil); len(got) != 1 || got[0].Name != "rule:works" {
			t.Errorf("matches %v", got)
		}
	}
	if d := cmp.Diff(map[string]uint64{"fails": 3}, evaluator.Errors()); d != "" {
		t.Error(d)
	}
}

// TestIndex: an action that no rule names reaches only the rules for any.
func TestIndex(t *testing.T) {
	text := "rules:\n"
	for id, when := range map[string]string{
		"sign-in": `event.action == "sign_in"`,
		"either":  `event.action in ["sign_in", "download"] and true`,
		"or":      `event.action == "write" or event.action == "delete"`,
		"any":     `event.action != "write"`,
	} {
		text += strings.TrimPrefix(rule(id, when), "rules:\n")
	}
	evaluator := load(t, text)
	for action, want := range map[event.Action]string{
		event.SignIn: "any either sign-in", event.Download: "any either", event.Write: "or",
		event.Delete: "any or", event.Other: "any", "": "any", "from_a_newer_release": "any",
	} {
		var ids []string
		for _, d := range evaluator.Match(&event.Event{Action: action}, Subject{}, nil) {
			ids = append(ids, d.Rule.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%q matches %q; want %q", action, got, want)
		}
	}
}
