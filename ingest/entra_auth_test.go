package ingest

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

func TestEntraFactors(t *testing.T) {
	tests := []struct {
		name   string
		change edits
		want   event.Factor
	}{
		{"strongest step", nil, event.FactorPush},
		{"security key", stepsOf(step("FIDO2 security key", true, "")), event.FactorStrong},
		{"Windows Hello", stepsOf(step("Windows Hello for Business", true, "")), event.FactorStrong},
		{"certificate", stepsOf(step("X.509 Certificate", true, "")), event.FactorStrong},
		{"passkey in the app", stepsOf(step("Passkey (Microsoft Authenticator)", true, "")), event.FactorStrong},
		{"app code", stepsOf(step("Password", true, ""), step("OATH verification code", true, "")), event.FactorOTP},
		{"text message", stepsOf(step("Password", true, ""), step("Text message", true, "")), event.FactorSMS},
		{"phone call", stepsOf(step("Phone call", true, "")), event.FactorSMS},
		{"password alone", stepsOf(step("Password", true, "Correct password")), event.FactorPassword},
		{"previously satisfied", stepsOf(step("Previously satisfied", true, "MFA requirement satisfied by claim in the token")), event.FactorClaim},
		{
			"a named method that a claim satisfied",
			stepsOf(step("FIDO2 security key", true, "MFA requirement satisfied by claim in the token")), event.FactorClaim,
		},
		{
			"still waiting proves the password only",
			stepsOf(step("Password", true, "Correct password"), step("Mobile app notification", false, "Authentication in progress")),
			event.FactorPassword,
		},
		{"nothing succeeded yet", stepsOf(step("FIDO2 security key", false, "Authentication in progress")), event.FactorNone},
		{"summary when there are no steps", edits{"properties/authenticationDetails": absent}, event.FactorPush},
		{
			"list of methods",
			edits{
				"properties/authenticationDetails": absent, "properties/mfaDetail": absent,
				"properties/authenticationMethodsUsed": []string{"password", "fido2"},
			},
			event.FactorStrong,
		},
		{
			"claim in the status alone",
			edits{
				"properties/authenticationDetails": absent, "properties/mfaDetail": absent,
				"properties/status/additionalDetails": "MFA requirement satisfied by claim in the token",
			},
			event.FactorClaim,
		},
		{
			"what was denied",
			edits{
				"properties/status/errorCode": 500121,
				"properties/authenticationDetails": steps(step("Password", true, "Correct password"),
					step("Mobile app notification", false, "MFA denied; user declined the authentication")),
			},
			event.FactorPush,
		},
		{"method of next year", stepsOf(step("Telepathy", true, "")), event.FactorNone},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := parsed(t, Source{}, edited(t, "entra/sign_in.json", test.change)).Auth.Factor; got != test.want {
				t.Errorf("factor %q, want %q", got, test.want)
			}
		})
	}
}

// A method without known strength is still named.
func TestEntraUnknownMethodIsNamed(t *testing.T) {
	e := parsed(t, Source{}, edited(t, "entra/sign_in.json", stepsOf(map[string]any{"authenticationMethod": "Telepathy", "succeeded": true})))
	if e.Auth.Method != "telepathy" || e.Auth.Factor != event.FactorNone {
		t.Errorf("method %q, factor %q", e.Auth.Method, e.Auth.Factor)
	}
}

func stepsOf(all ...map[string]any) edits {
	return edits{"properties/authenticationDetails": all}
}
