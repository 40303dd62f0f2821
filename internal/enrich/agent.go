package enrich

import (
	"net/url"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/mileusna/useragent"

	"github.com/riskstream/riskstream/event"
)

// agent is what a user-agent string says. The families come from small
// vocabularies and the version is the major one only, so that an update makes
// no new device.
type agent struct {
	name    string // browser or app
	version string // major
	os      string // Windows, macOS, iOS, Android, Linux, ChromeOS, …
}

// maxAgent bounds what is parsed of a user-agent string; ingest keeps no more.
const maxAgent = 512

// enrichAgent completes the user agent. What the original says wins over names
// that the log gives; without an original those are brought into the same
// words, so that one browser is one browser in every log.
func (e *Enricher) enrichAgent(ua *event.UserAgent) {
	if ua.Original != "" {
		if a := e.parseAgent(ua.Original); a.name != "" || a.os != "" {
			ua.Name, ua.Version, ua.OS = a.name, a.version, a.os
			return
		}
	}
	if ua.Name == "" && ua.OS == "" {
		return
	}
	name, version := splitVersion(ua.Name)
	if ua.Version != "" {
		version = ua.Version
	}
	ua.Name, ua.Version = browserFamily(name), major(version)
	if family := osFamily(ua.OS); family != "" || isNull(ua.OS) {
		ua.OS = family
	}
}

func (e *Enricher) parseAgent(original string) agent {
	hash := xxhash.Sum64String(original)
	if a := e.agents.get(hash, original); a != nil {
		return *a
	}
	original = strings.Clone(original) // the cache outlives the event
	return *e.agents.put(hash, original, readAgent(original))
}

// readAgent recognises apps by our own rules and browsers by the parser's,
// whose oddities it mends.
func readAgent(original string) agent {
	s := strings.TrimSpace(original)
	if len(s) > maxAgent {
		s = s[:maxAgent]
	}
	if isNull(s) {
		return agent{}
	}
	a := agent{os: osFamily(s)}
	switch {
	case a.app(s):
	case isBrowserLike(s):
		a.browser(s)
	default:
		a.product(s)
	}
	a.name = cut(a.name, 64)
	return a
}

// apps are programs whose user agent is recognised by a part of it, whatever
// stands around; the first that matches counts. One program has several where
// its builds differ.
var apps = [...]struct{ part, name string }{
	{"com.okta.android.auth", "Okta Verify"},
	{"com.okta.mobile", "Okta Verify"},
	{"OktaVerify", "Okta Verify"},
	{"Okta Verify", "Okta Verify"},
	{"Microsoft Outlook", "Outlook"}, // Microsoft Office/16.0 (…; Microsoft Outlook 16.0.…)
	{"MacOutlook", "Outlook"},
	{"Outlook-iOS", "Outlook"},
	{"Outlook-Android", "Outlook"},
	{"TeamsMobile", "Microsoft Teams"},
	{"Teams/", "Microsoft Teams"}, // an Electron app: also names Edge and Chrome
	{"Microsoft SkyDriveSync", "OneDrive"},
	{"Windows-AzureAD-Authentication-Provider", "Windows sign-in"},
	{"WindowsPowerShell", "PowerShell"},
	{"PowerShell/", "PowerShell"},
	{"Terraform/", "Terraform"}, // APN/1.0 HashiCorp/1.0 Terraform/1.5.7 …
	{"Slack_SSB", "Slack"},
	{"Slack/", "Slack"},
	{"Apple-iPhone", "Apple Mail"}, // ActiveSync: the product is the model
	{"Apple-iPad", "Apple Mail"},
}

func (a *agent) app(s string) bool {
	for i := range apps {
		if at := strings.Index(s, apps[i].part); at >= 0 {
			a.name = apps[i].name
			if a.name != "Apple Mail" { // what follows is the number of the model
				a.version = major(strings.TrimLeft(s[at+len(apps[i].part):], "/ "))
			}
			return true
		}
	}
	return false
}

func isBrowserLike(s string) bool {
	return strings.HasPrefix(s, "Mozilla/") || strings.HasPrefix(s, "Opera/")
}

func (a *agent) browser(s string) {
	if _, after, ok := strings.Cut(s, "Trident/"); ok { // 11 no longer says MSIE
		a.name = "Internet Explorer"
		if _, rv, ok := strings.Cut(after, "rv:"); ok {
			a.version = major(rv)
		} else if _, v, ok := strings.Cut(s, "MSIE "); ok {
			a.version = major(v)
		}
		return
	}
	p := useragent.Parse(s)
	version := major(p.Version)
	switch {
	case version != "" && p.Name != s:
		a.name, a.version = browserFamily(p.Name), version
	case p.Bot && p.Name != s && p.URL != "":
		a.name = p.Name
	case strings.Contains(s, "AppleWebKit/"):
		// The parser takes any word for the name; an embedded browser has none.
		a.name = "WebView"
	}
}

