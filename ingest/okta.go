package ingest

import (
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// okta reads Okta's System Log, also with its top-level keys in lower case, as
// some pipelines leave them.
func okta() format {
	return format{name: "okta", recognise: isOkta, parse: parseOkta}
}

// isOkta recognises a System Log event: a dotted event type (AWS also has an
// eventType, without dots) beside what only System Log events have. The
// envelope of an event hook has the type but none of the rest.
func isOkta(v *fastjson.Value) bool {
	kind := v.GetStringBytes("eventType")
	if kind == nil {
		kind = v.GetStringBytes("eventtype")
	}
	if !strings.Contains(string(kind), ".") {
		return false
	}
	return (v.Exists("actor") || v.Exists("outcome")) && (v.Exists("uuid") || v.Exists("published") || v.Exists("client"))
}

// maxTargets bounds how many targets of an event are looked at.
const maxTargets = 32

func parseOkta(v *fastjson.Value, out []event.Event) ([]event.Event, error) {
	out = append(out, event.Event{
		Time: instant(v, "published"),
		ID:   text(v, "uuid"),
		Code: firstText(v, "eventType", "eventtype"),
	})
	e := &out[len(out)-1]
	debug := either(v, "debugContext", "debugcontext").Get("debugData")
	login := either(v, "authenticationContext", "authenticationcontext")
	targets := v.GetArray("target")
	targets = targets[:min(len(targets), maxTargets)]

	e.Action = oktaAction(e.Code)
	e.User = oktaActor(v.Get("actor"))
	actorActs := true
	if target := oktaTarget(targets, "User"); target != nil && (e.User.Kind != event.Human || ofTarget(e.Action)) {
		actor := e.User
		e.User = oktaUser(target)
		if actor.Kind == event.Human {
			e.User = sameAccount(actor, e.User)
		}
		// A program or Okta itself acts for the user, from where the user is;
		// another person acts from where that person is.
		actorActs = actor.Kind != event.Human || e.User == actor
	}
	if actorActs {
		oktaSource(v, debug, &e.Source)
		e.UserAgent.Original = text(v, "client", "userAgent", "rawUserAgent")
		if cookie := text(debug, "dtHash"); cookie != "-" {
			e.UserAgent.ID = known(cookie)
		}
		oktaDevice(v.Get("device"), &e.Device)
		e.Session.ID = text(login, "externalSessionId")
		if nobody(e.Session.ID) {
			e.Session.ID = ""
		}
	}
	oktaAuth(e, debug, login, targets)
	oktaOutcome(e, v.Get("outcome"), debug)
	oktaObjects(e, targets, debug)
	if actorActs {
		e.IDPRisk = oktaRisk(debug)
		if e.Code == oktaBreached && e.IDPRisk.Level == "" {
			e.IDPRisk = event.IDPRisk{Level: "high", Reasons: "breached credential"}
		}
	} else {
		e.Auth = event.Auth{}
	}
	return out, nil
}

// either is the member with the first name, else with the second.
func either(v *fastjson.Value, name, otherwise string) *fastjson.Value {
	if m := v.Get(name); m != nil {
		return m
	}
	return v.Get(otherwise)
}

// oktaActor is who acted. Programs and Okta's own machinery are services; an
// address, the actor of what Okta says of addresses, is nobody.
func oktaActor(actor *fastjson.Value) event.User {
	switch kind := text(actor, "type"); {
	case actor == nil || strings.EqualFold(kind, "IP address"):
		return event.User{Kind: event.UserUnknown}
	case kind == "SystemPrincipal" || machinery(text(actor, "alternateId")):
		return event.User{Name: oktaMachinery, Kind: event.Service}
	case kind == "User" || kind == "":
		return oktaUser(actor)
	}
	return event.User{
		ID:       known(text(actor, "id")),
		Name:     known(text(actor, "alternateId")),
		FullName: text(actor, "displayName"),
		Kind:     event.Service,
	}
}

// oktaUser reads a person. Okta gives whom it does not know the id "unknown":
// the other fields are then what was typed, which may be a password.
func oktaUser(u *fastjson.Value) event.User {
	id := text(u, "id")
	if strings.EqualFold(id, "unknown") {
		return oktaUnknown
	}
	user := event.User{
		ID:       known(id),
		Name:     known(text(u, "alternateId")),
		FullName: known(text(u, "displayName")),
		Kind:     event.Human,
	}
	if isEmail(user.Name) {
		user.Email = user.Name
	}
	return user
}

// oktaUnknown is a person whom Okta does not know.
var oktaUnknown = event.User{Kind: event.Human}

// oktaTarget is the first target of a type, or nil.
func oktaTarget(targets []*fastjson.Value, kind string) *fastjson.Value {
	for _, t := range targets {
		if string(t.GetStringBytes("type")) == kind {
			return t
		}
	}
	return nil
}

// oktaSource is where the request came from. Behind a proxy that the customer
// trusts, Okta itself has put the client's address into client.ipAddress.
func oktaSource(v, debug *fastjson.Value, s *event.Source) {
	client := v.Get("client")
	s.IP = address(client, "ipAddress")
	geo := client.Get("geographicalContext")
	if !s.IP.IsValid() {
		first := v.Get("request", "ipChain", "0")
		s.IP = address(first, "ip")
		if geo.Get("country") == nil {
			geo = first.Get("geographicalContext")
		}
	}
	s.Geo.Country = country(text(geo, "country"))
	s.Geo.City = known(text(geo, "city"))
	place(&s.Geo, geo.Get("geolocation"), "lat", "lon")

	security := either(v, "securityContext", "securitycontext")
	s.AS.Number = asNumber(security, "asNumber")
	s.AS.Organization = text(security, "asOrg")
	s.Anonymizer = oktaTunnel(debug)
	if s.Anonymizer == "" && flag(security, "isProxy") == event.True {
		s.Anonymizer = "proxy"
	}
}

// oktaTunnel is the kind of the anonymising tunnel among debugData.tunnels,
// JSON in a string that names each by its type; "" if there is none.
func oktaTunnel(debug *fastjson.Value) string {
	tunnels := embedded(debug, "tunnels").GetArray()
	for _, tunnel := range tunnels[:min(len(tunnels), 8)] {
		if flag(tunnel, "anonymous") == event.False {
			continue // such as a company's own VPN
		}
		kind := text(tunnel, "type")
		switch {
		case containsFold(kind, "tor"):
			return "tor"
		case containsFold(kind, "vpn"):
			return "vpn"
		case containsFold(kind, "proxy"):
			return "proxy"
		}
	}
	return ""
}

// oktaDevice reads a device that Okta Verify registered. What
// debugData.deviceFingerprint says is bound to nothing.
func oktaDevice(device *fastjson.Value, d *event.Device) {
	if device == nil {
		return
	}
	if flag(device, "registered") != event.False {
		d.ID = text(device, "id")
	}
	d.Managed = flag(device, "managed")
}

// oktaObjects sets the application, and for changes also what was changed.
func oktaObjects(e *event.Event, targets []*fastjson.Value, debug *fastjson.Value) {
	if app := oktaTarget(targets, "AppInstance"); app != nil {
		e.App.ID, e.App.Name = text(app, "id"), text(app, "displayName")
		if e.Action == event.Access {
			e.Auth.Protocol = lower(text(app, "detailEntry", "signOnModeType"))
		}
	}
	switch {
	case e.Code == oktaReported:
		e.Resource = event.Resource{ID: text(debug, "suspiciousActivityEventId"), Name: text(debug, "suspiciousActivityEventType")}
		return
	case e.Action == event.ConsentGrant:
		oktaConsent(e, targets, debug)
		return
	}
	switch e.Action {
	case event.Write, event.Delete, event.PrivilegeGrant, event.CredentialChange:
	default:
		return
	}
	for _, t := range targets {
		switch text(t, "type") {
		case "User", "AppUser", "AppInstance":
		default:
			e.Resource.ID, e.Resource.Name = text(t, "id"), text(t, "displayName")
			return
		}
	}
	if role := text(debug, "privilegeGranted"); role != "" {
		e.Resource.Name = role
		return
	}
	e.Resource.ID, e.Resource.Name = e.App.ID, e.App.Name
}

// oktaConsent sets the application that a user lets in, which Okta calls a
// client where it is none of its own, and the scopes as the resource.
func oktaConsent(e *event.Event, targets []*fastjson.Value, debug *fastjson.Value) {
	var scopes []string
	for _, t := range targets {
		switch kind := text(t, "type"); {
		case containsFold(kind, "scope"):
			scopes = append(scopes, text(t, "displayName"))
		case e.App == event.App{} && containsFold(kind, "client"):
			e.App.ID, e.App.Name = text(t, "id"), text(t, "displayName")
		}
	}
	e.Resource.Name = cleanText([]byte(strings.Join(scopes, " ")))
	if e.Resource.Name == "" {
		e.Resource.Name = firstText(debug, "grantedScopes", "requestedScopes")
	}
}

// oktaAuth sets how the user proved who they are.
func oktaAuth(e *event.Event, debug, login *fastjson.Value, targets []*fastjson.Value) {
	for _, method := range [...]string{
		text(debug, "factor"), text(login, "credentialType"), text(login, "credentialProvider"),
	} {
		if factor := oktaFactor(method); factor != event.FactorNone {
			e.Auth.Method, e.Auth.Factor = lower(method), factor
			break
		}
	}
	if used := oktaTarget(targets, "AuthenticatorEnrollment").Get("detailEntry"); used != nil {
		if strings.Contains(text(used, "methodUsedVerifiedProperties"), "PHISHING_RESISTANT") {
			e.Auth.Factor = event.FactorStrong
		}
		if e.Auth.Method == "" {
			e.Auth.Method = lower(text(used, "methodTypeUsed"))
		}
	}
	switch e.Action {
	case event.MFAChallenge:
		if e.Auth.Factor == event.FactorNone && strings.HasPrefix(e.Code, "system.push.") {
			e.Auth.Method, e.Auth.Factor = "okta_verify_push", event.FactorPush
		}
	case event.SignIn:
		e.Auth.Protocol = oktaProtocols[e.Code]
	case event.TokenIssue:
		grant := text(debug, "grantType")
		switch {
		case strings.HasSuffix(grant, "device_code"):
			e.Auth.Protocol = "deviceCode"
		case grant == "refresh_token":
			e.Action = event.TokenRefresh
		default:
			e.Auth.Protocol = lower(grant)
		}
	case event.MFAVerify:
		// Okta logs the verification of a password like that of a second
		// factor; the sign-in itself has its own event.
		if e.Auth.Factor == event.FactorPassword && e.Code == "user.authentication.auth_via_mfa" {
			e.Action = event.Other
		}
	}
}
