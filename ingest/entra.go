package ingest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// entraServiceCategories are the Azure Monitor categories of workloads' sign-ins.
var entraServiceCategories = []string{
	"ServicePrincipalSignInLogs", "MicrosoftServicePrincipalSignInLogs", "ManagedIdentitySignInLogs",
}

// entraCategories are the Azure Monitor categories that parseEntra reads.
var entraCategories = append([]string{
	"SignInLogs", "NonInteractiveUserSignInLogs", "ADFSSignInLogs", "AuditLogs",
	"UserRiskEvents", "RiskyUsers", "ServicePrincipalRiskEvents", "RiskyServicePrincipals",
}, entraServiceCategories...)

// isEntra recognises Microsoft Entra's records: as Azure Monitor sends them,
// with the record proper under properties, and as Microsoft Graph returns them.
func isEntra(v *fastjson.Value) bool {
	if v.Type() != fastjson.TypeObject {
		return false
	}
	properties := v.Get("properties")
	if properties == nil {
		return entraKindOf(v) != entraNone
	}
	return slices.Contains(entraCategories, text(v, "category")) || entraKindOf(properties) != entraNone
}

// entraKind is what a record of Entra tells.
type entraKind int

const (
	entraNone entraKind = iota
	entraSignInRecord
	entraAuditRecord
	entraRiskRecord  // one risk detection
	entraRiskyRecord // the state of a risky user or workload
)

// entraKindOf tells the kind of a record from its keys, which differ between
// the kinds; the names of categories vary more than they do.
func entraKindOf(p *fastjson.Value) entraKind {
	switch {
	case p.Exists("riskEventType") && (p.Exists("activityDateTime") || p.Exists("detectedDateTime")):
		return entraRiskRecord
	case p.Exists("riskLastUpdatedDateTime") && p.Exists("riskState"):
		return entraRiskyRecord
	case p.Exists("activityDateTime") && (p.Exists("initiatedBy") || p.Exists("targetResources")):
		return entraAuditRecord
	case (p.Exists("userPrincipalName") || p.Exists("userId") || p.Exists("servicePrincipalId")) &&
		(p.Exists("appId") || p.Exists("appDisplayName")) &&
		(p.Exists("createdDateTime") || p.Exists("conditionalAccessStatus") || p.Exists("isInteractive")):
		return entraSignInRecord
	}
	return entraNone
}

// parseEntra reads one record: a sign-in, an audited activity or a risk.
func parseEntra(v *fastjson.Value, out []event.Event) ([]event.Event, error) {
	category := text(v, "category")
	p := v
	if v.Exists("properties") {
		if p = object(v, "properties"); p == nil {
			return out, fmt.Errorf("properties is no JSON object")
		}
	}
	kind := entraKindOf(p)
	if kind == entraNone {
		switch {
		case category == "AuditLogs":
			kind = entraAuditRecord
		case strings.HasSuffix(category, "SignInLogs"):
			kind = entraSignInRecord
		}
	}
	switch kind {
	case entraSignInRecord:
		return append(out, entraSignIn(v, p, category)), nil
	case entraAuditRecord:
		return append(out, entraAudit(v, p)), nil
	case entraRiskRecord, entraRiskyRecord:
		return append(out, entraRiskEvent(v, p, kind)), nil
	default:
		return out, fmt.Errorf("category %q is neither sign-in, audit nor risk: leave it out of the diagnostic setting", category)
	}
}

