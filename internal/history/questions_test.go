package history

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// tale is a history that a test tells event by event, without a Kafka.
type tale struct {
	t       *testing.T
	records map[string][]kgo.Record // by table
}

func (w *tale) add(table string, key, value []byte, at event.Time) {
	w.records[table] = append(w.records[table], kgo.Record{Key: key, Value: value, Timestamp: at.Std(), Offset: int64(len(w.records[table]))})
}

func (w *tale) event(e event.Event) event.Event {
	w.add(tableEvents, nil, e.AppendJSON(nil), e.Time)
	return e
}

func (w *tale) detection(e event.Event, name string, points float64) {
	d := event.Detection{Name: name, Group: event.GroupDevice, Strength: 1, LLR: 1, HalfLife: 3600, Points: points, Summary: name + " was seen"}
	w.add(tableDetections, nil, publish.AppendDetection(nil, &e, &d, "c0ffee"), e.Time)
}

func (w *tale) score(e event.Event, change func(*event.Score)) {
	s := aScore(&e, &event.Detection{Name: "new_device", Summary: "a device never seen before"})
	s.Version = uint32(len(w.records[tableScores]) + 1)
	change(&s)
	w.add(tableScores, []byte(s.Entity), publish.AppendScore(nil, &s), e.Time)
}

// told puts it into a history.
func (w *tale) told() *Store {
	w.t.Helper()
	store := openStore(w.t, inDir(w.t.TempDir()))
	for table, records := range w.records {
		var b batch
		for i := range records {
			if b != nil && !b.fits(&records[i]) {
				w.insert(store, b)
				b = nil
			}
			if b == nil {
				b = newBatch(table, "risk."+table, 0)
			}
			if err := b.add(&records[i]); err != nil {
				w.t.Fatal(err)
			}
		}
		w.insert(store, b)
	}
	return store
}

func (w *tale) insert(store *Store, b batch) {
	w.t.Helper()
	if err := b.insert(w.t.Context(), store.conn); err != nil {
		w.t.Fatal(err)
	}
}

// Of the tale that the questions are asked of: Bea works from Berlin at nine
// and at five on every day of February; in January she was in a hotel in Recife. On the
// second of March somebody there takes over her session.
var (
	bea    = Subject{"default", "bea@corp.example"}
	attack = event.TimeOf(time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC))
)

func beas(at event.Time, n int) event.Event {
	e := anEvent(0)
	e.Time, e.ID, e.Session.ID = at, fmt.Sprintf("b-%d", n), fmt.Sprintf("s-%d", n)
	e.User = event.User{ID: "00ubea", Name: "bea", Email: "bea@corp.example", FullName: "Bea Novak", Subject: bea.Name, Kind: event.Human, Privileged: event.True}
	e.Device = event.Device{ID: "laptop-7", Managed: event.True, Compliant: event.True}
	return e
}

func attackers(e *event.Event) {
	e.Source.IP = netip.MustParseAddr("198.51.100.77")
	e.Source.Geo = event.Geo{Country: "BR", City: "Recife"}
	e.Source.AS = event.AS{Number: 64511, Organization: "Rented Servers"}
	e.Source.Anonymizer = "hosting"
	e.UserAgent = event.UserAgent{Name: "curl", OS: "Linux"}
	e.Device = event.Device{}
}

