package ingest

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

func TestEntraActivities(t *testing.T) {
	const helpdesk, ana = "helpdesk@corp.example", "ana.lindqvist@corp.example"
	tests := []struct {
		activity string
		action   event.Action
		subject  string
	}{
		{"Admin registered security info", event.MFAEnroll, ana},
		{"Admin deleted security info", event.MFARemove, ana},
		{"Reset user password", event.PasswordReset, ana},
		{"Change user password", event.CredentialChange, ana},
		{"Disable account", event.AccountDisable, ana},
		{"Add member to role", event.PrivilegeGrant, ana},
		{"Add member to role completed (PIM activation)", event.PrivilegeGrant, ana},
		{"Add member to role requested (PIM activation)", event.Other, helpdesk}, // nothing is granted yet
		{"Register device", event.DeviceRegister, ana},
		{"Suspicious activity reported", event.IDPSignal, ana},
		{"Consent to application", event.ConsentGrant, helpdesk},
		{"Add user", event.AccountCreate, helpdesk},
		{"Delete user", event.Delete, helpdesk},
		{"Add member to group", event.PrivilegeGrant, ana},
		{"Add owner to application", event.PrivilegeGrant, ana},
		{"Remove member from role", event.Delete, helpdesk},
		{"Update conditional access policy", event.Write, helpdesk},
		{"Set domain authentication", event.Write, helpdesk},
		{"Delete conditional access policy", event.Delete, helpdesk},
		{"Something entirely new", event.Other, helpdesk},
	}
	for _, test := range tests {
		t.Run(test.activity, func(t *testing.T) {
			e := parsed(t, Source{}, edited(t, "entra/audit.json", edits{"properties/activityDisplayName": test.activity}))
			if e.Action != test.action || e.User.Subject != test.subject {
				t.Errorf("%s of %s, want %s of %s", e.Action, e.User.Subject, test.action, test.subject)
			}
			if about := test.subject == helpdesk; e.Source.IP.IsValid() != about {
				t.Errorf("source %v: the initiator's address belongs to events about the initiator only", e.Source.IP)
			}
		})
	}
}

func TestEntraAuditResults(t *testing.T) {
	for _, c := range []struct {
		change edits
		want   string
	}{
		{edits{"properties/result": "success"}, "success "},
		{edits{"properties/result": "failure"}, "failure other"},
		{edits{"properties/result": "failed"}, "failure other"},
		{edits{"properties/result": "timeout"}, "failure other"},
		{edits{"properties/result": absent, "resultSignature": "None"}, "unknown "},
		{edits{"properties/result": absent, "result": "failure"}, "failure other"},
	} {
		e := parsed(t, Source{}, edited(t, "entra/audit.json", c.change))
		if got := string(e.Outcome) + " " + string(e.Reason); got != c.want {
			t.Errorf("%v: %q, want %q", c.change, got, c.want)
		}
	}
}

// Graph's records have no category: their keys alone tell them.
func TestEntraAuditIsRecognisedByItsKeys(t *testing.T) {
	for _, missing := range []string{"initiatedBy", "targetResources"} {
		raw := edited(t, "entra/audit.json", edits{"category": absent, "properties/" + missing: absent})
		if e := parsed(t, Source{}, raw); e.Provider != "entra" || e.Code == "" {
			t.Errorf("without %s: %s", missing, said(e))
		}
	}
}

