package simulate

import (
	"github.com/riskstream/riskstream/event"
)

// keycloakEvent is what Keycloak calls an action.
type keycloakEvent struct{ kind, failure string }

var keycloakEvents = [...]keycloakEvent{
	keycloakSignIn:      {"LOGIN", ""},
	keycloakBadPassword: {"LOGIN_ERROR", "invalid_user_credentials"},
	keycloakToken:       {"CODE_TO_TOKEN", ""},
	keycloakRefresh:     {"REFRESH_TOKEN", ""},
	keycloakSignOut:     {"LOGOUT", ""},
	keycloakService:     {"CLIENT_LOGIN", ""},
}

// appendKeycloak writes an event as an event listener sends it: it says neither
// where the address is nor what device was used, and after the sign-in itself
// not even the user's name: Directory joins the id to it.
func (c *scribe) appendKeycloak(b []byte, s *step) []byte {
	e := &keycloakEvents[s.do]
	session := uuidOf(saltSession, s.session)
	w := event.NewWriter(append(b, '{'))
	w.Text("id", c.newID())
	w.Int("time", int64(s.at))
	w.Text("type", e.kind)
	w.Text("realmId", uuidOf(c.seed, saltTenant, saltKeycloak))
	w.Text("realmName", "corp")
	if s.service != nil {
		w.Text("clientId", s.service.client)
		w.Text("userId", s.service.id)
	} else {
		w.Text("clientId", "developer-portal")
		w.Text("userId", s.p.keycloak)
	}
	if e.failure == "" && s.service == nil {
		w.Text("sessionId", session)
	} else {
		null(w, "sessionId")
	}
	w.Text("ipAddress", s.from.address(s.host, s.mark()^s.rotation).String())
	if e.failure == "" {
		null(w, "error")
	}
	w.Text("error", e.failure)
	w.Object("details", func() { c.keycloakDetails(w, s, session) })
	return append(w.Bytes(), '}')
}

func (c *scribe) keycloakDetails(w *event.Writer, s *step, session string) {
	switch s.do {
	case keycloakService:
		w.Text("grant_type", "client_credentials")
		w.Text("client_auth_method", "client-secret")
		w.Text("username", "service-account-"+s.service.client)
	case keycloakSignIn, keycloakBadPassword:
		w.Text("auth_method", "openid-connect")
		w.Text("auth_type", "code")
		w.Text("redirect_uri", "https://portal.corp.example/callback")
		w.Text("code_id", session)
		w.Text("username", s.p.email)
	case keycloakToken:
		w.Text("grant_type", "authorization_code")
		w.Text("code_id", session)
		w.Text("token_id", uuid(c.ids.Uint64(), c.ids.Uint64()))
		w.Text("scope", "openid email profile")
	case keycloakRefresh:
		w.Text("grant_type", "refresh_token")
		w.Text("refresh_token_type", "Refresh")
		w.Text("token_id", uuid(c.ids.Uint64(), c.ids.Uint64()))
		w.Text("scope", "openid email profile")
	case keycloakSignOut:
		w.Text("redirect_uri", "https://portal.corp.example/")
	}
}
