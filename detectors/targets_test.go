package detectors

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// From the recognition on, each user is told when a password is tried, once,
// though nobody comes in.
func TestSprayInVainTellsItsTargets(t *testing.T) {
	s := newSource(t)
	for user := range 4 { // slips before the spray, explained
		s.comes(fmt.Sprint("guest", user), on(0, "09:00"), wrongPassword)
		s.comes(fmt.Sprint("guest", user), on(0, "09:01"))
	}
	told, at := s.sprays(9, 6, on(0, "10:00"))
	s.comes("guest1", at, wrongPassword) // who has come in from there
	var want []string
	for user := range 9 {
		want = append(want, fmt.Sprint("password_spray:target", user))
	}
	if got := toldAs(s.tried); told != "guest0/1 guest1/1 guest2/1 guest3/1" || got != strings.Join(want, " ") {
		t.Errorf("told %q, and of tries %q", told, got)
	}
	s.tried = nil
	if s.sprays(9, 6, on(0, "14:00")); len(s.tried) != 0 {
		t.Errorf("the spray goes on, and told again %q", toldAs(s.tried))
	}
	if s.sprays(9, 6, on(3, "10:00")); len(s.tried) != 9 {
		t.Errorf("the next spray told %q", toldAs(s.tried))
	}
}

// Coming in is more than having been tried, and another signal of the same
// evidence: by one name, also where what began like stuffing has become a spray.
func TestComingInRaisesWhatTheTriesHaveRaised(t *testing.T) {
	for _, c := range []struct {
		name          string
		users, rounds int
		told          string
	}{
		{"a spray", 9, 4, "password_spray"},
		{"stuffing", 60, 1, "credential_stuffing"},
		{"stuffing that becomes a spray", 30, 4, "credential_stuffing"},
	} {
		s := newSource(t)
		_, at := s.sprays(c.users, c.rounds, on(0, "10:00"))
		last := s.tried[len(s.tried)-1]
		signals := s.signals(last.User.Subject, at+event.Minute)
		if len(signals) != 1 || signals[0].Code != c.told || last.Code != c.told || signals[0].ID == last.ID {
			t.Fatalf("%s: %v, told of tries %+v", c.name, signals, last)
		}
		tried, in := s.set.DetectSignal(&last, nil), s.set.DetectSignal(&signals[0], nil)
		if len(tried) != 1 || len(in) != 1 || tried[0].Name != in[0].Name || tried[0].Key != in[0].Key {
			t.Fatalf("%s: two pieces of evidence: %+v, %+v", c.name, tried, in)
		}
		if tried[0].Strength != triedStrength || in[0].Strength != 1 || !strings.HasPrefix(tried[0].Summary, "Wrong password from") {
			t.Errorf("%s: %v %q, then %v %q", c.name, tried[0].Strength, tried[0].Summary, in[0].Strength, in[0].Summary)
		}
		if slices.ContainsFunc(tried[0].Evidence, func(f event.Fact) bool { return f.Name == "signed_in" }) {
			t.Errorf("%s: who did not come in signed in: %+v", c.name, tried[0].Evidence)
		}
	}
}

// A campaign in vain tells its targets, from whichever of its networks, once.
func TestCampaignInVainTellsItsTargets(t *testing.T) {
	for _, c := range []struct {
		name        string
		each, exits int
		apart       event.Time
	}{
		{"distributed", 3, 6, 10 * event.Second},
		{"slow", 2, 12, 40 * event.Minute},
	} {
		o := newOrganisation(t)
		o.watched(30)
		_, found := o.sprays(40, c.each, c.exits, on(0, "10:00"), c.apart)
		told := map[string]int{}
		for _, signal := range o.tried {
			told[signal.User.Subject]++
			if d := o.set.DetectSignal(&signal, nil); len(d) != 1 || d[0].Strength != triedStrength || !strings.Contains(d[0].Summary, "part of a campaign") {
				t.Errorf("%s: evidence %+v", c.name, d)
			}
		}
		if len(told) != 40 || len(o.tried) != 40 {
			t.Errorf("%s: found at the %dth, told %d users %d times, want each once", c.name, found, len(told), len(o.tried))
		}
		if first := o.tried[0].User.Subject; first != fmt.Sprint("target", (found-1)%40) {
			t.Errorf("%s: found at the %dth, told %s first", c.name, found, first)
		}
	}
}

