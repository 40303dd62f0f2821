package simulate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/simulate"
)

// life is the records of the whole history and of the live phase's first day.
func life(c *simulate.Company, liveSpan time.Duration) []simulate.Record {
	var records []simulate.Record
	for {
		r := c.Next()
		if r.Time >= c.LiveFrom().Add(liveSpan) {
			return records
		}
		records = append(records, r)
	}
}

func TestSameConfigSameBytes(t *testing.T) {
	const n = 9000 // beyond the history of 40 people, into the live phase
	one, two := simulate.New(simulate.Config{Seed: 7}), simulate.New(simulate.Config{Seed: 7})
	for i := range n {
		a, b := one.Next(), two.Next()
		if a.Topic != b.Topic || a.Time != b.Time || a.Label != b.Label || !bytes.Equal(a.Value, b.Value) {
			t.Fatalf("record %d differs:\n%s\n%s", i, a.Value, b.Value)
		}
		if i == n-1 && a.Time < one.LiveFrom() {
			t.Fatal("the comparison has not reached the live phase")
		}
	}
	other := simulate.New(simulate.Config{Seed: 8})
	if bytes.Equal(simulate.New(simulate.Config{Seed: 7}).Next().Value, other.Next().Value) {
		t.Error("another seed gave the same first record")
	}
}

func TestRecordsAreValidAndInTimeOrder(t *testing.T) {
	config := simulate.Config{Seed: 1, Start: 1767600000000, QuietDays: 9, LiveSpan: 5 * time.Minute}
	c := simulate.New(config)
	last := config.Start
	seen := map[string]bool{}
	for _, r := range life(c, 3*config.LiveSpan) {
		if r.Time < last {
			t.Fatalf("%v comes after %v", r.Time, last)
		}
		last = r.Time
		if !json.Valid(r.Value) {
			t.Fatalf("not JSON: %s", r.Value)
		}
		if r.Label != simulate.Ordinary && r.Time < c.LiveFrom() {
			t.Errorf("%s begins at %v, in the quiet history", r.Label, r.Time)
		}
		seen[r.Topic] = true
	}
	for _, topic := range []string{simulate.TopicOkta, simulate.TopicEntra, simulate.TopicKeycloak} {
		if !seen[topic] {
			t.Errorf("nothing for %s", topic)
		}
	}
}

func TestLivePhaseCanBeginAnytime(t *testing.T) {
	live := time.Date(2026, 3, 14, 15, 9, 26, 535_000_000, time.UTC) // a Saturday afternoon
	config := simulate.Config{QuietDays: 14, Start: simulate.StartFor(live, 14*event.Day), LiveSpan: 2 * time.Minute}
	c := simulate.New(config)
	if c.LiveFrom() != event.TimeOf(live) {
		t.Fatalf("live from %v, want %v", c.LiveFrom(), live)
	}
	labels := map[string]bool{}
	for _, r := range life(c, 2*config.LiveSpan) {
		if r.Time < config.Start {
			t.Fatalf("%v is before the start, %v", r.Time, config.Start)
		}
		if r.Time >= c.LiveFrom() {
			labels[r.Label] = true
		}
	}
	if len(labels) != len(c.Stories())+1 {
		t.Errorf("the live phase shows %v, want every story and ordinary traffic", labels)
	}
}

// what is as much of the three shapes as the tests look at.
type what struct {
	// Okta
	EventType string
	Published event.Time
	Actor     struct{ ID, AlternateID string }
	Outcome   struct{ Result, Reason string }
	Client    struct{ IPAddress string }
	// Keycloak
	Type      string
	Time      int64
	UserID    string
	Error     string
	IPAddress string
	Details   struct{ Username string }
	// Entra
	Records []struct {
		Properties struct {
			CreatedDateTime   event.Time
			UserPrincipalName string
			IPAddress         string
			Status            struct{ ErrorCode int }
		}
	}
}

