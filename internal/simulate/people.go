package simulate

import (
	"strconv"
	"strings"

	"github.com/riskstream/riskstream/event"
)

const domain = "corp.example"

// person is an employee: where and with what they sign in.
type person struct {
	number    uint64
	name      string
	email     string // sign-in name at every provider
	given     string
	okta      string // their id at each provider
	entra     string
	keycloak  string
	site      *site
	home      *network
	household uint64 // which of the home network's addresses
	laptop    device
	phone     device
	factor    factor
	developer bool // uses the applications behind Keycloak
	vpn       bool // works through a VPN provider when at home
	story     int  // the story they are cast for, counted from 1; 0 for none
}

// device is what a person holds in their hands.
type device struct {
	software *software
	id       string // bound by the provider; "" for a device that it does not know
	name     string
	managed  bool
	mark     uint64     // stands for what the provider's own fingerprint would be
	strange  bool       // the provider's own risk engine takes notice
	late     event.Time // how long after its release a new version is installed
	jar      uint64     // the cookie that the provider knows the browser by; 0 for one of its own
	clearing event.Time // how often cookies are cleared; 0 for the browser's own habit
}

// software is an operating system with a browser, as the providers name them.
type software struct {
	userAgent string // VER stands for the browser's version
	version   int    // at the simulation's first day; a new one comes every 4 weeks
	browser   string // Okta's word
	os        string // Okta's word
	kind      string // Okta's word: Computer or Mobile
	entraOS   string
	entraName string // Entra's word for the browser, before the version
	platform  string // Okta's word for the platform of a registered device
}

// versionEpoch is when software has the version in its row.
const versionEpoch event.Time = 1735689600000 // 2025-01-01

var (
	chromeMac = &software{
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VER.0.0.0 Safari/537.36",
		131, "CHROME", "Mac OS X", "Computer", "MacOs", "Chrome", "MACOS",
	}
	safariMac = &software{
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/VER.1 Safari/605.1.15",
		18, "SAFARI", "Mac OS X", "Computer", "MacOs", "Safari", "MACOS",
	}
	chromeWindows = &software{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VER.0.0.0 Safari/537.36",
		131, "CHROME", "Windows 10", "Computer", "Windows10", "Chrome", "WINDOWS",
	}
	edgeWindows = &software{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VER.0.0.0 Safari/537.36 Edg/VER.0.0.0",
		131, "EDGE", "Windows 10", "Computer", "Windows10", "Edge", "WINDOWS",
	}
	firefoxLinux = &software{
		"Mozilla/5.0 (X11; Linux x86_64; rv:VER.0) Gecko/20100101 Firefox/VER.0",
		134, "FIREFOX", "Linux", "Computer", "Linux", "Firefox", "LINUX",
	}
	chromeLinux = &software{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VER.0.0.0 Safari/537.36",
		131, "CHROME", "Linux", "Computer", "Linux", "Chrome", "LINUX",
	}
	safariPhone = &software{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/VER.2 Mobile/15E148 Safari/604.1",
		18, "SAFARI", "iOS (iPhone)", "Mobile", "Ios", "Mobile Safari", "IOS",
	}
	chromePhone = &software{
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VER.0.0.0 Mobile Safari/537.36",
		131, "CHROME", "Android", "Mobile", "Android", "Chrome Mobile", "ANDROID",
	}
)

var (
	laptops = [...]*software{chromeMac, edgeWindows, chromeWindows, safariMac, chromeMac, edgeWindows, firefoxLinux}
	phones  = [...]*software{safariPhone, chromePhone, safariPhone}
)

// at is the browser's version at t. Safari's grows once a year, like its
// system's.
func (s *software) at(t event.Time) string {
	step := 28 * event.Day
	if strings.Contains(s.browser, "SAFARI") {
		step = 365 * event.Day
	}
	return strconv.Itoa(s.version + max(0, int((t-versionEpoch)/step)))
}

// version is the version of the device's browser at t.
func (d *device) version(t event.Time) string { return d.software.at(t - d.late) }

// agent is the user agent that the device's browser sends at t.
func (d *device) agent(t event.Time) string {
	return strings.ReplaceAll(d.software.userAgent, "VER", d.version(t))
}

// factor is a person's second factor, in Okta's words.
type factor struct {
	name       string // debugData.factor
	provider   string // authenticationContext.credentialProvider
	credential string // authenticationContext.credentialType
	label      string // the enrolled authenticator
}

