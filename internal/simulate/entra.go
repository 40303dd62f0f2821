package simulate

import (
	"strconv"

	"github.com/riskstream/riskstream/event"
)

// emitDelay is how much later than the sign-in Entra writes its record.
const emitDelay = 2*event.Minute + 17*event.Second

// entraEvent is what Entra calls an action.
type entraEvent struct {
	category string
	code     int64
	failure  string
	details  string
}

var entraEvents = [...]entraEvent{
	entraSignIn:      {"SignInLogs", 0, "Other.", "MFA requirement satisfied by claim in the token"},
	entraBadPassword: {"SignInLogs", 50126, "Error validating credentials due to invalid username or password.", "The user didn't enter the right credentials."},
	entraBadSync:     {"SignInLogs", 50126, "Error validating credentials due to invalid username or password.", "The user didn't enter the right credentials."},
	entraRefresh:     {"NonInteractiveUserSignInLogs", 0, "Other.", ""},
	entraService:     {"ServicePrincipalSignInLogs", 0, "Other.", ""},
}

// appendEntra writes one record in the envelope in which Azure Monitor sends
// logs to Event Hubs.
func (c *scribe) appendEntra(b []byte, s *step) []byte {
	e := &entraEvents[s.do]
	tenant := uuidOf(c.seed, saltTenant)
	correlation := uuid(c.ids.Uint64(), c.ids.Uint64())
	identity := "" // Entra names only people here
	if s.p != nil {
		identity = s.p.name
	}
	ip := s.from.address(s.host, s.mark()^s.rotation).String()
	w := event.NewWriter(append(b, `{"records":[{`...))
	w.Time("time", s.at+emitDelay)
	w.Text("resourceId", "/tenants/"+tenant+"/providers/Microsoft.aadiam")
	w.Text("operationName", "Sign-in activity")
	w.Text("operationVersion", "1.0")
	w.Text("category", e.category)
	w.Text("tenantId", tenant)
	w.Text("resultType", strconv.FormatInt(e.code, 10))
	w.Text("resultSignature", "None")
	if e.code != 0 {
		w.Text("resultDescription", e.failure)
	}
	w.Int("durationMs", 0)
	w.Text("callerIpAddress", ip)
	w.Text("correlationId", correlation)
	w.Text("identity", identity)
	w.Text("Level", "4")
	w.Text("location", s.from.country)
	w.Object("properties", func() {
		w.Text("id", c.newID())
		w.Text("createdDateTime", s.at.String())
		if s.service != nil {
			entraServicePrincipal(w, s.service)
		} else {
			c.entraUser(w, s)
		}
		entraApp(w, s)
		w.Text("ipAddress", ip)
		w.Int("autonomousSystemNumber", int64(s.from.asn))
		entraPlace(w, s.from)
		w.Text("correlationId", correlation)
		w.Text("uniqueTokenIdentifier", base62("", c.ids.Uint64(), 22))
		w.Object("status", func() {
			w.Int("errorCode", e.code)
			w.Text("failureReason", e.failure)
			w.Text("additionalDetails", e.details)
		})
		entraRisk(w)
		w.Text("conditionalAccessStatus", "notApplied")
		w.Key("appliedConditionalAccessPolicies")
		w.Raw("[]")
		w.Text("tenantId", tenant)
		w.Int("processingTimeInMilliseconds", 80+c.ids.Int64N(400))
	})
	return append(w.Bytes(), "}]}"...)
}

// mark is the device's, 0 for a service.
func (s *step) mark() uint64 {
	if s.device == nil {
		return 0
	}
	return s.device.mark
}

func entraServicePrincipal(w *event.Writer, s *service) {
	w.Text("servicePrincipalId", s.id)
	w.Text("servicePrincipalName", s.name)
	w.Text("appId", s.client)
	w.Text("appDisplayName", s.name)
	w.Text("clientCredentialType", "certificate")
	w.Flag("isInteractive", event.False)
}