// entraSignIn reads a sign-in. v is the envelope, or p itself where there is
// none; it only fills what p leaves open.
func entraSignIn(v, p *fastjson.Value, category string) event.Event {
	status := object(p, "status")
	e := event.Event{
		Time:    entraTime(v, p, "createdDateTime", "activityDateTime"),
		ID:      text(p, "id"),
		Source:  entraSource(v, p),
		Session: event.Session{ID: known(text(p, "sessionId"))},
		App:     event.App{ID: known(text(p, "appId")), Name: text(p, "appDisplayName")},
		IDPRisk: entraRisk(p, "riskLevelDuringSignIn"),
		Resource: event.Resource{
			ID: known(text(p, "resourceId")), Name: text(p, "resourceDisplayName"),
		},
	}
	entraResult(&e, v, p, status)
	e.Auth = entraAuth(p, status, e.Outcome == event.Failure)
	entraDevice(&e, p)

	if entraIsService(p, category) {
		e.Action = event.SignIn
		e.User = entraService(firstText(p, "servicePrincipalId", "appId"), firstText(p, "servicePrincipalName", "appDisplayName"))
		return e
	}
	e.User = entraUser(text(p, "userId"), text(p, "userPrincipalName"), text(p, "userDisplayName"))
	if e.User.FullName == "" {
		e.User.FullName = text(v, "identity")
	}
	e.Action = event.TokenRefresh
	if entraInteractive(p, category) || entraPasswordPresented(&e) {
		e.Action = event.SignIn
	}
	return e
}

// entraTime is the first of the record's own times, else the envelope's, which
// is when it was sent: minutes later.
func entraTime(v, p *fastjson.Value, names ...string) event.Time {
	if t := firstInstant(p, names...); t != 0 {
		return t
	}
	return firstInstant(v, "time")
}

// entraUser is a person. The UPN also stands as e-mail: it is the name under
// which the other logs of an organisation know the same person.
func entraUser(id, upn, fullName string) event.User {
	upn = entraGuest(upn)
	u := event.User{ID: known(id), Name: upn, FullName: fullName, Kind: event.Human}
	if isEmail(upn) {
		u.Email = upn
	}
	return u
}

// entraService is a workload. Its subject is its id, even if somebody named it
// like a user.
func entraService(id, name string) event.User {
	u := event.User{ID: known(id), Name: name, Kind: event.Service}
	if u.ID != "" {
		u.Subject = "entra:" + u.ID
	}
	return u
}

// entraGuest undoes the UPN that Entra makes for a guest from the guest's own
// address, ana_partner.example#EXT#@corp.onmicrosoft.com, so that it meets the
// address that the guest's sign-ins carry.
func entraGuest(upn string) string {
	const mark = "#ext#@"
	for i := range upn {
		if i+len(mark) <= len(upn) && strings.EqualFold(upn[i:i+len(mark)], mark) {
			if at := strings.LastIndexByte(upn[:i], '_'); at > 0 {
				return upn[:at] + "@" + upn[at+1:i]
			}
			return upn
		}
	}
	return upn
}

// entraIsService tells workloads from people.
func entraIsService(p *fastjson.Value, category string) bool {
	if slices.Contains(entraServiceCategories, category) {
		return true
	}
	return category == "" && known(text(p, "userId")) == "" && text(p, "userPrincipalName") == "" &&
		text(p, "servicePrincipalId") != ""
}

// entraInteractive reports whether a person took part. The category says so;
// records of Microsoft Graph have none, but flags of their own.
func entraInteractive(p *fastjson.Value, category string) bool {
	switch category {
	case "SignInLogs", "ADFSSignInLogs":
		return true
	case "NonInteractiveUserSignInLogs":
		return false
	}
	for _, kind := range p.GetArray("signInEventTypes") {
		switch text(kind) {
		case "interactiveUser":
			return true
		case "nonInteractiveUser":
			return false
		}
	}
	return flag(p, "isInteractive") != event.False
}

// entraPasswordPresented reports whether a non-interactive record is a sign-in
// all the same: its client sent a password instead of a token. Password spray
// by the ropc grant is logged there and nowhere else.
func entraPasswordPresented(e *event.Event) bool {
	return e.Auth.Protocol == "ropc" || e.Reason == event.BadCredentials || e.Reason == event.UnknownUser
}

