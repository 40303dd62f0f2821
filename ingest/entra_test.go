package ingest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
)

func TestEntraWholeEvents(t *testing.T) {
	tests := []struct{ file, want string }{
		{"entra/sign_in.json", `{"@timestamp":"2026-03-02T08:14:05.987Z",` +
			`"event":{"id":"3c1f6a52-7a0e-4d5b-8d7e-5f1d30010100","kind":"event","action":"sign_in","outcome":"success","code":"0","provider":"entra"},` +
			`"user":{"id":"0f5c2c8e-1111-4a6e-9a7c-000000000042","name":"Ana.Lindqvist@corp.example","email":"Ana.Lindqvist@corp.example","full_name":"Ana Lindqvist","kind":"human","subject":"ana.lindqvist@corp.example"},` +
			`"source":{"ip":"198.51.100.24","geo":{"country_iso_code":"DE","city_name":"Berlin","location":{"lat":52.52,"lon":13.405},"accuracy_km":50},"as":{"number":64496}},` +
			`"user_agent":{"original":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36"},` +
			`"device":{"id":"5b7dd5b1-6c11-4a53-9b8b-0000000000d1","managed":true,"compliant":true},` +
			`"session":{"id":"0042f5a1-5e55-4f0a-8a1e-00000000beef"},` +
			`"app":{"id":"9199bf20-a13f-4107-85dc-02114787ef48","name":"Expense Portal"},` +
			`"resource":{"id":"00000003-0000-0000-c000-000000000000","name":"Microsoft Graph"},` +
			`"auth":{"method":"mobile app notification","factor":"push","protocol":"oAuth2"}}`},
		{"entra/service_principal.json", `{"@timestamp":"2026-03-02T03:00:00.000Z",` +
			`"event":{"id":"3c1f6a52-7a0e-4d5b-8d7e-5f1d30010200","kind":"event","action":"sign_in","outcome":"success","code":"0","provider":"entra"},` +
			`"user":{"id":"aa0b54c6-0000-4444-8888-0000000000f1","name":"nightly@batch.example","kind":"service","subject":"entra:aa0b54c6-0000-4444-8888-0000000000f1"},` +
			`"source":{"ip":"192.0.2.80","geo":{"country_iso_code":"IE","city_name":"Dublin","location":{"lat":53.35,"lon":-6.26},"accuracy_km":50}},` +
			`"app":{"id":"c0ffee00-0000-4444-8888-000000000001"},` +
			`"resource":{"id":"e406a681-f3d4-42a8-90b6-c2b029497af1","name":"Azure Storage"}}`},
		// The administrator's address is not the user's.
		{"entra/audit.json", `{"@timestamp":"2026-03-02T09:30:59.500Z",` +
			`"event":{"id":"Directory_8c6f_42","kind":"event","action":"password_reset","outcome":"success","code":"Reset user password","provider":"entra"},` +
			`"user":{"id":"0f5c2c8e-1111-4a6e-9a7c-000000000042","name":"ana.lindqvist@corp.example","email":"ana.lindqvist@corp.example","full_name":"Ana Lindqvist","kind":"human","subject":"ana.lindqvist@corp.example"}}`},
		{"entra/risk_detection.json", `{"@timestamp":"2026-03-02T10:11:00.000Z",` +
			`"event":{"id":"f2a3e1b0c9d8","kind":"event","action":"idp_signal","outcome":"unknown","code":"anonymizedIPAddress","provider":"entra"},` +
			`"user":{"id":"0f5c2c8e-1111-4a6e-9a7c-000000000042","name":"ana.lindqvist@corp.example","email":"ana.lindqvist@corp.example","full_name":"Ana Lindqvist","kind":"human","subject":"ana.lindqvist@corp.example"},` +
			`"source":{"ip":"198.51.100.99","geo":{"country_iso_code":"NG","city_name":"Lagos","location":{"lat":6.45,"lon":3.39},"accuracy_km":50}},` +
			`"idp_risk":{"level":"medium","reasons":"anonymizedIPAddress"}}`},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			record := edited(t, test.file, nil)
			if diff := cmp.Diff(test.want, said(parsed(t, Source{}, record))); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

// Microsoft Graph returns the record without the envelope; it is the same event.
func TestEntraGraphIsTheSameEvent(t *testing.T) {
	for _, file := range []string{"entra/sign_in.json", "entra/audit.json", "entra/risk_detection.json", "entra/service_principal.json"} {
		envelope := edited(t, file, nil)
		var record struct {
			Properties json.RawMessage `json:"properties"`
		}
		if err := json.Unmarshal(envelope, &record); err != nil {
			t.Fatal(err)
		}
		want, got := parsed(t, Source{}, envelope), parsed(t, Source{}, record.Properties)
		if diff := cmp.Diff(said(want), said(got)); diff != "" {
			t.Errorf("%s: Graph's record (-envelope +graph):\n%s", file, diff)
		}
	}
}

// An export may leave objects as JSON in strings.
func TestEntraObjectsInStrings(t *testing.T) {
	change := edits{
		"properties/status":       `{"errorCode":0}`,
		"properties/location":     `{"city":"Berlin","countryOrRegion":"DE","geoCoordinates":{"latitude":52.52,"longitude":13.405}}`,
		"properties/deviceDetail": `{"deviceId":"5b7dd5b1-6c11-4a53-9b8b-0000000000d1","isManaged":true,"isCompliant":true}`,
		"properties/authenticationDetails": `[{"authenticationMethod":"Mobile app notification","succeeded":true,
			"authenticationStepResultDetail":"MFA successfully completed"}]`,
	}
	want := parsed(t, Source{}, edited(t, "entra/sign_in.json", nil))
	got := parsed(t, Source{}, edited(t, "entra/sign_in.json", change))
	if diff := cmp.Diff(said(want), said(got)); diff != "" {
		t.Errorf("(-objects +strings):\n%s", diff)
	}
}

func TestEntraResults(t *testing.T) {
	tests := []struct {
		name    string
		change  edits
		outcome event.Outcome
		reason  event.Reason
	}{
		{"success", nil, event.Success, ""},
		{"code as text", edits{"properties/status/errorCode": "50126"}, event.Failure, event.BadCredentials},
		{"code of the envelope", edits{"properties/status": absent, "resultType": "50057"}, event.Failure, event.Disabled},
		{"no code at all", edits{"properties/status": absent, "resultType": absent, "resultSignature": absent}, event.OutcomeUnknown, ""},
		{"expired password", edits{"properties/status/errorCode": 50055}, event.Failure, event.ExpiredCredentials},
		{"conditional access", edits{"properties/status/errorCode": 53003}, event.Failure, event.BlockedByPolicy},
		{"second factor asked for", edits{"properties/status/errorCode": 50076}, event.OutcomeUnknown, event.Interrupted},
		{"stay signed in asked", edits{"properties/status/errorCode": 50140}, event.OutcomeUnknown, event.Interrupted},
		{"code of next year", edits{"properties/status/errorCode": 99999999}, event.Failure, event.OtherReason},
		{
			"lockout",
			edits{"properties/status/errorCode": 50053, "properties/status/failureReason": "The account is locked."},
			event.Failure, event.Locked,
		},
		{
			"malicious address",
			edits{"properties/status/errorCode": 50053, "properties/status/failureReason": "Sign-in from an IP address with malicious activity."},
			event.Failure, event.BlockedByPolicy,
		},
		{"factor declined", mfaFailure("MFA denied; user declined the authentication"), event.Failure, event.MFADenied},
		{"declined in fewer words", mfaFailure("User declined the authentication"), event.Failure, event.MFADenied},
		{"fraud reported", mfaFailure("MFA denied; Phone App Reported Fraud"), event.Failure, event.MFADenied},
		{"factor not answered", mfaFailure("MFA denied; user did not respond to mobile app notification"), event.Failure, event.MFATimeout},
		{"wrong code", mfaFailure("MFA denied; invalid verification code"), event.Failure, event.MFAFailed},
		{"duplicate", mfaFailure("MFA denied; duplicate authentication attempt"), event.Failure, event.MFAFailed},
		{"no words", mfaFailure(""), event.Failure, event.MFAFailed},
		{
			"a step that waits is no denial",
			edits{"properties/authenticationDetails": steps(
				step("Password", true, "Correct password"),
				step("Mobile app notification", false, "Authentication in progress"))},
			event.Success, "",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := parsed(t, Source{}, edited(t, "entra/sign_in.json", test.change))
			if e.Action != event.SignIn || e.Outcome != test.outcome || e.Reason != test.reason {
				t.Errorf("got %s %s %q, want sign_in %s %q", e.Action, e.Outcome, e.Reason, test.outcome, test.reason)
			}
		})
	}
}

func mfaFailure(detail string) edits {
	return edits{"properties/status/errorCode": 500121, "properties/status/additionalDetails": detail}
}

func step(method string, succeeded bool, detail string) map[string]any {
	return map[string]any{"authenticationMethod": method, "succeeded": succeeded, "authenticationStepResultDetail": detail}
}

func steps(all ...map[string]any) []map[string]any { return all }

// What somebody typed for a user who does not exist may be a password.
func TestEntraUnknownUserIsNotStored(t *testing.T) {
	const typed = "Tr0ub4dor&3@corp.example"
	record := edited(t, "entra/sign_in.json", edits{
		"properties/status/errorCode": 50034, "properties/userPrincipalName": typed,
		"properties/userDisplayName": typed, "identity": typed,
	})
	e := parsed(t, Source{}, record)
	if e.Reason != event.UnknownUser || e.User.Subject != "" {
		t.Errorf("reason %q, subject %q: want unknown_user without subject", e.Reason, e.User.Subject)
	}
	if strings.Contains(said(e), "Tr0ub4dor") {
		t.Errorf("the typed name is in the event: %s", said(e))
	}
}

func TestEntraInteractivity(t *testing.T) {
	nonInteractive := func(more edits) edits {
		change := edits{"category": "NonInteractiveUserSignInLogs", "properties/isInteractive": false}
		for path, value := range more {
			change[path] = value
		}
		return change
	}
	tests := []struct {
		name   string
		change edits
		want   event.Action
	}{
		{"interactive", nil, event.SignIn},
		{"non-interactive", nonInteractive(nil), event.TokenRefresh},
		{"non-interactive that failed on its token", nonInteractive(edits{"properties/status/errorCode": 700082}), event.TokenRefresh},
		{"password by the ropc grant", nonInteractive(edits{"properties/authenticationProtocol": "ropc"}), event.SignIn},
		{"wrong password", nonInteractive(edits{"properties/status/errorCode": 50126}), event.SignIn},
		{"Graph, by its flag", edits{"category": absent, "properties/isInteractive": false}, event.TokenRefresh},
		{
			"Graph, by its type",
			edits{"category": absent, "properties/isInteractive": absent, "properties/signInEventTypes": []string{"nonInteractiveUser"}},
			event.TokenRefresh,
		},
		{"AD FS", edits{"category": "ADFSSignInLogs"}, event.SignIn},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := parsed(t, Source{}, edited(t, "entra/sign_in.json", test.change)).Action; got != test.want {
				t.Errorf("action %s, want %s", got, test.want)
			}
		})
	}
}

