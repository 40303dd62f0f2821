package evaluate

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/simulate"
)

// A log of a month, small enough to be counted by hand. Anna and Ben sign in at
// home each morning. From the 20th day on it is tested.
const (
	monthStart = simulate.DefaultStart
	monthTest  = 20
)

type month struct {
	cases []Case
	next  int
}

func day(n int, hour event.Time) event.Time {
	return monthStart + event.Time(n)*event.Day + hour*event.Hour
}

func (m *month) add(c *Case, at event.Time, truth simulate.Truth) *Case {
	m.next++
	c.Event.Time, c.Event.ID, c.Event.Tenant = at, fmt.Sprint("e", m.next), "default"
	c.Truth = truth
	m.cases = append(m.cases, *c)
	return &m.cases[len(m.cases)-1]
}

func (m *month) failed(c *Case, at event.Time, truth simulate.Truth) {
	c.Event.Outcome, c.Event.Reason = event.Failure, event.BadCredentials
	m.add(c, at, truth)
}

// aMonth has four attacks: a naive one on Anna, who is challenged for it; one on
// Ben over his own network and browser at his hours, which nobody can see; one
// on Carl that does not come in; and a spray that comes in at one user of six.
// And Ben has a day on which he looks like an attacker.
func aMonth() []Case {
	var m month
	for n := range 30 {
		hands := simulate.Truth{InHands: n > 22 && n <= 25}
		m.add(signIn("anna", 0, berlin, mac), day(n, 9), hands)
		hands.InHands = n > 26 && n <= 29
		m.add(signIn("ben", 0, berlin, mac), day(n, 9), hands)
	}
	in := func(t simulate.Truth) simulate.Truth {
		t.Compromise, t.InHands = true, true
		return t
	}
	naive := simulate.Truth{Attack: simulate.Naive, Variant: simulate.Hosting, Campaign: 1}
	m.failed(signIn("anna", 0, tokyo, windows), day(22, 10), naive)
	m.add(signIn("anna", 0, tokyo, windows), day(22, 11), in(naive))
	m.add(signIn("ben", 0, tokyo, windows), day(24, 10), simulate.Truth{Story: simulate.TripAbroad})
	unseen := simulate.Truth{Attack: simulate.VeryTargeted, Variant: simulate.Residential, Campaign: 2}
	m.add(signIn("ben", 0, berlin, mac), day(26, 10), in(unseen))
	vain := simulate.Truth{Attack: simulate.VPN, Variant: simulate.Hosting, Campaign: 3}
	m.failed(signIn("carl", 0, hosting, windows), day(27, 10), vain)
	spray := simulate.Truth{Attack: simulate.SprayFast, Variant: simulate.Hosting, Campaign: 4}
	for i := range 18 {
		m.failed(signIn(fmt.Sprint("user", i%6), 0, hosting, windows), day(28, 10)+event.Time(i)*event.Minute, spray)
	}
	m.add(signIn("user0", 0, hosting, windows), day(28, 11), in(spray))
	slices.SortStableFunc(m.cases, func(a, b Case) int { return int(a.Event.Time - b.Event.Time) })
	return m.cases
}

