package ingest

import (
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// isECS recognises an event in the Elastic Common Schema: a time, something
// that happened and somebody or somewhere it came from. A log line that a
// shipper wrapped has the shipper's fields only, and is no such event.
func isECS(v *fastjson.Value) bool {
	if v.Type() != fastjson.TypeObject || !v.Exists("@timestamp") {
		return false
	}
	happened := field(v, "event.action") != nil || field(v, "event.outcome") != nil || field(v, "event.category") != nil
	return happened && (field(v, "user.name") != nil || field(v, "user.id") != nil || field(v, "user.email") != nil ||
		field(v, "source.ip") != nil || field(v, "client.ip") != nil)
}

// parseECS reads an event in the Elastic Common Schema, its fields nested or
// flat with dotted names.
func parseECS(v *fastjson.Value, out []event.Event) ([]event.Event, error) {
	e := event.Event{
		Time:    instant(field(v, "@timestamp")),
		ID:      fieldText(v, "event.id"),
		Code:    fieldText(v, "event.code"),
		Session: event.Session{ID: known(fieldText(v, "session.id"))},
		App: event.App{
			ID:   firstField(v, "app.id", "service.id"),
			Name: firstField(v, "app.name", "service.name"),
		},
		Resource: event.Resource{ID: fieldText(v, "resource.id"), Name: fieldText(v, "resource.name")},
		Device: event.Device{
			ID:        known(fieldText(v, "device.id")),
			Managed:   flag(field(v, "device.managed")),
			Compliant: flag(field(v, "device.compliant")),
		},
		UserAgent: event.UserAgent{
			Original: fieldText(v, "user_agent.original"),
			Name:     fieldText(v, "user_agent.name"),
			Version:  fieldText(v, "user_agent.version"),
			OS:       fieldText(v, "user_agent.os.name"),
		},
		Source: ecsSource(v),
	}
	action := fieldText(v, "event.action")
	if e.Code == "" {
		e.Code = action
	}
	e.Action = ecsAction(v, action)
	e.Outcome = ecsOutcome(v, action)
	if e.Outcome != event.Success {
		e.Reason = reasonOf(fieldText(v, "event.reason"))
	}
	e.Auth.Protocol = fieldText(v, "auth.protocol")
	e.Auth.Method = lower(fieldText(v, "auth.method"))
	e.Auth.Factor = factorOf(e.Auth.Method)

	e.User = ecsUser(v, "user.")
	if target := ecsUser(v, "user.target."); ofTarget(e.Action) && (target.ID != "" || target.Name != "" || target.Email != "") {
		initiator := e.User
		if e.User = sameAccount(initiator, target); e.User != initiator {
			e.Source, e.UserAgent = event.Source{}, event.UserAgent{} // the initiator's
		}
	}
	return append(out, e), nil
}

// ecsUser reads the user fields behind a prefix.
func ecsUser(v *fastjson.Value, prefix string) event.User {
	u := event.User{
		ID:       known(fieldText(v, prefix+"id")),
		Name:     known(fieldText(v, prefix+"name")),
		Email:    fieldText(v, prefix+"email"),
		FullName: fieldText(v, prefix+"full_name"),
	}
	switch kind := event.UserKind(fieldText(v, prefix+"kind")); kind {
	case event.Human, event.Service:
		u.Kind = kind
	}
	return u
}

// ecsSource reads source.*, or client.* where a proxy reports both ends and
// leaves the source out. The two are never mixed.
func ecsSource(v *fastjson.Value) event.Source {
	side := "source."
	if fieldText(v, "source.ip") == "" && fieldText(v, "client.ip") != "" {
		side = "client."
	}
	s := event.Source{
		IP: parseAddress(fieldText(v, side+"ip")),
		AS: event.AS{
			Number:       asNumber(field(v, side+"as.number")),
			Organization: fieldText(v, side+"as.organization.name"),
		},
		Geo: event.Geo{
			Country: country(fieldText(v, side+"geo.country_iso_code")),
			City:    known(fieldText(v, side+"geo.city_name")),
		},
	}
	if s.Geo.Country == "" {
		s.Geo.Country = country(fieldText(v, side+"geo.country_name"))
	}
	ecsLocation(&s.Geo, v, side+"geo.location")
	return s
}

// ecsLocation reads a point as an object or, as in GeoJSON, as [lon, lat].
func ecsLocation(geo *event.Geo, v *fastjson.Value, name string) {
	lat, lon := field(v, name+".lat"), field(v, name+".lon")
	if pair := fieldOf(v, name).GetArray(); len(pair) == 2 {
		lat, lon = pair[1], pair[0]
	}
	degreesNorth, okNorth := number(lat)
	degreesEast, okEast := number(lon)
	if okNorth && okEast {
		located(geo, degreesNorth, degreesEast)
	}
}

// ecsActions are common values of event.action, in lower case without
// separators, and what they are here.
var ecsActions = map[string]event.Action{
	"login": event.SignIn, "logon": event.SignIn, "loggedin": event.SignIn, "loggedon": event.SignIn,
	"userlogin": event.SignIn, "userlogon": event.SignIn, "userloggedin": event.SignIn, "usersignin": event.SignIn,
	"signin": event.SignIn, "signedin": event.SignIn, "sshlogin": event.SignIn,
	"authentication": event.SignIn, "authenticated": event.SignIn, "userauthentication": event.SignIn,
	"auth": event.SignIn, "sessionstart": event.SignIn, "usersessionstart": event.SignIn, "consolelogin": event.SignIn,

	"logout": event.SignOut, "logoff": event.SignOut, "loggedout": event.SignOut, "loggedoff": event.SignOut,
	"userlogout": event.SignOut, "signout": event.SignOut, "signedout": event.SignOut, "usersignout": event.SignOut,
	"sessionend": event.SignOut, "usersessionend": event.SignOut,

	"mfa": event.MFAVerify, "mfaverify": event.MFAVerify, "mfaverification": event.MFAVerify,
	"mfaauthentication": event.MFAVerify, "userauthenticationauthviamfa": event.MFAVerify,
	"secondfactor": event.MFAVerify, "mfachallenge": event.MFAChallenge,

	"tokenissue": event.TokenIssue, "tokenissued": event.TokenIssue,
	"tokenrefresh": event.TokenRefresh, "tokenrefreshed": event.TokenRefresh, "refreshtoken": event.TokenRefresh,

	"changepassword": event.CredentialChange, "changedpassword": event.CredentialChange,
	"passwordchange": event.CredentialChange, "passwordchanged": event.CredentialChange,
	"userpasswordchange": event.CredentialChange,
	"resetpassword":      event.PasswordReset, "passwordreset": event.PasswordReset, "userpasswordreset": event.PasswordReset,

	"addeduseraccount": event.AccountCreate, "createuser": event.AccountCreate, "usercreated": event.AccountCreate,
	"usercreate":          event.AccountCreate,
	"disableduseraccount": event.AccountDisable, "disableuser": event.AccountDisable, "userdisabled": event.AccountDisable,
	"lockedoutuseraccount": event.AccountLock, "accountlocked": event.AccountLock, "userlocked": event.AccountLock,
	"accountlockout": event.AccountLock,
}

// ecsAction is what event.action says: one of the contract's actions or a
// common word for one, with or without the result at its end. Without a known
// word, an authentication that starts or ends is a sign-in or sign-out.
func ecsAction(v *fastjson.Value, action string) event.Action {
	if slices.Contains(event.Actions[:], event.Action(action)) {
		return event.Action(action)
	}
	word := squeeze(action)
	if known, ok := ecsActions[word]; ok {
		return known
	}
	for _, result := range [...]string{"succeeded", "successful", "success", "failed", "failure", "denied"} {
		if bare, ok := strings.CutSuffix(word, result); ok {
			if known, ok := ecsActions[bare]; ok {
				return known
			}
		}
	}
	if !fieldHas(v, "event.category", "authentication") {
		return event.Other
	}
	switch {
	case fieldHas(v, "event.type", "start"):
		return event.SignIn
	case fieldHas(v, "event.type", "end"):
		return event.SignOut
	case action == "":
		return event.SignIn
	}
	return event.Other
}

// ecsOutcome is event.outcome; where that is absent, the end of the action's
// name, such as login_failed, tells it.
func ecsOutcome(v *fastjson.Value, action string) event.Outcome {
	switch lower(fieldText(v, "event.outcome")) {
	case "success", "succeeded":
		return event.Success
	case "failure", "failed":
		return event.Failure
	case "":
		word := squeeze(action)
		switch {
		case strings.HasSuffix(word, "failed"), strings.HasSuffix(word, "failure"), strings.HasSuffix(word, "denied"):
			return event.Failure
		case strings.HasSuffix(word, "success"), strings.HasSuffix(word, "successful"), strings.HasSuffix(word, "succeeded"):
			return event.Success
		}
	}
	return event.OutcomeUnknown
}

// squeeze is the lower-case word without separators, so that logged-in,
// logged_in and LoggedIn are one.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '_', '.', ':', '/':
			return -1
		}
		return r
	}, lower(s))
}
