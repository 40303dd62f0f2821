package enrich_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/fixtures/geoip"
	"github.com/riskstream/riskstream/internal/enrich"
	"github.com/riskstream/riskstream/internal/geodata"
)

// cityAt makes a City database that places every network of the fixtures'
// table that lies in Berlin elsewhere.
func cityAt(t *testing.T, city string) string {
	t.Helper()
	data, _, _, err := geodata.Build([]byte(strings.ReplaceAll(string(geoip.Networks()), "Berlin", city)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// watched is an enricher on files of its own, with what it logged.
func watched(t *testing.T, cfg enrich.Config) (*enrich.Enricher, *strings.Builder) {
	t.Helper()
	var log strings.Builder
	e, err := enrich.Open(cfg, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return e, &log
}

func cityOf(e *enrich.Enricher, ip string) string {
	ev := from(ip)
	e.Enrich(ev)
	return ev.Source.Geo.City
}

func TestAChangedDatabaseIsSwappedIn(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "city.mmdb", cityAt(t, "Berlin"))
	e, _ := watched(t, enrich.Config{GeoIP: enrich.GeoIPConfig{City: path}})
	replace(t, dir, "city.mmdb", cityAt(t, "Bonn"))

	e.Poll() // seen; it may still be being copied
	if got := cityOf(e, "198.18.0.1"); got != "Berlin" {
		t.Errorf("after one poll: %s", got)
	}
	e.Poll()
	if got := cityOf(e, "198.18.0.1"); got != "Bonn" {
		t.Errorf("after two polls: %s", got)
	}
	e.Poll()
	if s := e.Files()[0]; s.Kind != "city" || s.Path != path || s.Built != 1767225600 || s.Reloads != 1 || s.Errors != 0 {
		t.Errorf("status %+v", s)
	}
}

func TestABrokenNewFileKeepsTheOld(t *testing.T) {
	dir := t.TempDir()
	good := cityAt(t, "Berlin")
	_, asnData, _, err := geodata.Build(geoip.Networks())
	if err != nil {
		t.Fatal(err)
	}
	asn := string(asnData)
	cfg := enrich.Config{
		GeoIP: enrich.GeoIPConfig{
			City:  write(t, dir, "city.mmdb", good),
			ASN:   write(t, dir, "asn.mmdb", asn),
			Lists: []enrich.ListConfig{{Path: write(t, dir, "tor.txt", "198.18.0.1\n"), Anonymizer: "tor"}},
		},
		Directory: write(t, dir, "directory.yaml", "users: [{name: a@corp.example, aliases: [okta:1]}]"),
	}
	e, log := watched(t, cfg)
	replace(t, dir, "city.mmdb", good[:len(good)-100])
	replace(t, dir, "asn.mmdb", damaged(asn))
	replace(t, dir, "tor.txt", "198.18.0.1\nwhere?\n")
	replace(t, dir, "directory.yaml", "users: [{name: a@corp.example, aliases: [okta:1], age: 9}]")
	for range 5 {
		e.Poll()
	}
	check := func(when string) {
		t.Helper()
		ev := from("198.18.0.1")
		ev.User.Subject = "okta:1"
		e.Enrich(ev)
		if ev.Source.Geo.City != "Berlin" || ev.Source.AS.Number != 64600 || ev.Source.Anonymizer != "tor" || ev.User.Subject != "a@corp.example" {
			t.Errorf("%s: %+v %+v", when, ev.Source, ev.User)
		}
	}
	check("after broken files")
	for i, f := range e.Files() {
		if f.Errors != 1 || f.Reloads != 0 {
			t.Errorf("file %d: %+v", i, f)
		}
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 4 || !strings.Contains(log.String(), "tor.txt:2:") || !strings.Contains(log.String(), "directory.yaml:1:51:") {
		t.Errorf("%d errors in the log, want one for each file with its place:\n%s", n, log)
	}

	if err := os.Remove(filepath.Join(dir, "tor.txt")); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		e.Poll()
	}
	check("after a file vanished")
	if n := strings.Count(log.String(), "no longer there"); n != 1 {
		t.Errorf("the vanished file is in the log %d times:\n%s", n, log)
	}
	replace(t, dir, "tor.txt", "198.18.0.2\n")
	e.Poll()
	e.Poll()
	ev := from("198.18.0.2")
	if e.Enrich(ev); ev.Source.Anonymizer != "tor" {
		t.Error("a file that came back is not read")
	}
}

// A file that changes between two polls is left alone: it is being written.
func TestChangedListsAreSwappedIn(t *testing.T) {
	dir := t.TempDir()
	e, log := watched(t, enrich.Config{
		GeoIP:  enrich.GeoIPConfig{Lists: []enrich.ListConfig{{Path: write(t, dir, "threats.txt", "198.18.0.7\n"), Threat: "scanners"}}},
		Leaked: []enrich.LeakedConfig{{Path: write(t, dir, "leaked.txt", "ann@corp.example\n"), Name: "paste"}},
	})
	say := func() string {
		a, b := from("198.18.0.7"), from("198.18.0.8")
		a.User.Subject, b.User.Subject = "ann@corp.example", "bob@corp.example"
		e.Enrich(a)
		e.Enrich(b)
		return strings.Join([]string{a.Source.ThreatList, a.User.Leaked.List, b.Source.ThreatList, b.User.Leaked.List}, "|")
	}
	if got := say(); got != "scanners|paste||" {
		t.Fatalf("at first %s", got)
	}
	replace(t, dir, "threats.txt", "198.18.0.8\n")
	replace(t, dir, "leaked.txt", "bob@corp.example\n")
	e.Poll()
	e.Poll()
	if got := say(); got != "||scanners|paste" {
		t.Errorf("after the change %s\n%s", got, log)
	}
	replace(t, dir, "leaked.txt", "ann@corp.example when?\n")
	e.Poll()
	e.Poll()
	if got := say(); got != "||scanners|paste" || !strings.Contains(log.String(), "leaked.txt:1") {
		t.Errorf("after a bad change %s\n%s", got, log)
	}
}

func TestAFileBeingWrittenIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "tor.txt", "198.18.0.1\n")
	e, log := watched(t, enrich.Config{GeoIP: enrich.GeoIPConfig{Lists: []enrich.ListConfig{{Path: path, Anonymizer: "tor"}}}})
	for _, text := range []string{"198.18.0.2\n198.", "198.18.0.2\n198.18.", "198.18.0.2\n198.18.0.3\n"} {
		write(t, dir, "tor.txt", text)
		e.Poll()
	}
	e.Poll()
	if s := e.Files()[0]; s.Errors != 0 || s.Reloads != 1 {
		t.Errorf("status %+v\n%s", s, log)
	}
}

func TestWatchPollsAndEnds(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "city.mmdb", cityAt(t, "Berlin"))
	bonn := cityAt(t, "Bonn")
	synctest.Test(t, func(t *testing.T) {
		e, _ := watched(t, enrich.Config{GeoIP: enrich.GeoIPConfig{City: path}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { e.Watch(ctx, time.Second); close(done) }()
		replace(t, dir, "city.mmdb", bonn)
		time.Sleep(2500 * time.Millisecond) // of the test's own clock
		synctest.Wait()
		if got := cityOf(e, "198.18.0.1"); got != "Bonn" {
			t.Errorf("after two intervals: %s", got)
		}
		cancel()
		<-done
	})
}

// Each event must see one version or the other, whole; the race detector
// watches.
func TestSwapsUnderLoad(t *testing.T) {
	dir := t.TempDir()
	versions := []string{cityAt(t, "Berlin"), cityAt(t, "Bonn")}
	path := write(t, dir, "city.mmdb", versions[0])
	e, _ := watched(t, enrich.Config{GeoIP: enrich.GeoIPConfig{City: path}})
	ctx, cancel := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for ctx.Err() == nil {
				ev := from("198.18.0.1")
				ev.UserAgent.Original = chromeOnMac
				e.Enrich(ev)
				if city := ev.Source.Geo.City; city != "Berlin" && city != "Bonn" {
					t.Errorf("place %+v", ev.Source.Geo)
					return
				}
			}
		})
	}
	for i := range 20 {
		replace(t, dir, "city.mmdb", versions[(i+1)%2])
		e.Poll()
		e.Poll()
	}
	cancel()
	workers.Wait()
	if s := e.Files()[0]; s.Reloads != 20 {
		t.Errorf("status %+v", s)
	}
}

func TestAClosedEnricherEnrichesFromTheEvent(t *testing.T) {
	e := open(t, allDatabases())
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e.Poll()
	ev := okta("198.18.0.1")
	e.Enrich(ev)
	if ev.Source.Geo.City != "Paris" || ev.Source.AS.Type != "" || ev.Source.Corporate != event.Unknown {
		t.Errorf("%+v", ev.Source)
	}
}

// replace puts a new file in the place of the old one, as a careful updater
// does; it always differs from the old one by its inode.
func replace(t *testing.T, dir, name, text string) {
	t.Helper()
	next := write(t, dir, name+".new", text)
	if err := os.Rename(next, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}