// entraResult sets code, outcome and reason from the error code. A step of
// authenticationDetails that has not succeeded (yet) is no result.
func entraResult(e *event.Event, v, p, status *fastjson.Value) {
	e.Code = text(status, "errorCode")
	if e.Code == "" {
		e.Code = firstText(v, "resultType", "resulttype")
	}
	switch {
	case e.Code == "0" || strings.EqualFold(e.Code, "success"):
		e.Outcome = event.Success
	case e.Code != "":
		e.Outcome, e.Reason = event.Failure, entraReason(e.Code, func() string { return entraDetail(v, p, status) })
	case strings.EqualFold(firstText(v, "resultSignature", "resultsignature"), "success"):
		e.Outcome = event.Success
	case strings.EqualFold(firstText(v, "resultSignature", "resultsignature"), "failure"):
		e.Outcome, e.Reason = event.Failure, event.OtherReason
	default:
		e.Outcome = event.OutcomeUnknown
	}
	if e.Reason == event.Interrupted {
		e.Outcome = event.OutcomeUnknown
	}
}

// entraDetail is all that a record says in words about its result.
func entraDetail(v, p, status *fastjson.Value) string {
	words := []string{
		text(status, "additionalDetails"), text(status, "failureReason"),
		firstText(v, "resultDescription", "resultdescription"),
	}
	for _, step := range entraSteps(p) {
		words = append(words, text(step, "authenticationStepResultDetail"))
	}
	return strings.Join(words, "; ")
}

// entraSource is where the request came from.
func entraSource(v, p *fastjson.Value) event.Source {
	s := event.Source{IP: address(p, "ipAddress")}
	if !s.IP.IsValid() {
		s.IP = parseAddress(firstText(v, "callerIpAddress", "calleripaddress"))
	}
	s.AS.Number = asNumber(p, "autonomousSystemNumber")
	location := object(p, "location")
	s.Geo.Country = country(text(location, "countryOrRegion"))
	s.Geo.City = known(text(location, "city"))
	if s.Geo.Country == "" && s.Geo.City == "" {
		s.Geo.Country = country(text(v, "location")) // the envelope's is a code alone
	}
	place(&s.Geo, location.Get("geoCoordinates"), "latitude", "longitude")
	return s
}

// entraDevice sets the user agent and the device. The device has an id only if
// it is registered with Entra; a flag that is absent stays unknown.
func entraDevice(e *event.Event, p *fastjson.Value) {
	e.UserAgent.Original = text(p, "userAgent")
	detail := object(p, "deviceDetail")
	e.Device = event.Device{
		ID:        known(text(detail, "deviceId")),
		Managed:   flag(detail, "isManaged"),
		Compliant: flag(detail, "isCompliant"),
	}
	if e.UserAgent.Original != "" {
		return
	}
	e.UserAgent.OS = known(text(detail, "operatingSystem"))
	e.UserAgent.Name = known(text(detail, "browser"))
	if name, version, ok := strings.Cut(e.UserAgent.Name, " "); ok && version != "" && version[0] >= '0' && version[0] <= '9' {
		e.UserAgent.Name, e.UserAgent.Version = name, version
	}
}

// entraRisk is Entra's own verdict. "hidden" means that the tenant's licence
// does not show it: absent, like none. A verdict that was dismissed, remediated
// or confirmed safe has no level any more.
func entraRisk(p *fastjson.Value, levelName string) event.IDPRisk {
	var r event.IDPRisk
	switch level := lower(text(p, levelName)); level {
	case "low", "medium", "high":
		r.Level = level
	}
	switch lower(text(p, "riskState")) {
	case "dismissed", "remediated", "confirmedsafe":
		r.Level = ""
	}
	types := p.GetArray("riskEventTypes_v2")
	if len(types) == 0 {
		types = p.GetArray("riskEventTypes")
	}
	var reasons []string
	for _, kind := range types[:min(len(types), 16)] {
		if s := text(kind); s != "" && !strings.EqualFold(s, "none") && !strings.EqualFold(s, "hidden") {
			reasons = append(reasons, s)
		}
	}
	r.Reasons = cleanText([]byte(strings.Join(reasons, ", ")))
	return r
}
