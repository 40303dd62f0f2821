package engine

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/kafkatest"
)

// travels is a user of Berlin who comes in from Tokyo an hour later: the user
// and the session get a record, each with falls to come.
func travels(user, session string) []event.Event {
	var events []event.Event
	for day := range 15 {
		e := attempt(user, 86400*day, "")
		e.Source.Geo = event.Geo{Country: "DE", City: "Berlin", Located: true, Lat: 52.52, Lon: 13.4, AccuracyKM: 20}
		events = append(events, e)
	}
	e := attempt(user, 86400*14+3600, "")
	e.Source.IP, e.Session.ID = netip.MustParseAddr("198.51.100.9"), session
	e.Source.Geo = event.Geo{Country: "JP", City: "Tokyo", Located: true, Lat: 35.68, Lon: 139.69, AccuracyKM: 20}
	return append(events, e)
}

// erasure is a signal that erases the user.
func erasure(user, session string) event.Event {
	return event.Event{
		Time: 1773655200000 + 30*event.Day, ID: "erase-" + user, Kind: event.KindSignal, Action: event.IDPSignal, Code: event.Erase, Provider: "riskstream",
		User: event.User{Subject: user}, Session: event.Session{ID: session}, Tenant: "default",
	}
}

// published are the entities of the records and ends that a lane hands out.
type published struct{ records, gone []string }

func (p *published) Detections(*event.Event, []event.Detection) {}
func (p *published) Score(record *event.Score)                  { p.records = append(p.records, record.Entity) }

func (p *published) Gone(record *event.Score) { p.gone = append(p.gone, record.Entity) }