func TestEntraAuditSubjects(t *testing.T) {
	self := map[string]any{"user": map[string]any{
		"id": "0f5c2c8e-1111-4a6e-9a7c-000000000042", "userPrincipalName": "ana.lindqvist@corp.example", "ipAddress": "198.51.100.24",
	}}
	app := map[string]any{"app": map[string]any{"servicePrincipalId": "sp-9", "displayName": "Provisioning"}}
	role := []any{map[string]any{
		"id": "0f5c2c8e-1111-4a6e-9a7c-000000000042", "type": "User", "userPrincipalName": "ana.lindqvist@corp.example",
		"modifiedProperties": []any{map[string]any{"displayName": "Role.DisplayName", "newValue": `"Global Administrator"`}},
	}}
	tests := []struct {
		name   string
		change edits
		want   string
	}{
		{
			"by the user",
			edits{"properties/activityDisplayName": "User registered security info", "properties/initiatedBy": self},
			"mfa_enroll ana.lindqvist@corp.example from 198.51.100.24 on ",
		},
		{
			"by an application",
			edits{"properties/activityDisplayName": "Add user", "properties/initiatedBy": app, "callerIpAddress": ""},
			"account_create entra:sp-9 from invalid IP on Ana Lindqvist",
		},
		{
			"role",
			edits{"properties/activityDisplayName": "Add member to role", "properties/targetResources": role},
			"privilege_grant ana.lindqvist@corp.example from invalid IP on Global Administrator",
		},
		{
			"credentials of an application are the initiator's doing",
			edits{
				"properties/activityDisplayName": "Add service principal credentials",
				"properties/targetResources":     []any{map[string]any{"id": "sp-1", "type": "ServicePrincipal", "displayName": "Payroll"}},
			},
			"credential_change helpdesk@corp.example from 203.0.113.7 on Payroll",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := parsed(t, Source{}, edited(t, "entra/audit.json", test.change))
			got := string(e.Action) + " " + e.User.Subject + " from " + e.Source.IP.String() + " on " + e.Resource.Name
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestEntraRisk(t *testing.T) {
	risky := parsed(t, Source{}, edited(t, "entra/risky_user.json", nil))
	if risky.Action != event.IDPSignal || risky.IDPRisk.Level != "high" || risky.Code != "confirmedCompromised" {
		t.Errorf("risky user: %s", said(risky))
	}
	if risky.ID == risky.User.ID || len(risky.ID) != 64 {
		t.Errorf("id %q: the user's own id would make each later change a repeat", risky.ID)
	}
	dismissed := parsed(t, Source{}, edited(t, "entra/risk_detection.json", edits{"properties/riskState": "dismissed"}))
	if dismissed.IDPRisk.Level != "" {
		t.Errorf("a dismissed detection has level %q", dismissed.IDPRisk.Level)
	}
	workload := parsed(t, Source{}, edited(t, "entra/risk_detection.json", edits{
		"category": "ServicePrincipalRiskEvents", "properties/userId": absent, "properties/userPrincipalName": absent,
		"properties/servicePrincipalId": "sp-1", "properties/servicePrincipalDisplayName": "Payroll",
	}))
	if workload.User.Kind != event.Service || workload.User.Subject != "entra:sp-1" {
		t.Errorf("workload: %s", said(workload))
	}
}

func TestEntraConsent(t *testing.T) {
	whole := parsed(t, Source{}, edited(t, "entra/consent.json", nil))
	if want := (event.App{ID: "0f5c2c8e-3333-4a6e-9a7c-000000000001", Name: "Mail Helper"}); whole.App != want || whole.Resource.Name != "Mail.Read offline_access" {
		t.Errorf("%+v: %+v", whole.App, whole.Resource)
	}
	property := func(name, value string) any { return map[string]any{"displayName": name, "newValue": value} }
	target := func(kind, name string, properties ...any) any {
		return map[string]any{"id": "sp-1", "type": kind, "displayName": name, "modifiedProperties": properties}
	}
	const grant = `[[Id: g, ClientId: c, PrincipalId: p, ResourceId: r, ConsentType: Principal, Scope: Mail.Read offline_access, CreatedDateTime: ]]`
	for _, c := range []struct {
		name, activity string
		targets        []any
		app            event.App
		resource       event.Resource
	}{
		{
			"by a user", "Consent to application",
			[]any{target("ServicePrincipal", "Mail Helper", property("ConsentContext.OnBehalfOfAll", `"False"`), property("ConsentAction.Permissions", `"[] => `+grant+`; "`))},
			event.App{ID: "sp-1", Name: "Mail Helper"},
			event.Resource{Name: "Mail.Read offline_access"},
		},
		{
			"one more permission", "Consent to application",
			[]any{target("ServicePrincipal", "Mail Helper", property("ConsentAction.Permissions", `"[[Scope: User.Read]] => [[Scope: User.Read], [Scope: Files.Read]]; "`))},
			event.App{ID: "sp-1", Name: "Mail Helper"},
			event.Resource{Name: "User.Read Files.Read"},
		},
		{
			"for everybody", "Consent to application",
			[]any{target("ServicePrincipal", "Mail Helper", property("ConsentContext.OnBehalfOfAll", `"True"`))},
			event.App{ID: "sp-1", Name: "Mail Helper"},
			event.Resource{ID: "AllPrincipals", Name: "Mail Helper"},
		},
		{
			"for everybody, by the type of the grant", "Consent to application",
			[]any{target("ServicePrincipal", "Mail Helper", property("ConsentAction.Permissions", `[] => [[ConsentType: AllPrincipals, Scope: Sites.Read.All`))},
			event.App{ID: "sp-1", Name: "Mail Helper"},
			event.Resource{ID: "AllPrincipals", Name: "Sites.Read.All"},
		},
		{
			"the grant that goes with it names the interface, not the application", "Add delegated permission grant",
			[]any{target("ServicePrincipal", "Microsoft Graph", property("DelegatedPermissionGrant.Scope", `" Mail.Read"`), property("DelegatedPermissionGrant.ConsentType", `"AllPrincipals"`))},
			event.App{},
			event.Resource{ID: "AllPrincipals", Name: "Mail.Read"},
		},
		{
			"nothing but the application", "Consent to application",
			[]any{target("ServicePrincipal", "Mail Helper")},
			event.App{ID: "sp-1", Name: "Mail Helper"},
			event.Resource{ID: "sp-1", Name: "Mail Helper"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := parsed(t, Source{}, edited(t, "entra/audit.json", edits{"properties/activityDisplayName": c.activity, "properties/targetResources": c.targets}))
			if e.App != c.app || e.Resource != c.resource || e.Action != event.ConsentGrant {
				t.Errorf("%s of %+v: %+v, want %+v: %+v", e.Action, e.App, e.Resource, c.app, c.resource)
			}
		})
	}
}
