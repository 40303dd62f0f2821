package ingest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// oktaWith is an event of a person with the given type, outcome and debug data.
func oktaWith(eventType, outcome, debug string) string {
	return fmt.Sprintf(`{"actor":{"id":"00u1","type":"User","alternateId":"alice@example.com"},"eventType":%q,"outcome":%s,`+
		`"debugContext":{"debugData":%s},"published":"2026-03-04T12:00:00Z","uuid":"x"}`, eventType, outcome, debug)
}

func TestOktaMeaning(t *testing.T) {
	const (
		success = `{"result":"SUCCESS"}`
		allow   = `{"result":"ALLOW"}`
		none    = `{}`
	)
	failure := func(reason string) string { return fmt.Sprintf(`{"result":"FAILURE","reason":%q}`, reason) }
	for _, c := range []struct {
		eventType, outcome, debug string
		want                      string // action outcome reason factor
	}{
		{"user.session.start", success, none, "sign_in success"},
		{"user.session.start", failure("INVALID_CREDENTIALS"), none, "sign_in failure bad_credentials"},
		{"user.session.start", failure("VERIFICATION_ERROR"), none, "sign_in failure bad_credentials"},
		{"user.session.start", failure("LOCKED_OUT"), none, "sign_in failure locked"},
		{"user.session.start", failure("Blocked by ThreatInsight"), none, "sign_in failure blocked_by_policy"},
		{"user.session.start", failure("PASSWORD_EXPIRED"), none, "sign_in failure expired_credentials"},
		{"user.session.start", failure("User is suspended"), none, "sign_in failure disabled"},
		{"user.session.start", failure("something new"), none, "sign_in failure other"},
		{"user.session.start", none, `{"loginResult":"x"}`, "sign_in unknown"},
		{"user.session.end", success, none, "sign_out success"},
		{"user.session.clear", success, none, "session_revoke success"},
		{"policy.evaluate_sign_on", allow, none, "other success"},
		{"policy.evaluate_sign_on", `{"result":"CHALLENGE"}`, none, "other unknown interrupted"},
		{"policy.evaluate_sign_on", `{"result":"DENY"}`, none, "sign_in failure blocked_by_policy"},
		{"user.authentication.auth_via_IDP", success, none, "other success"},
		{"user.authentication.auth_via_IDP", failure("INVALID_CREDENTIALS"), none, "sign_in failure bad_credentials"},
		{"user.authentication.auth_via_radius", success, none, "sign_in success"},
		{"user.authentication.sso", success, none, "access success"},
		{"user.authentication.auth_via_mfa", success, `{"factor":"OKTA_VERIFY_PUSH"}`, "mfa_verify success push"},
		{"user.authentication.auth_via_mfa", success, `{"factor":"SIGNED_NONCE"}`, "mfa_verify success phishing_resistant"},
		{"user.authentication.auth_via_mfa", success, `{"factor":"FIDO_WEBAUTHN"}`, "mfa_verify success phishing_resistant"},
		{"user.authentication.auth_via_mfa", success, `{"factor":"OKTA_SOFT_TOKEN"}`, "mfa_verify success otp"},
		{"user.authentication.auth_via_mfa", success, `{"factor":"GOOGLE_AUTH"}`, "mfa_verify success otp"},
		{"user.authentication.auth_via_mfa", success, `{"factor":"SMS_FACTOR"}`, "mfa_verify success sms"},
		{"user.authentication.auth_via_mfa", success, `{"factor":"EMAIL_FACTOR"}`, "mfa_verify success sms"},
		{"user.authentication.auth_via_mfa", success, `{"factor":"DUO_SECURITY"}`, "mfa_verify success"},
		{"user.authentication.auth_via_mfa", success, `{"factor":"PASSWORD_AS_FACTOR"}`, "other success password"},
		{"user.authentication.auth_via_mfa", failure("INVALID_CREDENTIALS"), `{"factor":"SMS_FACTOR"}`, "mfa_verify failure mfa_failed sms"},
		{"user.authentication.auth_via_mfa", failure("User rejected Okta push verify"), `{"factor":"OKTA_VERIFY_PUSH"}`, "mfa_verify failure mfa_denied push"},
		{"user.authentication.auth_via_mfa", `{"result":"UNANSWERED"}`, `{"factor":"OKTA_VERIFY_PUSH"}`, "mfa_verify failure mfa_timeout push"},
		{"user.authentication.auth_via_mfa", failure("FastPass declined phishing attempt"), `{"factor":"SIGNED_NONCE"}`, "mfa_verify failure blocked_by_policy phishing_resistant"},
		{"user.mfa.okta_verify.deny_push", success, none, "mfa_verify failure mfa_denied push"},
		{"user.mfa.okta_verify.deny_push_upgrade_needed", success, none, "mfa_verify failure mfa_denied push"},
		{"user.mfa.attempt_bypass", success, none, "mfa_verify failure mfa_failed"},
		{"system.push.send_factor_verify_push", success, none, "mfa_challenge success push"},
		{"system.sms.send_factor_verify_message", success, none, "mfa_challenge success"},
		{"user.mfa.factor.activate", success, none, "mfa_enroll success"},
		{"user.mfa.factor.deactivate", success, none, "mfa_remove success"},
		{"user.account.reset_password", success, none, "password_reset success"},
		{"user.account.update_password", success, none, "credential_change success"},
		{"user.account.lock", failure("LOCKED_OUT"), none, "account_lock success"},
		{"user.lifecycle.suspend", success, none, "account_disable success"},
		{"user.account.report_suspicious_activity_by_enduser", success, none, "idp_signal success"},
		{"app.oauth2.token.detect_reuse", failure("x"), none, "idp_signal unknown"},
		{"app.generic.unauth_app_access_attempt", failure("x"), none, "access failure blocked_by_policy"},
		{"app.oauth2.as.consent.grant", success, none, "consent_grant success"},
		{"app.oauth2.as.token.grant.access_token", success, none, "token_issue success"},
		{"app.oauth2.as.token.grant.access_token", success, `{"grantType":"refresh_token"}`, "token_refresh success"},
		{"system.idp.lifecycle.create", success, none, "write success"},
		{"application.lifecycle.delete", success, none, "delete success"},
		{"something.entirely.new", success, none, "other success"},
	} {
		t.Run(c.eventType+" "+c.outcome+c.debug, func(t *testing.T) {
			e := one(t, Source{}, oktaWith(c.eventType, c.outcome, c.debug))
			got := strings.Join(strings.Fields(fmt.Sprint(e.Action, " ", e.Outcome, " ", e.Reason, " ", e.Auth.Factor)), " ")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if e.Code != c.eventType {
				t.Errorf("code %q", e.Code)
			}
		})
	}
}

