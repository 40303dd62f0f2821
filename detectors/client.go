package detectors

import (
	"math"

	"github.com/riskstream/riskstream/event"
)

// client is a program as the user agent names it: 0 is unknown, which an
// absent user agent is too. The version is the major one.
type client struct{ os, name, version uint16 }

// clientKind says with whom a program shares a session.
type clientKind uint8

const (
	appClient     clientKind = iota // shares it with the other apps of its device, and with browsers
	browserClient                   // keeps its cookies to itself
	scriptClient                    // is no user's
	clientKinds
)

// clientOf is the program of a user agent, of which browsers and operating
// systems are recognised by enrichment.
func clientOf(ua *event.UserAgent) (c client, kind clientKind) {
	c = client{os: fold16(fold(event.Hash(ua.OS))), name: fold16(fold(event.Hash(ua.Name))), version: majorOf(ua.Version)}
	switch ua.Name {
	case "Chrome", "Safari", "Edge", "Firefox", "Opera", "Samsung Browser", "Internet Explorer":
		kind = browserClient
	// Libraries that stolen tokens are replayed with, which no app of a user's
	// device is known for (so okhttp and CFNetwork are not here).
	case "python-requests", "Python-urllib", "python-httpx", "aiohttp", "axios", "node-fetch", "undici", "node", "got",
		"Go-http-client", "curl", "Wget", "libwww-perl":
		kind = scriptClient
	}
	return c, kind
}

// majorOf is the major version; 0 where the log tells none. (strconv would
// allocate an error for each event without.)
func majorOf(version string) uint16 {
	n := 0
	for i := 0; i < len(version) && '0' <= version[i] && version[i] <= '9'; i++ {
		n = min(10*n+int(version[i]-'0'), math.MaxUint16)
	}
	return uint16(n)
}

func (c client) known() bool { return c.os != 0 || c.name != 0 }
