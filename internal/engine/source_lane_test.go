package engine

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
)

func defaultPipeline(t *testing.T) *Pipeline {
	t.Helper()
	p, err := NewPipeline(config.Default(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// attempt is a sign-in, in the form of risk.events, so many seconds after ten.
func attempt(user string, second int, reason event.Reason) event.Event {
	e := event.Event{
		Time: 1773655200000 + event.Time(second)*event.Second, ID: fmt.Sprint(user, second),
		Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Success, Reason: reason, Provider: "okta",
		User:   event.User{Name: "Not for the source lane", Subject: user, Kind: event.Human},
		Source: event.Source{IP: netip.MustParseAddr("192.0.2.7"), Geo: event.Geo{Country: "DE"}},
		Tenant: "default",
	}
	if reason != "" {
		e.Outcome = event.Failure
	}
	return e
}

// sprayed is a spray on nine users, of whom one came in before and one after.
func sprayed() []event.Event {
	events := []event.Event{attempt("early", -3000, "")}
	for round := range 4 {
		for user := range 9 {
			events = append(events, attempt(fmt.Sprint("user", user), round*120+user, event.BadCredentials))
		}
	}
	return append(events, attempt("user3", 600, ""), attempt("user3", 660, ""), attempt("early", 700, ""))
}

// signalled takes an event through the lane, with the notes that its keys leave
// for each other, and returns the signals.
func signalled(lane *SourceLane, p *Partition, e *event.Event) (signals []event.Event) {
	todo := e.AppendActivities(nil)
	for i := 0; i < len(todo); i++ {
		_, sent := lane.Process(p, &todo[i])
		for _, s := range sent {
			if s.ActivityKey() != "" {
				todo = append(todo, s)
			} else {
				signals = append(signals, s)
			}
		}
	}
	return signals
}

// Signals go to whom the spray has reached, once each as a target and once when
// they come in, and what the lane knows of a network outlasts a restart.
func TestSourceLaneSignals(t *testing.T) {
	lane, p := defaultPipeline(t).SourceLane(), NewPartition(1<<20)
	var subjects []string
	for i, e := range sprayed() {
		for _, signal := range signalled(lane, p, &e) {
			subjects = append(subjects, string(signal.Outcome)+signal.User.Subject)
		}
		if i%5 == 0 { // as after a restart
			restored := NewPartition(1 << 20)
			for key, value := range p.store.All() {
				if err := restored.load(key, value); err != nil {
					t.Fatal(err)
				}
			}
			p = restored
		}
		p.commit()
	}
	const want = "early failureuser0 failureuser1 failureuser2 failureuser3 failureuser4 failureuser5 failureuser6 failureuser7 failureuser8 user3"
	if got := strings.Join(subjects, " "); got != want {
		t.Errorf("signals to %s, want %s", got, want)
	}
}

// What ingest sends twice counts once.
func TestSourceLaneDropsRepeats(t *testing.T) {
	lane, p := defaultPipeline(t).SourceLane(), NewPartition(1<<20)
	e := attempt("user1", 0, event.BadCredentials)
	e.Origin = event.Origin{Topic: "idp.okta", Offset: 7}
	if status, _ := lane.Process(p, &e); status != Scored {
		t.Errorf("status %v", status)
	}
	if status, _ := lane.Process(p, &e); status != Repeated {
		t.Errorf("the same again: status %v", status)
	}
	use := attempt("user1", 1, "")
	use.App, use.Origin = event.App{ID: "notes"}, event.Origin{Topic: "idp.okta", Offset: 8}
	for i, want := range []Status{Scored, Scored, Repeated, Repeated} { // for its network, for its application
		if status, _ := lane.Process(p, &use.AppendActivities(nil)[i%2]); status != want {
			t.Errorf("activity %d: status %v, want %v", i, status, want)
		}
	}
}

// A replay over raw logs makes the signals, one over a dump of risk.events
// takes those that stand there, and both come to the same state and scores.
func TestReplayMakesOrTakesSignals(t *testing.T) {
	p := defaultPipeline(t)
	lane := p.SourceLane()
	var raw, dump, dumpWithout bytes.Buffer
	networks := NewPartition(1 << 20)
	for i, e := range sprayed() {
		raw.Write(append(e.AppendJSON(nil), '\n'))
		for _, signal := range signalled(lane, networks, &e) {
			dump.Write(append(signal.AppendJSON(nil), '\n'))
		}
		e.Origin = event.Origin{Topic: "idp.okta", TopicID: "x", Offset: int64(i)}
		dump.Write(append(e.AppendJSON(nil), '\n'))
		dumpWithout.Write(append(e.AppendJSON(nil), '\n'))
	}

	fromRaw, rawState, rawLines := replayOf(t, p, &raw)
	fromDump, dumpState, _ := replayOf(t, p, &dump)
	without, _, _ := replayOf(t, p, &dumpWithout)
	if rawState != dumpState {
		t.Errorf("states differ:\n%s\n%s", rawState, dumpState)
	}
	if fromRaw.Signals != 11 || fromDump.Signals != 11 || without.Signals != 0 {
		t.Errorf("signals: %d raw, %d of the dump, %d of one without; want 11, 11, 0", fromRaw.Signals, fromDump.Signals, without.Signals)
	}
	if fromRaw.Lines != 40 || fromDump.Lines != 40 {
		t.Errorf("lines: %d and %d, want 40", fromRaw.Lines, fromDump.Lines)
	}
	line := rawLines[len(rawLines)-3]
	for _, part := range []string{`"subject":"user3"`, `"score":42.25,"level":"medium","decision":"step_up"`, `"name":"password_spray"`, `"points":42.05`} {
		if !strings.Contains(line, part) {
			t.Errorf("the line of the sign-in lacks %s: %s", part, line)
		}
	}
	all := strings.Join(rawLines, "")
	if n := strings.Count(all, `"summary":"Sign-in from`); n != 1 {
		t.Errorf("%d lines tell of who came in, want the one that caused the signal", n)
	}
	if n := strings.Count(all, `"summary":"Wrong password from`); n != 9 {
		t.Errorf("%d lines tell of a target, want one for each", n)
	}
}

func replayOf(t *testing.T, p *Pipeline, in io.Reader) (stats ReplayStats, state string, lines []string) {
	t.Helper()
	var out, canonical bytes.Buffer
	r, err := p.NewReplay(ingest.Source{}, &out, func(d ingest.DeadLetter) { t.Errorf("dead letter: %v", d.Err) })
	if err != nil {
		t.Fatal(err)
	}
	if err := r.File(in); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteState(&canonical); err != nil {
		t.Fatal(err)
	}
	return r.Stats(), canonical.String(), strings.Split(strings.TrimSpace(out.String()), "\n")
}
