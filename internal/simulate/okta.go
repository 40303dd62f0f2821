package simulate

import (
	"net/netip"

	"github.com/riskstream/riskstream/event"
)

// oktaEvent is what Okta calls an action.
type oktaEvent struct {
	code, legacy, message, severity string
	result, reason                  string
	uri                             string
}

var oktaEvents = [...]oktaEvent{
	oktaSignIn:      {"user.session.start", "core.user_auth.login_success", "User login to Okta", "INFO", "SUCCESS", "", "/idp/idx/challenge/answer"},
	oktaBadPassword: {"user.session.start", "core.user_auth.login_failed", "User login to Okta", "WARN", "FAILURE", "INVALID_CREDENTIALS", "/idp/idx/identify"},
	oktaVerify:      {"user.authentication.auth_via_mfa", "core.user.factor.attempt_success", "Authentication of user via MFA", "INFO", "SUCCESS", "", "/idp/idx/authenticators/poll"},
	oktaPush:        {"system.push.send_factor_verify_push", "core.user.factor.verify_push", "Send push verify notification", "INFO", "SUCCESS", "", "/idp/idx/challenge"},
	oktaPushDenied:  {"user.mfa.okta_verify.deny_push", "core.user.mfa.okta_verify.deny_push", "User rejected Okta push verify", "WARN", "FAILURE", "User rejected Okta push verify", "/idp/idx/authenticators/poll"},
	oktaEnroll:      {"user.mfa.factor.activate", "core.user.factor.activate", "Enroll an authenticator", "INFO", "SUCCESS", "User set up OKTA_VERIFY_PUSH factor", "/idp/idx/credential/enroll"},
	oktaReset:       {"user.account.reset_password", "core.user.config.password_reset.success", "Fired when the user's Okta password is reset", "INFO", "SUCCESS", "", "/idp/idx/recover"},
	oktaOpen:        {"user.authentication.sso", "core.user_auth.authenticate", "User single sign on to app", "INFO", "SUCCESS", "", "/app/sso/saml"},
}

// appendOkta writes a System Log event as Okta's API and log stream give it:
// about 2 KB, and as in life mostly what no detector asks for.
func (c *scribe) appendOkta(b []byte, s *step) []byte {
	e := &oktaEvents[s.do]
	ip := s.from.address(s.host, s.mark()^s.rotation)
	request := hexOf(c.ids.Uint64(), 32)
	w := event.NewWriter(append(b, '{'))
	w.Object("actor", func() {
		w.Text("id", s.p.okta)
		w.Text("type", "User")
		w.Text("alternateId", s.p.email)
		w.Text("displayName", s.p.name)
		null(w, "detailEntry")
	})
	w.Object("client", func() { oktaClient(w, s, ip) })
	oktaDevice(w, s)
	w.Object("authenticationContext", func() { oktaContext(w, s) })
	w.Text("displayMessage", e.message)
	w.Text("eventType", e.code)
	w.Object("outcome", func() {
		w.Text("result", e.result)
		if e.reason == "" {
			null(w, "reason")
		}
		w.Text("reason", e.reason)
	})
	w.Time("published", s.at)
	w.Object("securityContext", func() {
		w.Int("asNumber", int64(s.from.asn))
		w.Text("asOrg", s.from.org)
		w.Text("isp", s.from.org)
		w.Text("domain", "net.example")
		w.Flag("isProxy", event.FlagOf(s.from.proxy))
	})
	w.Text("severity", e.severity)
	w.Object("debugContext", func() { w.Object("debugData", func() { c.oktaDebug(w, s, e, request) }) })
	w.Text("legacyEventType", e.legacy)
	w.Object("transaction", func() {
		w.Text("type", "WEB")
		w.Text("id", request)
		w.Key("detail")
		w.Raw("{}")
	})
	w.Text("uuid", c.newID())
	w.Text("version", "0")
	w.Object("request", func() {
		w.Key("ipChain")
		w.Raw("[{")
		w.Text("ip", ip.String())
		oktaPlace(w, s.from)
		w.Text("version", version(ip))
		null(w, "source")
		w.Raw("}]")
	})
	oktaTargets(w, s)
	return append(w.Bytes(), '}')
}

func oktaClient(w *event.Writer, s *step, ip netip.Addr) {
	w.Object("userAgent", func() {
		w.Text("rawUserAgent", s.device.agent(s.at))
		w.Text("os", s.device.software.os)
		w.Text("browser", s.device.software.browser)
	})
	w.Text("zone", "null")
	w.Text("device", s.device.software.kind)
	null(w, "id")
	w.Text("ipAddress", ip.String())
	oktaPlace(w, s.from)
}