func parse(t *testing.T, r simulate.Record) what {
	t.Helper()
	var w what
	if err := json.Unmarshal(r.Value, &w); err != nil {
		t.Fatalf("%v: %s", err, r.Value)
	}
	return w
}

func (w *what) user() string {
	if len(w.Records) > 0 {
		return w.Records[0].Properties.UserPrincipalName
	}
	return w.Actor.AlternateID + w.Details.Username
}

func (w *what) failed() bool {
	return w.Outcome.Result == "FAILURE" || w.Error != "" || len(w.Records) > 0 && w.Records[0].Properties.Status.ErrorCode != 0
}

func TestRecordTimeIsTheEventsOwn(t *testing.T) {
	for _, r := range simulate.New(simulate.Config{}).Take(2000) {
		w := parse(t, r)
		var own event.Time
		switch r.Topic {
		case simulate.TopicOkta:
			own = w.Published
		case simulate.TopicEntra:
			own = w.Records[0].Properties.CreatedDateTime
		default:
			own = event.Time(w.Time)
		}
		if own != r.Time {
			t.Fatalf("%s: record says %v, its event %v", r.Topic, r.Time, own)
		}
	}
}

func TestEachStoryIsTold(t *testing.T) {
	// The outcomes that make each story what it is, in their order: F for a
	// failure, S for anything else.
	want := map[string]string{
		"impossible_travel":    "SSS SSSS",
		"forgotten_password":   "FFFFFF SSS",
		"brute_force_success":  "FFFFFFFFFFFFFF SS",
		"new_phone":            "SSSS",
		"password_guessing":    "FFFFFFFFF FFFFFFFFF FFFFFFFFF",
		"business_trip":        "SSS",
		"anonymous_new_device": "SS",
		"phone_jitter":         "SSSSSSSS",
		"mfa_denial":           "SFSFSF",
	}
	for _, users := range []int{simulate.MinUsers, 40, 300} {
		config := simulate.Config{Users: users, LiveSpan: 3 * time.Minute, QuietDays: 5}
		c := simulate.New(config)
		got := map[string]string{}
		live := map[string]map[string]bool{} // person → labels
		for _, r := range life(c, 3*config.LiveSpan) {
			w := parse(t, r)
			if u := w.user(); r.Time >= c.LiveFrom() && u != "" {
				if live[u] == nil {
					live[u] = map[string]bool{}
				}
				live[u][r.Label] = true
			}
			if r.Label == simulate.Ordinary {
				continue
			}
			outcome := "S"
			if w.failed() {
				outcome = "F"
			}
			got[r.Label] += outcome
		}
		stories := c.Stories()
		if len(stories) != len(want) {
			t.Errorf("%d stories, want %d", len(stories), len(want))
		}
		for _, s := range stories {
			if got[s.Name] != strings.ReplaceAll(want[s.Name], " ", "") {
				t.Errorf("%d users, %s: outcomes %s, want %s", users, s.Name, got[s.Name], want[s.Name])
			}
			if s.At < c.LiveFrom() || s.At >= c.LiveFrom().Add(config.LiveSpan) {
				t.Errorf("%s begins at %v, outside the live phase's first day", s.Name, s.At)
			}
			if labels := live[s.Person]; len(labels) != 1 || !labels[s.Name] {
				t.Errorf("%s: %s also plays %v", s.Name, s.Person, labels)
			}
		}
	}
}

// A trip is only benign when the traveller had the time to get there.
func TestTravellerIsAwayLongEnough(t *testing.T) {
	for seed := range uint64(5) {
		c := simulate.New(simulate.Config{Seed: seed})
		var traveller string
		for _, s := range c.Stories() {
			if s.Name == "business_trip" {
				traveller = s.Person
			}
		}
		var last event.Time
		for _, r := range life(c, 10*time.Minute) {
			w := parse(t, r)
			if w.user() != traveller {
				continue
			}
			if r.Label == "business_trip" {
				if away := r.Time.Sub(last); last == 0 || away < 20*time.Hour {
					t.Errorf("seed %d: seen at %v, then abroad %v later", seed, last, away)
				}
				break
			}
			last = r.Time
		}
	}
}

