package ingest

import (
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// entraActivities by name in lower case; entraAction has the rules for the
// rest.
var entraActivities = map[string]event.Action{
	"user registered security info":                            event.MFAEnroll,
	"admin registered security info":                           event.MFAEnroll,
	"enable strong authentication":                             event.MFAEnroll,
	"add windows hello for business credential":                event.MFAEnroll,
	"add passkey (device-bound) security key":                  event.MFAEnroll,
	"add passwordless phone sign-in credential":                event.MFAEnroll,
	"user deleted security info":                               event.MFARemove,
	"admin deleted security info":                              event.MFARemove,
	"disable strong authentication":                            event.MFARemove,
	"delete windows hello for business credential":             event.MFARemove,
	"delete passkey (device-bound) security key":               event.MFARemove,
	"delete passwordless phone sign-in credential":             event.MFARemove,
	"user changed default security info":                       event.CredentialChange,
	"admin updated security info":                              event.CredentialChange,
	"change user password":                                     event.CredentialChange,
	"change password (self-service)":                           event.CredentialChange,
	"reset user password":                                      event.PasswordReset,
	"reset password (self-service)":                            event.PasswordReset,
	"reset password (by admin)":                                event.PasswordReset,
	"disable account":                                          event.AccountDisable,
	"update stsrefreshtokenvalidfrom timestamp":                event.SessionRevoke,
	"register device":                                          event.DeviceRegister,
	"add registered owner to device":                           event.DeviceRegister,
	"add registered users to device":                           event.DeviceRegister,
	"add eligible member to role":                              event.PrivilegeGrant,
	"fraud reported - no action taken":                         event.IDPSignal,
	"fraud reported - user is blocked for mfa":                 event.IDPSignal,
	"suspicious activity reported":                             event.IDPSignal,
	"consent to application":                                   event.ConsentGrant,
	"add delegated permission grant":                           event.ConsentGrant,
	"add oauth2permissiongrant":                                event.ConsentGrant,
	"add app role assignment to service principal":             event.ConsentGrant,
	"add service principal credentials":                        event.CredentialChange,
	"update application – certificates and secrets management": event.CredentialChange,
	"update application - certificates and secrets management": event.CredentialChange,
	"add user":             event.AccountCreate,
	"invite external user": event.AccountCreate,
	"invite internal user": event.AccountCreate,
	"delete user":          event.Delete,
	"hard delete user":     event.Delete,
}

// entraAction looks an activity up. Roles are granted under many names
// (directly, scoped, completed by Privileged Identity Management, …); a
// request, an approval or an expiry grants nothing. What else is managed tells
// by its first word what was done to it.
func entraAction(name string) event.Action {
	name = lower(name)
	if a, ok := entraActivities[name]; ok {
		return a
	}
	switch {
	case strings.HasPrefix(name, "user has elevated their access"):
		return event.PrivilegeGrant
	case name == "add member to group" || strings.HasPrefix(name, "add owner to "):
		return event.PrivilegeGrant // the group's or the application's
	case strings.HasPrefix(name, "add member to role") || strings.HasPrefix(name, "add scoped member to role") ||
		strings.HasPrefix(name, "add eligible member to role"):
		for _, pending := range []string{"request", "approv", "cancel", "denied", "expired", "renew"} {
			if strings.Contains(name, pending) {
				return event.Other
			}
		}
		return event.PrivilegeGrant
	}
	verb, _, _ := strings.Cut(name, " ")
	switch verb {
	case "add", "added", "create", "update", "set", "enable", "restore":
		return event.Write
	case "delete", "hard", "remove":
		return event.Delete
	}
	return event.Other
}

// entraAudit reads an audited activity. The address and agent are those of the
// initiator; they stay only in an event about the initiator, else an
// administrator's office would become a place of the user's.
func entraAudit(v, p *fastjson.Value) event.Event {
	e := event.Event{
		Time: entraTime(v, p, "activityDateTime", "createdDateTime"),
		ID:   text(p, "id"),
		Code: firstText(p, "activityDisplayName", "operationName"),
	}
	if e.Code == "" {
		e.Code = firstText(v, "operationName", "operationname")
	}
	result := text(p, "result")
	if result == "" {
		result = firstText(v, "result", "resultSignature", "resultsignature")
	}
	switch lower(result) {
	case "success", "succeeded":
		e.Outcome = event.Success
	case "failure", "failed", "timeout":
		e.Outcome, e.Reason = event.Failure, event.OtherReason
	default:
		e.Outcome = event.OutcomeUnknown
	}

	e.Action = entraAction(e.Code)
	initiator := entraInitiator(p)
	e.User = initiator
	targets := p.GetArray("targetResources")
	targets = targets[:min(len(targets), 32)]
	if ofTarget(e.Action) || e.Action == event.DeviceRegister || e.Action == event.IDPSignal {
		if target := entraTarget(targets); target.Kind != "" {
			e.User = sameAccount(initiator, target)
		}
	}
	if e.User == initiator {
		e.Source.IP = address(p, "initiatedBy", "user", "ipAddress")
		if !e.Source.IP.IsValid() {
			e.Source.IP = parseAddress(firstText(v, "callerIpAddress", "calleripaddress"))
		}
		if e.UserAgent.Original = text(p, "userAgent"); e.UserAgent.Original == "" {
			e.UserAgent.Original = entraAdditional(p, "User-Agent")
		}
	}
	e.Resource = entraChanged(targets, &e.User)
	if e.Action == event.ConsentGrant {
		entraConsent(&e, p, targets)
	}
	return e
}

// entraInitiator is who did it: a person or, failing that, an application.
func entraInitiator(p *fastjson.Value) event.User {
	by := object(p, "initiatedBy")
	if user := by.Get("user"); user != nil {
		u := entraUser(text(user, "id"), text(user, "userPrincipalName"), text(user, "displayName"))
		if u.ID != "" || u.Name != "" {
			return u
		}
	}
	if app := by.Get("app"); app != nil {
		return entraService(firstText(app, "servicePrincipalId", "appId"), firstText(app, "displayName", "servicePrincipalName"))
	}
	return event.User{Kind: event.UserUnknown}
}

// entraTarget is the first person among the targets, the zero User if there
// is none. A workload is no target in this sense: who gives an application new
// credentials or a role is the one to look at.
func entraTarget(targets []*fastjson.Value) event.User {
	for _, t := range targets {
		if text(t, "type") == "User" {
			return entraUser(text(t, "id"), text(t, "userPrincipalName"), text(t, "displayName"))
		}
	}
	return event.User{}
}

// entraChanged is what was changed: the role of a grant, else the first target
// that is not the event's user.
func entraChanged(targets []*fastjson.Value, user *event.User) event.Resource {
	var first event.Resource
	for _, t := range targets {
		r := event.Resource{ID: known(text(t, "id")), Name: firstText(t, "displayName", "userPrincipalName")}
		if text(t, "type") == "Role" {
			return r
		}
		if role := entraRole(t); role != "" {
			return event.Resource{Name: role}
		}
		if first == (event.Resource{}) && r.ID != user.ID {
			first = r
		}
	}
	return first
}

// entraRole is the name of the role among the properties that changed; it is
// JSON once more, a quoted string.
func entraRole(target *fastjson.Value) string {
	properties := target.GetArray("modifiedProperties")
	for _, m := range properties[:min(len(properties), 32)] {
		if text(m, "displayName") == "Role.DisplayName" {
			return strings.Trim(text(m, "newValue"), `"`)
		}
	}
	return ""
}

// entraAdditional is a value among the additional details, "" if there is none.
func entraAdditional(p *fastjson.Value, key string) string {
	details := p.GetArray("additionalDetails")
	for _, d := range details[:min(len(details), 32)] {
		if text(d, "key") == key {
			return text(d, "value")
		}
	}
	return ""
}

// entraRiskEvent reads a risk detection or a change of the risk state of an
// account.
func entraRiskEvent(v, p *fastjson.Value, kind entraKind) event.Event {
	e := event.Event{
		Action:  event.IDPSignal,
		Outcome: event.OutcomeUnknown,
		Code:    text(p, "riskEventType"),
		IDPRisk: entraRisk(p, "riskLevel"),
	}
	if kind == entraRiskRecord {
		e.ID = text(p, "id")
		e.Time = entraTime(v, p, "activityDateTime", "detectedDateTime")
		e.Source = entraSource(v, p)
		e.IDPRisk.Reasons = e.Code
	} else {
		// The id of a risky user is the user's: it says nothing of the change,
		// so the event gets the hash of its raw form instead.
		e.Time = entraTime(v, p, "riskLastUpdatedDateTime")
		e.Code = firstText(p, "riskState")
		e.IDPRisk.Reasons = text(p, "riskDetail")
		if strings.EqualFold(e.IDPRisk.Reasons, "none") {
			e.IDPRisk.Reasons = ""
		}
	}
	userID := text(p, "userId")
	if kind == entraRiskyRecord {
		userID = text(p, "id")
	}
	switch {
	case p.Exists("servicePrincipalId"):
		e.User = entraService(text(p, "servicePrincipalId"), text(p, "servicePrincipalDisplayName"))
	case p.Exists("userPrincipalName") || p.Exists("userId"):
		e.User = entraUser(userID, text(p, "userPrincipalName"), text(p, "userDisplayName"))
	default: // a risky workload has no other name for its id
		e.User = entraService(userID, text(p, "displayName"))
	}
	return e
}
