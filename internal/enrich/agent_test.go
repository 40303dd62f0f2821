package enrich_test

import (
	"testing"
	"unicode/utf8"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/enrich"
)

const chromeOnMac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36"

func TestUserAgent(t *testing.T) {
	e := open(t, enrich.Config{})
	for _, c := range []struct{ original, name, version, os string }{
		{chromeOnMac, "Chrome", "125", "macOS"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 Edg/124.0.2478.51", "Edge", "124", "Windows"},
		{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36 EdgA/124.0.2478.50", "Edge", "124", "Android"},
		{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36", "Samsung Browser", "24", "Android"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1", "Safari", "16", "iOS"},
		{"Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1", "Safari", "17", "iOS"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1", "Chrome", "120", "iOS"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "WebView", "", "iOS"},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36", "Chrome", "124", "ChromeOS"},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0", "Firefox", "125", "Linux"},
		{"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer", "11", "Windows"},
		{"Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)", "Internet Explorer", "10", "Windows"},
		{"Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.4844.88 HuaweiBrowser/13.0.6.302 Mobile Safari/537.36", "Huawei Browser", "13", "HarmonyOS"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.38.121 Chrome/124.0.6367.118 Electron/30.0.2 Safari/537.36", "Slack", "4", "macOS"},
		{"Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Teams/1.7.00.7956 Chrome/114 Electron/25 Safari/537.36 Edg/114", "Microsoft Teams", "1", "Windows"},
		{"Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621.2506", "PowerShell", "5", "Windows"},
		{"D2DD7D3915.com.okta.android.auth/7.22.0 DeviceSDK/0.19.0 Android/7.1.1 unknown/Google", "Okta Verify", "7", "Android"},
		{"B7F62B65BN.com.okta.mobile/9.27.0 DeviceSDK/1.2 iOS/17.4 Apple/iPhone15,4", "Okta Verify", "9", "iOS"},
		{"OktaVerify/4.9.1.0 WPFDeviceRegistration/4.9 Windows/10.0.22631", "Okta Verify", "4", "Windows"},
		{"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17126; Pro)", "Outlook", "16", "Windows"},
		{"Outlook-iOS/2.0", "Outlook", "2", "iOS"},
		{"Apple-iPhone15C2/2105.52", "Apple Mail", "", "iOS"},
		{"Microsoft%20Authenticator/6.8.14 CFNetwork/1494.0.7 Darwin/23.4.0", "Microsoft Authenticator", "6", ""},
		{"MSAL.Desktop/4.61.3.0", "MSAL.Desktop", "4", ""},
		{"Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A)", "Dalvik", "2", "Android"},
		{"okhttp/4.12.0", "okhttp", "4", ""},
		{"curl/8.4.0", "curl", "8", ""},
		{"axios/1.6.2", "axios", "1", ""}, // not iOS
		{"python-requests/2.31.0", "python-requests", "2", ""},
		{"Go-http-client/2.0", "Go-http-client", "2", ""},
		{"aws-cli/2.13.5 Python/3.11.4 Darwin/22.6.0 exe/x86_64", "aws-cli", "2", "macOS"},
		{"APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io)", "Terraform", "1", ""},
		{"Chrome 114.0.0 / Mac OS X 10.15.7", "Chrome", "114", "macOS"},
		{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", "2", ""},
		{"Mozilla/5.0", "", "", ""},
		{"-", "", "", ""},
		{"unknown", "", "", ""},
	} {
		for range 2 { // the second answer comes from the cache
			ev := event.Event{UserAgent: event.UserAgent{Original: c.original}}
			e.Enrich(&ev)
			if want := (event.UserAgent{Original: c.original, Name: c.name, Version: c.version, OS: c.os}); ev.UserAgent != want {
				t.Errorf("\ngot  %+v\nwant %+v", ev.UserAgent, want)
			}
		}
	}
}

// A log that gives names only must arrive at the same words as one that gives
// the user agent, or each would have its own new device.
func TestNamesOfTheLog(t *testing.T) {
	e := open(t, enrich.Config{})
	for _, c := range []struct{ log, want event.UserAgent }{
		{event.UserAgent{Name: "Chrome 125.0.0", OS: "Windows10"}, event.UserAgent{Name: "Chrome", Version: "125", OS: "Windows"}},
		{event.UserAgent{Name: "CHROME", OS: "Mac OS X"}, event.UserAgent{Name: "Chrome", OS: "macOS"}},
		{event.UserAgent{Name: "Mobile Safari", Version: "17.4", OS: "Ios 17.4"}, event.UserAgent{Name: "Safari", Version: "17", OS: "iOS"}},
		{event.UserAgent{Name: "Rich Client 4.61.3.0", OS: "Windows 11"}, event.UserAgent{Name: "Rich Client", Version: "4", OS: "Windows"}},
		{event.UserAgent{Name: "SAFARI", OS: "Mac OS X (iPhone)"}, event.UserAgent{Name: "Safari", OS: "iOS"}},
		{event.UserAgent{Name: "UNKNOWN", OS: "Unknown"}, event.UserAgent{}},
		{event.UserAgent{OS: "AIX"}, event.UserAgent{OS: "AIX"}},
		{event.UserAgent{Original: "unknown", Name: "Chrome 125.0.0", OS: "iPadOS"}, event.UserAgent{Original: "unknown", Name: "Chrome", Version: "125", OS: "iOS"}},
		{event.UserAgent{Original: chromeOnMac, Name: "Safari", Version: "1", OS: "iOS"}, event.UserAgent{Original: chromeOnMac, Name: "Chrome", Version: "125", OS: "macOS"}},
	} {
		ev := event.Event{UserAgent: c.log}
		e.Enrich(&ev)
		if ev.UserAgent != c.want {
			t.Errorf("%+v\ngot  %+v\nwant %+v", c.log, ev.UserAgent, c.want)
		}
	}
}

// User agents come from whoever knocks: none may break anything, and enriching
// an event again must not change it.
func FuzzUserAgent(f *testing.F) {
	f.Add(chromeOnMac)
	f.Add("[a/b;c:d (http://x) %zz/9")
	f.Add("Mozilla/5.0 (Android; Instagram [FBAN/x]) Version/ AppleWebKit/")
	e := open(f, enrich.Config{})
	f.Fuzz(func(t *testing.T, original string) {
		ev := event.Event{UserAgent: event.UserAgent{Original: original}}
		e.Enrich(&ev)
		if len(ev.UserAgent.Name) > 64 || len(ev.UserAgent.Version) > 6 || (utf8.ValidString(original) && !utf8.ValidString(ev.UserAgent.Name)) {
			t.Errorf("%q: %+v", original, ev.UserAgent)
		}
		again := ev
		e.Enrich(&again)
		if again != ev {
			t.Errorf("%q: %+v, then %+v", original, ev.UserAgent, again.UserAgent)
		}
	})
}