func TestEntraFields(t *testing.T) {
	tests := []struct {
		name   string
		change edits
		get    func(e event.Event) any
		want   any
	}{
		{
			"device code",
			edits{"properties/authenticationProtocol": "deviceCode"},
			func(e event.Event) any { return e.Auth.Protocol }, "deviceCode",
		},
		{
			"a legacy client says more than oAuth2",
			edits{"properties/clientAppUsed": "IMAP4"},
			func(e event.Event) any { return e.Auth.Protocol }, "imap4",
		},
		{
			"no protocol",
			edits{"properties/authenticationProtocol": "none"},
			func(e event.Event) any { return e.Auth.Protocol }, "",
		},
		{
			"unregistered device",
			edits{"properties/deviceDetail/deviceId": ""},
			func(e event.Event) any { return e.Device.ID }, "",
		},
		{
			"an absent flag is not false",
			edits{"properties/deviceDetail/isManaged": nil, "properties/deviceDetail/isCompliant": absent},
			func(e event.Event) any { return [2]event.Flag{e.Device.Managed, e.Device.Compliant} },
			[2]event.Flag{event.Unknown, event.Unknown},
		},
		{
			"a dismissed risk",
			edits{"properties/riskLevelDuringSignIn": "high", "properties/riskState": "dismissed"},
			func(e event.Event) any { return e.IDPRisk.Level }, "",
		},
		{
			"a risk that stands",
			edits{"properties/riskLevelDuringSignIn": "high", "properties/riskState": "atRisk"},
			func(e event.Event) any { return e.IDPRisk.Level }, "high",
		},
		{
			"false flag",
			edits{"properties/deviceDetail/isManaged": false, "properties/deviceDetail/isCompliant": false},
			func(e event.Event) any { return [2]event.Flag{e.Device.Managed, e.Device.Compliant} },
			[2]event.Flag{event.False, event.False},
		},
		{
			"browser of the device",
			edits{"properties/userAgent": absent},
			func(e event.Event) any { return e.UserAgent },
			event.UserAgent{Name: "Chrome", Version: "132.0.0", OS: "Windows 11"},
		},
		{
			"emit time is the last resort",
			edits{"properties/createdDateTime": absent},
			func(e event.Event) any { return e.Time.String() }, "2026-03-02T08:16:40.123Z",
		},
		{
			"address of the envelope",
			edits{"properties/ipAddress": absent},
			func(e event.Event) any { return e.Source.IP.String() }, "198.51.100.24",
		},
		{
			"address that is none",
			edits{"properties/ipAddress": absent, "callerIpAddress": "0f5c2c8e-1111-4a6e-9a7c-000000000042"},
			func(e event.Event) any { return e.Source.IP.IsValid() }, false,
		},
		{
			"country of the envelope",
			edits{"properties/location": absent},
			func(e event.Event) any { return e.Source.Geo },
			event.Geo{Country: "DE"},
		},
		{
			"coordinates 0,0",
			edits{"properties/location/geoCoordinates": map[string]any{"latitude": 0, "longitude": 0}},
			func(e event.Event) any { return e.Source.Geo.Located }, false,
		},
		{
			"a guest meets their own address",
			edits{"properties/userPrincipalName": "ana_maria_partner.example#EXT#@corp.onmicrosoft.example"},
			func(e event.Event) any { return e.User.Subject }, "ana_maria@partner.example",
		},
		{
			"user without a name",
			edits{"properties/userPrincipalName": ""},
			func(e event.Event) any { return e.User.Subject }, "entra:0f5c2c8e-1111-4a6e-9a7c-000000000042",
		},
		{
			"nobody",
			edits{"properties/userPrincipalName": "", "properties/userId": "00000000-0000-0000-0000-000000000000"},
			func(e event.Event) any { return e.User.Subject }, "",
		},
		{
			"risk",
			edits{"properties/riskLevelDuringSignIn": "high", "properties/riskEventTypes_v2": []string{"unlikelyTravel", "anomalousToken"}},
			func(e event.Event) any { return e.IDPRisk },
			event.IDPRisk{Level: "high", Reasons: "unlikelyTravel, anomalousToken"},
		},
		{
			"a hidden risk is no verdict",
			edits{"properties/riskLevelDuringSignIn": "hidden", "properties/riskEventTypes_v2": []string{"hidden"}},
			func(e event.Event) any { return e.IDPRisk },
			event.IDPRisk{},
		},
		{
			"managed identity",
			edits{"category": "ManagedIdentitySignInLogs", "properties/servicePrincipalId": "sp-1", "properties/servicePrincipalName": "vm-7"},
			func(e event.Event) any { return e.User },
			event.User{ID: "sp-1", Name: "vm-7", Kind: event.Service, Subject: "entra:sp-1"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := parsed(t, Source{}, edited(t, "entra/sign_in.json", test.change))
			if diff := cmp.Diff(test.want, test.get(e)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// One record of Event Hubs holds many; a bad one does not take the others along.
func TestEntraRecordsEnvelope(t *testing.T) {
	good := edited(t, "entra/sign_in.json", nil)
	noTime := edited(t, "entra/sign_in.json", edits{"time": absent, "properties/createdDateTime": absent})
	record := []byte(`{"records":[` + string(good) + `,` + string(noTime) + `,{"category":"Storage","properties":{}},` + string(good) + `]}`)
	events, dead := parsedAll(t, Source{Format: "entra"}, record)
	if len(events) != 2 || len(dead) != 2 {
		t.Fatalf("%d events and %d dead letters, want 2 and 2: %v", len(events), len(dead), reasons(dead))
	}
	if dead[0].Reason != NoTime || dead[1].Reason != UnknownFormat {
		t.Errorf("dead letters %s and %s, want no_time and unknown_format", dead[0].Reason, dead[1].Reason)
	}
	if events[1].Origin.Index != 3 {
		t.Errorf("index of the last event %d, want 3", events[1].Origin.Index)
	}
}

func FuzzEntra(f *testing.F) {
	fuzzSource(f, Source{Format: "entra"}, "entra")
}

func BenchmarkParseEntra(b *testing.B) {
	p, err := NewParser(Source{}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	record := edited(b, "entra/sign_in.json", nil)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		p.Parse(record, event.Origin{}, func(*event.Event) {}, func(d DeadLetter) { b.Fatal(d.Err) })
	}
}