func TestOktaDeviceCodeGrantIsNamed(t *testing.T) {
	e := one(t, Source{}, oktaWith("app.oauth2.token.grant", `{"result":"SUCCESS"}`, `{"grantType":"urn:ietf:params:oauth:grant-type:device_code"}`))
	if e.Action != event.TokenIssue || e.Auth.Protocol != "deviceCode" {
		t.Errorf("%s over %q", e.Action, e.Auth.Protocol)
	}
}

func TestOktaVerdicts(t *testing.T) {
	const success = `{"result":"SUCCESS"}`
	for _, c := range []struct {
		name, eventType, debug string
		risk                   event.IDPRisk
		resource               event.Resource
	}{
		{"reported", oktaReported, `{"suspiciousActivityEventId":"ev-9","suspiciousActivityEventType":"user.session.start"}`, event.IDPRisk{}, event.Resource{ID: "ev-9", Name: "user.session.start"}},
		{"detected", "user.risk.detect", `{"risk":"{detectionName=Suspicious App Access, issuer=Okta, level=HIGH, previousLevel=LOW}"}`, event.IDPRisk{Level: "high", Reasons: "Suspicious App Access"}, event.Resource{}},
		{"detected, with reasons", "user.risk.detect", `{"risk":"{detectionName=A, reasons=New Device, level=MEDIUM}"}`, event.IDPRisk{Level: "medium", Reasons: "New Device"}, event.Resource{}},
		{"breached", oktaBreached, `{}`, event.IDPRisk{Level: "high", Reasons: "breached credential"}, event.Resource{}},
	} {
		e := one(t, Source{}, oktaWith(c.eventType, success, c.debug))
		if e.IDPRisk != c.risk || e.Resource != c.resource || e.Action != event.IDPSignal {
			t.Errorf("%s: %s %+v %+v", c.name, e.Action, e.IDPRisk, e.Resource)
		}
	}
}