func TestUsersAreBounded(t *testing.T) {
	for configured, want := range map[int]int{0: 40, 1: simulate.MinUsers, 25: 25, simulate.MaxUsers + 1: simulate.MaxUsers} {
		directory := simulate.New(simulate.Config{Users: configured}).Directory()
		if got := bytes.Count(directory, []byte("kind: human")); got != want {
			t.Errorf("Users %d: %d people, want %d", configured, got, want)
		}
		if got := bytes.Count(directory, []byte("kind: service")); got != 3 {
			t.Errorf("Users %d: %d service accounts, want 3", configured, got)
		}
		names := map[string]bool{}
		for line := range strings.Lines(string(directory)) {
			name, isUser := strings.CutPrefix(line, "  - {name: ")
			if name, _, _ = strings.Cut(name, ","); isUser && names[name] {
				t.Fatalf("Users %d: two people are called %s", configured, name)
			}
			names[name] = true
		}
	}
}

func TestEverybodyOfTheLogsIsInTheDirectory(t *testing.T) {
	c := simulate.New(simulate.Config{Users: 20})
	directory := string(c.Directory())
	for _, r := range c.Take(3000) {
		w := parse(t, r)
		for provider, id := range map[string]string{"okta": w.Actor.ID, "keycloak": w.UserID} {
			if id != "" && !strings.Contains(directory, fmt.Sprintf("%q", provider+":"+id)) {
				t.Fatalf("%s:%s is not in the directory", provider, id)
			}
		}
		if u := w.user(); u != "" && !strings.HasPrefix(u, "service-account-") && !strings.Contains(directory, "name: "+u+",") {
			t.Fatalf("%s is not in the directory", u)
		}
	}
}

// Consumers are sized for real events: Okta's have about 2 KB.
func TestOktaSignInsHaveTheirTrueSize(t *testing.T) {
	var n, total int
	for _, r := range simulate.New(simulate.Config{Users: 200}).Take(20_000) {
		if r.Topic == simulate.TopicOkta && bytes.Contains(r.Value, []byte(`"eventType":"user.session.start"`)) {
			n++
			total += len(r.Value)
		}
	}
	if n < 500 || total/n < 1536 || total/n > 3072 {
		t.Errorf("%d sign-ins of %d bytes on average, want at least 500 of 1.5 to 3 KB", n, total/max(n, 1))
	}
}

func TestAddressesAreOfDocumentationRanges(t *testing.T) {
	var ranges []netip.Prefix
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32"} {
		ranges = append(ranges, netip.MustParsePrefix(p))
	}
	for _, r := range life(simulate.New(simulate.Config{QuietDays: 3}), 10*time.Minute) {
		w := parse(t, r)
		raw := w.Client.IPAddress + w.IPAddress
		if len(w.Records) > 0 {
			raw = w.Records[0].Properties.IPAddress
		}
		ip, err := netip.ParseAddr(raw)
		if err != nil {
			t.Fatalf("%v: %s", err, r.Value)
		}
		inside := false
		for _, p := range ranges {
			inside = inside || p.Contains(ip)
		}
		if !inside {
			t.Errorf("%v may belong to somebody", ip)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, users := range []int{40, 10_000, simulate.MaxUsers} {
		b.Run(fmt.Sprintf("%d_users", users), func(b *testing.B) {
			c := simulate.New(simulate.Config{Users: users})
			c.Next() // plans the first day; that of later days is measured
			b.ReportAllocs()
			for b.Loop() {
				b.SetBytes(int64(len(c.Next().Value)))
			}
		})
	}
}
