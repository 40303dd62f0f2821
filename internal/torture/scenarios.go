//go:build unix

package torture

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Bounds of the times after which scoring goes on, from the targets in
// docs/performance.md.
const (
	sameIdentity = 5 * time.Second
	takeover     = 20 * time.Second
)

// NegativeTag is the build tag of an engine that commits the offsets of events
// before it publishes what they cause.
const NegativeTag = "negativecontrol"

// Scenario is one kind of fault under load.
type Scenario struct {
	Name     string
	Strikes  int  // how often it strikes in a run of the short matrix
	FullOnly bool // it is left out of the short matrix
	Tags     []string
	company  func(r *Run) // founds the company; nil is the one of all other scenarios
	strike   func(r *Run)
}

// Scenarios on one broker.
var Scenarios = []Scenario{
	{Name: "calm", FullOnly: true},
	{Name: "kill-and-restart", Strikes: 3, strike: killAndRestart},
	{Name: "kill-and-take-over", Strikes: 1, strike: killAndTakeOver},
	{Name: "pause", Strikes: 1, strike: pause},
	{Name: "join-and-leave", Strikes: 1, strike: joinAndLeave},
	{Name: "broker-restart", Strikes: 1, strike: restartBroker},
	{Name: "broker-crash", Strikes: 1, strike: crashBroker},
	{Name: "cut-connection", Strikes: 1, strike: cutConnection},
	{Name: "snapshot-disk-full", Strikes: 1, strike: fillDisk},
	{Name: "snapshot-damage", Strikes: 3, strike: damageSnapshot},
	{Name: "previous-version", Strikes: 1, strike: comeFromPreviousVersion},
	{Name: "clock-jump", Strikes: 1, Tags: []string{HooksTag}, company: todaysCompany, strike: jumpClock},
	{Name: "poison", Strikes: 2, strike: poison},
	{Name: "oversized-batch", Strikes: 1, strike: oversize},
}

// ClusterScenarios are those on three brokers.
var ClusterScenarios = []Scenario{
	{Name: "leader-loss", Strikes: 1, FullOnly: true, strike: loseLeader},
	{Name: "group-coordinator-loss", Strikes: 1, FullOnly: true, strike: loseGroupCoordinator},
	{Name: "transaction-coordinator-loss", Strikes: 1, FullOnly: true, strike: loseTransactionCoordinator},
	{Name: "rolling-restart", Strikes: 1, FullOnly: true, strike: rollBrokers},
}

// Do runs the scenario once under the given name, striking at the given parts
// of the load's length, and returns what the oracle says.
func (s Scenario) Do(t testing.TB, bed *Bed, name string, o Options, at ...float64) *Result {
	r := newRun(t, bed, s, name, o)
	for _, part := range at {
		r.until(part)
		s.strike(r)
	}
	r.finish()
	return r.judge(name)
}

// Points are the parts of the load at which the scenario strikes, for each of
// its runs: one run at random parts in the short matrix, three at 10, 50 and
// 90 % in the full one.
func (s Scenario) Points(o Options) [][]float64 {
	switch {
	case s.FullOnly && !o.Full:
		return nil
	case s.Strikes == 0:
		return [][]float64{nil}
	case o.Full:
		return [][]float64{{0.1}, {0.5}, {0.9}}
	}
	draw := rand.New(rand.NewPCG(o.Seed, saltOf(s.Name)))
	var at []float64
	for i := range s.Strikes {
		at = append(at, (float64(i)+0.1+0.8*draw.Float64())/float64(s.Strikes))
	}
	return [][]float64{at}
}
