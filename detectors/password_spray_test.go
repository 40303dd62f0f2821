package detectors

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
)

// A source tells what comes from one network. Every attempt has an id of its
// own.
type source struct {
	t     testing.TB
	set   *Set
	m     SourceMemory
	n     int
	tried []event.Event // signals to targets
}

func newSource(t testing.TB) *source { return &source{t: t, set: New(Defaults())} }

// comes gives the signals to those who came in that a sign-in causes, as
// "subject/tries" in order.
func (s *source) comes(user string, at event.Time, changes ...change) string {
	var told []string
	for _, signal := range s.signals(user, at, changes...) {
		told = append(told, fmt.Sprintf("%s/%d", signal.User.Subject, signal.Signal.Tries))
	}
	return strings.Join(told, " ")
}

func (s *source) signals(user string, at event.Time, changes ...change) []event.Event {
	s.n++
	e := signIn(at, append([]change{potsdam, asUser(user), withID(fmt.Sprint(s.n))}, changes...)...)
	signals, tried := split(slices.DeleteFunc(s.set.DetectSource(&e, &s.m, nil), isNote))
	s.tried = append(s.tried, tried...)
	return signals
}

// split parts the signals to those who came in from those to targets.
func split(signals []event.Event) (cameIn, tried []event.Event) {
	for _, signal := range signals {
		if signal.Outcome == event.Failure {
			tried = append(tried, signal)
		} else {
			cameIn = append(cameIn, signal)
		}
	}
	return cameIn, tried
}

// toldAs names the signals, as "code:subject" in order.
func toldAs(signals []event.Event) string {
	var told []string
	for _, signal := range signals {
		told = append(told, signal.Code+":"+signal.User.Subject)
	}
	return strings.Join(told, " ")
}

// isNote tells notes of the source lane from signals to subjects.
func isNote(e event.Event) bool { return e.ActivityKey() != "" }

// sprays tries so many passwords on so many users, one user after the other
// and a round each two minutes, and returns the signals and the last time.
func (s *source) sprays(users, rounds int, from event.Time, changes ...change) (string, event.Time) {
	var told []string
	at := from
	for round := range rounds {
		for user := range users {
			at = from + event.Time(round)*2*event.Minute + event.Time(user)*event.Second
			if got := s.comes(fmt.Sprintf("target%d", user), at, append([]change{wrongPassword}, changes...)...); got != "" {
				told = append(told, got)
			}
		}
	}
	return strings.Join(told, " "), at
}

func asUser(user string) change { return func(e *event.Event) { e.User.Subject = user } }
func withID(id string) change   { return func(e *event.Event) { e.ID = id } }
func corporateExit(e *event.Event) {
	e.Source.Corporate = event.True
}

func TestSprayTellsWhoComesIn(t *testing.T) {
	s := newSource(t)
	s.comes("before", on(0, "08:00"))
	if told, _ := s.sprays(9, 4, on(0, "10:00")); told != "before/0" {
		t.Errorf("at the spray it told %q", told)
	}
	for _, c := range []struct {
		user string
		at   event.Time
		want string
	}{
		{"target3", on(0, "10:30"), "target3/4"},
		{"target3", on(0, "10:31"), ""}, // told already
		{"other", on(0, "23:00"), "other/0"},
		{"late", on(0, "09:00"), "late/0"}, // arrives late, was there before
		{"before", on(1, "09:00"), ""},
		{"inDay", on(1, "10:00"), "inDay/0"},
		{"nextWeek", on(7, "10:00"), ""},
	} {
		if got := s.comes(c.user, c.at); got != c.want {
			t.Errorf("%s at %v: told %q, want %q", c.user, c.at, got, c.want)
		}
	}
	if told, _ := s.sprays(9, 4, on(8, "10:00")); told != "nextWeek/0" {
		t.Errorf("the next spray told %q", told)
	}
	if got := s.comes("target3", on(8, "11:00")); got != "target3/4" {
		t.Errorf("after the next spray it told %q", got)
	}
}

