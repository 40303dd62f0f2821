package detectors

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// An organisation passes the notes of its networks and applications on, as the
// source lane does.
type organisation struct {
	t        testing.TB
	set      *Set
	networks map[string]*SourceMemory
	apps     map[string]*AppMemory
	org      OrgMemory
	n        int
	tried    []event.Event // signals to targets
}

func newOrganisation(t testing.TB) *organisation {
	return &organisation{t: t, set: New(Defaults()), networks: map[string]*SourceMemory{}, apps: map[string]*AppMemory{}}
}

// signIn gives the signals to those who came in that a sign-in causes, as
// "code:subject" in order.
func (o *organisation) signIn(user, ip string, at event.Time, changes ...change) string {
	return toldAs(o.signals(user, ip, at, changes...))
}

func (o *organisation) signals(user, ip string, at event.Time, changes ...change) (signals []event.Event) {
	o.n++
	e := signIn(at, append([]change{asUser(user), withID(fmt.Sprint(o.n)), func(e *event.Event) { e.Source.IP = netip.MustParseAddr(ip) }}, changes...)...)
	todo := e.AppendActivities(nil)
	for i := 0; i < len(todo); i++ {
		for _, sent := range o.detect(&todo[i]) {
			if isNote(sent) {
				todo = append(todo, sent)
			} else {
				signals = append(signals, sent)
			}
		}
		if len(todo) > 400 {
			o.t.Fatal("notes without end")
		}
	}
	signals, tried := split(signals)
	o.tried = append(o.tried, tried...)
	return signals
}

func (o *organisation) detect(e *event.Event) []event.Event {
	key := e.ActivityKey()
	switch {
	case strings.HasPrefix(key, event.NetworkPrefix):
		if o.networks[key] == nil {
			o.networks[key] = &SourceMemory{}
		}
		return o.set.DetectSource(e, o.networks[key], nil)
	case strings.HasPrefix(key, event.AppPrefix):
		if o.apps[key] == nil {
			o.apps[key] = &AppMemory{}
		}
		return o.set.DetectApp(e, o.apps[key], nil)
	}
	return o.set.DetectOrg(e, &o.org, nil)
}

// watched has the organisation known since so many days before day 0.
func (o *organisation) watched(days int) {
	o.org.advance(secondsOf(on(0, "00:00") - event.Time(days)*event.Day))
}

func exit(i int) string { return fmt.Sprintf("198.51.100.%d", i) }
func home(i int) string { return fmt.Sprintf("192.0.%d.%d", i/200, i%200+1) }

// sprays tries passwords on so many users, one after the other over so many
// exits, and returns the time of the last, and the number of the user after
// whose tries the campaign is known, which is 0 when it never is.
func (o *organisation) sprays(users, each, exits int, from, apart event.Time) (last event.Time, found int) {
	for i := range users * each {
		last = from + event.Time(i)*apart
		o.signIn(fmt.Sprint("target", i%users), exit(i%exits), last, wrongPassword)
		if found == 0 && o.org.campaign.start != 0 {
			found = i + 1
		}
	}
	return last, found
}

// Five networks, eight users, 25 attempts in a quarter of an hour: nobody comes
// near a threshold at one network. Who came in from one of them is told.
func TestDistributedSprayTellsWhoComesIn(t *testing.T) {
	o := newOrganisation(t)
	o.watched(30)
	o.signIn("ann", home(1), on(0, "08:00"))
	o.signIn("early", exit(2), on(0, "08:00")) // the attacker guesses one before the rest
	last, found := o.sprays(20, 2, 6, on(0, "10:00"), 15*event.Second)
	if found == 0 || found > 30 {
		t.Fatalf("found at attempt %d", found)
	}
	for _, c := range []struct{ user, ip, want string }{
		{"target3", exit(1), "password_spray:target3"},
		{"target3", exit(1), ""}, // told already
		{"target4", home(4), ""}, // the owner at home
		{"ann", home(1), ""},
		{"other", exit(5), "password_spray:other"},
	} {
		last += event.Second
		if got := o.signIn(c.user, c.ip, last); got != c.want {
			t.Errorf("%s from %s: told %q, want %q", c.user, c.ip, got, c.want)
		}
	}
	signals := o.signals("late", exit(3), last+20*event.Hour)
	if len(signals) != 1 || signals[0].Signal.Networks != 6 || signals[0].Signal.Users < 8 {
		t.Fatalf("after 20 hours: %+v", signals)
	}
	d := o.set.DetectSignal(&signals[0], nil)
	if len(d) != 1 || d[0].Strength != campaignStrength || !strings.Contains(d[0].Summary, "from 6 networks") {
		t.Errorf("evidence %+v", d)
	}
	if got := o.signIn("nextWeek", exit(3), last+7*event.Day); got != "" {
		t.Errorf("a week later: told %q", got)
	}
}

