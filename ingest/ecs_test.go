package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
)

const ecsLogin = `{"@timestamp":"2026-03-02T08:14:05.250Z",` +
	`"event":{"id":"8d1f-22","kind":"event","action":"sign_in","outcome":"success","code":"4624","provider":"ecs"},` +
	`"user":{"id":"1042","name":"ana","email":"Ana.Lindqvist@corp.example","full_name":"Ana Lindqvist","subject":"ana.lindqvist@corp.example"},` +
	`"source":{"ip":"198.51.100.24","geo":{"country_iso_code":"DE","city_name":"Berlin","location":{"lat":52.52,"lon":13.405},"accuracy_km":50},"as":{"number":64496,"organization":{"name":"Example Broadband"}}},` +
	`"user_agent":{"original":"Mozilla/5.0 (Macintosh)","name":"Safari","version":"18.1","os":{"name":"Mac OS X"}},` +
	`"device":{"id":"mdm-7"},"session":{"id":"s-991"},"app":{"id":"svc-wiki","name":"wiki"}}`

func TestECSWholeEvent(t *testing.T) {
	flat := `{"@timestamp":"2026-03-02T08:14:05.250Z","event.id":"8d1f-22","event.category":"authentication",
		"event.action":"logged-in","event.outcome":"success","event.code":"4624",
		"user.id":"1042","user.name":"ana","user.email":"Ana.Lindqvist@corp.example","user.full_name":"Ana Lindqvist",
		"source.ip":"198.51.100.24","source.geo.country_iso_code":"DE","source.geo.city_name":"Berlin",
		"source.geo.location.lat":52.52,"source.geo.location.lon":13.405,
		"source.as.number":64496,"source.as.organization.name":"Example Broadband",
		"user_agent.original":"Mozilla/5.0 (Macintosh)","user_agent.name":"Safari","user_agent.version":"18.1","user_agent.os.name":"Mac OS X",
		"device.id":"mdm-7","session.id":"s-991","service.id":"svc-wiki","service.name":"wiki"}`
	mixed := `{"@timestamp":["2026-03-02T08:14:05.250Z"],"event":{"id":"8d1f-22","category":["authentication"],
		"action":["logged-in"],"outcome":["success"],"code":"4624"},
		"user":{"id":"1042","name":["ana"],"email":"Ana.Lindqvist@corp.example","full_name":"Ana Lindqvist"},
		"source":{"ip":["198.51.100.24"],"geo.country_iso_code":"DE","geo.city_name":"Berlin","geo.location":[13.405,52.52],
		"as":{"number":"64496","organization.name":"Example Broadband"}},
		"user_agent":{"original":"Mozilla/5.0 (Macintosh)","name":"Safari","version":"18.1","os.name":"Mac OS X"},
		"device.id":"mdm-7","session":{"id":"s-991"},"service":{"id":"svc-wiki","name":"wiki"}}`
	for name, record := range map[string][]byte{
		"nested":            edited(t, "ecs/login.json", nil),
		"flat":              []byte(flat),
		"arrays and dots":   []byte(mixed),
		"client for source": edited(t, "ecs/login.json", edits{"source": absent, "client": clientOfLogin()}),
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(ecsLogin, said(parsed(t, Source{}, record))); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func clientOfLogin() map[string]any {
	return map[string]any{
		"ip":  "198.51.100.24",
		"geo": map[string]any{"country_name": "Germany", "city_name": "Berlin", "location": map[string]any{"lat": 52.52, "lon": 13.405}},
		"as":  map[string]any{"number": 64496, "organization": map[string]any{"name": "Example Broadband"}},
	}
}

func TestECSActions(t *testing.T) {
	tests := []struct {
		action, outcome, types any
		want                   event.Action
		wantOutcome            event.Outcome
	}{
		{"sign_in", "success", absent, event.SignIn, event.Success},
		{"mfa_remove", "success", absent, event.MFARemove, event.Success},
		{"user_login", "failure", absent, event.SignIn, event.Failure},
		{"UserLoggedIn", "success", absent, event.SignIn, event.Success},
		{"ssh_login", "success", absent, event.SignIn, event.Success},
		{"authentication_success", absent, absent, event.SignIn, event.Success},
		{"authentication_failed", absent, absent, event.SignIn, event.Failure},
		{"logon-failed", absent, absent, event.SignIn, event.Failure},
		{"logout", "success", absent, event.SignOut, event.Success},
		{"mfa", "unknown", absent, event.MFAVerify, event.OutcomeUnknown},
		{"locked-out-user-account", "success", absent, event.AccountLock, event.Success},
		{"vendor.thing", "success", []string{"start"}, event.SignIn, event.Success},
		{"vendor.thing", "success", []string{"end"}, event.SignOut, event.Success},
		{"vendor.thing", "success", []string{"info"}, event.Other, event.Success},
		{absent, "failure", absent, event.SignIn, event.Failure}, // an authentication that says no more
	}
	for _, test := range tests {
		record := edited(t, "ecs/login.json", edits{"event/action": test.action, "event/outcome": test.outcome, "event/type": test.types})
		if e := parsed(t, Source{}, record); e.Action != test.want || e.Outcome != test.wantOutcome {
			t.Errorf("action %v, outcome %v, type %v: got %s %s, want %s %s",
				test.action, test.outcome, test.types, e.Action, e.Outcome, test.want, test.wantOutcome)
		}
	}
}

func TestECSRecognition(t *testing.T) {
	tests := []struct {
		name   string
		record string
		reason string // of the dead letter; "" for an event
	}{
		{"user alone", `{"@timestamp":"2026-03-02T08:14:05Z","event":{"action":"login","outcome":"success"},"user":{"name":"ana"}}`, ""},
		{"source alone", `{"@timestamp":"2026-03-02T08:14:05Z","event":{"outcome":"failure"},"source":{"ip":"192.0.2.1"}}`, ""},
		{"shipper's fields only", `{"@timestamp":"2026-03-02T08:14:05Z","host":{"name":"web-1"},"agent":{"type":"filebeat"},"message":"started"}`, UnknownFormat},
		{"nobody", `{"@timestamp":"2026-03-02T08:14:05Z","event":{"action":"login"}}`, UnknownFormat},
		{"no time", `{"event":{"action":"login"},"user":{"name":"ana"}}`, UnknownFormat},
		{"time that is none", `{"@timestamp":"soon","event":{"action":"login"},"user":{"name":"ana"}}`, NoTime},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			events, dead := parsedAll(t, Source{}, []byte(test.record))
			switch {
			case test.reason == "" && len(events) != 1:
				t.Errorf("not recognised: %v", reasons(dead))
			case test.reason != "" && (len(dead) != 1 || dead[0].Reason != test.reason):
				t.Errorf("events %d, dead letters %v; want %s", len(events), reasons(dead), test.reason)
			}
		})
	}
}