func theTale(t *testing.T) *Store {
	w := &tale{t: t, records: map[string][]kgo.Record{}}
	n := 0
	next := func(at event.Time) event.Event { n++; return beas(at, n) }
	old := next(attack - 50*event.Day)
	old.Source.IP, old.Source.Geo = netip.MustParseAddr("2001:db8:1:2::3"), event.Geo{Country: "BR", City: "Recife"}
	old.Source.AS = event.AS{Number: 64999, Organization: "Hotel"}
	old.User.Name = "bea.weiss"
	w.event(old)
	for day := range event.Time(28) {
		morning := next(attack - (28-day)*event.Day + 6*event.Hour)
		if day == 0 {
			morning.Device.Compliant = event.False
		}
		w.event(morning)
		w.event(next(morning.Time + 8*event.Hour))
	}
	failed := next(attack - 10*event.Day) // somebody tries already
	attackers(&failed)
	guessed(&failed)
	w.event(failed)

	// The day: her own sign-in, three guesses, the session goes elsewhere.
	own := next(attack + 6*event.Hour)
	own.Session.ID = "s-taken"
	w.event(own)
	for range 3 {
		e := next(attack + 6*event.Hour + event.Time(n)*event.Second)
		attackers(&e)
		guessed(&e)
		e.Session.ID = ""
		w.event(e)
	}
	taken := next(attack + 7*event.Hour)
	attackers(&taken)
	taken.Session.ID, taken.Action = "s-taken", event.Access
	taken.App = event.App{ID: "0oa2", Name: "Vault\x1b[2J\u202e", Sanctioned: event.False}
	w.event(taken)
	w.detection(taken, "session_hijack", 60)
	w.detection(taken, "new_network", 20.5)
	w.score(taken, func(s *event.Score) { s.Score, s.Level, s.Decision = 92, event.High, event.Revoke })
	w.score(taken, func(s *event.Score) {
		s.Entity, s.Session, s.Score, s.Level, s.Decision = "session:default/s-taken", "s-taken", 88, event.High, event.Revoke
	})
	w.score(taken, func(s *event.Score) { // time passes
		s.AsOf += 2 * event.Hour
		s.Score, s.Level, s.PreviousLevel, s.Decision, s.Event = 5, event.None, event.High, event.Allow, event.Cause{}
	})
	w.add(tableScores, []byte("session:default/s-taken"), nil, taken.Time+3*event.Hour)

	// Carl borrows her laptop, and comes from the attacker's network.
	carls := func(at event.Time) event.Event {
		e := next(at)
		e.User = event.User{ID: "00ucarl", Name: "carl", Subject: "carl@corp.example", Kind: event.Human}
		return e
	}
	e := carls(attack + 8*event.Hour)
	e.Device.Managed, e.Device.Compliant = event.Unknown, event.Unknown
	w.event(e)
	e = carls(attack + 8*event.Hour + event.Minute)
	attackers(&e)
	e.Source.IP = netip.MustParseAddr("198.51.100.78")
	w.event(e)
	// Whom nobody knows has no subject.
	e = next(attack + 9*event.Hour)
	attackers(&e)
	guessed(&e)
	e.User = event.User{}
	w.event(e)
	w.othersSession()
	return w.told()
}

// othersSession is a session of another tenant that has the same id, and that
// two users are in. They share a network.
func (w *tale) othersSession() {
	var first event.Event
	for i, name := range []string{"dora", "emil"} {
		e := beas(attack+event.Time(i)*event.Minute, 1000+i)
		e.Tenant, e.Session.ID = "other", "s-taken"
		e.User = event.User{ID: name, Subject: name + "@other.example"}
		e.Source = event.Source{IP: netip.MustParseAddr(fmt.Sprintf("2001:db9::%d", i+1))}
		e.UserAgent, e.Device, e.App = event.UserAgent{}, event.Device{}, event.App{}
		w.event(e)
		if i == 0 {
			first = e
		}
	}
	at := func(after event.Time, score float64, cause event.Cause) {
		w.score(first, func(s *event.Score) {
			s.Entity, s.Session, s.AsOf, s.Score, s.Event = "session:other/s-taken", "s-taken", first.Time+after, score, cause
		})
	}
	at(0, 30, event.Cause{ID: first.ID, Time: first.Time, Action: first.Action})
	at(event.Hour, 9, event.Cause{})
	at(2*event.Hour, 100, event.Cause{ID: "sig-9", Time: first.Time + 2*event.Hour, Action: event.IDPSignal})
}

