package enrich_test

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/enrich"
)

const company = `
users:
  - name: Alice@corp.example
    aliases: ["okta:00u1AbC", alice.smith@corp.example, "duo:alice"]
    kind: human
    privileged: true
  - {name: bob@corp.example}
  - {name: alice@corp.example, tenant: emea, privileged: false}
  - {name: "entra:7e1f", aliases: [backup@corp.example], kind: service}
networks:
  - {cidr: 203.0.113.0/26, corporate: true, name: Company network}
  - {cidr: 203.0.113.0/28, corporate: true, name: HQ Berlin}
  - {cidr: 203.0.113.8/31, as_type: mobile}          # inside HQ Berlin
  - {cidr: 203.0.113.16/32, corporate: false}        # the guests' WLAN in New York
  - {cidr: 192.0.2.0/28, corporate: true}            # a VPN provider's exit that is ours alone
  - {cidr: 198.18.0.0/24, as_type: satellite}
  - {cidr: 10.0.0.0/8, corporate: true, name: Inside}
  - {cidr: "2001:db8:20::/56", corporate: true}
places:
  - {name: Berlin area, country: DE, lat: 52.52, lon: 13.405, radius_km: 40}
  - {name: Berlin Mitte, country: DE, lat: 52.52, lon: 13.40, radius_km: 3}
  - {name: Munich office, lat: 48.14, lon: 11.58, radius_km: 10}
  - {name: Strange, country: AT, lat: 53.55, lon: 9.99, radius_km: 30}
apps:
  - {id: 0oa1, sanctioned: true}
  - {name: FileDrop, sanctioned: false}
resources:
  - {id: r-1, classification: restricted}
  - {name: Payroll, classification: confidential}
  - {prefix: "s3://corp-", classification: internal}
  - {prefix: "s3://corp-finance/", classification: restricted}
  - {prefix: "s3://corp-finance/public/", classification: public}
`

func TestDirectoryUsers(t *testing.T) {
	e := open(t, withDirectory(t, enrich.Config{}, company))
	human := event.User{Kind: event.Human}
	for _, c := range []struct {
		tenant string
		log    event.User
		want   event.User
	}{
		{"default", event.User{Subject: "alice@corp.example"}, event.User{Subject: "alice@corp.example", Kind: event.Human, Privileged: event.True}},
		{"default", event.User{Subject: "okta:00u1AbC"}, event.User{Subject: "alice@corp.example", Kind: event.Human, Privileged: event.True}},
		{"default", event.User{Subject: "OKTA:00U1ABC"}, event.User{Subject: "alice@corp.example", Kind: event.Human, Privileged: event.True}},
		{"", event.User{Subject: "alice.smith@corp.example"}, event.User{Subject: "alice@corp.example", Kind: event.Human, Privileged: event.True}},
		{"default", event.User{Subject: "backup@corp.example", Kind: event.Human}, event.User{Subject: "entra:7e1f", Kind: event.Service}},
		// What the directory does not say stays the log's.
		{"default", event.User{Subject: "bob@corp.example", Kind: event.Human, Privileged: event.True}, event.User{Subject: "bob@corp.example", Kind: event.Human, Privileged: event.True}},
		{"default", event.User{Subject: "carol@corp.example", Kind: event.Human}, event.User{Subject: "carol@corp.example", Kind: event.Human}},
		{"default", human, human},
		// Tenants are apart.
		{"emea", event.User{Subject: "alice@corp.example"}, event.User{Subject: "alice@corp.example", Privileged: event.False}},
		{"emea", event.User{Subject: "okta:00u1AbC"}, event.User{Subject: "okta:00u1AbC"}},
	} {
		ev := event.Event{Tenant: c.tenant, User: c.log}
		e.Enrich(&ev)
		if ev.User != c.want {
			t.Errorf("tenant %q, %+v\ngot  %+v\nwant %+v", c.tenant, c.log, ev.User, c.want)
		}
	}
}

