package ingest

import (
	"fmt"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// The classes of OCSF's identity and access category that riskstream reads.
const (
	ocsfAccountChange    = "3001"
	ocsfAuthentication   = "3002"
	ocsfAuthorizeSession = "3003"
	ocsfUserAccess       = "3005"
)

// isOCSF recognises an event of the Open Cybersecurity Schema Framework of one
// of the classes above.
func isOCSF(v *fastjson.Value) bool {
	if v.Type() != fastjson.TypeObject || !(v.Exists("time") || v.Exists("time_dt")) {
		return false
	}
	_, ok := ocsfActions[ocsfClass(v)]
	return ok
}

// ocsfClass is the event's class, from its number or, failing that, its name.
func ocsfClass(v *fastjson.Value) string {
	if class := text(v, "class_uid"); class != "" {
		return class
	}
	if kind := text(v, "type_uid"); len(kind) == 6 { // class and activity in one
		return kind[:4]
	}
	if !v.Exists("activity_id") && !v.Exists("activity_name") {
		return ""
	}
	switch squeeze(text(v, "class_name")) {
	case "accountchange":
		return ocsfAccountChange
	case "authentication":
		return ocsfAuthentication
	case "authorizesession":
		return ocsfAuthorizeSession
	case "useraccess", "useraccessmanagement":
		return ocsfUserAccess
	}
	return ""
}

// ocsfActions says what each activity of each class is; others are "other".
// Privileges that a new session merely uses (Authorize Session) are no grant.
var ocsfActions = map[string]map[string]event.Action{
	ocsfAccountChange: {
		"1": event.AccountCreate, "3": event.CredentialChange, "4": event.PasswordReset, "5": event.AccountDisable,
		"6": event.Delete, "7": event.PrivilegeGrant, "9": event.AccountLock, "10": event.MFAEnroll, "11": event.MFARemove,
	},
	ocsfAuthentication: {
		"1": event.SignIn, "2": event.SignOut, "3": event.TokenIssue, "4": event.TokenIssue, "5": event.TokenRefresh,
	},
	ocsfAuthorizeSession: {},
	ocsfUserAccess: {
		"1": event.PrivilegeGrant, "3": event.PrivilegeGrant,
	},
}

// ocsfFactors is the strength of auth_factors[].factor_type_id. A biometric
// sensor says nothing of the protocol behind it.
var ocsfFactors = map[string]event.Factor{
	"1": event.FactorSMS, "2": event.FactorPassword, "3": event.FactorSMS, "5": event.FactorPush, "6": event.FactorOTP,
	"7": event.FactorOTP, "8": event.FactorSMS, "9": event.FactorStrong, "10": event.FactorStrong, "11": event.FactorPassword,
}

// ocsfProtocols names auth_protocol_id where the event does not.
var ocsfProtocols = map[string]string{
	"1": "ntlm", "2": "kerberos", "3": "digest", "4": "openid", "5": "saml", "6": "oauth 2.0",
	"7": "pap", "8": "chap", "9": "eap", "10": "radius",
}

// parseOCSF reads one event of the Open Cybersecurity Schema Framework.
func parseOCSF(v *fastjson.Value, out []event.Event) ([]event.Event, error) {
	actions, ok := ocsfActions[ocsfClass(v)]
	if !ok {
		return out, fmt.Errorf("class_uid %q is not read: want %s Account Change, %s Authentication, %s Authorize Session or %s User Access",
			ocsfClass(v), ocsfAccountChange, ocsfAuthentication, ocsfAuthorizeSession, ocsfUserAccess)
	}
	e := event.Event{
		Time:    firstInstant(v, "time", "time_dt"),
		ID:      text(v, "metadata", "uid"),
		Code:    firstText(v, "status_code", "activity_name"),
		Action:  actions[ocsfActivity(v)],
		Source:  ocsfSource(v.Get("src_endpoint")),
		Device:  ocsfDevice(v),
		Session: event.Session{ID: known(text(v, "session", "uid"))},
		App:     event.App{ID: text(v, "service", "uid"), Name: text(v, "service", "name")},
		IDPRisk: ocsfRisk(v),
	}
	if e.Action == "" {
		e.Action = event.Other
	}
	e.UserAgent.Original = text(v, "http_request", "user_agent")
	if target := v.Get("dst_endpoint"); e.App == (event.App{}) {
		e.App = event.App{ID: text(target, "uid"), Name: firstText(target, "svc_name", "name", "hostname", "domain")}
	}
	resource := v.Get("resource")
	if resource == nil {
		resource = v.Get("resources", "0")
	}
	e.Resource = event.Resource{ID: text(resource, "uid"), Name: text(resource, "name")}

	switch {
	case text(v, "status_id") == "1", strings.EqualFold(text(v, "status"), "success"):
		e.Outcome = event.Success
	case text(v, "status_id") == "2", strings.EqualFold(text(v, "status"), "failure"):
		e.Outcome = event.Failure
		e.Reason = reasonOf(firstText(v, "status_detail", "status_code"))
	default:
		e.Outcome = event.OutcomeUnknown
	}
	e.Auth = ocsfAuth(v)

	// user is whom the event is about, actor.user who did it. Creating and
	// deleting accounts is judged by who does it.
	e.User = ocsfUser(v.Get("user"))
	actor := ocsfUser(v.Get("actor", "user"))
	switch byActor := e.Action == event.AccountCreate || e.Action == event.Delete; {
	case e.User == (event.User{}), byActor && actor != (event.User{}):
		e.User = actor
	case actor != (event.User{}) && ofTarget(e.Action):
		if sameAccount(actor, e.User) != actor {
			e.Source, e.UserAgent = event.Source{}, event.UserAgent{} // the actor's
		}
	}
	return append(out, e), nil
}

// ocsfActivity is the activity's number; type_uid ends in it.
func ocsfActivity(v *fastjson.Value) string {
	if id := text(v, "activity_id"); id != "" {
		return id
	}
	if kind := text(v, "type_uid"); len(kind) == 6 {
		return strings.TrimPrefix(kind[4:], "0")
	}
	return ""
}

// ocsfUser reads a user object; the zero User if it names nobody.
func ocsfUser(v *fastjson.Value) event.User {
	u := event.User{
		ID:       known(text(v, "uid")),
		Name:     known(text(v, "name")),
		Email:    text(v, "email_addr"),
		FullName: text(v, "full_name"),
	}
	if u == (event.User{}) {
		return u
	}
	switch text(v, "type_id") {
	case "1", "2": // user, administrator
		u.Kind = event.Human
	case "3", "4": // system, service
		u.Kind = event.Service
	}
	return u
}

// ocsfSource reads the endpoint that the request came from.
func ocsfSource(v *fastjson.Value) event.Source {
	location, as := v.Get("location"), v.Get("autonomous_system")
	s := event.Source{
		IP:  address(v, "ip"),
		AS:  event.AS{Number: asNumber(as, "number"), Organization: text(as, "name")},
		Geo: event.Geo{Country: country(text(location, "country")), City: known(text(location, "city"))},
	}
	place(&s.Geo, location, "lat", "long")
	if pair := location.GetArray("coordinates"); !s.Geo.Located && len(pair) == 2 { // older form, as in GeoJSON
		lon, okLon := number(pair[0])
		lat, okLat := number(pair[1])
		if okLon && okLat {
			located(&s.Geo, lat, lon)
		}
	}
	return s
}

// ocsfDevice is the user's device. Where device is the host that was signed in
// to, as logs of operating systems have it, it says nothing of the user.
func ocsfDevice(v *fastjson.Value) event.Device {
	device, target := v.Get("device"), v.Get("dst_endpoint")
	for _, name := range [...]string{"uid", "hostname", "ip"} {
		if s := text(device, name); s != "" && s == text(target, name) {
			return event.Device{}
		}
	}
	return event.Device{
		ID:        known(text(device, "uid")),
		Managed:   flag(device, "is_managed"),
		Compliant: flag(device, "is_compliant"),
	}
}

// ocsfAuth is the strongest of the factors that the event lists.
func ocsfAuth(v *fastjson.Value) event.Auth {
	auth := event.Auth{Protocol: lower(text(v, "auth_protocol"))}
	if auth.Protocol == "" || auth.Protocol == "unknown" || auth.Protocol == "other" {
		auth.Protocol = ocsfProtocols[text(v, "auth_protocol_id")]
	}
	factors := v.GetArray("auth_factors")
	for _, f := range factors[:min(len(factors), 16)] {
		name := lower(text(f, "factor_type"))
		factor, listed := ocsfFactors[text(f, "factor_type_id")]
		if !listed {
			factor = factorOf(name)
		}
		if name == "" {
			name = string(factor)
		}
		if auth.Method == "" || factorRank(factor) > factorRank(auth.Factor) {
			auth.Method, auth.Factor = name, factor
		}
	}
	return auth
}

// ocsfRisk is the verdict of the log's own source.
func ocsfRisk(v *fastjson.Value) event.IDPRisk {
	r := event.IDPRisk{Reasons: text(v, "risk_details")}
	switch text(v, "risk_level_id") {
	case "1":
		r.Level = "low"
	case "2":
		r.Level = "medium"
	case "3", "4":
		r.Level = "high"
	}
	return r
}
