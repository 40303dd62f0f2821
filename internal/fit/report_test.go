package fit

import (
	"math"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/scoring"
)

func TestQuality(t *testing.T) {
	m := plain(math.Log(4)) // a prior of 0.2 becomes 0.5
	q := m.Quality([]Example{seen(true, 3, 0), seen(true, 1), seen(false, 10, 0), seen(false, 90)}, m.Weights(), 0.2, 0.1)
	near(t, "log-loss", q.LogLoss, 0.1*(0.75*math.Ln2+0.25*math.Log(5))+0.9*(0.1*math.Ln2+0.9*math.Log(1/0.8)))
	near(t, "brier", q.Brier, 0.1*(0.75*0.25+0.25*0.64)+0.9*(0.1*0.25+0.9*0.04))
	near(t, "attacker", q.Caught, 0.75*0.5+0.25*0.2)
	near(t, "owner", q.Blamed, 0.1*0.5+0.9*0.2)
	near(t, "order", q.Order, 0.75*0.9+0.5*(0.75*0.1+0.25*0.9))
}

// dated has examples of so many account-days of each kind on each day.
func dated(kinds ...[2]float64) map[event.Time][]Example {
	days := map[event.Time][]Example{}
	for i, k := range kinds {
		day := event.Time(i+1) * event.Day
		for kind, weight := range k {
			if weight > 0 {
				days[day] = append(days[day], Example{Compromised: kind == 0, Weight: weight})
			}
		}
	}
	return days
}

func TestSplitHoldsOutTheLatestDays(t *testing.T) {
	for _, tt := range []struct {
		name    string
		days    map[event.Time][]Example
		share   float64
		split   event.Time // in days
		heldOut float64    // compromised
	}{
		{"at most the share", dated([2]float64{5, 9}, [2]float64{2, 9}, [2]float64{2, 9}, [2]float64{1, 9}), 0.3, 3, 3},
		{"at least the last day", dated([2]float64{1, 9}, [2]float64{0, 9}, [2]float64{9, 9}), 0.3, 3, 9},
		{"quiet days go with those before", dated([2]float64{5, 9}, [2]float64{0, 9}, [2]float64{5, 9}), 0.5, 3, 5},
		{"the first day stays", dated([2]float64{1, 9}, [2]float64{1, 9}), 0.9, 2, 1},
	} {
		p, err := split(tt.days, tt.share)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		compromised, _ := weightsOf(p.heldOut)
		if p.split != tt.split*event.Day || compromised != tt.heldOut {
			t.Errorf("%s: split on day %d, %v held out", tt.name, p.split/event.Day, compromised)
		}
	}
	p, err := split(dated([2]float64{1, 9}), 0)
	if err != nil || len(p.heldOut) != 0 || len(p.train) != 2 {
		t.Errorf("nothing to hold out: %+v, %v", p, err)
	}
	for name, days := range map[string]map[event.Time][]Example{
		"one day":      dated([2]float64{3, 9}),
		"nobody else":  dated([2]float64{3, 0}, [2]float64{3, 9}),
		"nobody later": dated([2]float64{3, 9}, [2]float64{3, 0}),
	} {
		if _, err := split(days, 0.3); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// collected has account-days with and without a new device.
func collected(t *testing.T, w scoring.Weights, attackers, owners int) *Collector {
	t.Helper()
	labels, err := ReadLabels("none", strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	c := NewCollector(w, labels, 0, 0, 1000)
	device := []Entry{{Column: c.byName["new_device"], Amount: 1}}
	add := func(n int, compromised bool, entries []Entry) {
		for range n {
			i := uint64(c.events)
			c.take(&row{of: accountDay{user: i, day: event.Time(i%5) * event.Day, compromised: compromised}, time: event.Time(i%5) * event.Day, hash: i, entries: entries})
		}
	}
	add(attackers, true, device)
	add(40, true, nil)
	add(owners, false, device)
	add(1000, false, nil)
	return c
}

func newScorer(t *testing.T, cfg scoring.Config) *scoring.Scorer {
	t.Helper()
	s, err := scoring.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAFittedTableIsReadAndFittedAgain(t *testing.T) {
	s := newScorer(t, scoring.Defaults())
	r, err := collected(t, s.Weights(), 40, 20).Logistic(s, Options{Penalty: 1e-6})
	if err != nil {
		t.Fatal(err)
	}
	table := r.Table()
	row := table.Detections["new_device"]
	if want := math.Log((40.0 / 80) / (20.0 / 1020)); math.Abs(row.LLR-math.Min(want, table.Caps[event.GroupDevice])) > 0.001 {
		t.Errorf("weight %v, want %v or the cap of its group", row.LLR, want)
	}
	if s.Weights().Detections["new_device"].LLR != 2 {
		t.Error("the weights in force have changed")
	}
	if !strings.Contains(row.Reason, "every new phone and browser") || !strings.Contains(row.Reason, "open on 40.0 of 80.0 account-days in an attacker's hands and on 20.0 of 1020.0 others") {
		t.Errorf("reason %q", row.Reason)
	}
	if other := table.Detections["new_country"]; other != s.Weights().Detections["new_country"] {
		t.Errorf("what was not seen has become %+v", other)
	}

	read, err := config.ParseWeights("w.yaml", r.File())
	if err != nil {
		t.Fatalf("%v\n%s", err, r.File())
	}
	fitted := newScorer(t, read.Config())
	if fitted.Version() != r.Fitted || !strings.HasPrefix(r.Fitted, s.Version()+"-fit-") {
		t.Errorf("version %s, reported as %s", fitted.Version(), r.Fitted)
	}
	again, err := collected(t, fitted.Weights(), 10, 20).Logistic(fitted, Options{Penalty: 1e-6})
	if err != nil {
		t.Fatal(err)
	}
	if reason := again.Table().Detections["new_device"].Reason; strings.Count(reason, "Fitted:") != 1 || strings.Count(again.Fitted, "fit") != 1 || again.Fitted == r.Fitted {
		t.Errorf("version %s, reason %q", again.Fitted, reason)
	}
}

func TestThePriorStaysUnlessAsked(t *testing.T) {
	s := newScorer(t, scoring.Defaults())
	r, err := collected(t, s.Weights(), 2, 200).Logistic(s, Options{Penalty: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r.PriorAfter != 0.002 || r.Table().Prior != 0.002 {
		t.Errorf("prior %v", r.PriorAfter)
	}
	r, err = collected(t, s.Weights(), 2, 200).Logistic(s, Options{Penalty: 1, FitPrior: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := 42.0 / 1242; math.Abs(r.Table().Prior-want) > 1e-6 {
		t.Errorf("prior %v, want %v", r.Table().Prior, want)
	}
	_, err = collected(t, s.Weights(), 400, 200).Logistic(s, Options{Penalty: 1, FitPrior: true})
	if err == nil || !strings.Contains(err.Error(), "prior: ") {
		t.Errorf("a prior of more than a quarter: %v", err)
	}
}

func TestIsotonicReport(t *testing.T) {
	s := newScorer(t, scoring.Defaults())
	r, err := collected(t, s.Weights(), 40, 20).Isotonic(s, Options{HoldOut: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Map) != 2 || r.Map[0].From != 0.2 || r.Map[1].From != 1.46 || r.Map[1].Probability < 0.01 {
		t.Errorf("%+v", r.Map)
	}
	if r.HeldOut.After.LogLoss >= r.HeldOut.Before.LogLoss {
		t.Errorf("held out: %+v", r.HeldOut)
	}
	for _, warning := range r.Warnings() {
		t.Errorf("warning: %s", warning)
	}
}
