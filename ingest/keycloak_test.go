package ingest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
)

func TestKeycloakMeaning(t *testing.T) {
	for _, c := range []struct{ kind, failure, details, want string }{
		{"LOGIN", "", ``, "sign_in success"},
		{"LOGIN_ERROR", "invalid_user_credentials", ``, "sign_in failure bad_credentials"},
		{"LOGIN_ERROR", "invalid_user_credentials", `"credential_type":"otp"`, "sign_in failure mfa_failed otp"},
		{"LOGIN_ERROR", "user_disabled", ``, "sign_in failure disabled"},
		{"LOGIN_ERROR", "user_temporarily_disabled", ``, "sign_in failure locked"},
		{"LOGIN_ERROR", "expired_code", ``, "sign_in unknown interrupted"},
		{"LOGIN_ERROR", "rejected_by_user", ``, "sign_in unknown interrupted"},
		{"LOGIN_ERROR", "something_new", ``, "sign_in failure other"},
		{"LOGIN", "", `"credential_type":"webauthn-passwordless"`, "sign_in success phishing_resistant"},
		{"IDENTITY_PROVIDER_LOGIN", "", ``, "other success"},
		{"IDENTITY_PROVIDER_LOGIN_ERROR", "access_denied", ``, "sign_in failure blocked_by_policy"},
		{"LOGOUT", "", ``, "sign_out success"},
		{"CODE_TO_TOKEN", "", ``, "token_issue success"},
		{"REFRESH_TOKEN", "", ``, "token_refresh success"},
		{"REFRESH_TOKEN_ERROR", "invalid_token", ``, "token_refresh failure other"},
		{"UPDATE_TOTP", "", ``, "mfa_enroll success"},
		{"REMOVE_TOTP", "", ``, "mfa_remove success"},
		{"UPDATE_PASSWORD", "", ``, "credential_change success"},
		{"UPDATE_CREDENTIAL", "", `"credential_type":"webauthn"`, "mfa_enroll success"},
		{"UPDATE_CREDENTIAL", "", `"credential_type":"password"`, "credential_change success"},
		{"REMOVE_CREDENTIAL", "", `"credential_type":"otp"`, "mfa_remove success"},
		{"RESET_PASSWORD", "", ``, "password_reset success"},
		{"USER_DISABLED_BY_PERMANENT_LOCKOUT", "user_disabled", ``, "account_lock success"},
		{"GRANT_CONSENT", "", ``, "consent_grant success"},
		{"SOMETHING_NEW", "", ``, "other success"},
	} {
		t.Run(c.kind+" "+c.failure+c.details, func(t *testing.T) {
			e := one(t, Source{}, fmt.Sprintf(`{"id":"1","time":1772612127418,"type":%q,"realmId":"r","userId":"u1","error":%q,"details":{%s}}`,
				c.kind, c.failure, c.details))
			got := strings.Join(strings.Fields(fmt.Sprint(e.Action, " ", e.Outcome, " ", e.Reason, " ", e.Auth.Factor)), " ")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestKeycloakLineIsNotForged: what a user types into the log-in form stands
// last in the line and must not become its user or address.
func TestKeycloakLineIsNotForged(t *testing.T) {
	e := one(t, Source{}, `2026-03-04 12:00:00,000 WARN [org.keycloak.events] type=LOGIN_ERROR, realmId=r, clientId=web, userId=u1, ipAddress=198.51.100.9, `+
		`error=invalid_user_credentials, username=x, userId=victim, ipAddress=203.0.113.7, type=LOGIN`)
	if e.User.ID != "u1" || e.Source.IP.String() != "198.51.100.9" || e.Outcome != event.Failure {
		t.Errorf("user %q from %s: %s", e.User.ID, e.Source.IP, e.Outcome)
	}
	e = one(t, Source{}, `2026-03-04 12:00:00,000 WARN [org.keycloak.events] type="LOGIN", realmId="r", username="a, b=c", userId="u1"`)
	if e.User.Name != "a, b=c" || e.User.ID != "u1" {
		t.Errorf("quoted value: %+v", e.User)
	}
}

func TestKeycloakLineTime(t *testing.T) {
	const line = `WARN  [org.keycloak.events] (t) type="LOGIN", realmId="r", userId="u1"`
	for _, c := range []struct{ name, record, want string }{
		{"date and time", "2026-03-04 12:00:00,250 " + line, "2026-03-04T12:00:00.250Z"},
		{"with a zone", "2026-03-04T12:00:00.250+02:00 " + line, "2026-03-04T10:00:00.250Z"},
		{"behind a container's time", "2026-03-04T12:00:01.5Z stdout F 12:00:00,250 " + line, "2026-03-04T12:00:01.500Z"},
		{"only in the JSON around it", `{"timestamp":"2026-03-04T12:00:00.25Z","message":` + quote(line) + `}`, "2026-03-04T12:00:00.250Z"},
		{"the line's own before that", `{"@timestamp":"2026-03-04T12:30:00Z","message":` + quote("2026-03-04 12:00:00,250 "+line) + `}`, "2026-03-04T12:00:00.250Z"},
	} {
		if e := one(t, Source{}, c.record); e.Time.String() != c.want {
			t.Errorf("%s: got %s, want %s", c.name, e.Time, c.want)
		}
	}
	for _, record := range []string{line, "12:00:00,250 " + line} {
		_, dead := parse(t, Source{}, Options{}, record, 0)
		if len(dead) != 1 || dead[0].Reason != NoTime {
			t.Errorf("%q: %+v, want no_time", record, dead)
		}
	}
}

func TestKeycloakImpersonationIsTheAdministrators(t *testing.T) {
	e := one(t, Source{}, `{"time":1772612127418,"type":"IMPERSONATE","realmId":"r","userId":"u1","details":{"username":"mara","impersonator":"root@example.com"}}`)
	if e.User.Subject != "root@example.com" || e.Resource.Name != "mara" {
		t.Errorf("subject %q reaches %q", e.User.Subject, e.Resource.Name)
	}
}

func FuzzKeycloak(f *testing.F) {
	native, err := os.ReadFile("testdata/keycloak.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(native)) {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, record []byte) { checkParse(t, Source{Topic: "t", Format: "keycloak"}, record) })
}