func reportOf(t *testing.T, cases []Case) *Report {
	t.Helper()
	s, err := NewStudy(config.Default(), Options{Windows: Windows{Calibrate: day(14, 0), Test: day(monthTest, 0)}, Ablation: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		s.Take(&cases[i])
	}
	s.End()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r := NewReport(Data{}, 0.002, s)
	if r.CostNS <= 0 {
		t.Errorf("an event costs %g ns", r.CostNS)
	}
	return r
}

func TestStudyCountsWhatHappened(t *testing.T) {
	r := reportOf(t, aMonth())

	// Anna 10 − 3 in other hands, Ben 10 + 1 − 3.
	want := Data{Windows: r.Data.Windows, Days: r.Data.Days, Events: 84, Users: 2, SignIns: 15, Attacks: 3, Repelled: 6}
	if diff := cmp.Diff(want, r.Data); diff != "" {
		t.Errorf("data: %s", diff)
	}
	rate := func(what string, got Rate, value float64, of int) {
		t.Helper()
		if math.Abs(got.Value-value) > 1e-9 || got.Of != of || got.Low > value || got.High < value {
			t.Errorf("%s: %+v, want %g of %d", what, got, value, of)
		}
	}
	d := &r.Defaults
	recall := map[string]Rate{}
	for _, of := range d.Recall {
		recall[of.Attack] = of.Rate
	}
	rate("recall", recall[""], 2.0/3, 3)
	rate("recall of naive", recall[simulate.Naive], 1, 1)
	rate("recall of very targeted", recall[simulate.VeryTargeted], 0, 1)
	rate("recall of the spray", recall[simulate.SprayFast], 1, 1)
	rate("benign sign-ins challenged", d.Challenged, 1.0/15, 15)
	if days := r.Data.Days; math.Abs(d.Alerts.Value-1000/(2*days)) > 1e-9 || math.Abs(d.Challenges.Value-1000/(2*days)) > 1e-9 {
		t.Errorf("alerts %+v, challenges %+v in %g days", d.Alerts, d.Challenges, days)
	}
	if d.Revokes != 0 || d.Ended.Of != 0 {
		t.Errorf("%d revokes, %+v ended", d.Revokes, d.Ended)
	}
	stories := map[string]Story{}
	for _, s := range r.Stories {
		stories[s.Name] = s
	}
	if trip := stories[simulate.TripAbroad]; trip.SignIns != 1 || trip.Challenged != 1 || trip.AtMedium != 1 || trip.Alerts != 1 || trip.Highest < 40 {
		t.Errorf("the trip: %+v", trip)
	}
	if ordinary := stories[""]; ordinary.SignIns != 14 || ordinary.Challenged != 0 || ordinary.Alerts != 0 {
		t.Errorf("ordinary days: %+v", ordinary)
	}
	for _, c := range r.Campaigns {
		rate("campaigns", c.Found, 1, 1)
		rate("campaigns found by the first compromise", c.AtOnce, 1, 1)
		if c.Target != 6 || c.Came != 6 {
			t.Errorf("found at target %g, want 6", c.Target)
		}
	}
	if len(r.Campaigns) != 1 {
		t.Errorf("campaigns %+v", r.Campaigns)
	}

	if len(r.Misses) != 1 || r.Misses[0].What != simulate.VeryTargeted || r.Misses[0].User != "ben" || len(r.Misses[0].Detectors) != 0 {
		t.Errorf("misses %+v", r.Misses)
	}
	if len(r.Alarms) != 1 || r.Alarms[0].What != simulate.TripAbroad || !slices.Contains(r.Alarms[0].Detectors, "new_device") {
		t.Errorf("false alarms %+v", r.Alarms)
	}

	// Nothing is new in the days that fix the threshold, so that it lies at 0 and
	// one in a hundred of what is not new is challenged.
	tpr := map[kind]Rate{}
	for _, g := range r.Methods[0].Groups {
		tpr[kind{g.Attack, g.Variant}] = g.TPR[0]
	}
	rate("TPR", tpr[kind{}], 2.01/3, 3)
	rate("TPR of naive", tpr[kind{model: simulate.Naive}], 1, 1)
	rate("TPR of very targeted", tpr[kind{simulate.VeryTargeted, simulate.Residential}], 0.01, 1)
	rate("challenged at 1 %", r.Methods[0].Challenged[0], (1+0.01*14)/15, 15)
}

// A detector that alone finds an attack is missed for it.
func TestAblationShowsWhatADetectorIsFor(t *testing.T) {
	r := reportOf(t, aMonth())
	if got, want := len(r.Ablation), 1+len(r.Firings); got != want {
		t.Errorf("%d rows, want all and %d detectors", got, want)
	}
	for _, a := range r.Ablation {
		switch a.Without {
		case "password_spray":
			if math.Abs(a.Recall-1.0/3) > 1e-9 || a.Most.Attack != simulate.SprayFast || a.Most.Recall != 1 {
				t.Errorf("%+v", a)
			}
		case "", "mfa_fatigue":
			if math.Abs(a.Recall-2.0/3) > 1e-9 || a.Most != (Fall{}) {
				t.Errorf("%+v", a)
			}
		}
	}
}

// Time to detect begins with the compromise: Ben's attacker is never found.
func TestTimeToDetect(t *testing.T) {
	for _, d := range reportOf(t, aMonth()).Detection {
		want := map[string]Detection{
			"":                    {Attacks: 3, InTime: 2, Detected: 2},
			simulate.Naive:        {Attacks: 1, InTime: 1, Detected: 1},
			simulate.VeryTargeted: {Attacks: 1},
			simulate.SprayFast:    {Attacks: 1, InTime: 1, Detected: 1},
		}[d.Attack]
		want.Attack = d.Attack
		if d != want {
			t.Errorf("%+v, want %+v", d, want)
		}
	}
}