func TestDistributedSprayTellsWhoCameInBefore(t *testing.T) {
	o := newOrganisation(t)
	o.watched(30)
	o.signIn("early", exit(2), on(0, "08:00"))
	told := ""
	for i := range event.Time(40) {
		told += o.signIn(fmt.Sprint("target", i%20), exit(int(i%6)), on(0, "10:00")+i*15*event.Second, wrongPassword)
	}
	if told != "password_spray:early" {
		t.Errorf("told %q", told)
	}
}

// One or two passwords on a user every other hour, each from another network or
// all from one: found before the thirtieth target.
func TestSlowSprayIsFoundBeforeItsThirtiethTarget(t *testing.T) {
	for _, c := range []struct {
		name    string
		watched int // days
		exits   int
		apart   event.Time
		most    int
	}{
		{"an hour apart", 30, 250, event.Hour, 16},
		{"two hours apart", 30, 250, 2 * event.Hour, 20},
		{"three hours apart", 30, 40, 3 * event.Hour, 29},
		{"from one network", 30, 1, event.Hour, 16},
		{"in an organisation that is new here", 0, 250, event.Hour / 2, 29},
		{"a second apart from one network each", 30, 250, event.Second, 16},
	} {
		o := newOrganisation(t)
		o.watched(c.watched)
		if _, found := o.sprays(60, 1, c.exits, on(0, "10:00"), c.apart); found == 0 || found > c.most {
			t.Errorf("%s: found at target %d, want %d at most", c.name, found, c.most)
		}
	}
	o := newOrganisation(t)
	o.watched(30)
	last, _ := o.sprays(30, 1, 10, on(0, "10:00"), event.Hour)
	for _, c := range []struct{ user, ip, want string }{
		{"target7", exit(8), "password_spray:target7"},
		{"owner", home(1), ""},
		{"other", exit(9), "password_spray:other"},
		{"long ago", exit(30), ""},
	} {
		if got := o.signIn(c.user, c.ip, last+event.Hour); got != c.want {
			t.Errorf("%s from %s: told %q, want %q", c.user, c.ip, got, c.want)
		}
	}
}

// An organisation in which many mistype their password and give up every day
// is not in a campaign every day, and hears of one that is more than that.
func TestSlowSprayIsHeldAgainstWhatIsUsual(t *testing.T) {
	o := newOrganisation(t)
	o.watched(20)
	for day := -19; day < 0; day++ {
		for user := range 24 { // in eight hours
			o.signIn(fmt.Sprint("p", user*7+day), home(user*19-day), on(day, "09:00")+event.Time(user)*20*event.Minute, wrongPassword)
		}
		if day == -16 {
			o.org.campaign = campaign{} // before it was known what is usual
		}
	}
	if c := o.org.campaign; c.start != 0 {
		t.Fatalf("a usual day is a campaign: %+v", c)
	}
	if got := o.org.usual(); got != 24 {
		t.Errorf("%d a day are usual, want 24", got)
	}
	if _, found := o.sprays(60, 1, 250, on(0, "02:00"), 10*event.Minute); found == 0 || found > 40 {
		t.Errorf("a campaign is found at target %d", found)
	}
}