// product is how most programs that are no browsers say who they are:
// name/version, and then more.
func (a *agent) product(s string) {
	s = strings.TrimLeft(s, "[ ")
	name := s
	if end := strings.IndexAny(s, "/(,;"); end >= 0 {
		name = s[:end]
		if s[end] == '/' {
			a.version = major(s[end+1:])
		}
	}
	if plain, err := url.PathUnescape(name); err == nil { // Microsoft%20Authenticator
		name = plain
	}
	if base, version := splitVersion(strings.TrimSpace(name)); version != "" && a.version == "" {
		name, a.version = base, major(version)
	}
	a.name = browserFamily(strings.TrimSpace(strings.ToValidUTF8(name, "")))
}

// browserFamily brings the name of a browser into one form; other names stay.
func browserFamily(name string) string {
	switch strings.ToLower(name) {
	case "chrome", "chrome mobile", "mobile chrome", "google chrome", "chrome webview", "chrome mobile ios", "chrome mobile webview":
		return "Chrome"
	case "safari", "mobile safari", "safari mobile", "mobile safari ui/wkwebview":
		return "Safari"
	case "edge", "microsoft edge", "msedge", "edge chromium", "edge mobile":
		return "Edge"
	case "firefox", "firefox mobile", "mobile firefox", "mozilla firefox", "firefox ios":
		return "Firefox"
	case "ie", "msie", "internet explorer", "internet explorer 11", "ie mobile":
		return "Internet Explorer"
	case "opera", "opera mobile":
		return "Opera"
	case "samsung browser", "samsung internet", "samsungbrowser":
		return "Samsung Browser"
	}
	if isNull(name) {
		return ""
	}
	return name
}

// osFamily finds the operating system in a user agent, or in the name that a
// log gives it. The order matters: an iPhone says "like Mac OS X", Android says
// Linux, and HarmonyOS says Android.
func osFamily(s string) string {
	s = strings.ToLower(s)
	has := func(part string) bool { return strings.Contains(s, part) }
	switch {
	case has("windows phone"):
		return "Windows Phone"
	case has("harmonyos"), has("openharmony"):
		return "HarmonyOS"
	case has("iphone"), has("ipad"), has("ipod"), hasWord(s, "ios"):
		return "iOS"
	case has("android"), has("dalvik"):
		return "Android"
	case hasWord(s, "cros"), has("chrome os"), has("chromeos"):
		return "ChromeOS"
	case has("windows"), hasWord(s, "win32"), hasWord(s, "win64"):
		return "Windows"
	case has("macintosh"), has("mac os"), has("macos"), has("macoutlook"), has("os x"), hasWord(s, "osx"):
		return "macOS"
	case has("darwin"):
		return darwin(s)
	case has("freebsd"):
		return "FreeBSD"
	case has("openbsd"):
		return "OpenBSD"
	case has("linux"), hasWord(s, "x11"), has("ubuntu"):
		return "Linux"
	}
	return ""
}

// darwin tells the systems apart that share its kernel. Apps built on
// CFNetwork run on both and say which only on Intel; for them it stays open.
func darwin(s string) string {
	if strings.Contains(s, "cfnetwork") && !strings.Contains(s, "x86_64") {
		return ""
	}
	return "macOS"
}

// hasWord reports whether a word stands in s with no letter or digit before
// it and no letter after it: "ios/17" has the word ios, "axios" has not.
func hasWord(s, word string) bool {
	for from := 0; ; {
		at := strings.Index(s[from:], word)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(word)
		if (at == 0 || !isLetterOrDigit(s[at-1])) && (end == len(s) || !isLetter(s[end])) {
			return true
		}
		from = at + 1
	}
}

func isLetter(c byte) bool        { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool         { return c >= '0' && c <= '9' }
func isLetterOrDigit(c byte) bool { return isLetter(c) || isDigit(c) }

// splitVersion cuts a version off a name: "Chrome 125.0.0".
func splitVersion(name string) (base, version string) {
	at := strings.LastIndexByte(name, ' ')
	if at < 0 || at+1 == len(name) || !isDigit(name[at+1]) {
		return strings.TrimSpace(name), ""
	}
	return strings.TrimSpace(name[:at]), name[at+1:]
}

// major is the leading number of a version, at most 6 digits.
func major(version string) string {
	end := 0
	for end < len(version) && end < 6 && isDigit(version[end]) {
		end++
	}
	return version[:end]
}

// isNull knows the ways in which logs write that there is no user agent.
func isNull(s string) bool {
	switch strings.ToLower(s) {
	case "", "-", "unknown", "null", "none", "n/a", "na", "(null)", "undefined", "other":
		return true
	}
	return false
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
