package ingest

import (
	"strings"

	"github.com/riskstream/riskstream/event"
)

// keycloakActions by event type without _ERROR; all others are "other". One
// log-in of a person is one LOGIN; the tokens that the application then
// fetches are token_issue.
var keycloakActions = map[string]event.Action{
	"LOGIN":                              event.SignIn,
	"CLIENT_LOGIN":                       event.SignIn,
	"LOGOUT":                             event.SignOut,
	"CODE_TO_TOKEN":                      event.TokenIssue,
	"TOKEN_EXCHANGE":                     event.TokenIssue,
	"OAUTH2_DEVICE_CODE_TO_TOKEN":        event.TokenIssue,
	"AUTHREQID_TO_TOKEN":                 event.TokenIssue,
	"REFRESH_TOKEN":                      event.TokenRefresh,
	"REGISTER":                           event.AccountCreate,
	"DELETE_ACCOUNT":                     event.Delete,
	"UPDATE_PASSWORD":                    event.CredentialChange,
	"UPDATE_EMAIL":                       event.CredentialChange,
	"FEDERATED_IDENTITY_LINK":            event.CredentialChange, // another way to sign in
	"IDENTITY_PROVIDER_LINK_ACCOUNT":     event.CredentialChange,
	"RESET_PASSWORD":                     event.PasswordReset,
	"UPDATE_TOTP":                        event.MFAEnroll,
	"REMOVE_TOTP":                        event.MFARemove,
	"UPDATE_PROFILE":                     event.Write,
	"CLIENT_REGISTER":                    event.Write,
	"CLIENT_UPDATE":                      event.Write,
	"CLIENT_DELETE":                      event.Delete,
	"GRANT_CONSENT":                      event.ConsentGrant,
	"IMPERSONATE":                        event.Access,
	"USER_DISABLED_BY_PERMANENT_LOCKOUT": event.AccountLock,
	"USER_DISABLED_BY_TEMPORARY_LOCKOUT": event.AccountLock,
}

// keycloakAction maps a type; credential is the credential_type of changes.
func keycloakAction(kind string, failed bool, credential string) event.Action {
	switch kind {
	case "IDENTITY_PROVIDER_LOGIN":
		// A success goes on to LOGIN; a failure is the log-in's only event.
		if failed {
			return event.SignIn
		}
		return event.Other
	case "UPDATE_CREDENTIAL":
		if strings.EqualFold(credential, "password") {
			return event.CredentialChange
		}
		return event.MFAEnroll
	case "REMOVE_CREDENTIAL":
		if strings.EqualFold(credential, "password") {
			return event.CredentialChange
		}
		return event.MFARemove
	}
	if a, ok := keycloakActions[kind]; ok {
		return a
	}
	return event.Other
}

// keycloakReasons by error. Interrupted are those where the person did not
// finish, or came back too late: no failed attempt.
var keycloakReasons = map[string]event.Reason{
	"invalid_user_credentials":     event.BadCredentials,
	"invalid_client_credentials":   event.BadCredentials,
	"user_not_found":               event.UnknownUser,
	"username_missing":             event.Interrupted,
	"password_missing":             event.Interrupted,
	"user_disabled":                event.Disabled,
	"client_disabled":              event.Disabled,
	"user_temporarily_disabled":    event.Locked,
	"rejected_by_user":             event.Interrupted,
	"expired_code":                 event.Interrupted,
	"session_expired":              event.Interrupted,
	"cookie_not_found":             event.Interrupted,
	"invalid_code":                 event.Interrupted,
	"not_logged_in":                event.Interrupted,
	"already_logged_in":            event.Interrupted,
	"different_user_authenticated": event.Interrupted,
	"expired_oauth2_device_code":   event.Interrupted,
	"authorization_pending":        event.Interrupted,
	"access_denied":                event.BlockedByPolicy,
	"not_allowed":                  event.BlockedByPolicy,
}

// keycloakReason maps an error; credential is the credential_type that was
// used, where the event names it.
func keycloakReason(why, credential string) event.Reason {
	reason, ok := keycloakReasons[why]
	if !ok {
		return event.OtherReason
	}
	if reason == event.BadCredentials && credential != "" && !strings.EqualFold(credential, "password") {
		return event.MFAFailed
	}
	return reason
}

// keycloakAdminAction maps what an administrator did.
func keycloakAdminAction(operation, resource, path string) event.Action {
	switch {
	case strings.HasSuffix(path, "/reset-password"):
		return event.PasswordReset
	case strings.HasSuffix(path, "/logout"):
		return event.SessionRevoke
	case strings.Contains(path, "/credentials/") && operation == "DELETE":
		return event.MFARemove
	case strings.HasSuffix(path, "/impersonation"):
		return event.Access
	case operation == "CREATE" && (strings.HasSuffix(resource, "ROLE_MAPPING") || resource == "GROUP_MEMBERSHIP"):
		return event.PrivilegeGrant
	case operation == "CREATE" && resource == "USER":
		return event.AccountCreate
	case operation == "DELETE":
		return event.Delete
	case operation == "CREATE", operation == "UPDATE":
		return event.Write
	}
	return event.Other
}