func TestSprayThresholds(t *testing.T) {
	for _, c := range []struct {
		name          string
		users, rounds int
		changes       []change
		want          string
	}{
		{"a spray", 5, 4, nil, "victim/0"},
		{"too few users", 4, 6, nil, ""},
		{"too few attempts", 7, 2, nil, ""},
		{"too short", 8, 2, nil, ""},
		{"one password on each", 14, 1, nil, ""},
		{"a hundred users", 100, 4, nil, "victim/0"},
		{"too many on each", 8, 9, nil, "victim/0"}, // seen before it was too many
		{"a corporate egress", 9, 4, []change{corporateExit}, ""},
		{"workloads", 9, 4, []change{func(e *event.Event) { e.User.Kind = event.Service }}, ""},
		{"second factors", 9, 4, []change{func(e *event.Event) { e.Reason = event.MFADenied }}, ""},
		{"locked accounts", 9, 4, []change{func(e *event.Event) { e.Reason = event.Locked }}, "victim/0"},
		{"one delivered four times", 9, 4, []change{func(e *event.Event) { e.ID = e.User.Subject }}, ""},
	} {
		s := newSource(t)
		_, at := s.sprays(c.users, c.rounds, on(0, "10:00"), c.changes...)
		if got := s.comes("victim", at+event.Minute); got != c.want {
			t.Errorf("%s: told %q, want %q", c.name, got, c.want)
		}
	}
}

// What offices, carriers and apps do all day is no spray.
func TestSprayStaysQuiet(t *testing.T) {
	for _, c := range []struct {
		name string
		life func(s *source)
	}{
		{"people mistype and come in", func(s *source) {
			for user := range 30 {
				for try := range 3 {
					s.expectQuiet(fmt.Sprint("p", user), on(0, "08:00")+event.Time(user*60+try*5)*event.Second, wrongPassword)
				}
				s.expectQuiet(fmt.Sprint("p", user), on(0, "08:00")+event.Time(user*60+30)*event.Second)
			}
		}},
		{"many come in, some give up", func(s *source) {
			for user := range 60 {
				at := on(0, "08:00") + event.Time(user)*event.Minute
				if user%6 != 0 {
					s.expectQuiet(fmt.Sprint("p", user), at)
					continue
				}
				for try := range event.Time(4) {
					s.expectQuiet(fmt.Sprint("p", user), at+try*event.Second, wrongPassword)
				}
			}
		}},
		{"old passwords in apps", func(s *source) {
			for minute := range event.Time(10 * 60) {
				for user := range 6 {
					if minute < 12 {
						s.expectQuiet(fmt.Sprint("p", user), on(0, "00:00")+minute*event.Minute+event.Time(user)*event.Second,
							wrongPassword, corporateExit)
					}
					if minute%20 == 0 { // for which an address with as many who come in is quiet
						at := on(0, "02:00") + minute*event.Minute + event.Time(user)*event.Second
						s.expectQuiet(fmt.Sprint("p", user), at, wrongPassword)
						s.expectQuiet(fmt.Sprint("colleague", user), at+event.Second)
					}
				}
			}
		}},
		{"a wrong password now and then", func(s *source) {
			for user := range 60 {
				for try := range event.Time(2) {
					s.expectQuiet(fmt.Sprint("p", user), on(0, "00:00")+event.Time(user)*20*event.Minute+try*event.Second, wrongPassword)
				}
			}
			s.expectQuiet("p1", on(0, "21:00"))
		}},
		{"a key that nobody can guess", func(s *source) {
			s.sprays(9, 4, on(0, "10:00"))
			s.tried = nil
			s.expectQuiet("keyholder", on(0, "11:00"), func(e *event.Event) { e.Auth.Factor = event.FactorStrong })
		}},
	} {
		t.Run(c.name, func(t *testing.T) { c.life(newSource(t)) })
	}
}

func (s *source) expectQuiet(user string, at event.Time, changes ...change) {
	s.t.Helper()
	if got := s.comes(user, at, changes...); got != "" || len(s.tried) > 0 {
		s.t.Errorf("%s at %v: told %q, and of tries %q", user, at, got, toldAs(s.tried))
	}
	s.tried = nil
}