// TestInvestigation asks the questions of one tale.
func TestInvestigation(t *testing.T) {
	store := theTale(t)
	t.Run("profile", func(t *testing.T) { profileOf(t, store) })
	t.Run("address", func(t *testing.T) { addressOf(t, store) })
	t.Run("session", func(t *testing.T) { sessionOf(t, store) })
	t.Run("devices", func(t *testing.T) { devicesOf(t, store) })
	t.Run("apps", func(t *testing.T) { appsOf(t, store) })
	t.Run("compare", func(t *testing.T) { comparisonOf(t, store) })
}

func profileOf(t *testing.T, store *Store) {
	p, err := store.Profile(t.Context(), bea, Span{Since: attack}, 5)
	if err != nil {
		t.Fatal(err)
	}
	if p.Kind != "human" || p.Privileged == nil || !*p.Privileged || !slices.Equal(p.Providers, []string{"okta"}) {
		t.Errorf("who: %s, privileged %v, providers %v", p.Kind, p.Privileged, p.Providers)
	}
	// Names and times are of all that is kept, not of the span alone.
	if p.FirstSeen != attack-50*event.Day || p.LastSeen != attack+7*event.Hour {
		t.Errorf("seen %s to %s", p.FirstSeen, p.LastSeen)
	}
	var names []string
	for _, n := range p.Names {
		names = append(names, fmt.Sprintf("%s=%s (%d)", n.Kind, n.Name, n.Events))
	}
	want(t, "names", names, "email=bea@corp.example (63)", "name=bea (62)", "name=bea.weiss (1)", "id=00ubea (63)", "full_name=Bea Novak (63)")
	var did []string
	for _, d := range p.Did {
		did = append(did, fmt.Sprintf("%s %s %d", d.Action, d.Outcome, d.Events))
	}
	want(t, "events", did, "sign_in failure 3", "access success 1", "sign_in success 1")
	var used []string
	for _, u := range p.Used {
		used = append(used, fmt.Sprintf("%s %s (%s) %d %d %s", u.Kind, u.Name, u.Note, u.Successes, u.Failures, (u.Last-attack).Std().Format("15:04")))
	}
	want(t, "habits", used,
		"network 198.51.100.77 (Rented Servers) 1 3 07:00", "network 203.0.113.9 (Example Net) 1 0 06:00",
		"as AS64511 (Rented Servers) 1 3 07:00", "as AS64500 (Example Net) 1 0 06:00",
		"country BR () 1 3 07:00", "country DE () 1 0 06:00", "city Recife (BR) 1 3 07:00", "city Berlin (DE) 1 0 06:00",
		"device laptop-7 (Safari on Mac OS) 1 0 06:00", "agent curl on Linux () 1 3 07:00", "agent Safari on Mac OS () 1 0 06:00",
		"app 0oa1 (Payroll) 1 3 06:01", "app 0oa2 (Vault\x1b[2J\u202e) 1 0 07:00")
	if len(p.Detections) != 2 || p.Detections[0].Name != "new_network" || p.Detections[1].Points != 60 || p.Detections[1].Times != 1 {
		t.Errorf("detections %+v", p.Detections)
	}
	if h := p.Highest; h == nil || h.Score != 92 || h.Decision != "revoke" || h.EventID != "b-63" || len(h.Reasons) != 1 || h.At != attack+7*event.Hour {
		t.Errorf("highest %+v", h)
	}
	if l := p.Last; l == nil || l.Score != 5 || l.EventID != "" || l.At != attack+9*event.Hour {
		t.Errorf("last %+v", l)
	}
	if d := p.Decisions; len(d) != 2 || d[0].Decision != "revoke" || d[1].Decision != "allow" {
		t.Errorf("decisions %+v", d)
	}

	// A span before the attack has no score, but one that ends within it has its
	// first.
	p, err = store.Profile(t.Context(), bea, Span{Until: attack}, 2)
	if err != nil || p.Highest != nil || p.Last != nil || p.Decisions != nil || p.Did[0].Events != 57 {
		t.Errorf("before the attack: %+v, %v", p, err)
	}
	p, err = store.Profile(t.Context(), bea, Span{Since: attack + 8*event.Hour, Until: attack + 9*event.Hour}, 2)
	if err != nil || p.Highest != nil || p.Last == nil || p.Last.Score != 92 || p.Decisions != nil {
		t.Errorf("between two scores: %+v, %v", p, err)
	}
	// What changed within a span is held against what was before it.
	p, err = store.Profile(t.Context(), bea, Span{Since: attack + 8*event.Hour}, 2)
	if err != nil || len(p.Decisions) != 1 || p.Decisions[0].Decision != "allow" {
		t.Errorf("after the attack: %+v, %v", p, err)
	}
}

