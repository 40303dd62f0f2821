package ingest

import (
	"bytes"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// allPrincipals is Entra's word for a consent that holds for the whole tenant.
const allPrincipals = "AllPrincipals"

// maxPermissions bounds how much of a list of permissions is read, in bytes.
const maxPermissions = 16 << 10

// entraConsent reads to what an application an activity consents, and with which
// permissions: these are the resource, behind the word AllPrincipals as its id
// where they hold for everybody. Which application it is only "Consent to
// application" tells; the grants that go with it name the interface.
func entraConsent(e *event.Event, p *fastjson.Value, targets []*fastjson.Value) {
	if strings.EqualFold(e.Code, "consent to application") {
		for _, t := range targets {
			if text(t, "type") == "ServicePrincipal" {
				e.App = event.App{ID: known(entraAdditional(p, "AppId")), Name: text(t, "displayName")}
				if e.App.ID == "" {
					e.App.ID = known(text(t, "id"))
				}
				break
			}
		}
	}
	var scopes []string
	everybody := false
	for _, t := range targets {
		properties := t.GetArray("modifiedProperties")
		for _, m := range properties[:min(len(properties), 32)] {
			value := m.GetStringBytes("newValue")
			value = value[:min(len(value), maxPermissions)]
			switch text(m, "displayName") {
			case "ConsentContext.OnBehalfOfAll":
				everybody = everybody || strings.EqualFold(unquoted(value), "true")
			case "ConsentAction.Permissions":
				scopes = append(scopes, afterEach(value, "Scope: ")...)
				for _, kind := range afterEach(value, "ConsentType: ") {
					everybody = everybody || kind == allPrincipals
				}
			case "DelegatedPermissionGrant.Scope":
				scopes = append(scopes, strings.TrimSpace(unquoted(value)))
			case "DelegatedPermissionGrant.ConsentType":
				everybody = everybody || unquoted(value) == allPrincipals
			}
		}
	}
	if len(scopes) > 0 {
		e.Resource = event.Resource{Name: cleanText([]byte(strings.Join(scopes, " ")))}
	}
	if everybody {
		e.Resource.ID = allPrincipals
	}
}

// unquoted is a changed value, which is JSON once more.
func unquoted(value []byte) string { return string(bytes.Trim(value, `" `)) }

// afterEach lists what follows each mark, up to the comma or bracket that ends
// it: grants are written as [[…, ConsentType: Principal, Scope: Mail.Read
// User.Read, …]]. Those that were taken away stand before an arrow.
func afterEach(value []byte, mark string) (found []string) {
	if _, new, ok := bytes.Cut(value, []byte("=>")); ok {
		value = new
	}
	for {
		_, rest, ok := bytes.Cut(value, []byte(mark))
		if !ok {
			return found
		}
		end := bytes.IndexAny(rest, ",]")
		if end < 0 {
			end = len(rest)
		}
		if s := strings.TrimSpace(string(rest[:end])); s != "" {
			found = append(found, s)
		}
		value = rest[end:]
	}
}