func oktaPlace(w *event.Writer, n *network) {
	w.Object("geographicalContext", func() {
		w.Text("city", n.city)
		null(w, "state")
		w.Text("country", n.land)
		null(w, "postalCode")
		w.Object("geolocation", func() {
			w.Fixed("lat", n.lat, 4)
			w.Fixed("lon", n.lon, 4)
		})
	})
}

// oktaDevice is the registered device; Okta says null for any other.
func oktaDevice(w *event.Writer, s *step) {
	d := s.device
	if d.id == "" {
		null(w, "device")
		return
	}
	w.Object("device", func() {
		w.Text("id", d.id)
		w.Text("name", d.name)
		w.Text("os_platform", d.software.platform)
		w.Flag("managed", event.FlagOf(d.managed))
		w.Flag("registered", event.True)
		null(w, "device_integrator")
	})
}

func oktaContext(w *event.Writer, s *step) {
	null(w, "authenticationProvider")
	switch s.do {
	case oktaVerify, oktaPush, oktaPushDenied:
		w.Text("credentialProvider", s.p.factor.provider)
		w.Text("credentialType", s.p.factor.credential)
	case oktaSignIn, oktaBadPassword:
		null(w, "credentialProvider")
		w.Text("credentialType", "PASSWORD")
	}
	null(w, "issuer")
	null(w, "interface")
	w.Int("authenticationStep", 0)
	if s.do == oktaBadPassword { // no session came of it
		w.Text("externalSessionId", "unknown")
		return
	}
	session := base62("idx", s.session, 21)
	w.Text("rootSessionId", session)
	w.Text("externalSessionId", session)
}

func (c *scribe) oktaDebug(w *event.Writer, s *step, e *oktaEvent, request string) {
	w.Text("authnRequestId", hexOf(c.ids.Uint64(), 32))
	if s.do == oktaVerify || s.do == oktaPush || s.do == oktaPushDenied {
		w.Text("factor", s.p.factor.name)
	}
	w.Text("deviceFingerprint", hexOf(s.device.mark, 32))
	w.Text("dtHash", hexOf(cookieOf(s), 64))
	w.Text("oktaUserAgentExtended", "okta-auth-js/7.8.1 okta-signin-widget-7.25.0")
	w.Text("origin", "https://corp.okta.example")
	if s.device.strange {
		w.Text("risk", "{reasons=Anomalous Device, level=MEDIUM}")
	} else {
		w.Text("risk", "{level=LOW}")
	}
	w.Text("requestId", request)
	w.Text("requestUri", e.uri)
	w.Text("threatSuspected", "false")
	w.Text("traceId", uuid(c.ids.Uint64(), c.ids.Uint64()))
	w.Text("url", e.uri+"?")
}

func oktaTargets(w *event.Writer, s *step) {
	w.Key("target")
	w.Raw("[")
	switch s.do {
	case oktaSignIn, oktaBadPassword:
		oktaTarget(w, base62("lae", mix(saltOkta, s.p.number), 17), "AuthenticatorEnrollment", "unknown", "Password")
		w.Raw(",")
		oktaTarget(w, base62("0oa", saltApp, 17), "AppInstance", "Okta Dashboard", "Okta Dashboard")
	case oktaOpen:
		a := &apps[s.app]
		oktaTarget(w, a.okta, "AppInstance", a.name, a.name)
		w.Raw(",")
		oktaTarget(w, base62("0ua", mix(saltApp, s.p.number, uint64(s.app)), 17), "AppUser", s.p.email, s.p.name)
	default:
		oktaTarget(w, s.p.okta, "User", s.p.email, s.p.name)
		w.Raw(",")
		oktaTarget(w, base62("pfd", mix(saltOkta, s.p.number), 17), "AuthenticatorEnrollment", "unknown", s.p.factor.label)
	}
	w.Raw("]")
}

func oktaTarget(w *event.Writer, id, kind, alternate, name string) {
	w.Raw("{")
	w.Text("id", id)
	w.Text("type", kind)
	w.Text("alternateId", alternate)
	w.Text("displayName", name)
	null(w, "detailEntry")
	w.Raw("}")
}

func version(ip netip.Addr) string {
	if ip.Is4() {
		return "V4"
	}
	return "V6"
}

// null writes a member that the provider writes as null.
func null(w *event.Writer, name string) {
	w.Key(name)
	w.Raw("null")
}