// want compares what was found, as texts in their order.
func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func addressOf(t *testing.T, store *Store) {
	for _, c := range []struct {
		from  string
		span  Span
		limit int
		want  []string
	}{
		{"198.51.100.77", Span{}, 5, []string{"6 events, 1 by nobody, 1 users, 2 detections", "bea@corp.example 1 4", "BR Recife AS64511 Rented Servers hosting"}},
		{"::ffff:198.51.100.77", Span{}, 5, []string{"6 events, 1 by nobody, 1 users, 2 detections", "bea@corp.example 1 4", "BR Recife AS64511 Rented Servers hosting"}},
		{"198.51.100.76/31", Span{}, 5, []string{"6 events, 1 by nobody, 1 users, 2 detections", "bea@corp.example 1 4", "BR Recife AS64511 Rented Servers hosting"}},
		{"198.51.100.64/26", Span{Since: attack}, 5, []string{"6 events, 1 by nobody, 2 users, 2 detections", "bea@corp.example 1 3", "carl@corp.example 1 0", "BR Recife AS64511 Rented Servers hosting"}},
		{"198.51.100.9/24", Span{Until: attack}, 5, []string{"1 events, 0 by nobody, 1 users, 0 detections", "bea@corp.example 0 1", "BR Recife AS64511 Rented Servers hosting"}},
		{"0.0.0.0/0", Span{}, 1, []string{"65 events, 1 by nobody, 2 users, 1 detections", "bea@corp.example 58 4", "DE Berlin AS64500 Example Net "}},
		{"2001:db8::/32", Span{}, 5, []string{"1 events, 0 by nobody, 1 users, 0 detections", "bea@corp.example 1 0", "BR Recife AS64999 Hotel "}},
		{"2001:db8:1:2::3", Span{}, 5, []string{"1 events, 0 by nobody, 1 users, 0 detections", "bea@corp.example 1 0", "BR Recife AS64999 Hotel "}},
		{"198.51.100.80/28", Span{}, 5, nil},
		{"2001:db8:1:3::/64", Span{}, 5, nil},
		{"192.0.2.1", Span{}, 5, nil},
	} {
		prefix, err := ParseAddress(c.from)
		if err != nil {
			t.Fatal(err)
		}
		a, err := store.Address(t.Context(), prefix, c.span, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if a != nil {
			got = append(got, fmt.Sprintf("%d events, %d by nobody, %d users, %d detections", a.Events, a.Nobody, a.Users, len(a.Detections)))
			for _, v := range a.Visitors {
				got = append(got, fmt.Sprintf("%s %d %d", v.Subject, v.Successes, v.Failures))
				if scored := v.Score != nil; scored != (v.Subject == bea) || scored && (v.Score.Score != 5 || v.Score.Level != "none") {
					t.Errorf("%s: %s: last score %+v", c.from, v.Subject, v.Score)
				}
			}
			for _, p := range a.Places {
				got = append(got, fmt.Sprintf("%s %s AS%d %s %s", p.Country, p.City, p.AS, p.Network, p.Anonymizer))
			}
		}
		want(t, c.from, got, c.want...)
	}
}

func sessionOf(t *testing.T, store *Store) {
	found, err := store.Sessions(t.Context(), "s-taken", 100)
	if err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	s := found[0]
	if s.Tenant != "default" || !slices.Equal(s.Subjects, []string{bea.Name}) || s.Events != 2 || s.First != attack+6*event.Hour || s.Last != attack+7*event.Hour || s.Ended != attack+10*event.Hour {
		t.Errorf("%+v", s)
	}
	if len(s.Steps) != 2 || s.Steps[0].Changed != nil || s.Steps[0].Score != nil || s.Steps[0].Device != "laptop-7" {
		t.Fatalf("%+v", s.Steps)
	}
	var changed []string
	for _, c := range s.Steps[1].Changed {
		changed = append(changed, c.What+" "+c.From+" > "+c.To)
	}
	want(t, "changed", changed, "network 203.0.113.9 > 198.51.100.77", "as AS64500 Example Net > AS64511 Rented Servers", "country DE > BR", "agent Safari on Mac OS > curl on Linux")
	if d := s.Steps[1].Detections; len(d) != 2 || d[0].Name != "session_hijack" || d[1].Name != "new_network" {
		t.Errorf("detections %+v", d)
	}
	// The session's own score, not the user's 92.
	if v := s.Steps[1].Score; v == nil || v.Score != 88 || v.Entity != "session:default/s-taken" {
		t.Errorf("score %+v", v)
	}
	// The other tenant's has two users, the same network, and scores that no event
	// of its own has caused.
	other := found[1]
	var steps []string
	for _, step := range other.Steps {
		text := fmt.Sprintf("%s %s %v", step.EventID, step.Action, step.Changed)
		if step.Score != nil {
			text += fmt.Sprint(" ", step.Score.Score)
		}
		steps = append(steps, text)
	}
	want(t, "steps", steps, "b-1000 sign_in [] 30", "b-1001 sign_in [{user dora@other.example emil@other.example}]", "  [] 9", "sig-9 idp_signal [] 100")
	if other.Tenant != "other" || !slices.Equal(other.Subjects, []string{"dora@other.example", "emil@other.example"}) || other.Events != 2 || other.Ended != 0 || other.More != 0 {
		t.Errorf("%+v", other)
	}
	found, err = store.Sessions(t.Context(), "s-taken", 1)
	if err != nil || len(found) != 2 || len(found[0].Steps) != 1 || found[0].Events != 2 || found[0].More != 1 {
		t.Errorf("the first event alone: %+v, %v", found, err)
	}
	for _, unknown := range []string{"", "s-4711"} {
		if found, err := store.Sessions(t.Context(), unknown, 100); err != nil || found != nil {
			t.Errorf("session %q: %+v, %v", unknown, found, err)
		}
	}
}

func devicesOf(t *testing.T, store *Store) {
	for _, c := range []struct {
		name string
		of   *Subject
		span Span
		want []string
	}{
		{"of all", nil, Span{}, []string{
			"'' curl on Linux by [bea@corp.example carl@corp.example], managed ?, compliant ?, 2 4",
			"'laptop-7' Safari on Mac OS by [bea@corp.example carl@corp.example], managed true, compliant true (changed), 59 0",
		}},
		{"of bea", &bea, Span{}, []string{
			"'' curl on Linux by [bea@corp.example], managed ?, compliant ?, 1 4",
			"'laptop-7' Safari on Mac OS by [bea@corp.example carl@corp.example], managed true, compliant true (changed), 58 0",
		}},
		{"of bea, before the attack", &bea, Span{Since: attack - 20*event.Day, Until: attack - 15*event.Day}, []string{
			"'laptop-7' Safari on Mac OS by [bea@corp.example], managed true, compliant true, 10 0",
		}},
		{"of nobody", &Subject{"other", bea.Name}, Span{}, nil},
	} {
		devices, err := store.Devices(t.Context(), c.of, c.span, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range devices {
			got = append(got, fmt.Sprintf("'%s' %s by %v, managed %s, compliant %s, %d %d", d.ID, d.Agent, d.By, flagWord(d.Managed, d.ManagedChanged), flagWord(d.Compliant, d.CompliantChanged), d.Successes, d.Failures))
			if d.Users != uint64(len(d.By)) {
				t.Errorf("%s: %d users, but %v", c.name, d.Users, d.By)
			}
		}
		want(t, c.name, got, c.want...)
	}
	if devices, err := store.Devices(t.Context(), nil, Span{}, 1); err != nil || len(devices) != 1 || devices[0].Agent != "curl on Linux" {
		t.Errorf("the one that was seen last: %+v, %v", devices, err)
	}
}

func flagWord(flag *bool, changed bool) string {
	text := "?"
	if flag != nil {
		text = fmt.Sprint(*flag)
	}
	if changed {
		text += " (changed)"
	}
	return text
}

func appsOf(t *testing.T, store *Store) {
	for _, c := range []struct {
		name string
		of   *Subject
		span Span
		want []string
	}{
		{"of all since the attack", nil, Span{Since: attack}, []string{
			"0oa2 by [bea@corp.example], sanctioned false, new true, 1 0, before -",
			"0oa1 by [bea@corp.example carl@corp.example], sanctioned true, new false, 3 3, before 2026-03-01T17:00:00.000Z",
		}},
		{"of carl since the attack", &Subject{"default", "carl@corp.example"}, Span{Since: attack}, []string{
			"0oa1 by [carl@corp.example], sanctioned true, new true, 2 0, before -",
		}},
		{"of bea from the beginning", &bea, Span{}, []string{
			"0oa2 by [bea@corp.example], sanctioned false, new false, 1 0, before -",
			"0oa1 by [bea@corp.example], sanctioned true, new false, 58 4, before -",
		}},
		{"of nobody", &Subject{"other", bea.Name}, Span{}, nil},
	} {
		apps, err := store.Apps(t.Context(), c.of, c.span, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range apps {
			before := "-"
			if a.Before != 0 {
				before = a.Before.String()
			}
			got = append(got, fmt.Sprintf("%s by %v, sanctioned %s, new %v, %d %d, before %s", a.Key, a.By, flagWord(a.Sanctioned, false), a.New, a.Successes, a.Failures, before))
		}
		want(t, c.name, got, c.want...)
	}
}

func comparisonOf(t *testing.T, store *Store) {
	compare := func(limit int) *Comparison {
		c, err := store.Compare(t.Context(), bea, Span{attack - 30*event.Day, attack}, Span{attack, attack + 12*event.Hour}, limit)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := compare(10)
	if c.FirstSeen != attack-50*event.Day || c.Usual.Days != 30 || c.Now.Days != 0.5 {
		t.Errorf("first seen %s, %.2f usual days, %.2f now", c.FirstSeen, c.Usual.Days, c.Now.Days)
	}
	if c.Usual.Total != (Activity{57, 56, 1}) || c.Usual.PerDay != (Activity{1.9, 1.87, 0.03}) || c.Now.PerDay != (Activity{10, 2, 6}) {
		t.Errorf("usual %+v, now %+v", c.Usual, c.Now)
	}
	var got []string
	for _, x := range c.Traits {
		before := ""
		if x.Before != 0 {
			before = ", before " + x.Before.String()
		}
		got = append(got, fmt.Sprintf("%s %s %s (%s): %d %d, %d %d%s", x.State, x.Kind, x.Name, x.Note, x.Usual.Successes, x.Usual.Failures, x.Now.Successes, x.Now.Failures, before))
	}
	// Where somebody failed before is new all the same, and a country of long ago
	// says so.
	want(t, "traits", got,
		"new network 198.51.100.77 (Rented Servers): 0 1, 1 3", "new as AS64511 (Rented Servers): 0 1, 1 3",
		"new country BR (): 0 1, 1 3, before 2026-01-11T03:00:00.000Z", "new city Recife (BR): 0 1, 1 3", "new agent curl on Linux (): 0 1, 1 3",
		"new app 0oa2 (Vault\x1b[2J\u202e): 0 0, 1 0", "new hour 10:00 (): 0 0, 1 0",
		"usual network 203.0.113.9 (Example Net): 56 0, 1 0", "usual as AS64500 (Example Net): 56 0, 1 0",
		"usual country DE (): 56 0, 1 0", "usual city Berlin (DE): 56 0, 1 0", "usual device laptop-7 (Safari on Mac OS): 56 0, 1 0",
		"usual agent Safari on Mac OS (): 56 0, 1 0", "usual app 0oa1 (Payroll): 56 1, 1 3", "usual hour 09:00 (): 28 0, 1 3",
		"absent hour 17:00 (): 28 0, 0 0")
	if one := compare(1); len(one.Traits) != 16 {
		t.Errorf("at most one of each kind and state: %d traits, want 16", len(one.Traits))
	}
	// Of a user who came lately, a day is one of those since.
	carl := Subject{"default", "carl@corp.example"}
	late, err := store.Compare(t.Context(), carl, Span{attack - 30*event.Day, attack + 9*event.Hour}, Span{attack + 9*event.Hour, attack + 24*event.Hour}, 10)
	if err != nil || late.Usual.Days != 0.04 || late.Usual.PerDay.SignIns != 48 || len(late.Traits) == 0 || late.Traits[0].State != StateAbsent {
		t.Errorf("%+v, %v", late, err)
	}
	none, err := store.Compare(t.Context(), carl, Span{attack - 30*event.Day, attack - event.Day}, Span{attack - event.Day, attack}, 10)
	if err != nil || none.Usual.Days != 0 || none.Usual.PerDay != (Activity{}) || none.Traits != nil {
		t.Errorf("before the user came: %+v, %v", none, err)
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string][3]string{
		"203.0.113.9":             {"203.0.113.9/32", "::ffff:203.0.113.9", "::ffff:203.0.113.9"},
		"203.0.113.9/24":          {"203.0.113.0/24", "::ffff:203.0.113.0", "::ffff:203.0.113.255"},
		"::ffff:203.0.113.9":      {"203.0.113.9/32", "::ffff:203.0.113.9", "::ffff:203.0.113.9"},
		"::ffff:203.0.113.0/120":  {"203.0.113.0/24", "::ffff:203.0.113.0", "::ffff:203.0.113.255"},
		"0.0.0.0/0":               {"0.0.0.0/0", "::ffff:0.0.0.0", "::ffff:255.255.255.255"},
		"2001:db8::1":             {"2001:db8::1/128", "2001:db8::1", "2001:db8::1"},
		"2001:db8::/47":           {"2001:db8::/47", "2001:db8::", "2001:db8:1:ffff:ffff:ffff:ffff:ffff"},
		"::/0":                    {"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		"203.0.113":               {},
		"203.0.113.9/33":          {},
		"fe80::1%eth0":            {},
		"::ffff:203.0.113.0/64":   {},
		"anna.weber@corp.example": {},
		"1' OR '1'='1":            {},
		"":                        {},
	} {
		prefix, err := ParseAddress(text)
		if want[0] == "" {
			if err == nil {
				t.Errorf("%q is %s, want an error", text, prefix)
			}
			continue
		}
		first, last := bounds(prefix)
		if got := [3]string{prefix.String(), first.String(), last.String()}; err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}

// FuzzParseAddress: what is taken for an address is in its own bounds.
func FuzzParseAddress(f *testing.F) {
	for _, text := range []string{"203.0.113.9", "10.0.0.0/8", "2001:db8::/47", "::ffff:1.2.3.4/100", "fe80::1%x", "/", "::/0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		prefix, err := ParseAddress(text)
		if err != nil {
			return
		}
		first, last := bounds(prefix)
		if prefix.Addr().Is4() {
			first, last = first.Unmap(), last.Unmap()
		}
		if last.Less(first) || first != prefix.Addr() || !prefix.Contains(last) {
			t.Errorf("%q: %s is from %s to %s", text, prefix, first, last)
		}
		again, err := ParseAddress(prefix.String())
		if err != nil || again != prefix {
			t.Errorf("%q: %s is read as %s, %v", text, prefix, again, err)
		}
	})
}