func (c *scribe) entraUser(w *event.Writer, s *step) {
	w.Text("userId", s.p.entra)
	w.Text("userPrincipalName", s.p.email)
	w.Text("userDisplayName", s.p.name)
	w.Text("userType", "Member")
	w.Flag("isInteractive", event.FlagOf(s.do != entraRefresh))
	w.Text("clientAppUsed", client(s))
	w.Text("sessionId", uuidOf(saltSession, s.session))
	w.Text("userAgent", s.device.agent(s.at))
	w.Object("deviceDetail", func() { entraDevice(w, s) })
	requirement := "multiFactorAuthentication"
	if s.device.id == "" {
		requirement = "singleFactorAuthentication"
	}
	w.Text("authenticationRequirement", requirement)
	w.Text("authenticationProtocol", "none")
	w.Text("incomingTokenType", incomingToken(s))
	w.Key("authenticationDetails")
	w.Raw("[")
	if s.do != entraRefresh {
		c.entraPassword(w, s)
		if s.do == entraSignIn && s.device.id != "" {
			w.Raw(",")
			entraClaim(w, s)
		}
	}
	w.Raw("]")
}

func client(s *step) string {
	switch s.do {
	case entraRefresh:
		return "Mobile Apps and Desktop clients"
	case entraBadSync:
		return "Exchange ActiveSync"
	}
	return "Browser"
}

func incomingToken(s *step) string {
	if s.do == entraRefresh {
		return "refreshToken"
	}
	return "none"
}

func entraDevice(w *event.Writer, s *step) {
	d := s.device
	w.Key("deviceId") // Entra writes "" for a device that it does not know
	w.String(d.entraID())
	w.Text("displayName", d.name)
	w.Text("operatingSystem", d.software.entraOS)
	w.Text("browser", d.software.entraName+" "+d.version(s.at)+".0")
	if d.id == "" {
		return
	}
	w.Flag("isManaged", event.FlagOf(d.managed))
	w.Flag("isCompliant", event.FlagOf(d.managed))
	w.Text("trustType", "Azure AD registered")
}

// entraID is the device's id at Entra, which registers devices of its own.
func (d *device) entraID() string {
	if d.id == "" {
		return ""
	}
	return uuidOf(saltDevice, d.mark)
}

func (c *scribe) entraPassword(w *event.Writer, s *step) {
	result := "Correct password"
	if s.do != entraSignIn {
		result = "Invalid username or password or Invalid on-premise username or password."
	}
	w.Raw("{")
	w.Time("authenticationStepDateTime", s.at)
	w.Text("authenticationMethod", "Password")
	w.Text("authenticationMethodDetail", "Password in the cloud")
	w.Flag("succeeded", event.FlagOf(s.do == entraSignIn))
	w.Text("authenticationStepResultDetail", result)
	w.Text("authenticationStepRequirement", "Primary authentication")
	w.Raw("}")
}

func entraClaim(w *event.Writer, s *step) {
	w.Raw("{")
	w.Time("authenticationStepDateTime", s.at)
	w.Text("authenticationMethod", "Previously satisfied")
	w.Flag("succeeded", event.True)
	w.Text("authenticationStepResultDetail", "MFA requirement satisfied by claim in the token")
	w.Text("authenticationStepRequirement", "Multifactor authentication")
	w.Raw("}")
}

func entraApp(w *event.Writer, s *step) {
	a := &apps[s.app]
	if s.p != nil {
		w.Text("appId", a.entra)
		w.Text("appDisplayName", a.name)
	}
	w.Text("resourceId", a.entra)
	w.Text("resourceDisplayName", a.name)
}

func entraPlace(w *event.Writer, n *network) {
	w.Object("location", func() {
		w.Text("city", n.city)
		w.Text("countryOrRegion", n.country)
		w.Object("geoCoordinates", func() {
			w.Fixed("latitude", n.lat, 4)
			w.Fixed("longitude", n.lon, 4)
		})
	})
}

// entraRisk is what a tenant without the licence for risk detection sees.
func entraRisk(w *event.Writer) {
	w.Text("riskDetail", "none")
	w.Text("riskLevelAggregated", "none")
	w.Text("riskLevelDuringSignIn", "none")
	w.Text("riskState", "none")
	w.Key("riskEventTypes_v2")
	w.Raw("[]")
}