func TestECSTargetOfChange(t *testing.T) {
	const ana, office = "ana.lindqvist@corp.example", true
	for _, c := range []struct {
		name, action string
		target       map[string]any
		subject      string
		located      bool // the initiator's address is the event's
	}{
		{"another account", "reset-password", map[string]any{"id": "77", "name": "bo@corp.example"}, "bo@corp.example", !office},
		{"another account by id", "reset-password", map[string]any{"id": "77"}, "ecs:77", !office},
		{"another account by name", "reset-password", map[string]any{"name": "bo"}, "ecs:bo", !office},
		{"another account by e-mail", "reset-password", map[string]any{"email": "Bo@corp.example"}, "bo@corp.example", !office},
		{"nobody", "reset-password", map[string]any{}, ana, office},
		{"the same account by name", "reset-password", map[string]any{"name": "ANA"}, ana, office},
		{"the same account", "reset-password", map[string]any{"id": "1042"}, ana, office},
		{"no change of an account", "login", map[string]any{"id": "77", "name": "bo@corp.example"}, ana, office},
	} {
		e := parsed(t, Source{}, edited(t, "ecs/login.json", edits{"event/action": c.action, "user/target": c.target}))
		if e.User.Subject != c.subject || e.Source.IP.IsValid() != c.located {
			t.Errorf("%s: %s from %s, want %s", c.name, e.User.Subject, e.Source.IP, c.subject)
		}
	}
}

func TestReasonOf(t *testing.T) {
	tests := []struct {
		words string
		want  event.Reason
	}{
		{"", ""},
		{"mfa_timeout", event.MFATimeout},
		{"INVALID_CREDENTIALS", event.BadCredentials},
		{"Invalid username or password", event.BadCredentials},
		{"invalid_user_credentials", event.BadCredentials},
		{"USER_DOES_NOT_EXIST", event.UnknownUser},
		{"invalid user", event.UnknownUser},
		{"user_not_found", event.UnknownUser},
		{"PASSWORD_EXPIRED", event.ExpiredCredentials},
		{"ACCOUNT_LOCKED_OUT", event.Locked},
		{"Kerberos: clock skew", event.OtherReason},
		{"request blocked", event.BlockedByPolicy},
		{"ACCOUNT_DISABLED", event.Disabled},
		{"user declined the push", event.MFADenied},
		{"no response to push", event.MFATimeout},
		{"wrong OTP", event.MFAFailed},
		{"denied by policy 7", event.BlockedByPolicy},
		{"gremlins", event.OtherReason},
	}
	for _, test := range tests {
		if got := reasonOf(test.words); got != test.want {
			t.Errorf("%q: got %q, want %q", test.words, got, test.want)
		}
	}
}

func FuzzECS(f *testing.F) {
	fuzzSource(f, Source{Format: "ecs"}, "ecs")
}
