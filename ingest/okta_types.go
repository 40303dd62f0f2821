package ingest

import (
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// oktaActions by event type; oktaAction has the rules for the rest.
//
// One log-in of a person is one sign_in: user.session.start. The steps that
// lead to it (a policy's evaluation, the delegation to another identity
// provider or directory) are "other", single sign-on from the session to an
// application is access. Only clients that get no session (Exchange
// ActiveSync, RADIUS) have a sign-in of their own.
var oktaActions = map[string]event.Action{
	"user.session.start":                        event.SignIn,
	"user.session.end":                          event.SignOut,
	"user.session.expire":                       event.SignOut,
	"user.session.clear":                        event.SessionRevoke,
	"user.authentication.universal_logout":      event.SessionRevoke,
	"user.session.access_admin_app":             event.Access,
	"user.session.impersonation.grant":          event.PrivilegeGrant,
	"user.session.impersonation.extend":         event.PrivilegeGrant,
	"user.session.impersonation.initiate":       event.Access,
	"user.authentication.sso":                   event.Access,
	"user.authentication.auth_via_richclient":   event.SignIn,
	"user.authentication.auth_via_radius":       event.SignIn,
	"user.authentication.auth_via_mfa":          event.MFAVerify,
	"user.authentication.verify":                event.MFAVerify,
	"app.generic.unauth_app_access_attempt":     event.Access,
	"application.user_membership.show_password": event.Access,
	"user.mfa.okta_verify.deny_push":            event.MFAVerify,
	"user.mfa.attempt_bypass":                   event.MFAVerify,
	"user.mfa.factor.activate":                  event.MFAEnroll,
	"user.mfa.factor.update":                    event.MFAEnroll,
	"user.credential.enroll":                    event.MFAEnroll,
	"user.mfa.factor.deactivate":                event.MFARemove,
	"user.mfa.factor.reset_all":                 event.MFARemove,
	"user.mfa.factor.suspend":                   event.MFARemove,
	"user.credential.revoke":                    event.MFARemove,
	"user.account.update_password":              event.CredentialChange,
	"user.account.update_secondary_email":       event.CredentialChange,
	"user.account.update_primary_email":         event.CredentialChange,
	"system.api_token.create":                   event.CredentialChange,
	"user.account.reset_password":               event.PasswordReset,
	"user.account.lock":                         event.AccountLock,
	"user.account.lock.limit":                   event.AccountLock,
	"user.account.privilege.grant":              event.PrivilegeGrant,
	"group.privilege.grant":                     event.PrivilegeGrant,
	"group.user_membership.add":                 event.PrivilegeGrant,
	"iam.resourceset.bindings.add":              event.PrivilegeGrant,
	"user.account.update_profile":               event.Write,
	"user.lifecycle.create":                     event.AccountCreate,
	"user.registration.create":                  event.AccountCreate,
	"user.lifecycle.suspend":                    event.AccountDisable,
	"user.lifecycle.deactivate":                 event.AccountDisable,
	"user.lifecycle.delete.initiated":           event.AccountDisable,
	"device.enrollment.create":                  event.DeviceRegister,
	"device.user.add":                           event.DeviceRegister,
	"app.oauth2.as.consent.grant":               event.ConsentGrant,
	"app.oauth2.consent.grant":                  event.ConsentGrant,
	"app.oauth2.as.token.grant.refresh_token":   event.TokenRefresh,
	"app.oauth2.token.grant.refresh_token":      event.TokenRefresh,
	"app.oauth2.token.detect_reuse":             event.IDPSignal,
	"app.oauth2.as.token.detect_reuse":          event.IDPSignal,
	"app.token.reuse":                           event.IDPSignal,
	"security.threat.detected":                  event.IDPSignal,
	"security.session.detect_client_roaming":    event.IDPSignal,
	oktaBreached:                                event.IDPSignal,
	"user.session.context.change":               event.IDPSignal,
	"user.risk.detect":                          event.IDPSignal,
	"user.risk.change":                          event.IDPSignal,
	oktaReported:                                event.IDPSignal,
	"system.mfa.factor.deactivate":              event.Write, // for the organisation
	"system.mfa.factor.activate":                event.Write,
}

// oktaBreached: Okta knows the user's password from a leak. It gives that no
// level of risk.
const oktaBreached = "security.breached_credential.detected"

// oktaReported: the user says that what a notification told of was somebody
// else. debugData tells of what.
const oktaReported = "user.account.report_suspicious_activity_by_enduser"

// oktaPrefixes are tried in order where the type itself is not listed.
var oktaPrefixes = [...]struct {
	prefix string
	action event.Action
}{
	{"system.push.send_factor_verify", event.MFAChallenge},
	{"system.sms.send_factor_verify", event.MFAChallenge},
	{"system.voice.send_mfa_challenge", event.MFAChallenge},
	{"system.voice.send_factor_verify", event.MFAChallenge},
	{"system.email.send_factor_verify", event.MFAChallenge},
	{"system.email.challenge_factor", event.MFAChallenge},
	{"user.mfa.okta_verify.deny_push", event.MFAVerify},
	{"app.oauth2.token.grant", event.TokenIssue},
	{"app.oauth2.as.token.grant", event.TokenIssue},
	{"app.oauth2.authorize", event.TokenIssue},
	{"app.oauth2.as.authorize", event.TokenIssue},
}

// oktaManaged begin the types of what administrators manage; the last word
// says what they did.
var oktaManaged = [...]string{
	"application.", "app.", "group.", "iam.", "policy.", "zone.", "network_zone.", "org.",
	"system.idp.", "system.agent.", "system.api_token.", "system.feature.", "system.log_stream.",
	"event_hook.", "inline_hook.", "device.", "pki.",
}

func oktaAction(code string) event.Action {
	if a, ok := oktaActions[code]; ok {
		return a
	}
	for _, p := range oktaPrefixes {
		if strings.HasPrefix(code, p.prefix) {
			return p.action
		}
	}
	for _, prefix := range oktaManaged {
		if !strings.HasPrefix(code, prefix) {
			continue
		}
		switch code[strings.LastIndexByte(code, '.')+1:] {
		case "create", "update", "add", "activate", "config_change_detected", "agent_instance_added":
			return event.Write
		case "delete", "remove", "deactivate", "revoke":
			return event.Delete
		}
	}
	return event.Other
}

// oktaFederated are the steps in which another identity provider vouches for
// the user.
var oktaFederated = map[string]bool{
	"user.authentication.auth_via_IDP":          true,
	"user.authentication.auth_via_inbound_SAML": true,
	"user.authentication.auth_via_social":       true,
}

// oktaProtocols of sign-ins without a browser.
var oktaProtocols = map[string]string{
	"user.authentication.auth_via_richclient": "richclient",
	"user.authentication.auth_via_radius":     "radius",
}

// oktaFactor is the strength of a factor, credential type or provider. What
// says nothing of the strength, such as a provider's own factor, has none.
func oktaFactor(name string) event.Factor { return meaning(name, oktaFactorSigns) }

var oktaFactorSigns = []sign[event.Factor]{
	{"signed_nonce", event.FactorStrong}, // Okta FastPass
	{"fastpass", event.FactorStrong},
	{"fido", event.FactorStrong},
	{"webauthn", event.FactorStrong},
	{"u2f", event.FactorStrong},
	{"smart_card", event.FactorStrong},
	{"x509", event.FactorStrong},
	{"certificate", event.FactorStrong},
	{"push", event.FactorPush},
	{"sms", event.FactorSMS},
	{"call", event.FactorSMS},
	{"phone", event.FactorSMS},
	{"email", event.FactorSMS},
	{"otp", event.FactorOTP},
	{"token", event.FactorOTP}, // token:software:totp, YUBIKEY_TOKEN, …
	{"google", event.FactorOTP},
	{"rsa", event.FactorOTP},
	{"symantec", event.FactorOTP},
	{"yubikey", event.FactorOTP},
	{"password", event.FactorPassword},
	{"question", event.FactorPassword}, // known, like a password
}

// oktaOutcome sets what came of it and, unless it is a success, why.
func oktaOutcome(e *event.Event, outcome, debug *fastjson.Value) {
	why := text(outcome, "reason")
	if why == "" {
		why = text(debug, "loginResult")
	}
	switch result := text(outcome, "result"); strings.ToUpper(result) {
	case "SUCCESS", "ALLOW":
		e.Outcome = event.Success
	case "FAILURE", "DENY", "RATE_LIMIT":
		e.Outcome = event.Failure
		e.Reason = oktaReason(e, why)
	case "UNANSWERED":
		e.Outcome, e.Reason = event.Failure, event.MFATimeout
	case "CHALLENGE", "ABANDONED":
		e.Outcome, e.Reason = event.OutcomeUnknown, event.Interrupted
	default: // SKIPPED, DEFERRED, UNKNOWN, absent
		e.Outcome = event.OutcomeUnknown
	}

	switch {
	case strings.HasPrefix(e.Code, "user.mfa.okta_verify.deny_push"):
		// The event tells of a denial; its result says that telling went well.
		e.Outcome, e.Reason = event.Failure, event.MFADenied
		if e.Auth.Factor == event.FactorNone {
			e.Auth.Method, e.Auth.Factor = "okta_verify_push", event.FactorPush
		}
	case e.Action == event.AccountLock:
		// The result is that of the sign-in that led to the lock.
		e.Outcome, e.Reason = event.Success, ""
	case e.Action == event.IDPSignal && e.Outcome == event.Failure:
		// The result is that of the request that Okta judged.
		e.Outcome, e.Reason = event.OutcomeUnknown, ""
	case e.Code == "user.mfa.attempt_bypass":
		e.Outcome, e.Reason = event.Failure, event.MFAFailed
	case e.Code == "app.generic.unauth_app_access_attempt":
		e.Outcome, e.Reason = event.Failure, event.BlockedByPolicy
	case e.Code == "policy.evaluate_sign_on" && e.Outcome == event.Failure:
		// No session starts, so that this is the log-in's only event.
		e.Action, e.Reason = event.SignIn, event.BlockedByPolicy
	case oktaFederated[e.Code] && e.Outcome == event.Failure:
		e.Action = event.SignIn // for the same reason
	}
}

// oktaReason says why e failed.
func oktaReason(e *event.Event, why string) event.Reason {
	if e.User == oktaUnknown {
		return event.UnknownUser
	}
	if reason := meaning(why, oktaReasonSigns); reason != "" {
		return reason
	}
	switch {
	case e.Action == event.MFAVerify:
		return event.MFAFailed
	case containsFold(why, "invalid_credentials"), containsFold(why, "verification_error"):
		return event.BadCredentials
	}
	return event.OtherReason
}

var oktaReasonSigns = []sign[event.Reason]{
	{"fastpass declined phishing", event.BlockedByPolicy},
	{"blocked", event.BlockedByPolicy}, // before locked, which it contains
	{"locked", event.Locked},
	{"expired", event.ExpiredCredentials},
	{"suspended", event.Disabled},
	{"deactivated", event.Disabled},
	{"inactive", event.Disabled},
	{"user_not_found", event.UnknownUser},
	{"unknown_user", event.UnknownUser},
	{"rejected", event.MFADenied},
	{"denied push", event.MFADenied},
	{"timeout", event.MFATimeout},
	{"timed out", event.MFATimeout},
	{"policy", event.BlockedByPolicy},
	{"access_denied", event.BlockedByPolicy},
	{"zone", event.BlockedByPolicy},
}

// oktaRisk is Okta's own verdict: debugData.risk, a Java map as text, else
// debugData.logOnlySecurityData, JSON in a string. An address that ThreatInsight
// suspects is a risk of at least medium.
func oktaRisk(debug *fastjson.Value) event.IDPRisk {
	var risk event.IDPRisk
	if said := text(debug, "risk"); said != "" {
		risk.Level = oktaLevel(javaMember(said, "level"))
		if risk.Reasons = javaMember(said, "reasons"); risk.Reasons == "" {
			risk.Reasons = javaMember(said, "detectionName")
		}
	} else if inside := object(debug, "logOnlySecurityData").Get("risk"); inside != nil {
		risk.Level = oktaLevel(text(inside, "level"))
		risk.Reasons = text(inside, "reasons")
	}
	if flag(debug, "threatSuspected") == event.True {
		if risk.Level == "" || risk.Level == "low" {
			risk.Level = "medium"
		}
		if risk.Reasons != "" {
			risk.Reasons += ", "
		}
		risk.Reasons += "threatSuspected"
	}
	return risk
}

func oktaLevel(s string) string {
	switch s = lower(s); s {
	case "low", "medium", "high":
		return s
	}
	return ""
}

// javaMember reads one value of a Java map written as text, such as
// {reasons=Anomalous Location, Anomalous Device, level=MEDIUM}. A value may
// hold commas: it ends where another key begins, or the map ends.
func javaMember(s, key string) string {
	at := 0
	for {
		i := strings.Index(s[at:], key+"=")
		if i < 0 {
			return ""
		}
		at += i
		if at == 0 || s[at-1] == '{' || s[at-1] == ' ' {
			break
		}
		at++
	}
	value := s[at+len(key)+1:]
	if end := strings.IndexByte(value, '}'); end >= 0 {
		value = value[:end]
	}
	if next := strings.IndexByte(value, '='); next >= 0 {
		comma := strings.LastIndex(value[:next], ", ")
		if comma >= 0 {
			value = value[:comma]
		}
	}
	return strings.TrimSpace(value)
}