func TestDirectoryNetworks(t *testing.T) {
	e := open(t, withDirectory(t, allDatabases(), company))
	type what struct {
		corporate        event.Flag
		name, kind, anon string
	}
	for ip, want := range map[string]what{
		"203.0.113.1":     {event.True, "HQ Berlin", "", ""},
		"203.0.113.9":     {event.True, "HQ Berlin", event.ASMobile, ""}, // inherits from the network around it
		"203.0.113.40":    {event.True, "Company network", "", ""},
		"203.0.113.16":    {event.False, "", "", ""},
		"203.0.113.70":    {event.False, "Berlin Mitte", "", ""}, // the smaller of two places
		"192.0.2.1":       {event.True, "", "", ""},              // no anonymiser: it is ours
		"192.0.2.17":      {event.False, "", "", "vpn"},
		"198.18.0.1":      {event.False, "Berlin Mitte", event.ASSatellite, ""},
		"198.18.1.1":      {event.False, "Berlin area", "", ""},
		"198.18.4.1":      {event.False, "Munich office", "", ""},
		"198.18.6.1":      {event.False, "", "", ""}, // Hamburg: in the circle of a place that is in another country
		"10.9.8.7":        {event.True, "Inside", "", ""},
		"2001:db8:20:7::": {event.True, "Berlin area", "", ""},
		"2001:db8:10::1":  {event.False, "Berlin Mitte", "", ""},
		"8.8.8.8":         {event.False, "", "", ""},
	} {
		ev := from(ip)
		e.Enrich(ev)
		s := &ev.Source
		if got := (what{s.Corporate, s.Geo.Name, s.AS.Type, s.Anonymizer}); got != want {
			t.Errorf("%s: got %+v, want %+v", ip, got, want)
		}
	}
	ev := event.Event{}
	e.Enrich(&ev)
	if ev.Source.Corporate != event.Unknown {
		t.Error("an event without address is on no network")
	}

	// Who lists no corporate networks has not said that there are none.
	for _, text := range []string{"", "networks: [{cidr: 198.18.0.0/24, as_type: mobile}]"} {
		e := open(t, withDirectory(t, enrich.Config{}, text))
		ev := from("8.8.8.8")
		e.Enrich(ev)
		if ev.Source.Corporate != event.Unknown {
			t.Errorf("directory %q: corporate %v, want unknown", text, ev.Source.Corporate)
		}
	}
}

// A place downgrades impossible travel, so an attacker must not get its name
// by renting an exit in the same city.
func TestAnonymisersAreNoPlace(t *testing.T) {
	e := open(t, withDirectory(t, enrich.Config{}, company))
	for anonymizer, want := range map[string]string{"": "Berlin Mitte", "vpn": "", "hosting": "", "tor": ""} {
		ev := from("8.8.8.8")
		ev.Source.Geo = event.Geo{Country: "DE", Lat: 52.52, Lon: 13.405, Located: true}
		ev.Source.Anonymizer = anonymizer
		e.Enrich(ev)
		if ev.Source.Geo.Name != want {
			t.Errorf("anonymizer %q: place %q, want %q", anonymizer, ev.Source.Geo.Name, want)
		}
	}
}

func TestDirectoryAppsAndResources(t *testing.T) {
	e := open(t, withDirectory(t, enrich.Config{}, company))
	for _, c := range []struct {
		app  event.App
		want event.Flag
	}{
		{event.App{ID: "0oa1"}, event.True},
		{event.App{ID: "0oa2"}, event.Unknown},
		{event.App{Name: "filedrop"}, event.False},
		{event.App{ID: "0oa1", Name: "FileDrop"}, event.True}, // the id is the surer
		{event.App{Name: "Mail", Sanctioned: event.True}, event.True},
		{event.App{}, event.Unknown},
	} {
		ev := event.Event{App: c.app}
		e.Enrich(&ev)
		if ev.App.Sanctioned != c.want {
			t.Errorf("%+v: %v, want %v", c.app, ev.App.Sanctioned, c.want)
		}
	}
	for _, c := range []struct {
		resource event.Resource
		want     string
	}{
		{event.Resource{ID: "r-1"}, "restricted"},
		{event.Resource{ID: "r-2"}, ""},
		{event.Resource{ID: "r-2", Name: "payroll"}, "confidential"},
		{event.Resource{Name: "s3://corp-x/a"}, "internal"},
		{event.Resource{ID: "s3://corp-finance/2026.csv"}, "restricted"},
		{event.Resource{ID: "s3://corp-finance/public/x"}, "public"},
		{event.Resource{ID: "s3://corp-", Name: "s3://corp-finance/x"}, "restricted"}, // the longer prefix
		{event.Resource{ID: "s3://cor"}, ""},
		{event.Resource{ID: "zzz", Classification: "theirs"}, "theirs"},
	} {
		ev := event.Event{Resource: c.resource}
		e.Enrich(&ev)
		if ev.Resource.Classification != c.want {
			t.Errorf("%+v: %q, want %q", c.resource, ev.Resource.Classification, c.want)
		}
	}
}

func TestDirectoryErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"every problem at once": {
			`users:
  - {name: alice@corp.example, aliases: ["okta:1", "okta:1"], kind: robot}
  - name: Bob@corp.example
    aliases: [OKTA:1, ""]
    privileged: "yes"
    role: admin
  - {aliases: [x]}
  - name: dave@corp.example
    access_windows:
      - {to: [vault]}
      - {to: [], days: [monday], hours: 9-17, zone: Berlin}
      - {from: 2026-03-01, until: 2026-03-02T08:00:00Z, zone: Europe/Berlin}
      - {from: 2026-03-02T08:00:00Z, until: 2026-03-01T08:00:00Z}
      - {hours: 08:00-08:00}
      - {hours: 24:00-08:00}
      - until
  - name: bob@CORP.example
  - plain
networks:
  - {cidr: 203.0.113.1/24, corporate: true}
  - {cidr: 203.0.113.0/24}
  - {cidr: 0.0.0.0/0, corporate: true}
  - {cidr: 192.0.2.0/24, corporate: 1}
  - {cidr: 198.51.100.0/24, as_type: wifi}
  - {cidr: 192.0.2.0/24, corporate: true}
  - {corporate: true}
places:
  - {name: A, country: Germany, lat: 91, lon: x, radius_km: 0}
  - {name: B}
apps:
  - {sanctioned: true}
  - {id: a}
  - {id: a, sanctioned: true}
resources:
  - {classification: restricted}
  - {prefix: p}
extra: 1
users: []
`,
			`
directory.yaml:2:52: "okta:1" is given twice for this user
directory.yaml:2:69: kind is "robot"; want human or service
directory.yaml:4:15: "OKTA:1" already belongs to alice@corp.example (line 2); a name or alias belongs to one user
directory.yaml:4:23: alias "" is empty or has blanks around it
directory.yaml:5:17: privileged is "yes"; want true or false
directory.yaml:6:5: users[1] has no key "role"; known keys: name, aliases, kind, privileged, tenant, access_windows
directory.yaml:7:5: users[2]: name is missing
directory.yaml:10:9: users[3].access_windows[0] limits nothing: give from, until, days or hours
directory.yaml:11:14: to is empty; leave it out for everything that the user does
directory.yaml:11:25: days is "monday"; want sun or mon or tue or wed or thu or fri or sat
directory.yaml:11:41: hours is "9-17"; want a span like 08:00-18:00
directory.yaml:11:53: zone is "Berlin"; want a time zone like Europe/Berlin
directory.yaml:12:16: from is "2026-03-01"; want a moment like 2026-03-01T08:00:00+01:00
directory.yaml:12:63: zone is of days and hours; from and until have their own
directory.yaml:13:45: until is not after from
directory.yaml:14:17: hours is "08:00-08:00"; want a span like 08:00-18:00
directory.yaml:15:17: hours is "24:00-08:00"; want a span like 08:00-18:00
directory.yaml:16:9: users[3].access_windows[6] must be keys and values: to, from, until, days, hours, zone
directory.yaml:17:11: "bob@CORP.example" already belongs to bob@corp.example (line 3); a name or alias belongs to one user
directory.yaml:18:5: users[5] must be keys and values: name, aliases, kind, privileged, tenant, access_windows
directory.yaml:20:12: cidr: 203.0.113.1/24 has bits set beyond its length; write 203.0.113.0/24
directory.yaml:21:5: networks[1] says nothing of 203.0.113.0/24: give corporate or as_type
directory.yaml:22:12: cidr: 0.0.0.0/0 is every address there is
directory.yaml:23:37: corporate is "1"; want true or false
directory.yaml:24:38: as_type is "wifi"; want mobile or satellite
directory.yaml:25:12: network "192.0.2.0/24" is in line 23 already
directory.yaml:26:5: networks[6]: cidr is missing
directory.yaml:28:24: country "Germany" is not two capital letters (ISO 3166-1)
directory.yaml:28:38: lat is "91"; want a number from -90 to 90
directory.yaml:28:47: lon is "x"; want a number from -180 to 180
directory.yaml:28:61: radius_km is 0: no location lies within
directory.yaml:29:5: places[1]: lat is missing
directory.yaml:29:5: places[1]: lon is missing
directory.yaml:29:5: places[1]: radius_km is missing
directory.yaml:31:5: apps[0]: id or name is missing
directory.yaml:32:5: apps[1]: sanctioned is missing
directory.yaml:33:10: app id "a" is in line 32 already
directory.yaml:35:5: resources[0]: id, name or prefix is missing
directory.yaml:36:5: resources[1]: classification is missing
directory.yaml:37:1: the directory has no key "extra"; known keys: users, networks, places, apps, resources
directory.yaml:38:1: users is given twice`,
		},
		"not YAML":      {"users:\n  - {name: a\n", "directory.yaml:1: not YAML, here or just below: did not find expected ',' or '}'"},
		"not an object": {"- 1", "directory.yaml:1:1: the directory must be keys and values: users, networks, places, apps, resources"},
		"two documents": {"users: []\n---\nusers: []\n", "directory.yaml:2:1: a second YAML document begins here; the file must have one"},
		"not a list":    {"users: {name: a}", "directory.yaml:1:8: users must be a list"},
		"a YAML alias":  {"users:\n  - {name: &a x@corp.example}\n  - {name: *a}\n", "directory.yaml:3:12: name: YAML aliases are not supported; write the value out"},
	} {
		t.Run(name, func(t *testing.T) {
			err := enrich.ParseDirectory([]byte(c.text))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(strings.Split(strings.TrimSpace(c.want), "\n"), strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDirectoryForms(t *testing.T) {
	for name, text := range map[string]string{
		"empty":          "",
		"comments only":  "# nobody yet\n",
		"JSON":           `{"users":[{"name":"a@corp.example","aliases":["okta:1"]}],"networks":[{"cidr":"192.0.2.1","corporate":true}]}`,
		"empty sections": "users:\nnetworks: []\n",
		"numeric ids":    "apps: [{id: 4711, sanctioned: true}]",
	} {
		if err := enrich.ParseDirectory([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsAreBounded(t *testing.T) {
	err := enrich.ParseDirectory([]byte("users:\n" + strings.Repeat("  - {}\n", 1000)))
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 51 || !strings.HasSuffix(err.Error(), "and 950 more problems") {
		t.Errorf("%d lines, the last: %s", lines, err.Error()[strings.LastIndexByte(err.Error(), '\n')+1:])
	}
}

// Prefixes are found by a search tree laid over a sorted list; it must agree
// with trying every one.
func TestLongestPrefix(t *testing.T) {
	prefixes := []string{"a", "ab", "abc", "abd", "b", "ba/", "ba/x", "z/", "\xff", "a\xff"}
	var text strings.Builder
	text.WriteString("resources:\n")
	for i, p := range prefixes {
		if strings.ToValidUTF8(p, "") == p {
			fmt.Fprintf(&text, "  - {prefix: %q, classification: c%d}\n", p, i)
		}
	}
	e := open(t, withDirectory(t, enrich.Config{}, text.String()))
	for _, s := range []string{"", "a", "aa", "ab", "abcd", "abce", "abz", "abe", "b", "ba", "ba/xyz", "ba/w", "z", "z/z", "c", "A", "a\u00ff"} {
		want := ""
		longest := 0
		for i, p := range prefixes {
			if strings.HasPrefix(s, p) && len(p) > longest {
				want, longest = fmt.Sprintf("c%d", i), len(p)
			}
		}
		ev := event.Event{Resource: event.Resource{ID: s}}
		e.Enrich(&ev)
		if ev.Resource.Classification != want {
			t.Errorf("%q: %q, want %q", s, ev.Resource.Classification, want)
		}
	}
}

// Places near the poles and the date line are found by distance, not by the
// difference of degrees.
func TestPlacesOnTheEdgeOfTheMap(t *testing.T) {
	e := open(t, withDirectory(t, enrich.Config{}, `places:
  - {name: Fiji, lat: -17.0, lon: 179.9, radius_km: 100}
  - {name: Station, lat: 89.9, lon: 0, radius_km: 50}
`))
	for _, c := range []struct {
		lat, lon float64
		want     string
	}{{-17, -179.9, "Fiji"}, {-17, -178, ""}, {89.9, 180, "Station"}, {89, 0, ""}} {
		ev := event.Event{Source: event.Source{IP: netip.MustParseAddr("192.0.2.1"), Geo: event.Geo{Lat: c.lat, Lon: c.lon, Located: true}}}
		e.Enrich(&ev)
		if ev.Source.Geo.Name != c.want {
			t.Errorf("%g,%g: %q, want %q", c.lat, c.lon, ev.Source.Geo.Name, c.want)
		}
	}
}

func FuzzDirectory(f *testing.F) {
	f.Add([]byte(company))
	f.Add([]byte(`{"users":[{"name":"a","aliases":null}],"places":[{"lat":1e999}]}`))
	f.Add([]byte("users: [{name: [a]}, {name: {b: c}}]\nnetworks: [{cidr: ::ffff:0:0/90}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := enrich.ParseDirectory(data); err != nil && !strings.HasPrefix(err.Error(), "directory.yaml:") {
			t.Errorf("an error without a place: %v", err)
		}
	})
}

// The examples that users copy must be valid.
func TestExamplesOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/enrichment.md")
	if err != nil {
		t.Fatal(err)
	}
	example := func(language, start string) []byte {
		_, text, found := strings.Cut(string(page), "```"+language+"\n"+start)
		if !found {
			t.Fatalf("no example that starts with %q", start)
		}
		text, _, _ = strings.Cut(text, "```")
		return []byte(start + text)
	}
	if err := enrich.ParseDirectory(example("yaml", "users:")); err != nil {
		t.Error(err)
	}
	if err := enrich.ParseList(example("", "# Tor exits")); err != nil {
		t.Error(err)
	}
	if err := enrich.ParseThreats(example("", "# Scanners")); err != nil {
		t.Error(err)
	}
	if err := enrich.ParseLeaked(example("", "# account")); err != nil {
		t.Error(err)
	}
}
