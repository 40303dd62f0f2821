package detectors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
)

func TestStuffingAndSprayAreToldApart(t *testing.T) {
	for _, c := range []struct {
		name          string
		users, rounds int
		want          string
	}{
		{"one on each of very many", 60, 1, "credential_stuffing"},
		{"two on each of many", 20, 2, "credential_stuffing"},
		{"four on each", 20, 4, "password_spray"},
		{"two on each of few", 12, 2, ""},
		{"one on each of some", 20, 1, ""},
		{"four on each of few", 9, 4, "password_spray"},
	} {
		s := newSource(t)
		s.comes("before", on(0, "08:00"))
		var codes []string
		_, at := s.sprays(c.users, c.rounds, on(0, "10:00"))
		for _, signal := range s.signals("victim", at+event.Minute) {
			codes = append(codes, signal.Code)
		}
		if got := strings.Join(codes, " "); got != c.want {
			t.Errorf("%s: told %q, want %q", c.name, got, c.want)
		}
	}
}

// What begins like stuffing and goes on as a spray is one attack, of which each
// is told once.
func TestStuffingThatBecomesASprayIsToldOnce(t *testing.T) {
	s := newSource(t)
	s.comes("before", on(0, "08:00"))
	told, at := s.sprays(30, 4, on(0, "10:00"))
	if told != "before/0" {
		t.Errorf("told %q", told)
	}
	if got := s.comes("before", at+event.Minute); got != "" {
		t.Errorf("told again: %q", got)
	}
}

func TestStuffingStaysQuietWherePeopleComeIn(t *testing.T) {
	s := newSource(t)
	for i := range 40 { // an office on the day after passwords have expired
		at := on(0, "08:00") + event.Time(i)*30*event.Second
		for try := range event.Time(2) {
			s.expectQuiet(fmt.Sprint("p", i), at+try*event.Second, wrongPassword)
		}
		s.expectQuiet(fmt.Sprint("p", i), at+10*event.Second)
	}
	s.expectQuiet("visitor", on(0, "08:30"))
}

func TestStuffingBecomesEvidence(t *testing.T) {
	s := newSource(t)
	_, at := s.sprays(60, 1, on(0, "10:00"))
	signals := s.signals("target7", at+event.Minute)
	if len(signals) != 1 {
		t.Fatalf("%d signals", len(signals))
	}
	d := s.set.DetectSignal(&signals[0], nil)
	const want = "Sign-in from Home ISP (AS64601), where 60 wrong passwords were tried on 60 users, few on each"
	if len(d) != 1 || d[0].Name != credentialStuffing || d[0].Strength != 1 || d[0].Summary != want {
		t.Errorf("evidence %+v", d)
	}
	if found := New(Config{}).DetectSignal(&signals[0], nil); len(found) != 0 {
		t.Errorf("switched off, it gives %v", found)
	}
}