// What organisations do all day is no campaign, or tells nobody.
func TestCampaignsStayQuiet(t *testing.T) {
	for _, c := range []struct {
		name string
		life func(o *organisation) (told string)
		may  bool // be taken for a campaign, as long as nobody is told
	}{
		{"passwords have expired for everybody, at home", func(o *organisation) (told string) {
			for i := range 100 {
				told += o.signIn(fmt.Sprint("p", i), home(i), on(-3, "09:00"))
			}
			for i := range 100 {
				at := on(0, "08:00") + event.Time(i)*10*event.Second
				for try := range event.Time(3) {
					told += o.signIn(fmt.Sprint("p", i), home(i), at+try*event.Second, wrongPassword)
				}
				told += o.signIn(fmt.Sprint("p", i), home(i), at+event.Hour)
			}
			return told
		}, false},
		{"everybody is somewhere new, mistypes and comes in", func(o *organisation) (told string) {
			for i := range 100 {
				at := on(0, "08:00") + event.Time(i)*20*event.Second
				for try := range event.Time(3) {
					told += o.signIn(fmt.Sprint("p", i), home(i), at+try*5*event.Second, wrongPassword)
				}
				told += o.signIn(fmt.Sprint("p", i), home(i), at+30*event.Second)
			}
			return told
		}, false},
		{"passwords are mistyped at home, and keys used instead", func(o *organisation) (told string) {
			for i := range 100 {
				at := on(i/25, "08:00") + event.Time(i%25)*10*event.Minute
				told += o.signIn(fmt.Sprint("p", i), home(i), at, wrongPassword)
				told += o.signIn(fmt.Sprint("p", i), home(i), at+event.Minute, func(e *event.Event) { e.Auth.Factor = event.FactorStrong })
			}
			return told
		}, false},
		{"an office behind one address", func(o *organisation) (told string) {
			for day := range 5 {
				for i := range 60 {
					at := on(day, "08:00") + event.Time(i)*event.Minute
					told += o.signIn(fmt.Sprint("p", i), home(1), at, wrongPassword)
					told += o.signIn(fmt.Sprint("p", i), home(1), at+20*event.Second)
				}
			}
			return told
		}, false},
		{"a carrier: one gives up for ten who come in, at each exit", func(o *organisation) (told string) {
			for i := range 400 {
				at := on(i/80, "08:00") + event.Time(i%80)*5*event.Minute
				if i%11 == 0 {
					told += o.signIn(fmt.Sprint("p", i), home(i%8), at, wrongPassword)
				} else {
					told += o.signIn(fmt.Sprint("p", i), home(i%8), at)
				}
			}
			return told
		}, true},
		{"old passwords in phones that move about", func(o *organisation) (told string) {
			for minute := range 3 * 24 * 60 {
				for phone := range 6 {
					if minute%10 == 0 {
						told += o.signIn(fmt.Sprint("p", phone), home(10*phone+minute/300%7), on(0, "00:00")+event.Time(minute)*event.Minute, wrongPassword)
					}
				}
			}
			return told
		}, false},
		{"one network, and others mistype meanwhile", func(o *organisation) (told string) {
			for i := range 36 {
				told += o.signIn(fmt.Sprint("target", i%9), exit(1), on(0, "10:00")+event.Time(i)*5*event.Second, wrongPassword)
			}
			for i := range 6 {
				told += o.signIn(fmt.Sprint("p", i), home(i), on(0, "10:04"), wrongPassword)
				told += o.signIn(fmt.Sprint("p", i), home(i), on(0, "10:05"))
			}
			return told
		}, false},
	} {
		o := newOrganisation(t)
		o.watched(30)
		if told := c.life(o); told != "" {
			t.Errorf("%s: told %s", c.name, told)
		}
		if len(o.tried) > 0 {
			t.Errorf("%s: told of tries %s", c.name, toldAs(o.tried))
		}
		if found := o.org.campaign; found.start != 0 && !c.may {
			t.Errorf("%s: taken for a campaign: %+v", c.name, found)
		}
	}
}

// Who has mistyped a password in a hotel during a campaign has nothing to do
// with it.
func TestCampaignLeavesOutOnesOwnSlip(t *testing.T) {
	o := newOrganisation(t)
	o.watched(30)
	_, found := o.sprays(12, 2, 8, on(0, "10:00"), 20*event.Second)
	o.signIn("guest", home(1), on(0, "10:09"), wrongPassword)
	if _, more := o.sprays(12, 1, 8, on(0, "10:10"), 20*event.Second); found+more == 0 {
		t.Fatal("no campaign")
	}
	if got := o.signIn("guest", home(1), on(0, "10:20")); got != "" {
		t.Errorf("told %s", got)
	}
}

func TestNetworksAsNumbers(t *testing.T) {
	for _, ip := range []string{"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8:1:2::", "fe80::", "::"} {
		s := event.Source{IP: netip.MustParseAddr(ip)}
		if got := networkOf(&s).addr(); got != s.IP {
			t.Errorf("%s became %s", ip, got)
		}
	}
}

// The same notes once more change nothing: without transactions they may come
// twice.
func TestOrgMemoryTakesNotesTwice(t *testing.T) {
	set := New(Defaults())
	var once, twice OrgMemory
	for i := range 40 {
		note := event.Event{
			Time: on(0, "10:00") + event.Time(i)*event.Minute, Kind: event.KindSignal, Action: event.IDPSignal, Code: event.NoteTried,
			User: event.User{Subject: fmt.Sprint("target", i)}, Source: event.Source{IP: netip.MustParseAddr(exit(i % 9))}, Signal: event.Signal{Tries: 1},
		}
		if i%7 == 6 {
			note.Code, note.User.Subject = event.NoteCameIn, fmt.Sprint("target", i-1)
		}
		set.DetectOrg(&note, &once, nil)
		set.DetectOrg(&note, &twice, nil)
		set.DetectOrg(&note, &twice, nil)
	}
	if once != twice {
		t.Errorf("once %+v\ntwice %+v", once, twice)
	}
}
