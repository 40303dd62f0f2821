package bench

import (
	"strconv"
	"time"
)

// action is what somebody does, as an index of actions.
type action uint8

const (
	signIn action = iota
	badPassword
	verify
	open
)

// actions are Okta's words for each.
var actions = [...]struct{ code, legacy, message, severity, result, reason, credential, uri string }{
	signIn:      {"user.session.start", "core.user_auth.login_success", "User login to Okta", "INFO", "SUCCESS", "null", `"credentialProvider":null,"credentialType":"PASSWORD"`, "/idp/idx/challenge/answer"},
	badPassword: {"user.session.start", "core.user_auth.login_failed", "User login to Okta", "WARN", "FAILURE", `"INVALID_CREDENTIALS"`, `"credentialProvider":null,"credentialType":"PASSWORD"`, "/idp/idx/identify"},
	verify:      {"user.authentication.auth_via_mfa", "core.user.factor.attempt_success", "Authentication of user via MFA", "INFO", "SUCCESS", "null", `"credentialProvider":"OKTA_CREDENTIAL_PROVIDER","credentialType":"OTP"`, "/idp/idx/authenticators/poll"},
	open:        {"user.authentication.sso", "core.user_auth.authenticate", "User single sign on to app", "INFO", "SUCCESS", "null", `"credentialProvider":null,"credentialType":null`, "/app/sso/saml"},
}

var appNames = [...]string{"Mail", "Calendar", "Expenses", "Source Control", "Customer Records", "Wiki", "Payroll", "Tickets"}

// append writes the event as Okta's System Log has it.
func (g *generator) append(b []byte, e *rawEvent) []byte {
	p, act := &e.person, &actions[e.step.do]
	from, host := g.network(e)
	d := p.device
	if e.step.newDevice {
		d = deviceOf(mix(e.story, 4), false)
	}
	return g.okta.fill(b, func(b []byte, gap gap) []byte {
		switch gap {
		case gapOkta:
			return appendHex(append(b, "00u"...), p.hash, 17)
		case gapEmail:
			return appendEmail(b, p.number)
		case gapName:
			return strconv.AppendUint(append(b, "User "...), p.number, 10)
		case gapAgent:
			b = strconv.AppendUint(append(b, d.software.before...), d.version, 10)
			return append(b, d.software.after...)
		case gapOS:
			return append(b, d.software.os...)
		case gapBrowser:
			return append(b, d.software.browser...)
		case gapKind:
			return append(b, d.software.kind...)
		case gapIP:
			return from.address(b, host)
		case gapPlace:
			return append(b, from.place...)
		case gapDevice:
			return appendDevice(b, &d)
		case gapCredential:
			return append(b, act.credential...)
		case gapSession:
			return appendSession(b, e)
		case gapMessage:
			return append(b, act.message...)
		case gapCode:
			return append(b, act.code...)
		case gapResult:
			return append(b, act.result...)
		case gapReason:
			return append(b, act.reason...)
		case gapTime:
			return e.at.AppendFormat(b, "2006-01-02T15:04:05.000Z")
		case gapAS:
			return append(b, from.as...)
		case gapSeverity:
			return append(b, act.severity...)
		case gapRandom:
			return appendHex(b, g.random.Uint64(), 32)
		case gapFingerprint:
			return appendHex(b, d.mark, 32)
		case gapRisk:
			if e.marked {
				return append(b, "{reasons=Unusual Behavior, level=MEDIUM}"...)
			}
			return append(b, "{level=LOW}"...)
		case gapRequest:
			return appendHex(b, mix(g.seed, uint64(g.phase), e.index), 32)
		case gapURI:
			return append(b, act.uri...)
		case gapLegacy:
			return append(b, act.legacy...)
		case gapUUID:
			return appendUUID(b, g.phase, e.index, e.marked)
		default: // gapTarget
			return appendTarget(b, e)
		}
	})
}

func appendEmail(b []byte, number uint64) []byte {
	b = strconv.AppendUint(append(b, "user."...), number, 10)
	return append(b, "@corp.example"...)
}

