package ingest

import (
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// entraSteps are a sign-in's authentication steps, of which a real one has a
// handful.
func entraSteps(p *fastjson.Value) []*fastjson.Value {
	steps := embedded(p, "authenticationDetails").GetArray()
	return steps[:min(len(steps), 16)]
}

// entraAuth says how the user proved who they are: the strongest step that
// succeeded; of a failed sign-in the last step that was tried. Only where the
// steps are missing do the summaries count, since they also name a factor that
// is still being waited for.
func entraAuth(p, status *fastjson.Value, failed bool) event.Auth {
	auth := event.Auth{Protocol: entraProtocol(p)}
	use := func(method, detail string) {
		factor := factorOf(detail)
		if factor != event.FactorClaim { // the detail only matters where it says "satisfied by claim"
			factor = factorOf(method)
		}
		if method != "" && (failed || auth.Method == "" || factorRank(factor) > factorRank(auth.Factor)) {
			auth.Method, auth.Factor = lower(method), factor
		}
	}
	if steps := entraSteps(p); len(steps) > 0 {
		for _, step := range steps {
			if failed || flag(step, "succeeded") == event.True {
				use(text(step, "authenticationMethod"), text(step, "authenticationStepResultDetail"))
			}
		}
		return auth
	}
	if failed {
		return auth
	}
	use(text(object(p, "mfaDetail"), "authMethod"), "")
	for _, method := range p.GetArray("authenticationMethodsUsed") {
		use(text(method), "")
	}
	if detail := text(status, "additionalDetails"); auth.Method == "" && factorOf(detail) == event.FactorClaim {
		auth.Method, auth.Factor = "previously satisfied", event.FactorClaim
	}
	return auth
}

// entraProtocol is the protocol of a sign-in: the two grants that skip the
// browser first, then a legacy client's own protocol, then what is left.
func entraProtocol(p *fastjson.Value) string {
	protocol, client := text(p, "authenticationProtocol"), text(p, "clientAppUsed")
	switch {
	case strings.EqualFold(protocol, "deviceCode"), strings.EqualFold(protocol, "ropc"):
		return protocol
	case entraLegacy(client):
		return lower(client)
	case strings.EqualFold(protocol, "none"):
		return ""
	}
	return protocol
}

// entraLegacy reports whether clientAppUsed names a protocol that knows nothing
// but a password, so that no second factor can ever be asked.
func entraLegacy(client string) bool {
	switch strings.ToLower(client) {
	case "authenticated smtp", "smtp", "autodiscover", "exchange activesync", "exchange online powershell",
		"exchange web services", "imap", "imap4", "mapi over http", "offline address book", "other clients",
		"outlook anywhere (rpc over http)", "outlook service", "pop", "pop3", "reporting web services",
		"universal outlook":
		return true
	}
	return false
}