// During a campaign people go on mistyping: in a hotel, at home, behind a
// carrier. None of them is a target.
func TestSlipsDuringACampaignAreNoTargets(t *testing.T) {
	o := newOrganisation(t)
	o.watched(30)
	for i := range 12 { // a carrier's exit
		o.signIn(fmt.Sprint("p", i), home(1), on(0, "09:00")+event.Time(i)*event.Minute)
	}
	o.signIn("owner", home(2), on(-1, "09:00"))
	last, found := o.sprays(40, 2, 12, on(0, "10:00"), 20*event.Minute)
	if found == 0 {
		t.Fatal("no campaign")
	}
	o.tried = nil
	for i, c := range []struct{ user, ip string }{
		{"owner", home(2)}, {"traveller", home(3)}, {"p1", home(1)}, {"q1", home(1)}, {"q2", home(1)}, {"q3", home(1)},
	} {
		o.signIn(c.user, c.ip, last+event.Time(i)*event.Minute, wrongPassword)
	}
	if len(o.tried) > 0 {
		t.Errorf("told of tries %s", toldAs(o.tried))
	}
	o.signIn("target100", exit(1), last+event.Hour, wrongPassword)
	if got := toldAs(o.tried); got != "password_spray:target100" {
		t.Errorf("the campaign goes on, and told %q", got)
	}
}

// Where a handful of phones tries old passwords from one address all night and
// nobody comes in, it looks like a spray. Each is told once, of tries only.
func TestOldPasswordsBehindOneAddressAreToldOnce(t *testing.T) {
	s := newSource(t)
	told := ""
	for minute := range event.Time(10 * 60) {
		for user := range 6 {
			if minute%20 == 0 {
				told += s.comes(fmt.Sprint("p", user), on(0, "00:00")+minute*event.Minute+event.Time(user)*event.Second, wrongPassword)
			}
		}
	}
	if told != "" || len(s.tried) != 6 {
		t.Errorf("told %q, and of tries %s", told, toldAs(s.tried))
	}
}

// A campaign is over soon after its last target, and what it was does not hide
// the next one.
func TestCampaignDoesNotBecomeUsual(t *testing.T) {
	o := newOrganisation(t)
	o.watched(30)
	last := event.Time(0)
	for day := range 6 {
		last, _ = o.sprays(60, 1, 12, on(day, "08:00"), 10*event.Minute)
	}
	if got := o.org.usual(); got != 0 {
		t.Errorf("%d a day are usual after a campaign, want 0", got)
	}
	for i := range event.Time(8) { // for whose slips it would have been kept alive
		o.signIn(fmt.Sprint("p", i), home(int(i)), last+(i+1)*8*event.Hour, wrongPassword)
	}
	if c := o.org.campaign; c.felt(o.org.newest) {
		t.Errorf("three days later it is still felt: %+v", c)
	}
	o.org.campaign = campaign{}
	if _, found := o.sprays(60, 1, 12, on(14, "10:00"), event.Hour); found == 0 || found > 16 {
		t.Errorf("the next one is found at target %d", found)
	}
}

// An organisation in which more is mistyped from some day on is in a campaign
// for two weeks at most.
func TestWhatGoesOnBecomesUsual(t *testing.T) {
	o := newOrganisation(t)
	o.watched(30)
	for day := range 28 {
		for user := range 40 {
			o.signIn(fmt.Sprint("p", user*31+day), home(user*40+day), on(day, "06:00")+event.Time(user)*20*event.Minute, wrongPassword)
		}
	}
	if got := o.org.usual(); got != 40 {
		t.Errorf("%d a day are usual, want 40", got)
	}
	if c := o.org.campaign; c.felt(o.org.newest) {
		t.Errorf("still a campaign: %+v", c)
	}
}