func TestOktaConsent(t *testing.T) {
	for _, c := range []struct {
		name, debug, targets string
		app                  event.App
		scopes               string
	}{
		{"by targets", `{}`, `[{"id":"c1","type":"PublicClientApp","displayName":"Mail Helper"},{"id":"s1","type":"OAuthScope","displayName":"openid"},{"id":"s2","type":"OAuthScope","displayName":"mail.read"}]`, event.App{ID: "c1", Name: "Mail Helper"}, "openid mail.read"},
		{"by what was granted", `{"requestedScopes":"openid profile mail.read","grantedScopes":"openid mail.read"}`, `[{"id":"0oa1","type":"AppInstance","displayName":"Mail Helper"}]`, event.App{ID: "0oa1", Name: "Mail Helper"}, "openid mail.read"},
		{"not told", `{}`, `[{"id":"0oa1","type":"AppInstance","displayName":"Mail Helper"}]`, event.App{ID: "0oa1", Name: "Mail Helper"}, ""},
	} {
		raw := strings.Replace(oktaWith("app.oauth2.as.consent.grant", `{"result":"SUCCESS"}`, c.debug), `"uuid"`, `"target":`+c.targets+`,"uuid"`, 1)
		if e := one(t, Source{}, raw); e.App != c.app || e.Resource != (event.Resource{Name: c.scopes}) {
			t.Errorf("%s: %+v %+v", c.name, e.App, e.Resource)
		}
	}
}

// TestOktaItselfIsNotTheUser: Okta acts under a name that looks like a user's.
func TestOktaItselfIsNotTheUser(t *testing.T) {
	for _, kind := range []string{"SystemPrincipal", "User"} {
		for _, id := range []string{"okta1", "00u1"} { // redaction makes ids equal
			raw := strings.Replace(oktaWith("user.account.reset_password", `{"result":"SUCCESS"}`, `{}`),
				`"actor":{"id":"00u1","type":"User","alternateId":"alice@example.com"}`,
				`"actor":{"id":"`+id+`","type":"`+kind+`","alternateId":"system@okta.com"},"target":[{"id":"00u1","type":"User","alternateId":"alice@example.com"}]`, 1)
			if e := one(t, Source{}, raw); e.User.Subject != "alice@example.com" {
				t.Errorf("%s %s: subject %q", kind, id, e.User.Subject)
			}
			alone := one(t, Source{}, strings.Replace(raw, `"target"`, `"targets"`, 1))
			if alone.User.Subject != "" || alone.User.Kind != event.Service {
				t.Errorf("%s %s: alone it is %+v", kind, id, alone.User)
			}
		}
	}
}