var (
	fastPass = factor{"SIGNED_NONCE", "OKTA_CREDENTIAL_PROVIDER", "ASSERTION", "Okta FastPass"}
	push     = factor{"OKTA_VERIFY_PUSH", "OKTA_CREDENTIAL_PROVIDER", "OTP", "Okta Verify"}
	totp     = factor{"OKTA_SOFT_TOKEN", "OKTA_CREDENTIAL_PROVIDER", "OTP", "Okta Verify"}
)

var factors = [...]factor{fastPass, push, totp, push, push}

var givenNames = [...]string{
	"Anna", "Jonas", "Oliver", "Miriam", "Grace", "Henry", "Lena", "Daniel", "Wei", "Felix",
	"Sofia", "Emil", "Amelia", "Paul", "Zoe", "Harriet", "Clara", "Samuel", "Mei", "Moritz",
	"Ines", "Karim", "Alice", "Nora", "Ethan", "Isla", "Theo", "Maya", "Jun", "Ida",
	"Marta", "Leon", "George", "Yasmin", "Ruby", "Arthur", "Selin", "Noah", "Priya", "Tomas",
}

var familyNames = [...]string{
	"Weber", "Brandt", "Clarke", "Vogel", "Miller", "Hughes", "Sommer", "Rivera", "Tan", "Lorenz",
	"Keller", "Aydin", "Bennett", "Hartmann", "Carter", "Fraser", "Winter", "Diaz", "Lim", "Becker",
	"Roth", "Mansour", "Turner", "Pohl", "Brooks", "Palmer", "Schuster", "Patel", "Ng", "Krause",
	"Nowak", "Busch", "Wright", "Haddad", "Foster", "Barnes", "Yilmaz", "Cooper", "Kumar", "Novak",
}

// hire makes the people. What somebody is follows from the seed and their
// number, so that a larger company has the smaller one's people first.
func hire(seed uint64, users int) []person {
	people := make([]person, users)
	for i := range people {
		people[i] = newPerson(seed, uint64(i))
	}
	return people
}

func newPerson(seed, n uint64) person {
	given, family, email := nameOf(n)
	h := mix(seed, saltPeople, n)
	site := sites[n%uint64(len(sites))]
	p := person{
		number: n, name: given + " " + family, given: given, email: email,
		okta:      base62("00u", mix(seed, saltOkta, n), 17),
		entra:     uuidOf(seed, saltEntra, n),
		keycloak:  uuidOf(seed, saltKeycloak, n),
		site:      site,
		home:      site.homes[h%uint64(len(site.homes))],
		household: h >> 8,
		factor:    factors[n%uint64(len(factors))],
		developer: n%3 == 0,
		vpn:       n%8 == 3,
	}
	p.laptop = newDevice(laptops[n%uint64(len(laptops))], given+"'s laptop", mix(h, 1))
	p.laptop.managed = true
	p.phone = newDevice(phones[n%uint64(len(phones))], given+"'s phone", mix(h, 2))
	return p
}

// nameOf gives each number a different e-mail address: the two lists have 40
// names each, and 41 and 40 have no common divisor, so that the pairs repeat
// only after 1600; from there on a number follows.
func nameOf(n uint64) (given, family, email string) {
	const names = uint64(len(givenNames))
	given = givenNames[n%names]
	family = familyNames[(n+n/names)%uint64(len(familyNames))]
	email = strings.ToLower(given + "." + family)
	if round := n / (names * uint64(len(familyNames))); round > 0 {
		email += strconv.FormatUint(round+1, 10)
	}
	return given, family, email + "@" + domain
}

// newDevice is a device that the providers have registered.
func newDevice(s *software, name string, mark uint64) device {
	return device{software: s, id: base62("guo", mark, 17), name: name, mark: mark}
}

// strange is a device that nobody has registered: an attacker's.
func strange(s *software, mark uint64) *device {
	return &device{software: s, mark: mark, strange: true}
}

// service is a workload that signs in by itself.
type service struct {
	name   string
	id     string
	client string
	every  event.Time // between two sign-ins
	do     action
	from   *network
	host   uint64
}

// install makes the service accounts: two at Entra and one at Keycloak.
func install(seed uint64) []service {
	return []service{
		{"nightly-backup", uuidOf(seed, saltServices, 1), uuidOf(seed, saltServices, 2), event.Hour, entraService, cloud, 3},
		{"report-export", uuidOf(seed, saltServices, 3), uuidOf(seed, saltServices, 4), 4 * event.Hour, entraService, cloud, 5},
		{"build-runner", uuidOf(seed, saltServices, 5), "build-runner", 2 * event.Hour, keycloakService, cloud, 7},
	}
}
