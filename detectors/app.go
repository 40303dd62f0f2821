package detectors

import (
	"strings"

	"github.com/riskstream/riskstream/event"
)

// dashboards are the identity providers' own front pages, by which everybody
// comes in at some time: their names in the logs of Okta, Entra and Keycloak.
var dashboards = [...]string{
	"Okta Dashboard", "My Apps", "Microsoft App Access Panel", "OfficeHome", "Office 365 Portal", "account-console",
}

// appOf identifies an application.
func appOf(a *event.App) string {
	if a.ID != "" {
		return a.ID
	}
	return a.Name
}

// appName is an application in words.
func appName(a *event.App) string {
	if a.Name != "" {
		return a.Name
	}
	return a.ID
}

// appKey identifies the application of an event in 16 bits; 0 where there is
// none, or one that everybody comes by. Two that meet by chance look alike.
func appKey(e *event.Event) uint32 {
	for _, name := range dashboards {
		if strings.EqualFold(e.App.Name, name) {
			return 0
		}
	}
	return uint32(fold16(fold(event.Hash(appOf(&e.App)))))
}
