package ingest

import (
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// keycloak reads Keycloak's events in the shapes in which they leave it: the
// JSON of an event listener (user and admin events), the server's log line
// type=…, realmId=…, and JSON logs whose message is such a line.
func keycloak() format {
	return format{name: "keycloak", recognise: isKeycloak, parse: parseKeycloak}
}

func isKeycloak(v *fastjson.Value) bool {
	if v.Type() == fastjson.TypeObject {
		realm := v.Exists("realmId") || v.Exists("realmName")
		if realm && v.Exists("time") && (v.Exists("type") || isKeycloakAdmin(v)) {
			return true
		}
	}
	return keycloakLine(v) != nil
}

func isKeycloakAdmin(v *fastjson.Value) bool {
	return v.Exists("operationType") && v.Exists("resourceType")
}

func parseKeycloak(v *fastjson.Value, out []event.Event) ([]event.Event, error) {
	if raw := keycloakLine(v); raw != nil {
		line := parseKeycloakLine(raw)
		at, err := keycloakTime(v, line)
		if err != nil {
			return out, err
		}
		return append(out, keycloakEvent(&line, at)), nil
	}
	at := instant(v, "time")
	if isKeycloakAdmin(v) {
		return append(out, keycloakAdmin(v, at)), nil
	}
	return append(out, keycloakEvent(keycloakJSON{v}, at)), nil
}

// keycloakFields are an event's own fields and its details, which share names
// with none of them.
type keycloakFields interface{ get(name string) string }

// keycloakJSON is the event of a listener.
type keycloakJSON struct{ v *fastjson.Value }

func (k keycloakJSON) get(name string) string {
	if s := text(k.v, name); s != "" {
		return s
	}
	return text(k.v, "details", name)
}

func keycloakEvent(k keycloakFields, at event.Time) event.Event {
	code := k.get("type")
	failed := strings.HasSuffix(code, "_ERROR")
	kind := strings.TrimSuffix(code, "_ERROR")
	e := event.Event{
		Time:    at,
		ID:      k.get("id"),
		Code:    code,
		Action:  keycloakAction(kind, failed, k.get("credential_type")),
		Outcome: event.Success,
		User:    keycloakUser(k, kind),
		App:     event.App{ID: k.get("clientId"), Name: k.get("clientId")},
		Auth:    event.Auth{Protocol: lower(k.get("auth_method"))},
	}
	e.Source.IP = parseAddress(k.get("ipAddress"))
	e.Session.ID = firstNonEmpty(k.get("sessionId"), k.get("code_id"))

	switch why := k.get("error"); {
	case e.Action == event.AccountLock: // the lock took place, whatever error caused it
	case failed || why != "":
		e.Outcome, e.Reason = event.Failure, keycloakReason(why, k.get("credential_type"))
		if e.Reason == event.Interrupted {
			e.Outcome = event.OutcomeUnknown
		}
		if e.User.Kind == event.Human && e.User.ID == "" && e.User.Name != "" {
			// The name that was typed led to no account.
			eraseUser(&e.User)
			if e.Action == event.SignIn && e.Outcome == event.Failure {
				e.Reason = event.UnknownUser
			}
		}
	}
	switch {
	case kind == "IMPERSONATE":
		// An administrator takes the user's place: it is the administrator
		// who acts, and the user who is reached.
		e.Resource = event.Resource{ID: e.User.ID, Name: e.User.Name}
		e.User = keycloakPerson("", k.get("impersonator"), "")
	case strings.HasPrefix(kind, "OAUTH2_DEVICE_"):
		e.Auth.Protocol = "deviceCode"
	case e.Action == event.SignIn:
		e.Auth.Method, e.Auth.Factor = keycloakFactor(k)
	case e.Action == event.MFAEnroll || e.Action == event.MFARemove || e.Action == event.CredentialChange:
		e.Resource.Name = k.get("credential_type")
	}
	return e
}

func firstNonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func keycloakUser(k keycloakFields, kind string) event.User {
	u := keycloakPerson(k.get("userId"), k.get("username"), k.get("email"))
	if kind == "CLIENT_LOGIN" || strings.HasPrefix(u.Name, "service-account-") {
		u.Kind = event.Service
		if u.ID == "" && u.Name == "" {
			u.Name = k.get("clientId")
		}
	}
	return u
}

func keycloakPerson(id, name, email string) event.User {
	u := event.User{ID: known(id), Name: known(name), Kind: event.Human}
	switch {
	case isEmail(email):
		u.Email = email
	case isEmail(name):
		u.Email = name
	}
	return u
}

// keycloakFactor is what the user signed in with, where the event says so.
func keycloakFactor(k keycloakFields) (method string, factor event.Factor) {
	if k.get("x509_cert_serial_number") != "" {
		return "x509", event.FactorStrong
	}
	method = lower(k.get("credential_type"))
	switch {
	case strings.HasPrefix(method, "webauthn"):
		factor = event.FactorStrong
	case strings.Contains(method, "otp"), strings.HasPrefix(method, "recovery"):
		factor = event.FactorOTP
	case method == "password":
		factor = event.FactorPassword
	}
	return method, factor
}

// keycloakAdmin reads what an administrator did.
func keycloakAdmin(v *fastjson.Value, at event.Time) event.Event {
	operation, resource := text(v, "operationType"), text(v, "resourceType")
	path := text(v, "resourcePath")
	by := v.Get("authDetails")
	e := event.Event{
		Time:     at,
		ID:       text(v, "id"),
		Code:     operation + " " + resource,
		Action:   keycloakAdminAction(operation, resource, path),
		Outcome:  event.Success,
		User:     keycloakPerson(text(by, "userId"), text(by, "username"), ""),
		App:      event.App{ID: text(by, "clientId"), Name: text(by, "clientId")},
		Resource: event.Resource{ID: path, Name: resource},
	}
	if text(v, "error") != "" {
		e.Outcome, e.Reason = event.Failure, event.OtherReason
	}
	if target := keycloakTarget(path); target != "" && target != e.User.ID && ofTarget(e.Action) {
		e.User = keycloakPerson(target, "", "") // from the administrator's place, not the user's
		return e
	}
	e.Source.IP = address(by, "ipAddress")
	return e
}

// keycloakTarget is the id of the user that a path such as
// users/<id>/reset-password is about, or "".
func keycloakTarget(path string) string {
	rest, ok := strings.CutPrefix(path, "users/")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}