func stateOf(t testing.TB, p *Partition) string {
	t.Helper()
	var out bytes.Buffer
	if err := writeState(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestErase(t *testing.T) {
	const user, session = "user:default/anna", "session:default/s-1"
	for _, test := range []struct {
		name   string
		before []event.Event // beside those of ben, which stay
		signal event.Event
		gone   []string
	}{
		{"at risk, in a session", travels("anna", "s-1"), erasure("anna", ""), []string{session, user}},
		{"quiet", []event.Event{attempt("anna", 0, "")}, erasure("anna", ""), []string{user}},
		{"whom the lane does not know", nil, erasure("anna", ""), []string{user}},
		{"with a session that only the topic knows", nil, erasure("anna", "s-9"), []string{"session:default/s-9", user}},
		{"with a session known twice over", travels("anna", "s-1"), erasure("anna", "s-1"), []string{session, user}},
		{"twice", append(travels("anna", "s-1"), erasure("anna", "")), erasure("anna", ""), []string{user}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lane, p := defaultPipeline(t).Lane(), NewPartition(1<<20)
			var out published
			for _, e := range travels("ben", "s-ben") {
				lane.Process(p, &e, &out)
			}
			if !slices.Contains(out.records, "session:default/s-ben") {
				t.Fatalf("no session at risk: %v", out.records)
			}
			p.commit()
			want := stateOf(t, p)
			for _, e := range test.before {
				lane.Process(p, &e, &out)
			}
			p.commit()
			before := stateOf(t, p)

			out = published{}
			if result := lane.Process(p, &test.signal, &out); result.Status != Signalled || result.Subject != "anna" {
				t.Errorf("result %+v", result)
			}
			if len(out.records) > 0 || !slices.Equal(out.gone, test.gone) {
				t.Errorf("published %v, ended %v; want the end of %v", out.records, out.gone, test.gone)
			}
			if got := stateOf(t, p); got != want {
				t.Errorf("left:\n%s\nwant:\n%s", got, want)
			}
			p.rollback()
			if got := stateOf(t, p); got != before {
				t.Errorf("taken back:\n%s\nwant:\n%s", got, before)
			}

			lane.Process(p, &test.signal, &out)
			p.commit()
			out = published{}
			lane.Fall(p, event.MaxTime, 100, &out)
			if all := fmt.Sprint(out); strings.Contains(all, "anna") || strings.Contains(all, "s-1") || !strings.Contains(all, "ben") {
				t.Errorf("fell: %v", all)
			}
		})
	}
}

// A sign-in after the erasure is the first one that the lane knows of.
func TestWhoWasErasedBeginsAnew(t *testing.T) {
	pipeline := defaultPipeline(t)
	events := travels("anna", "s-1")
	signal := erasure("anna", "")
	lane, p := pipeline.Lane(), NewPartition(1<<20)
	for _, e := range append(events[:15:15], signal, events[15]) {
		lane.Process(p, &e, discard{})
	}
	fresh, alone := pipeline.Lane(), NewPartition(1<<20)
	fresh.Process(alone, &events[15], discard{})
	if got, want := stateOf(t, p), stateOf(t, alone); got != want {
		t.Errorf("state\n%s\nwant that of a stranger\n%s", got, want)
	}
}

// Whoever is erased, and whenever: the state and the records of all others are
// as if it had not been, and of the erased only what came later is left.
func TestEraseLeavesOthersAlone(t *testing.T) {
	pipeline := defaultPipeline(t)
	users := []string{"anna", "ben", "ann"}
	rapid.Check(t, func(t *rapid.T) {
		queues := map[string][]event.Event{}
		for _, user := range users {
			queues[user] = travels(user, "s-"+user)
		}
		erased := rapid.SampledFrom(users).Draw(t, "erased")
		after := rapid.IntRange(0, 3*16).Draw(t, "after")
		lane, p := pipeline.Lane(), NewPartition(1<<20)
		control, untouched := pipeline.Lane(), NewPartition(1<<20)
		var got, want published
		for n := 0; len(queues) > 0; n++ {
			if n == after {
				signal := erasure(erased, "")
				lane.Process(p, &signal, &got)
			}
			user := rapid.SampledFrom(users).Draw(t, "next")
			if len(queues[user]) == 0 {
				delete(queues, user)
				continue
			}
			e := queues[user][0]
			queues[user] = queues[user][1:]
			lane.Process(p, &e, &got)
			if user != erased || n >= after {
				control.Process(untouched, &e, &want)
			}
		}
		others := func(list []string) []string {
			return slices.DeleteFunc(slices.Clone(list), func(entity string) bool {
				return entity == "user:default/"+erased || entity == "session:default/s-"+erased
			})
		}
		if got, want := writtenState(t, p), writtenState(t, untouched); got != want {
			t.Fatalf("state\n%s\nwant\n%s", got, want)
		}
		if !slices.Equal(others(got.records), others(want.records)) || len(others(got.gone)) > 0 {
			t.Fatalf("published %v, ended %v; want %v and no end", got.records, got.gone, want.records)
		}
	})
}

func writtenState(t *rapid.T, p *Partition) string {
	var out bytes.Buffer
	if err := writeState(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// An engine in whose log people are erased, and that is stopped on the way,
// leaves what a replay of the log leaves.
func TestLiveEraseEqualsReplay(t *testing.T) {
	w := newWorld(t, kafkatest.Fake(t), "", 24)
	first := w.start()
	w.inStep(2_000)
	w.wait("everything to be ingested", func() bool { return ingested(w.ctx, w.admin, w.cfg) })
	topics := w.cfg.Kafka.Topics()
	var erased []string
	for _, r := range readTopic(t, w.ctx, w.addr, topics.Scores) {
		if subject, ok := strings.CutPrefix(string(r.Key), "user:default/"); ok && !slices.Contains(erased, subject) && len(erased) < 6 {
			erased = append(erased, subject)
		}
	}
	if len(erased) < 3 {
		t.Fatalf("only %v are at risk", erased)
	}
	for i, subject := range erased {
		signal := erasure(subject, "")
		signal.Time = w.company.LiveFrom() + event.Time(i)
		w.produceSignal(&signal)
		if i == 2 {
			first.stop(t) // some are erased by the next engine
		}
	}
	second := w.start()
	w.waitScored(second)
	live := string(liveScores(readTopic(t, w.ctx, w.addr, topics.Scores)))
	for _, subject := range erased {
		if strings.Contains(live, `"subject":"`+subject+`"`) {
			t.Errorf("%s still has a record", subject)
		}
	}
	w.inStep(2_000) // some come again
	w.waitScored(second)
	second.stop(t)
	w.check(second)
}

// produceSignal puts a signal where riskstream erase puts it.
func (w *world) produceSignal(e *event.Event) {
	w.t.Helper()
	record := kgo.Record{Topic: w.cfg.Kafka.Topics().Events, Key: appendEventKey(nil, e), Value: e.AppendJSON(nil)}
	if err := w.client.ProduceSync(w.ctx, &record).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// What Trace finds in the changelog is what an erasure ends there.
func TestTraceFindsAllOfASubject(t *testing.T) {
	lane, p := defaultPipeline(t).Lane(), NewPartition(1<<20)
	for _, e := range append(travels("anna", "s-1"), travels("ben", "s-2")...) {
		lane.Process(p, &e, discard{})
	}
	p.next = 32
	traces := func() (found []string) {
		for key, value := range p.store.All() {
			if trace := Trace(key, value, "default", "anna"); trace != "" {
				found = append(found, trace+" "+string(key))
			}
		}
		slices.Sort(found)
		return found
	}
	want := []string{"fall fall:session:default/s-1", "fall fall:user:default/anna", "state subject:default/anna"}
	if found := traces(); !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
	signal := erasure("anna", "")
	lane.Process(p, &signal, discard{})
	if found := traces(); len(found) > 0 {
		t.Errorf("after the erasure there is %v", found)
	}
	if next, ok, err := Progress([]byte(progressKey), p.appendProgress(nil)); next != 32 || !ok || err != nil {
		t.Errorf("progress %d, %v, %v", next, ok, err)
	}
	if _, ok, err := Progress([]byte(progressKey), []byte{99}); ok || err == nil {
		t.Error("damaged progress was taken for one")
	}
}

// The source lane forgets the name, of that tenant's user, and goes on to judge
// others as before: what it knows by hashes stays.
func TestSourceLaneForgetsTheName(t *testing.T) {
	p := defaultPipeline(t)
	signals := func(erased string) (told []string, state string) {
		lane, networks := p.SourceLane(), NewPartition(1<<20)
		for i, e := range sprayed() {
			if i == 1 { // "early" has come in, and the spray is still to come
				signal := erasure(erased, "")
				if status, _ := lane.Process(networks, &signal); status != Signalled {
					t.Errorf("status %v", status)
				}
			}
			for _, signal := range signalled(lane, networks, &e) {
				if signal.Outcome != event.Failure { // targets are told by the event at hand
					told = append(told, signal.User.Subject)
				}
			}
			if i == 1 {
				state = stateOf(t, networks)
			}
		}
		return told, state
	}
	if told, state := signals("nobody"); !strings.Contains(state, "early") || !slices.Equal(told, []string{"early", "user3"}) {
		t.Fatalf("told %v, state %s", told, state)
	}
	if told, state := signals("earl"); !strings.Contains(state, "early") || len(told) != 2 {
		t.Errorf("another's name: told %v, state %s", told, state)
	}
	told, state := signals("early")
	if strings.Contains(state, "early") {
		t.Errorf("the name is still there: %s", state)
	}
	if !slices.Contains(told, "user3") {
		t.Errorf("told %v; the others must hear of the spray", told)
	}
	lane, networks := p.SourceLane(), NewPartition(1<<20)
	e := attempt("early", 0, "")
	lane.Process(networks, &e)
	for key, value := range networks.store.All() {
		if Trace(key, value, "default", "early") != TraceName || Trace(key, value, "default", "earl") != "" || Trace(key, value, "acme", "early") != "" {
			t.Errorf("%s: %q", key, Trace(key, value, "default", "early"))
		}
	}
}

// So does an application that the user has begun to use; an organisation knows
// no names.
func TestSourceLaneForgetsWhoUsesAnApplication(t *testing.T) {
	lane, p := defaultPipeline(t).SourceLane(), NewPartition(1<<20)
	before := attempt("long ago", -20*24*3600, "")
	before.App = event.App{ID: "mail"}
	use := attempt("anna", 0, "")
	use.App, use.Source = event.App{ID: "notes"}, event.Source{}
	tried := attempt("anna", 1, event.BadCredentials)
	for _, e := range []event.Event{before, use, tried} {
		signalled(lane, p, &e)
	}
	traces := func() (found []string) {
		for key, value := range p.store.All() {
			if Trace(key, value, "default", "anna") != "" {
				found = append(found, string(key))
			}
		}
		return found
	}
	if got := traces(); !slices.Equal(got, []string{"source:app:default/notes"}) {
		t.Errorf("the name stands in %v", got)
	}
	signal := erasure("anna", "")
	lane.Process(p, &signal)
	if got := traces(); got != nil {
		t.Errorf("the name still stands in %v", got)
	}
}