// A network of a campaign that is recognised by itself tells what happened there
// and not what the campaign has come to, also when it is told of the campaign
// again. Who was told goes by the same name.
func TestNetworkOfACampaignTellsItsOwnNumbers(t *testing.T) {
	for _, c := range []struct {
		name          string
		users, rounds int // at that network
		told          string
		want          event.Signal // of who comes in from there
	}{
		{"a few of the campaign", 3, 1, passwordSpray, event.Signal{Users: 41, Attempts: 41, Networks: 13}},
		{"stuffing", 30, 1, credentialStuffing, event.Signal{Users: 30, Attempts: 30}},
		{"a spray", 9, 4, passwordSpray, event.Signal{Users: 9, Attempts: 36}},
	} {
		o := newOrganisation(t)
		o.watched(30)
		last, found := o.sprays(40, 1, 12, on(0, "00:00"), 20*event.Minute)
		if found == 0 {
			t.Fatal("no campaign")
		}
		for i := range c.users * c.rounds {
			last += 20 * event.Second
			o.signIn(fmt.Sprint("other", i%c.users), home(1), last, wrongPassword)
		}
		if c.want.Networks == 0 { // the campaign goes on, and tells its networks again
			note := noteOf(&o.tried[0], event.NoteCampaign)
			note.Source.IP = netip.MustParseAddr(home(1))
			note.Signal = event.Signal{Users: 100, Attempts: 120, Networks: 61}
			o.detect(&note)
		}
		signals := o.signals("visitor", home(1), last+event.Minute)
		if len(signals) != 1 {
			t.Fatalf("%s: %d signals", c.name, len(signals))
		}
		got := signals[0].Signal
		if signals[0].Code != c.told || got.Networks != c.want.Networks || got.Users != c.want.Users || got.Attempts != c.want.Attempts {
			t.Errorf("%s: told %s %+v, want %s %+v", c.name, signals[0].Code, got, c.told, c.want)
		}
		for user := range c.users {
			name := ""
			for _, tried := range o.tried {
				if tried.User.Subject == fmt.Sprint("other", user) {
					name = tried.Code
				}
			}
			for _, in := range o.signals(fmt.Sprint("other", user), home(1), last+2*event.Minute) {
				if name != "" && in.Code != name {
					t.Errorf("%s: other%d was told of %s, and on coming in of %s", c.name, user, name, in.Code)
				}
			}
		}
	}
}

// Where as many were counted as are remembered there may have been more. Of a
// campaign that who came in is told of, the start is that of its network.
func TestNumbersOfAnAttackInWords(t *testing.T) {
	since := on(0, "10:00")
	for _, c := range []struct {
		name    string
		outcome event.Outcome
		signal  event.Signal
		summary string
		atLeast bool
		start   string
	}{
		{passwordSpray, event.Failure, event.Signal{Users: 63, Attempts: 190}, "Wrong password from Home ISP (AS64601), where 190 wrong passwords were tried on 63 users", false, "since"},
		{passwordSpray, event.Failure, event.Signal{Users: maxTried, Attempts: 190}, "Wrong password from Home ISP (AS64601), where at least 190 wrong passwords were tried on 64 users", true, "since"},
		{credentialStuffing, "", event.Signal{Users: maxTried, Attempts: 64}, "Sign-in from Home ISP (AS64601), where at least 64 wrong passwords were tried on 64 users, few on each", true, "since"},
		{passwordSpray, event.Failure, event.Signal{Users: 90, Attempts: 127, Networks: 48}, "Wrong password from Home ISP (AS64601), part of a campaign: 127 wrong passwords on 90 users from 48 networks", false, "since"},
		{passwordSpray, event.Failure, event.Signal{Users: 94, Attempts: maxTargets, Networks: 48}, "Wrong password from Home ISP (AS64601), part of a campaign: at least 128 wrong passwords on 94 users from 48 networks", true, "since"},
		{passwordSpray, "", event.Signal{Users: 128, Attempts: 130, Networks: 61}, "Sign-in from Home ISP (AS64601), part of a campaign: at least 130 wrong passwords on 128 users from 61 networks", true, "here_since"},
	} {
		e := signIn(since+event.Hour, potsdam)
		e.Kind, e.Action, e.Code, e.Outcome, e.Signal = event.KindSignal, event.IDPSignal, c.name, c.outcome, c.signal
		e.Signal.Since = since
		d := New(Defaults()).DetectSignal(&e, nil)
		if len(d) != 1 || d[0].Summary != c.summary {
			t.Errorf("evidence %+v, want %q", d, c.summary)
			continue
		}
		has := func(name string) bool {
			return slices.ContainsFunc(d[0].Evidence, func(f event.Fact) bool { return f.Name == name })
		}
		if has("at_least") != c.atLeast || !has(c.start) {
			t.Errorf("%s: facts %+v, want at_least %t, %s", c.summary, d[0].Evidence, c.atLeast, c.start)
		}
	}
}
