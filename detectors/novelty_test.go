package detectors

import (
	"fmt"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// One sign-in of somebody who is settled in Berlin, a week later so that
// travel has nothing to say.
func TestNoveltyAndAnonymisers(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []change // of one more sign-in the day before
		event  []change
		want   string
	}{
		{name: "at home", event: []change{berlin, laptop}},
		{name: "everything new", event: []change{tokyo, kali}, want: "new_country new_network new_device"},

		{name: "device: another browser", event: []change{berlin, kali}, want: "new_device×0.5"},
		{name: "device: an update", event: []change{berlin, laptop, func(e *event.Event) { e.UserAgent.Version = "99" }}},
		{name: "device: a new id in the known browser", event: []change{berlin, laptop, bound("mac-2")}, want: "new_device×0.5"},
		{name: "device: the known id", before: []change{berlin, laptop, bound("mac-1")}, event: []change{berlin, kali, bound("mac-1")}},
		{name: "device: its browser without the id", before: []change{berlin, kali, bound("mac-1")}, event: []change{berlin, kali}, want: "new_device×0.5"},
		{name: "device: absent", event: []change{berlin, noUserAgent}},
		{name: "device: a client that no parser knows", event: []change{berlin, func(e *event.Event) { e.UserAgent.Original = "sprayer/2.1" }}, want: "new_device×0.5"},
		{
			name:   "device: the same client again, updated",
			before: []change{berlin, func(e *event.Event) { e.UserAgent.Original = "sprayer/2.1" }},
			event:  []change{berlin, func(e *event.Event) { e.UserAgent.Original = "sprayer/2.2" }},
		},

		{name: "network: another AS", event: []change{berlin, laptop, as(64699)}, want: "new_network"},
		{name: "network: another address of the AS", event: []change{berlin, laptop, ip("203.0.113.250")}},
		{name: "network: IPv6 of the AS", event: []change{berlin, laptop, ip("2001:db8:7::1")}},
		{name: "network: no AS, another address", event: []change{berlin, laptop, as(0)}, want: "new_network"},
		{name: "network: no AS, the address of before", before: []change{berlin, laptop, as(0)}, event: []change{berlin, laptop, as(0)}},
		{
			name:   "network: no AS, IPv6 rotating inside its /64",
			before: []change{berlin, laptop, as(0), ip("2001:db8:1:2:aaaa::1")}, event: []change{berlin, laptop, as(0), ip("2001:db8:1:2:bbbb::9")},
		},
		{
			name:   "network: no AS, the next /64",
			before: []change{berlin, laptop, as(0), ip("2001:db8:1:2::1")}, event: []change{berlin, laptop, as(0), ip("2001:db8:1:3::1")}, want: "new_network",
		},
		{
			name:   "network: no AS, IPv4 written as IPv6",
			before: []change{berlin, laptop, as(0), ip("198.51.100.9")}, event: []change{berlin, laptop, as(0), ip("::ffff:198.51.100.9")},
		},
		{name: "network: corporate", event: []change{berlin, laptop, as(64699), onCorporate}},
		{name: "network: no address", event: []change{laptop, noAddress}},

		{name: "country: abroad on the known network", event: []change{berlin, laptop, country("FR")}, want: "new_country"},
		{name: "country: absent", event: []change{berlin, laptop, country("")}},
		{name: "country: no ISO code", event: []change{berlin, laptop, country("France")}},
		{name: "country: without coordinates", event: []change{berlin, laptop, country("FR"), countryOnly}, want: "new_country"},
		{name: "country: at an office abroad", event: []change{tokyo, laptop, onCorporate}},
		{
			name: "country: an office abroad does not make it known", before: []change{tokyo, laptop, onCorporate}, event: []change{tokyo, laptop},
			want: "new_country new_network",
		},
		{
			name: "country: nor does a satellite", before: []change{tokyo, laptop, asType(event.ASSatellite)}, event: []change{tokyo, laptop},
			want: "new_country",
		},
		{name: "country: in flight", event: []change{tokyo, laptop, asType(event.ASSatellite)}, want: "new_network"},

		{name: "vpn", event: []change{berlin, laptop, through("vpn")}, want: "anonymous_ip"},
		{name: "proxy", event: []change{berlin, laptop, through("proxy")}, want: "anonymous_ip"},
		{name: "residential proxy", event: []change{berlin, laptop, through("residential_proxy")}, want: "anonymous_ip"},
		{name: "tor", event: []change{berlin, laptop, through("tor")}, want: "anonymous_ip"},
		{name: "hosting", event: []change{berlin, laptop, through("hosting")}, want: "anonymous_ip×0.5"},
		{name: "anonymiser of a kind that nobody defined", event: []change{berlin, laptop, through("cloak")}},
		{name: "corporate egress in a data centre", event: []change{berlin, laptop, through("hosting"), onCorporate}},
		{name: "vpn abroad, new", event: []change{tokyo, laptop, through("vpn")}, want: "new_country new_network anonymous_ip"},
		{name: "vpn abroad, known", before: []change{tokyo, laptop, through("vpn")}, event: []change{tokyo, laptop, through("vpn")}},
		{name: "vpn known, another exit country", before: []change{tokyo, laptop, through("vpn")}, event: []change{tokyo, laptop, through("vpn"), country("SG")}},
		{name: "vpn known, no vpn abroad", before: []change{tokyo, laptop, through("vpn")}, event: []change{tokyo, laptop}, want: "new_country"},
		{
			name: "vpn known, a proxy in its network", before: []change{tokyo, laptop, through("vpn")}, event: []change{tokyo, laptop, through("proxy")},
			want: "new_country anonymous_ip",
		},
		{name: "vpn known, another provider", before: []change{paris, laptop, through("vpn")}, event: []change{tokyo, laptop, through("vpn")}, want: "new_country new_network anonymous_ip"},
		{name: "tor is never known", before: []change{tokyo, laptop, through("tor")}, event: []change{tokyo, laptop, through("tor")}, want: "new_country new_network anonymous_ip"},

		{name: "refused", event: []change{tokyo, kali, through("tor"), unsuccessful}},
		{name: "wrong password", event: []change{tokyo, kali, through("tor"), wrongPassword}},
		{name: "workload", event: []change{tokyo, kali, through("tor"), asService}, want: "service_account_misuse"},
		{name: "token refresh", event: []change{tokyo, kali, through("tor"), action(event.TokenRefresh)}},
		{name: "access", event: []change{tokyo, kali, through("tor"), action(event.Access)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			if c.before != nil {
				d.entry(signIn(on(17, "09:00"), c.before...))
			}
			if got := things(d.entry(signIn(on(20, "09:00"), c.event...))); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
}

// Whoever is somewhere new with a device that the provider has recognised has
// mostly taken it along.
func TestPlacesSayLessOnTheUsersOwnDevice(t *testing.T) {
	for _, c := range []struct {
		name  string
		event []change
		want  float64
	}{
		{"registered and known", []change{laptop, bound("mac-1")}, 0.5},
		{"registered, not known", []change{laptop, bound("mac-2")}, 1},
		{"a known browser", []change{laptop}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.entry(signIn(on(17, "09:00"), berlin, laptop, bound("mac-1")))
			found := d.entry(signIn(on(20, "09:00"), append([]change{tokyo, through("vpn")}, c.event...)...))
			for _, name := range []string{newCountry, newNetwork, anonymousIP} {
				if got := strengthOf(found, name); got != c.want {
					t.Errorf("%s: strength %g, want %g", name, got, c.want)
				}
			}
		})
	}
}

func TestNoveltyIsQuietWhileLearning(t *testing.T) {
	for _, c := range []struct {
		name    string
		signIns int
		day     int // of the sign-in from elsewhere; the first one is on day 0
		want    string
	}{
		{"9 sign-ins in 2 days", 9, 2, ""},
		{"10 sign-ins in 2 days", 10, 2, "new_country new_network new_device"},
		{"1 sign-in 13 days ago", 1, 13, ""},
		{"1 sign-in 14 days ago", 1, 14, "new_country new_network new_device"},
		{"never seen", 0, 14, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t)
			for minute := range c.signIns {
				d.entry(signIn(on(0, "08:00")+event.Time(minute)*event.Minute, berlin, laptop))
			}
			if got := things(d.entry(signIn(on(c.day, "09:00"), tokyo, kali))); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
}

// A late event is judged by what is known when it arrives.
func TestNoveltyOfALateEvent(t *testing.T) {
	d := newDiary(t)
	d.entry(signIn(on(0, "08:00"), berlin, laptop))
	d.entry(signIn(on(14, "09:00"), berlin, laptop))
	if got := things(d.entry(signIn(on(13, "20:00"), berlin, kali))); got != "new_device×0.5" {
		t.Errorf("fired %q", got)
	}
}

func TestNoveltyNeedsSomethingToCompareWith(t *testing.T) {
	d := newDiary(t)
	for day := range 14 {
		d.entry(signIn(on(day, "08:00"))) // a log without address and user agent
	}
	if got := things(d.entry(signIn(on(20, "08:00"), tokyo, kali))); got != "" {
		t.Errorf("the first address ever seen fired %q", got)
	}
	if got := things(d.entry(signIn(on(22, "08:00"), paris, laptop))); got != "new_country new_network new_device" {
		t.Errorf("the second one fired %q", got)
	}
}

// Who only ever comes through one gateway has a baseline too: what the gateway
// tells, until the user's own place is known.
func TestNoveltyOfAUserBehindAGateway(t *testing.T) {
	for name, gateway := range map[string]change{
		"office": onCorporate, "VPN": through("vpn"), "virtual desktop": through("hosting"),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDiary(t)
			for day := range 14 {
				d.entry(signIn(on(day, "08:00"), berlin, laptop, gateway))
			}
			if got := things(d.entry(signIn(on(20, "08:00"), berlin, laptop, gateway))); got != "" {
				t.Errorf("as always: %q", got)
			}
			attack := signIn(on(21, "08:00"), tokyo, kali)
			if got := things(d.entry(attack)); got != "new_country new_network new_device" {
				t.Errorf("from elsewhere: %q", got)
			}
		})
	}
}

// A gateway's country adds nothing where the user's own is known.
func TestGatewaysTeachNoCountryBesideTheOwn(t *testing.T) {
	for name, gateway := range map[string]change{"office": onCorporate, "VPN": through("vpn")} {
		t.Run(name, func(t *testing.T) {
			d := settled(t)
			d.entry(signIn(on(15, "08:00"), tokyo, laptop, gateway))
			if got := things(d.entry(signIn(on(17, "08:00"), tokyo, laptop, as(64699)))); got != "new_country new_network" {
				t.Errorf("without the gateway: %q", got)
			}
		})
	}
}

func TestNoveltyTellsWhatItSaw(t *testing.T) {
	d := settled(t)
	found := d.entry(signIn(on(20, "09:00"), tokyo, kali, through("vpn")))
	for name, want := range map[string]string{
		newCountry:  "Sign-in from a country new for this user: JP; known: DE / country=JP; place=Tokyo (JP); known_countries=DE; ",
		newNetwork:  "Sign-in from a network new for this user: Kanto Net (AS64620) / network=Kanto Net (AS64620); known_networks=1.00; ",
		newDevice:   "Sign-in from a device new for this user: Firefox on Linux / device=Firefox on Linux; registered=no; known_devices=1.00; ",
		anonymousIP: "Sign-in through a VPN new for this user: Kanto Net (AS64620) / anonymizer=vpn; network=Kanto Net (AS64620); ",
	} {
		f := get(t, found, name)
		if got := f.Summary + " / " + evidence(f); got != want {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
		if f.Session {
			t.Errorf("%s: novelty is the user's, not the session's", name)
		}
	}
}

// The user may have the kind of device that is new, in a version or with a
// registration of its own.
func TestNewDeviceTellsWhatIsNew(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []change // on each day
		event  []change
		want   string
	}{
		{
			"a kind",
			[]change{chrome, version("145")},
			[]change{edge, version("142")},
			"Sign-in from a device new for this user: Edge on Windows / device=Edge on Windows; registered=no; known_devices=1.00; ",
		},
		{
			"an older version",
			[]change{edge, version("145")},
			[]change{edge, version("142")},
			"Sign-in from Edge on Windows in version 142, older than this user's (145) / " +
				"device=Edge on Windows; registered=no; known_devices=1.00; version=142.00; known_version=145.00; ",
		},
		{
			"another registration",
			[]change{edge, version("145"), bound("d1")},
			[]change{edge, version("145"), bound("d2")},
			"Sign-in from a registered device new for this user: Edge on Windows / device=Edge on Windows; registered=yes; known_devices=1.00; ",
		},
		{
			"the first registration",
			[]change{edge, version("145")},
			[]change{edge, version("142"), bound("d1")},
			"Sign-in from a registered device new for this user: Edge on Windows / device=Edge on Windows; registered=yes; known_devices=1.00; ",
		},
		{
			"no registration",
			[]change{edge, version("145"), bound("d1")},
			[]change{edge, version("145")},
			"Sign-in from an unregistered device new for this user: Edge on Windows / device=Edge on Windows; registered=no; known_devices=1.00; ",
		},
		{
			"another system",
			[]change{edge, version("145"), bound("d1")},
			[]change{iphone, version("18")},
			"Sign-in from a device new for this user: Safari on iOS / device=Safari on iOS; registered=no; known_devices=1.00; ",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t)
			for day := range 14 {
				d.entry(signIn(on(day, "08:00"), append(c.before, berlin)...))
			}
			f := get(t, d.entry(signIn(on(20, "09:00"), append(c.event, paris)...)), newDevice)
			if got := f.Summary + " / " + evidence(f); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// The same novelty again refreshes its evidence; another one is more evidence.
func TestNoveltyKeys(t *testing.T) {
	key := func(name string, changes ...change) uint64 {
		return get(t, settled(t).entry(signIn(on(20, "09:00"), changes...)), name).Key
	}
	for _, c := range []struct {
		name       string
		one, other uint64
		same       bool
	}{
		{"device", key(newDevice, tokyo, kali), key(newDevice, berlin, kali), true},
		{"devices", key(newDevice, tokyo, kali), key(newDevice, tokyo, phone), false},
		{"country", key(newCountry, tokyo, kali), key(newCountry, berlin, country("JP")), true},
		{"countries", key(newCountry, tokyo), key(newCountry, paris), false},
		{"network", key(newNetwork, tokyo), key(newNetwork, tokyo, ip("198.51.100.1")), true},
		{"networks", key(newNetwork, tokyo), key(newNetwork, paris), false},
		{"vpn exits", key(anonymousIP, tokyo, through("vpn")), key(anonymousIP, tokyo, through("vpn"), ip("198.51.100.1")), true},
		{"vpn providers", key(anonymousIP, tokyo, through("vpn")), key(anonymousIP, paris, through("vpn")), false},
		{"tor circuits", key(anonymousIP, tokyo, through("tor")), key(anonymousIP, paris, through("tor")), true},
	} {
		if (c.one == c.other) != c.same {
			t.Errorf("%s: same key is %t, want %t", c.name, c.one == c.other, c.same)
		}
	}
}

func TestDetectorsCanBeDisabled(t *testing.T) {
	all := settled(t)
	if got, want := fmt.Sprint(all.set.Names()), "[impossible_travel atypical_travel new_country new_network new_device unfamiliar_sign_in new_app unusual_hours dormant_account anonymous_ip threat_ip brute_force_success leaked_credential failed_login_burst mfa_fatigue mfa_fatigue_approved mfa_brute_force mfa_change_after_risk legacy_protocol device_code_sign_in risky_consent privilege_after_risk outside_access_window device_noncompliant service_account_misuse session_hijack mass_access user_reported idp_risk password_spray credential_stuffing unsanctioned_app]"; got != want {
		t.Errorf("enabled by default: %s, want %s", got, want)
	}
	none := all.m
	off := New(Config{Learning: Defaults().Learning})
	if got := off.Names(); len(got) != 0 {
		t.Errorf("enabled in an empty configuration: %v", got)
	}
	suspicious := signIn(on(13, "08:10"), tokyo, kali, through("hosting"))
	if got := names(off.Detect(&suspicious, &none, Standing{AsOf: all.asOf}, nil)); got != "" {
		t.Errorf("disabled detectors fired %q", got)
	}
}
