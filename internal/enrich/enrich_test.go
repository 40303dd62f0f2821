package enrich_test

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/fixtures/geoip"
	"github.com/riskstream/riskstream/internal/enrich"
	"github.com/riskstream/riskstream/internal/geodata"
)

const databases = "../../fixtures/geoip/"

// allDatabases is a configuration with the fixtures' databases.
func allDatabases() enrich.Config {
	return enrich.Config{GeoIP: enrich.GeoIPConfig{
		City: databases + "city.mmdb", ASN: databases + "asn.mmdb", Anonymous: databases + "anonymous.mmdb",
	}}
}

func open(t testing.TB, cfg enrich.Config) *enrich.Enricher {
	t.Helper()
	e, err := enrich.Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// withDirectory adds a directory file to a configuration.
func withDirectory(t testing.TB, cfg enrich.Config, text string) enrich.Config {
	t.Helper()
	cfg.Directory = write(t, t.TempDir(), "directory.yaml", text)
	return cfg
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func from(ip string) *event.Event {
	return &event.Event{Tenant: "default", Source: event.Source{IP: netip.MustParseAddr(ip)}}
}

// okta is an event whose log names a place and an AS of its own.
func okta(ip string) *event.Event {
	ev := from(ip)
	ev.Source.Geo = event.Geo{Country: "FR", City: "Paris", Lat: 48.85, Lon: 2.35, Located: true, AccuracyKM: 50}
	ev.Source.AS = event.AS{Number: 64999, Organization: "From the log"}
	return ev
}

var sameAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestSource(t *testing.T) {
	all := allDatabases()
	asnOnly := enrich.Config{GeoIP: enrich.GeoIPConfig{ASN: all.GeoIP.ASN}}
	for name, c := range map[string]struct {
		config enrich.Config
		event  *event.Event
		want   event.Source
	}{
		"a city": {all, from("198.18.0.9"), event.Source{
			Geo: event.Geo{Country: "DE", City: "Berlin", Lat: 52.52, Lon: 13.405, Located: true, AccuracyKM: 5},
			AS:  event.AS{Number: 64600, Organization: "Example Berlin Kabel"},
		}},
		"the database replaces the log's place and AS": {all, okta("198.18.0.9"), event.Source{
			Geo: event.Geo{Country: "DE", City: "Berlin", Lat: 52.52, Lon: 13.405, Located: true, AccuracyKM: 5},
			AS:  event.AS{Number: 64600, Organization: "Example Berlin Kabel"},
		}},
		"even by nothing":                 {all, okta("8.8.8.8"), event.Source{}},
		"a private address has no place":  {all, okta("10.1.2.3"), event.Source{}},
		"no address, no place":            {all, func() *event.Event { ev := okta("10.1.2.3"); ev.Source.IP = netip.Addr{}; return ev }(), event.Source{}},
		"without databases the log's own": {enrich.Config{}, okta("198.18.0.9"), okta("198.18.0.9").Source},
		"the log's place beside the database's AS": {asnOnly, okta("198.18.0.9"), event.Source{
			Geo: okta("198.18.0.9").Source.Geo,
			AS:  event.AS{Number: 64600, Organization: "Example Berlin Kabel"},
		}},
		"country without coordinates": {all, from("198.19.200.1"), event.Source{
			Geo: event.Geo{Country: "BR"}, AS: event.AS{Number: 64940, Organization: "Example Interior Internet"},
		}},
		"coordinates without radius": {all, from("198.19.202.1"), event.Source{
			Geo: event.Geo{Country: "CZ", City: "Prague", Lat: 50.0755, Lon: 14.4378, Located: true},
			AS:  event.AS{Number: 64942, Organization: "Example Prague Net"},
		}},
		"mobile": {all, from("2001:db8:3002::1"), event.Source{
			Geo: event.Geo{Country: "US", City: "New York", Lat: 40.7128, Lon: -74.006, Located: true, AccuracyKM: 500},
			AS:  event.AS{Number: 21928, Organization: "T-Mobile USA", Type: event.ASMobile},
		}},
		"the type of the log's AS": {enrich.Config{}, func() *event.Event { ev := from("192.0.2.1"); ev.Source.AS.Number = 14593; return ev }(), event.Source{
			AS: event.AS{Number: 14593, Type: event.ASSatellite},
		}},
		"IPv4 inside IPv6": {all, from("::ffff:198.19.202.1"), event.Source{
			Geo: event.Geo{Country: "CZ", City: "Prague", Lat: 50.0755, Lon: 14.4378, Located: true},
			AS:  event.AS{Number: 64942, Organization: "Example Prague Net"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := open(t, c.config)
			for range 2 { // the second answer comes from the cache
				got := *c.event
				e.Enrich(&got)
				c.want.IP = c.event.Source.IP
				if diff := cmp.Diff(c.want, got.Source, sameAddr); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// The fixtures' table says what each of its networks is; enrichment by the
// databases made from it must say the same.
func TestSourceAgreesWithTheFixtures(t *testing.T) {
	rows, err := geodata.Parse(geoip.Networks())
	if err != nil {
		t.Fatal(err)
	}
	strongest := []string{"tor", "residential_proxy", "proxy", "vpn", "hosting", ""}
	e := open(t, allDatabases())
	for _, row := range rows {
		ev := event.Event{Source: event.Source{IP: row.Prefix.Addr()}}
		e.Enrich(&ev)
		s := &ev.Source
		if s.Geo.Country != row.Country || s.Geo.City != row.City || s.Geo.Lat != row.Lat || s.Geo.Lon != row.Lon || s.Geo.Located != row.Located || s.Geo.AccuracyKM != float64(row.AccuracyKM) {
			t.Errorf("%s: place %+v, want %+v", row.Prefix, s.Geo, row)
		}
		if want := (event.AS{Number: row.ASN, Organization: row.ASOrg, Type: row.ASType}); s.AS != want {
			t.Errorf("%s: AS %+v, want %+v", row.Prefix, s.AS, want)
		}
		want := ""
		for _, kind := range strongest {
			if kind != "" && strings.Contains("|"+strings.Join(row.Anonymous, "|")+"|", "|"+kind+"|") {
				want = kind
				break
			}
		}
		if s.Anonymizer != want {
			t.Errorf("%s: anonymizer %q, want %q", row.Prefix, s.Anonymizer, want)
		}
	}
}

func TestAnonymizerLists(t *testing.T) {
	dir := t.TempDir()
	cfg := allDatabases()
	cfg.GeoIP.Lists = []enrich.ListConfig{
		{Path: write(t, dir, "vpn.txt", "# our list\n198.18.0.0/25 ; a VPN\n\n203.0.113.200\n"), Anonymizer: "vpn"},
		{Path: write(t, dir, "tor.txt", "\ufeff198.18.0.7\r\n2001:db8:10::/64\r\n"), Anonymizer: "tor"},
	}
	e := open(t, cfg)
	for _, c := range []struct{ ip, log, want string }{
		{"198.18.0.1", "", "vpn"},
		{"198.18.0.129", "", ""},
		{"203.0.113.200", "", "vpn"},
		{"203.0.113.201", "", ""},
		{"198.18.0.7", "", "tor"}, // in both lists: Tor hides best
		{"2001:db8:10::5", "", "tor"},
		{"2001:db8:10:1::5", "", ""},
		{"192.0.2.1", "", "vpn"},        // the database: VPN and hosting
		{"192.0.2.129", "vpn", "tor"},   // the database outranks the log
		{"192.0.2.1", "proxy", "proxy"}, // and the log the database
		{"8.8.8.8", "proxy", "proxy"},   // that no table knows an address is no proof
	} {
		ev := from(c.ip)
		ev.Source.Anonymizer = c.log
		e.Enrich(ev)
		if ev.Source.Anonymizer != c.want {
			t.Errorf("%s, log says %q: got %q, want %q", c.ip, c.log, ev.Source.Anonymizer, c.want)
		}
	}
}

// An entry counts until it expires, by the event's time: a replay of old logs
// finds what the live run found, and nothing that a later look at the clock
// would.
func TestThreatLists(t *testing.T) {
	dir := t.TempDir()
	cfg := withDirectory(t, enrich.Config{}, "networks: [{cidr: 203.0.113.0/28, corporate: true}]")
	cfg.GeoIP.Lists = []enrich.ListConfig{
		{Path: write(t, dir, "scanners.txt", "198.18.0.7/32 2026-03-01T12:00:00Z\n198.18.1.0/24 2026-04-01 # a whole network\n198.18.1.9 2026-03-01\n203.0.113.5\n"), Threat: "scanners"},
		{Path: write(t, dir, "botnet.txt", "198.18.0.7\t2026-06-01\n198.18.0.7 2026-05-01\n2001:db8:10::/64\n"), Threat: "botnet"},
		{Path: write(t, dir, "vpn.txt", "198.18.0.7\n"), Anonymizer: "vpn"},
	}
	e := open(t, cfg)
	for _, c := range []struct{ ip, at, want string }{
		{"198.18.0.7", "2026-03-01T11:59:59Z", "scanners"}, // in both: the first of the configuration
		{"198.18.0.7", "2026-03-01T12:00:00Z", "botnet"},
		{"198.18.0.7", "2026-05-31T00:00:00Z", "botnet"}, // of two lines the later expiry
		{"198.18.0.7", "2026-06-01T00:00:00Z", ""},
		{"198.18.0.8", "2026-03-01T00:00:00Z", ""},
		{"198.18.1.9", "2026-03-15T00:00:00Z", "scanners"}, // the network around it is still listed
		{"198.18.1.9", "2026-04-01T00:00:00Z", ""},
		{"2001:db8:10::5", "2100-01-01T00:00:00Z", "botnet"},
		{"203.0.113.5", "2026-03-01T00:00:00Z", ""}, // our own egress
		{"203.0.113.20", "2026-03-01T00:00:00Z", ""},
	} {
		ev := from(c.ip)
		ev.Time = moment(t, c.at)
		e.Enrich(ev)
		if ev.Source.ThreatList != c.want {
			t.Errorf("%s at %s: %q, want %q", c.ip, c.at, ev.Source.ThreatList, c.want)
		}
		if c.ip == "198.18.0.7" && ev.Source.Anonymizer != "vpn" {
			t.Errorf("%s is behind %q, want a VPN too", c.ip, ev.Source.Anonymizer)
		}
	}
}

func TestLeakedAccounts(t *testing.T) {
	dir := t.TempDir()
	// The SHA-256 of dora@corp.example.
	const dora = "55931DD2F0822EC38505DC3AFE1101A038E3985B42FA00A09DF20CD49EB55C8C"
	cfg := withDirectory(t, enrich.Config{}, "users: [{name: erik@corp.example, aliases: [\"okta:00u9\"]}]")
	cfg.Leaked = []enrich.LeakedConfig{
		{Path: write(t, dir, "a.txt", "Anna@Corp.Example 2026-02-01\nbob@corp.example - 2026-03-01\n"+dora+" 2026-01-01 # named by nobody\nerik@corp.example\n"), Name: "a"},
		{Path: write(t, dir, "b.txt", "anna@corp.example 2026-02-20T10:00:00Z\nanna@corp.example 2025-01-01\nann 2026-01-01\n"), Name: "b"},
	}
	e := open(t, cfg)
	for _, c := range []struct {
		name, at string
		user     event.User
		list     string
		leaked   string
	}{
		{"before the newest leak of each list", "2026-01-31T23:00:00Z", event.User{Subject: "anna@corp.example"}, "", ""},
		{"after it", "2026-02-02T00:00:00Z", event.User{Subject: "anna@corp.example"}, "a", "2026-02-01T00:00:00Z"},
		{"after a newer one on the other list", "2026-02-21T00:00:00Z", event.User{Subject: "anna@corp.example"}, "b", "2026-02-20T10:00:00Z"},
		{"without a date", "2026-02-02T00:00:00Z", event.User{Subject: "bob@corp.example"}, "a", ""},
		{"expired", "2026-03-01T00:00:00Z", event.User{Subject: "bob@corp.example"}, "", ""},
		{"by its hash", "2026-02-02T00:00:00Z", event.User{Subject: "entra:1", Email: "DORA@corp.example"}, "a", "2026-01-01T00:00:00Z"},
		{"by the user name", "2026-02-02T00:00:00Z", event.User{Subject: "keycloak:5", Name: "Ann"}, "b", "2026-01-01T00:00:00Z"},
		{"by the directory's name", "2026-02-02T00:00:00Z", event.User{Subject: "okta:00u9"}, "a", ""},
		{"somebody else", "2026-02-02T00:00:00Z", event.User{Subject: "carl@corp.example", Name: "carl@corp.example"}, "", ""},
		{"nobody", "2026-02-02T00:00:00Z", event.User{}, "", ""},
	} {
		ev := &event.Event{Time: moment(t, c.at), User: c.user}
		want := event.Leak{List: c.list}
		if c.leaked != "" {
			want.At = moment(t, c.leaked)
		}
		if e.Enrich(ev); ev.User.Leaked != want {
			t.Errorf("%s: %+v, want %+v", c.name, ev.User.Leaked, want)
		}
	}
}

func moment(t testing.TB, text string) (at event.Time) {
	t.Helper()
	if err := at.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestMissingGeo(t *testing.T) {
	var log strings.Builder
	e, err := enrich.Open(enrich.Config{}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	e.Enrich(okta("198.18.0.1"))
	e.Enrich(&event.Event{})
	if e.MissingGeo() || e.Unlocated() != 0 {
		t.Error("events with a place, or without an address, count as lacking one")
	}
	e.Enrich(from("198.18.0.1"))
	e.Enrich(from("198.18.0.2"))
	if !e.MissingGeo() || e.Unlocated() != 2 {
		t.Errorf("missing %v, unlocated %d", e.MissingGeo(), e.Unlocated())
	}
	if n := strings.Count(log.String(), "geoip.city"); n != 1 {
		t.Errorf("said %d times what to do:\n%s", n, &log)
	}

	located := open(t, allDatabases())
	located.Enrich(from("8.8.8.8"))
	if located.MissingGeo() || located.Unlocated() != 1 {
		t.Error("an address that the database does not know is not for want of a database")
	}
}

func TestOpenReportsEveryProblem(t *testing.T) {
	dir := t.TempDir()
	cfg := enrich.Config{
		GeoIP: enrich.GeoIPConfig{
			City:      databases + "asn.mmdb",
			ASN:       filepath.Join(dir, "absent.mmdb"),
			Anonymous: write(t, dir, "cut.mmdb", "no database"),
			Lists: []enrich.ListConfig{
				{Path: write(t, dir, "list.txt", "192.0.2.0/24\nhere\n192.0.2.1/24\n"), Anonymizer: "spy"},
				{Anonymizer: "tor"},
				{Path: write(t, dir, "threats.txt", "192.0.2.7 tomorrow\n192.0.2.8 2026-12-01 scanner\n2026-12-01\n192.0.2.9 2999-01-01\n"), Threat: "scanners", Anonymizer: "vpn"},
			},
		},
		Directory: dir,
		Leaked: []enrich.LeakedConfig{
			{Path: write(t, dir, "leaked.txt", "alice@corp.example soon\nbob@corp.example - later\ncarol@corp.example 2026-01-01 2027-01-01 paste\n"), Name: "paste"},
			{},
		},
	}
	want := []string{
		`asn.mmdb: is a database of type "GeoLite2-ASN"; geoip.city needs one of City`,
		"absent.mmdb: no such file",
		"cut.mmdb: not a MaxMind database",
		`list.txt:2: "here" is no network`,
		"list.txt:3: 192.0.2.1/24 has bits set beyond its length; write 192.0.2.0/24",
		`geoip.lists[0]: anonymizer is "spy"`,
		"geoip.lists[1]: path is missing",
		`threats.txt:1: "tomorrow" is no time: want 2026-12-01 or 2026-12-01T00:00:00Z`,
		`threats.txt:2: "192.0.2.8 2026-12-01 scanner" is more than a network and its expiry`,
		`threats.txt:3: "2026-12-01" is no network`,
		"threats.txt:4: 2999-01-01 is not between the years 1990 and 2200",
		"geoip.lists[2]: has both anonymizer and threat",
		`leaked.txt:1: "soon" is no time`,
		`leaked.txt:2: "later" is no time`,
		`leaked.txt:3: "carol@corp.example 2026-01-01 2027-01-01 paste" is more than an account`,
		"leaked_accounts[1]: path is missing",
		"leaked_accounts[1]: name is missing",
		"is not a regular file",
	}
	_, err := enrich.Open(cfg, nil)
	if err == nil {
		t.Fatal("opened")
	}
	var checked []string
	for _, e := range enrich.Check(cfg) {
		checked = append(checked, e.Error())
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("Open's error lacks %q:\n%v", w, err)
		}
		if !strings.Contains(strings.Join(checked, "\n"), w) {
			t.Errorf("Check lacks %q:\n%v", w, checked)
		}
	}
	if errs := enrich.Check(allDatabases()); len(errs) > 0 {
		t.Errorf("good databases: %v", errs)
	}
}

// A database whose records are damaged opens, since its search tree and
// metadata are in order; validate must find it, and run must go on.
func TestDamagedRecords(t *testing.T) {
	data, err := os.ReadFile(databases + "city.mmdb")
	if err != nil {
		t.Fatal(err)
	}
	cfg := enrich.Config{GeoIP: enrich.GeoIPConfig{City: write(t, t.TempDir(), "city.mmdb", damaged(string(data)))}}
	if errs := enrich.Check(cfg); len(errs) != 1 || !strings.Contains(errs[0].Error(), "damaged") {
		t.Errorf("Check: %v", errs)
	}
	e := open(t, cfg)
	ev := okta("198.18.0.9")
	e.Enrich(ev)
	if e.LookupErrors() == 0 || ev.Source.Geo != (event.Geo{}) {
		t.Errorf("%d errors, place %+v", e.LookupErrors(), ev.Source.Geo)
	}
}

// damaged spoils records of a database, and leaves its search tree and
// metadata in order.
func damaged(data string) string {
	_, at, _ := strings.Cut(data, strings.Repeat("\x00", 16)) // what divides tree and records
	from := len(data) - len(at)
	return data[:from+20] + strings.Repeat("\xff", 100) + data[from+120:]
}

func TestASTypeTableIsInOrder(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(enrich.ASTypeTable()), "\n")
	if lines[0] != "asn,type,name" {
		t.Fatalf("header %q", lines[0])
	}
	seen := map[string]bool{}
	for i, line := range lines[1:] {
		fields := strings.Split(line, ",")
		if len(fields) != 3 || fields[0] == "" || strings.Trim(fields[0], "0123456789") != "" || fields[2] == "" ||
			(fields[1] != event.ASMobile && fields[1] != event.ASSatellite) || seen[fields[0]] {
			t.Errorf("line %d: %q", i+2, line)
		}
		seen[fields[0]] = true
	}
}

func FuzzList(f *testing.F) {
	f.Add([]byte("192.0.2.0/24 # x\n::1\n\nbad\n1.2.3.4/8\n::ffff:1.2.3.4/120\n"))
	f.Fuzz(func(t *testing.T, data []byte) { _ = enrich.ParseList(data) })
}

func FuzzThreats(f *testing.F) {
	f.Add([]byte("192.0.2.0/24 2026-12-01 # x\n::1 2026-12-01T00:00:00+02:00\n\nbad\n1.2.3.4\t1850-01-01\n"))
	f.Fuzz(func(t *testing.T, data []byte) { _ = enrich.ParseThreats(data) })
}

func FuzzLeaked(f *testing.F) {
	f.Add([]byte("ann@corp.example\nbob - 2026-12-01\n" + strings.Repeat("0a", 32) + " 2026-01-01T00:00:00Z 2027-01-01 ; x\na b c d\n"))
	f.Fuzz(func(t *testing.T, data []byte) { _ = enrich.ParseLeaked(data) })
}