// Logs arrive shuffled; the same attempts are a spray in any order.
func TestSprayOutOfOrder(t *testing.T) {
	s := newSource(t)
	told := ""
	for round := 3; round >= 0; round-- {
		for user := 8; user >= 0; user-- {
			at := on(0, "10:00") + event.Time(round)*2*event.Minute + event.Time(user)*event.Second
			told += s.comes(fmt.Sprint("target", user), at, wrongPassword)
		}
	}
	if got := s.comes("target3", on(0, "09:58")); told != "" || got != "target3/4" {
		t.Errorf("told %q, then %q; want target3/4 at the end", told, got)
	}
}

// A retry loop, and a log that is read again, say what they said.
func TestSignalsOfOneSprayHaveOneID(t *testing.T) {
	s := newSource(t)
	s.sprays(9, 4, on(0, "10:00"))
	before := s.m
	one := s.signals("victim", on(0, "11:00"))
	s.m = before
	again := s.signals("victim", on(0, "11:05"))
	s.m = before
	other := s.signals("other", on(0, "11:00"))
	s.m = before
	elsewhere := s.signals("victim", on(0, "11:00"), func(e *event.Event) { e.Tenant = "b" })
	if len(one) != 1 || len(again) != 1 || len(other) != 1 || len(elsewhere) != 1 {
		t.Fatalf("signals %v, %v, %v, %v", one, again, other, elsewhere)
	}
	if one[0].ID != again[0].ID || one[0].ID == other[0].ID || one[0].ID == elsewhere[0].ID {
		t.Errorf("ids %s, %s; %s, %s", one[0].ID, again[0].ID, other[0].ID, elsewhere[0].ID)
	}
}

func TestSignalBecomesEvidence(t *testing.T) {
	s := newSource(t)
	s.comes("resident", on(0, "08:00"))
	told := s.signals("x", on(0, "09:59"), wrongPassword)
	for round := range 4 {
		for user := range 9 {
			told = append(told, s.signals(fmt.Sprint("target", user), on(0, "10:00")+event.Time(round)*2*event.Minute, wrongPassword)...)
		}
	}
	told = append(told, s.signals("target3", on(0, "10:20"))...)
	var got []string
	for i := range told {
		var d event.Decoder
		e, err := d.Decode(told[i].AppendJSON(nil)) // as the subject lane reads it
		if err != nil {
			t.Fatal(err)
		}
		if e != told[i] {
			t.Errorf("the signal changed on its way: %+v, was %+v", e, told[i])
		}
		for _, f := range s.set.DetectSignal(&e, nil) {
			got = append(got, fmt.Sprintf("%s %v %s %v %s", e.User.Subject, f.Strength, f.Summary, f.Key == e.Source.NetworkHash(), f.Evidence[4].Text))
		}
	}
	want := []string{
		"resident 0.5 Sign-in from Home ISP (AS64601), where 20 wrong passwords were tried on 10 users true 2026-01-05T09:59:00.000Z",
		"target3 1 Sign-in from Home ISP (AS64601), where 37 wrong passwords were tried on 10 users true 2026-01-05T09:59:00.000Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	off := New(Config{})
	if found := off.DetectSignal(&told[0], nil); len(found) != 0 {
		t.Errorf("switched off, it gives %v", found)
	}
	for _, change := range []change{
		func(e *event.Event) { e.Code = event.ConfirmSafe },
		func(e *event.Event) { e.Action = event.SignIn },
		func(e *event.Event) { e.Kind = event.KindEvent },
	} {
		if e := with(told[0], change); len(s.set.DetectSignal(&e, nil)) != 0 {
			t.Errorf("%s %s %s is taken for a signal of a spray", e.Kind, e.Action, e.Code)
		}
	}
}

// Somebody who comes in a thousand times is told once, and so is everybody in
// a crowd that is not larger than what is remembered.
func TestSprayDoesNotFlood(t *testing.T) {
	s := newSource(t)
	_, at := s.sprays(9, 4, on(0, "10:00"))
	told := 0
	for i := range event.Time(1000) {
		user := fmt.Sprint("p", i%maxGuests)
		told += len(s.signals(user, at+i*event.Second))
		told += len(s.signals("target1", at+i*event.Second, wrongPassword))
	}
	if told != maxGuests {
		t.Errorf("%d signals for %d users", told, maxGuests)
	}
}
