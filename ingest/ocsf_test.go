package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
)

func TestOCSFWholeEvent(t *testing.T) {
	const want = `{"@timestamp":"2026-03-02T08:14:05.250Z",` +
		`"event":{"id":"ocsf-77","kind":"event","action":"sign_in","outcome":"success","code":"Logon","provider":"ocsf"},` +
		`"user":{"id":"u-42","name":"ana","email":"Ana.Lindqvist@corp.example","full_name":"Ana Lindqvist","kind":"human","subject":"ana.lindqvist@corp.example"},` +
		`"source":{"ip":"198.51.100.24","geo":{"country_iso_code":"DE","city_name":"Berlin","location":{"lat":52.52,"lon":13.405},"accuracy_km":50},"as":{"number":64496,"organization":{"name":"Example Broadband"}}},` +
		`"user_agent":{"original":"Mozilla/5.0 (Macintosh)"},` +
		`"device":{"id":"dev-9","managed":true,"compliant":false},"session":{"id":"s-991"},"app":{"id":"svc-wiki","name":"wiki"},` +
		`"auth":{"method":"webauthn","factor":"phishing_resistant","protocol":"saml"}}`
	for name, change := range map[string]edits{
		"as it is":              nil,
		"class by its name":     {"class_uid": absent, "type_uid": absent},
		"class by its type":     {"class_uid": absent, "activity_id": absent, "class_name": absent},
		"time as text":          {"time": absent, "time_dt": "2026-03-02T08:14:05.250Z"},
		"user below actor":      {"user": absent, "actor": map[string]any{"user": ocsfAna()}},
		"coordinates as a pair": {"src_endpoint/location": map[string]any{"city": "Berlin", "country": "DE", "coordinates": []float64{13.405, 52.52}}},
		"status in words":       {"status_id": absent},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, said(parsed(t, Source{}, edited(t, "ocsf/logon.json", change)))); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func ocsfAna() map[string]any {
	return map[string]any{"uid": "u-42", "name": "ana", "email_addr": "Ana.Lindqvist@corp.example", "full_name": "Ana Lindqvist", "type_id": 1}
}

func TestOCSFClasses(t *testing.T) {
	tests := []struct {
		class, activity int
		want            event.Action
	}{
		{3002, 1, event.SignIn},
		{3002, 2, event.SignOut},
		{3002, 3, event.TokenIssue},
		{3002, 5, event.TokenRefresh},
		{3002, 7, event.Other},
		{3001, 1, event.AccountCreate},
		{3001, 3, event.CredentialChange},
		{3001, 4, event.PasswordReset},
		{3001, 5, event.AccountDisable},
		{3001, 9, event.AccountLock},
		{3001, 10, event.MFAEnroll},
		{3001, 11, event.MFARemove},
		{3003, 1, event.Other}, // privileges that a session uses are no grant
		{3005, 1, event.PrivilegeGrant},
		{3005, 2, event.Other},
	}
	for _, test := range tests {
		record := edited(t, "ocsf/logon.json", edits{"class_uid": test.class, "activity_id": test.activity})
		if got := parsed(t, Source{}, record).Action; got != test.want {
			t.Errorf("class %d, activity %d: %s, want %s", test.class, test.activity, got, test.want)
		}
	}
	if _, dead := parsedAll(t, Source{}, edited(t, "ocsf/logon.json", edits{"class_uid": 4001})); len(dead) != 1 || dead[0].Reason != UnknownFormat {
		t.Errorf("network activity: %v, want unknown_format", reasons(dead))
	}
}

func TestOCSFResults(t *testing.T) {
	tests := []struct {
		name    string
		change  edits
		outcome event.Outcome
		reason  event.Reason
	}{
		{"wrong password", edits{"status_id": 2, "status": "Failure", "status_detail": "INVALID_CREDENTIALS"}, event.Failure, event.BadCredentials},
		{"no such user", edits{"status_id": 2, "status": absent, "status_detail": "USER_DOES_NOT_EXIST"}, event.Failure, event.UnknownUser},
		{"locked", edits{"status_id": 2, "status": absent, "status_detail": "ACCOUNT_LOCKED_OUT"}, event.Failure, event.Locked},
		{"by its code", edits{"status_id": 2, "status": absent, "status_code": "PASSWORD_EXPIRED"}, event.Failure, event.ExpiredCredentials},
		{"no words", edits{"status_id": 2, "status": absent}, event.Failure, ""},
		{"other status", edits{"status_id": 99, "status": "Pending"}, event.OutcomeUnknown, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := parsed(t, Source{}, edited(t, "ocsf/logon.json", test.change))
			if e.Outcome != test.outcome || e.Reason != test.reason {
				t.Errorf("got %s %q, want %s %q", e.Outcome, e.Reason, test.outcome, test.reason)
			}
		})
	}
}

func TestOCSFFactors(t *testing.T) {
	tests := []struct {
		factors []map[string]any
		want    event.Factor
	}{
		{nil, event.FactorNone},
		{[]map[string]any{{"factor_type_id": 11}}, event.FactorPassword},
		{[]map[string]any{{"factor_type_id": 1}}, event.FactorSMS},
		{[]map[string]any{{"factor_type_id": 7}}, event.FactorOTP},
		{[]map[string]any{{"factor_type_id": 5}, {"factor_type_id": 11}}, event.FactorPush},
		{[]map[string]any{{"factor_type_id": 9}}, event.FactorStrong},
		{[]map[string]any{{"factor_type_id": 4}}, event.FactorNone}, // a sensor says nothing of the protocol
		{[]map[string]any{{"factor_type_id": 99, "factor_type": "Passkey"}}, event.FactorStrong},
	}
	for _, test := range tests {
		if got := parsed(t, Source{}, edited(t, "ocsf/logon.json", edits{"auth_factors": test.factors})).Auth.Factor; got != test.want {
			t.Errorf("%v: %q, want %q", test.factors, got, test.want)
		}
	}
}

func TestOCSFWhoAndWhere(t *testing.T) {
	admin := map[string]any{"user": map[string]any{"uid": "u-1", "email_addr": "admin@corp.example"}}
	tests := []struct {
		name    string
		change  edits
		subject string
		address bool
	}{
		{"reset by an administrator", edits{"class_uid": 3001, "activity_id": 4, "actor": admin}, "ana.lindqvist@corp.example", false},
		{"reset by the user", edits{"class_uid": 3001, "activity_id": 4, "actor": map[string]any{"user": ocsfAna()}}, "ana.lindqvist@corp.example", true},
		{"account created by an administrator", edits{"class_uid": 3001, "activity_id": 1, "actor": admin}, "admin@corp.example", true},
		{"sign-in that a service asked for", edits{"actor": admin}, "ana.lindqvist@corp.example", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := parsed(t, Source{}, edited(t, "ocsf/logon.json", test.change))
			if e.User.Subject != test.subject || e.Source.IP.IsValid() != test.address {
				t.Errorf("subject %s, source %s; want %s, source known: %v", e.User.Subject, e.Source.IP, test.subject, test.address)
			}
		})
	}
	server := parsed(t, Source{}, edited(t, "ocsf/logon.json", edits{"dst_endpoint": map[string]any{"hostname": "lt-0042"}}))
	if server.Device != (event.Device{}) {
		t.Errorf("the host that was signed in to became the user's device: %+v", server.Device)
	}
}

func FuzzOCSF(f *testing.F) {
	fuzzSource(f, Source{Format: "ocsf"}, "ocsf")
}