// TestOktaChangesAreAboutTheTarget: a factor that alice removes is alice's event
// from where she is, one that bob removes is alice's event from nowhere.
func TestOktaChangesAreAboutTheTarget(t *testing.T) {
	const alice = `{"id":"00u1","type":"User","alternateId":"alice@example.com"}`
	for _, c := range []struct{ name, actor, target, eventType, want string }{
		{"herself", alice, alice, "user.mfa.factor.deactivate", "alice@example.com from 203.0.113.7 in s1"},
		{"herself, named less fully", alice, `{"id":"00u1","type":"User"}`, "user.mfa.factor.deactivate", "alice@example.com from 203.0.113.7 in s1"},
		{"an administrator", `{"id":"00u2","type":"User","alternateId":"bob@example.com"}`, alice, "user.mfa.factor.deactivate", "alice@example.com from nowhere in "},
		{"a program for her", `{"id":"0oa1","type":"PublicClientApp"}`, alice, "app.oauth2.token.grant", "alice@example.com from 203.0.113.7 in s1"},
		{"an administrator, no change of an account", `{"id":"00u2","type":"User","alternateId":"bob@example.com"}`, alice, "user.lifecycle.create", "bob@example.com from 203.0.113.7 in s1"},
	} {
		raw := strings.Replace(oktaWith(c.eventType, `{"result":"SUCCESS"}`, `{}`), `{"actor":`+alice,
			`{"client":{"ipAddress":"203.0.113.7"},"authenticationContext":{"externalSessionId":"s1"},"target":[`+c.target+`],"actor":`+c.actor, 1)
		e := one(t, Source{}, raw)
		from := "nowhere"
		if e.Source.IP.IsValid() {
			from = e.Source.IP.String()
		}
		if got := e.User.Subject + " from " + from + " in " + e.Session.ID; got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestOktaAnonymizer(t *testing.T) {
	for _, c := range []struct{ tunnels, proxy, want string }{
		{`[]`, "false", ""},
		{`[{"anonymous":true,"type":"VPN","operator":"x"}]`, "false", "vpn"},
		{`[{"anonymous":true,"type":"VPN"}]`, "true", "vpn"},
		{`[{"anonymous":false,"type":"VPN","operator":"the company's own"}]`, "false", ""},
		{`[{"anonymous":false,"type":"VPN"},{"anonymous":true,"type":"TOR"}]`, "false", "tor"},
		{`[{"anonymous":true,"type":"ANONYMIZING_PROXY"}]`, "false", "proxy"},
		{`{broken`, "true", "proxy"},
	} {
		raw := oktaWith("user.session.start", `{"result":"SUCCESS"}`, `{"tunnels":`+quote(c.tunnels)+`}`)
		raw = strings.Replace(raw, "{", `{"securityContext":{"isProxy":`+c.proxy+`},`, 1)
		if e := one(t, Source{}, raw); e.Source.Anonymizer != c.want {
			t.Errorf("%s, isProxy %s: %q, want %q", c.tunnels, c.proxy, e.Source.Anonymizer, c.want)
		}
	}
}

func TestOktaRisk(t *testing.T) {
	for _, c := range []struct{ debug, level, reasons string }{
		{`{}`, "", ""},
		{`{"risk":"{level=LOW}","threatSuspected":"false"}`, "low", ""},
		{`{"risk":"Risk{level=HIGH}"}`, "high", ""},
		{`{"risk":"{reasons=Anomalous Location, Anomalous Device, level=MEDIUM}"}`, "medium", "Anomalous Location, Anomalous Device"},
		{`{"risk":"{level=MEDIUM, reasons=New City, New ASN}"}`, "medium", "New City, New ASN"},
		{`{"risk":"{sublevel=HIGH, level=LOW}"}`, "low", ""},
		{`{"risk":"{level=PURPLE}"}`, "", ""},
		{`{"risk":{"level":"HIGH"}}`, "", ""},
		{`{"logOnlySecurityData":"{\"risk\":{\"level\":\"HIGH\",\"reasons\":\"New Device\"},\"behaviors\":{}}"}`, "high", "New Device"},
		{`{"logOnlySecurityData":"{broken"}`, "", ""},
		{`{"threatSuspected":"true"}`, "medium", "threatSuspected"},
		{`{"threatSuspected":"true","risk":"{level=HIGH, reasons=New IP}"}`, "high", "New IP, threatSuspected"},
	} {
		e := one(t, Source{}, oktaWith("user.session.start", `{"result":"SUCCESS"}`, c.debug))
		if e.IDPRisk.Level != c.level || e.IDPRisk.Reasons != c.reasons {
			t.Errorf("%s: got %+v", c.debug, e.IDPRisk)
		}
	}
}

// TestOktaLowerCaseKeys: some pipelines write the top-level keys in lower case.
func TestOktaLowerCaseKeys(t *testing.T) {
	native, err := os.ReadFile("testdata/okta.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(native), "\n")
	lowered := first
	for _, key := range []string{"eventType", "debugContext", "authenticationContext", "securityContext"} {
		lowered = strings.Replace(lowered, `"`+key+`"`, `"`+strings.ToLower(key)+`"`, 1)
	}
	if got, want := one(t, Source{}, lowered), one(t, Source{}, first); got != want {
		t.Errorf("got %s\nwant %s", got.AppendJSON(nil), want.AppendJSON(nil))
	}
}

func FuzzOkta(f *testing.F) {
	native, err := os.ReadFile("testdata/okta.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(native)) {
		f.Add([]byte(line))
	}
	f.Add([]byte(oktaWith("a.b", `7`, `[]`)))
	f.Fuzz(func(t *testing.T, record []byte) { checkParse(t, Source{Topic: "t", Format: "okta"}, record) })
}

// oktaBenchmark is an event of ordinary size.
// The hash of a cookie that there is not says nothing of the browser.
func TestOktaBrowser(t *testing.T) {
	for debug, want := range map[string]string{
		`{"dtHash":"6b0c9a4d"}`: "6b0c9a4d",
		`{"dtHash":"-"}`:        "",
		`{"dtHash":""}`:         "",
		`{"dtHash":"unknown"}`:  "",
		`{"dtHash":null}`:       "",
		`{}`:                    "",
	} {
		e := one(t, Source{}, oktaWith("user.session.start", `{"result":"SUCCESS"}`, debug))
		if e.UserAgent.ID != want {
			t.Errorf("%s: %q, want %q", debug, e.UserAgent.ID, want)
		}
	}
}

const oktaBenchmark = `{"actor":{"id":"00u8f2k1lmNpQrStU4x7","type":"User","alternateId":"mara.lind@example.com","displayName":"Mara Lind","detailEntry":null},"client":{"userAgent":{"rawUserAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36","os":"Mac OS X","browser":"CHROME"},"zone":"null","device":"Computer","id":null,"ipAddress":"203.0.113.40","geographicalContext":{"city":"Hamburg","state":"Hamburg","country":"Germany","postalCode":"20095","geolocation":{"lat":53.5507,"lon":9.993}}},"device":null,"authenticationContext":{"authenticationProvider":null,"credentialProvider":null,"credentialType":null,"issuer":null,"interface":null,"authenticationStep":0,"rootSessionId":"102aQ3vT0xS1yZ9kLmN8pW7dg","externalSessionId":"102aQ3vT0xS1yZ9kLmN8pW7dg"},"displayMessage":"User login to Okta","eventType":"user.session.start","outcome":{"result":"SUCCESS","reason":null},"published":"2026-03-04T09:15:27.418Z","securityContext":{"asNumber":64500,"asOrg":"example access networks","isp":"example access","domain":"access.example","isProxy":false},"severity":"INFO","debugContext":{"debugData":{"requestId":"c1f0aa2d5b7e49f1a6b3","dtHash":"6b0c9a4d2f8e1b7a3c5d9e0f2a4b6c8d0e1f3a5b7c9d1e3f5a7b9c0d2e4f6a8b","risk":"{level=LOW}","threatSuspected":"false","requestUri":"/idp/idx/challenge/answer","url":"/idp/idx/challenge/answer?"}},"legacyEventType":"core.user_auth.login_success","transaction":{"type":"WEB","id":"c1f0aa2d5b7e49f1a6b3e0d4","detail":{}},"uuid":"7c3f2c1e-17d5-11f1-9e3b-1f2d3c4b5a69","version":"0","request":{"ipChain":[{"ip":"203.0.113.40","geographicalContext":{"city":"Hamburg","state":"Hamburg","country":"Germany","postalCode":"20095","geolocation":{"lat":53.5507,"lon":9.993}},"version":"V4","source":null}]},"target":[{"id":"0oa5payr0ll000000001","type":"AppInstance","alternateId":"Payroll","displayName":"Payroll","detailEntry":{"signOnModeType":"SAML_2_0"}}]}`

func BenchmarkParseOkta(b *testing.B) {
	p, err := NewParser(Source{Topic: "idp.okta"}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	record := []byte(oktaBenchmark)
	emit := func(*event.Event) {}
	reject := func(d DeadLetter) { b.Fatal(d.Err) }
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		p.Parse(record, event.Origin{Topic: "idp.okta"}, emit, reject)
	}
}
