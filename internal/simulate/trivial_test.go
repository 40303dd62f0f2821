package simulate_test

import (
	"log/slog"
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/simulate"
)

// trivial is the rule that anybody would write first: one point each for a
// network (AS), a browser family and a country from which the user has never
// come in, and one for an address on a list.
type trivial struct{ known map[feature]bool }

func (r *trivial) score(e *event.Event) int {
	points := 0
	if e.Source.Anonymizer != "" {
		points++
	}
	for _, f := range features(e) {
		if r.known[feature{f.user, f.kind, ""}] && !r.known[f] {
			points++
		}
	}
	return points
}

// learn remembers a success: its features, and that there is one of the kind.
func (r *trivial) learn(e *event.Event) {
	for _, f := range features(e) {
		r.known[f], r.known[feature{f.user, f.kind, ""}] = true, true
	}
}

type feature struct{ user, kind, value string }

// features of an event that are judged.
func features(e *event.Event) []feature {
	var out []feature
	for _, f := range []feature{
		{e.User.Subject, "as", e.Source.AS.Organization},
		{e.User.Subject, "country", e.Source.Geo.Country},
		{e.User.Subject, "agent", e.UserAgent.Name},
	} {
		if f.value != "" {
			out = append(out, f)
		}
	}
	return out
}

// verdicts is what a rule makes of a population.
type verdicts struct {
	benign []int                       // points of each benign sign-in that succeeded
	worst  map[string]map[campaign]int // attack → points by the compromise
}

type campaign struct {
	number uint32
	user   string
}

// judge has the trivial rule judge a population after its quiet days.
func judge(t testing.TB, p *simulate.Population) verdicts {
	t.Helper()
	read := reader(t, p)
	rule := trivial{known: map[feature]bool{}}
	v := verdicts{worst: map[string]map[campaign]int{}}
	over := map[campaign]bool{}
	for {
		r, ok := p.Next()
		if !ok {
			return v
		}
		truth := &r.Truth
		key := campaign{truth.Campaign, truth.User}
		e := read(r)
		points := rule.score(&e)
		signIn := e.Action == event.SignIn && e.Outcome == event.Success
		switch {
		case truth.Attack != "" && !over[key]:
			byAttack := v.worst[truth.Attack]
			if byAttack == nil {
				byAttack = map[campaign]int{}
				v.worst[truth.Attack] = byAttack
			}
			if e.Outcome == event.Success {
				byAttack[key] = max(byAttack[key], points)
			}
			over[key] = truth.Compromise
		case truth.Benign() && signIn && r.Time >= p.AttacksFrom():
			v.benign = append(v.benign, points)
		}
		if signIn {
			rule.learn(&e)
		}
	}
}

// reader reads records with the population's own configuration.
func reader(t testing.TB, p *simulate.Population) func(simulate.Record) event.Event {
	t.Helper()
	file, err := p.WriteConfiguration(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	pipeline, err := engine.NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pipeline.Close() })
	parsers := map[string]*ingest.Parser{}
	for _, source := range cfg.Sources {
		if parsers[source.Topic], err = pipeline.Parser(source); err != nil {
			t.Fatal(err)
		}
	}
	return func(r simulate.Record) (read event.Event) {
		n := 0
		parsers[r.Topic].Parse(r.Value, event.Origin{Topic: r.Topic}, func(e *event.Event) {
			read = *e
			n++
		}, func(d ingest.DeadLetter) { t.Fatalf("dead letter %s: %s: %s", d.Reason, d.Err, r.Value) })
		if n != 1 || read.ID != r.Truth.EventID || read.Time != r.Time || read.User.Subject != r.Truth.User {
			t.Fatalf("%d events; %s at %v of %s, want %s at %v of %s: %s",
				n, read.ID, read.Time, read.User.Subject, r.Truth.EventID, r.Time, r.Truth.User, r.Value)
		}
		return read
	}
}

// rate is the share of attacks that are caught when so large a share of the
// benign sign-ins may be challenged. Between two thresholds, ties are drawn.
func (v *verdicts) rate(budget float64, attacks ...string) float64 {
	above := func(points []int, least int) float64 {
		n := 0
		for _, p := range points {
			if p >= least {
				n++
			}
		}
		return float64(n) / float64(max(len(points), 1))
	}
	var worst []int
	for _, name := range attacks {
		for _, points := range v.worst[name] {
			worst = append(worst, points)
		}
	}
	for least := 4; least >= 0; least-- {
		all, sure := above(v.benign, least), above(v.benign, least+1)
		if all > budget {
			share := (budget - sure) / (all - sure)
			return above(worst, least+1) + share*(above(worst, least)-above(worst, least+1))
		}
	}
	return 1
}

// The simulation is worth measuring on only if the trivial rule is not enough.
func TestTrivialRuleIsNotEnough(t *testing.T) {
	for _, seed := range []uint64{11, 12} {
		v := judge(t, simulate.NewPopulation(simulate.PopulationConfig{Seed: seed, Users: 250, Days: 50, Attacks: 40}))
		counts := map[int]int{}
		for _, p := range v.benign {
			counts[p]++
		}
		t.Logf("seed %d: benign sign-ins by points: %v", seed, counts)
		for _, name := range simulate.Attacks {
			t.Logf("  %-18s %3d takeovers, TPR %.2f", name, len(v.worst[name]), v.rate(0.01, name))
		}
		t.Logf("  all                                TPR %.2f", v.rate(0.01, simulate.Attacks[:]...))
		if got := v.rate(0.01, simulate.Attacks[:]...); got > 0.75 {
			t.Errorf("seed %d: the trivial rule finds %.2f of all attacks, want at most 0.75", seed, got)
		}
		if got := v.rate(0.01, simulate.Targeted); got > 0.20 {
			t.Errorf("seed %d: the trivial rule finds %.2f of the targeted attacks, want at most 0.20", seed, got)
		}
	}
}