func appendDevice(b []byte, d *device) []byte {
	if !d.known {
		return append(b, "null"...)
	}
	b = appendHex(append(b, `{"id":"guo`...), d.mark, 17)
	return append(b, `","name":"laptop","os_platform":"MACOS","managed":true,"registered":true,"device_integrator":null}`...)
}

func appendSession(b []byte, e *rawEvent) []byte {
	if e.step.do == badPassword { // no session came of it
		return append(b, `"externalSessionId":"unknown"`...)
	}
	b = appendHex(append(b, `"rootSessionId":"idx`...), e.story, 21)
	b = appendHex(append(b, `","externalSessionId":"idx`...), e.story, 21)
	return append(b, '"')
}

func appendTarget(b []byte, e *rawEvent) []byte {
	p := &e.person
	switch e.step.do {
	case open:
		app := mix(e.story, e.index) % uint64(len(appNames))
		b = appendHex(append(b, `[{"id":"0oa`...), app, 17)
		b = append(append(b, `","type":"AppInstance","alternateId":"`...), appNames[app]...)
		b = append(append(b, `","displayName":"`...), appNames[app]...)
		b = appendHex(append(b, `","detailEntry":null},{"id":"0ua`...), p.hash^app, 17)
		b = appendEmail(append(b, `","type":"AppUser","alternateId":"`...), p.number)
	case verify:
		b = appendHex(append(b, `[{"id":"pfd`...), p.hash, 17)
		b = append(b, `","type":"AuthenticatorEnrollment","alternateId":"unknown","displayName":"Google Authenticator","detailEntry":null},{"id":"00u`...)
		b = appendEmail(append(appendHex(b, p.hash, 17), `","type":"User","alternateId":"`...), p.number)
	default:
		b = appendHex(append(b, `[{"id":"lae`...), p.hash, 17)
		b = append(b, `","type":"AuthenticatorEnrollment","alternateId":"unknown","displayName":"Password","detailEntry":null},{"id":"0oa00000000000000000","type":"AppInstance","alternateId":"Okta Dashboard`...)
	}
	return append(b, `","displayName":"Okta Dashboard","detailEntry":null}]`...)
}

const hexDigits = "0123456789abcdef"

// appendHex appends n digits of what the word names.
func appendHex(b []byte, word uint64, n int) []byte {
	for i := range n {
		if i%16 == 0 {
			word = mix(word)
		}
		b = append(b, hexDigits[word&15])
		word >>= 4
	}
	return b
}

// uuidLayout is where an event's number stands in its id: the phase first, then
// whether it is marked, the number at the end.
const (
	uuidLength   = 36
	uuidPhase    = 8  // digits at the start
	uuidMark     = 19 // the variant's digit: b marked, 8 not
	uuidIndex    = 12 // digits at the end
	uuidTemplate = "-0000-4000-"
)

// appendUUID writes the id so that a reader of what comes of the event knows
// which one it was.
func appendUUID(b []byte, phase uint32, index uint64, marked bool) []byte {
	b = appendNumber(b, uint64(phase), uuidPhase)
	b = append(b, uuidTemplate...)
	if marked {
		b = append(b, "b000-"...)
	} else {
		b = append(b, "8000-"...)
	}
	return appendNumber(b, index, uuidIndex)
}

func appendNumber(b []byte, n uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, hexDigits[n>>(4*i)&15])
	}
	return b
}

// markedIndex reads an id that appendUUID wrote: ok is false for other phases,
// and for events that are not marked.
func markedIndex(id []byte, phase uint32) (index uint64, ok bool) {
	if len(id) != uuidLength || id[uuidMark] != 'b' {
		return 0, false
	}
	of, err := strconv.ParseUint(string(id[:uuidPhase]), 16, 32)
	if err != nil || uint32(of) != phase {
		return 0, false
	}
	index, err = strconv.ParseUint(string(id[uuidLength-uuidIndex:]), 16, 64)
	return index, err == nil
}

// timesOf spreads n events evenly over a span that ends at end.
func timesOf(end time.Time, span time.Duration, n int) func(i int) time.Time {
	step := span / time.Duration(max(n, 1))
	begin := end.Add(-span)
	return func(i int) time.Time { return begin.Add(time.Duration(i) * step) }
}
