//go:build realkafka

package torture

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

var (
	matrix   = flag.String("matrix", "", "scenarios to run: short or full; none by default")
	seed     = flag.Uint64("seed", 1, "seed of the load and of when and whom faults strike")
	delivery = flag.String("delivery", "exactly_once", "of the engines; at_least_once forgives repeats and late returns")
	rate     = flag.Int("rate", 1500, "raw records per second")
	length   = flag.Duration("length", 15*time.Second, "of the load, where no fault takes longer")
)

func options() Options {
	return Options{Seed: *seed, Full: *matrix == "full", Delivery: *delivery, Rate: *rate, Length: *length}
}

// TestTorture runs every scenario of the matrix and prints a table.
func TestTorture(t *testing.T) {
	if *matrix == "" {
		t.Skip("make torture-short or make torture runs this")
	}
	results := runAll(t, 1, Scenarios)
	if *matrix == "full" {
		results = append(results, runAll(t, 3, ClusterScenarios)...)
	}
	fmt.Println()
	if err := WriteTable(os.Stdout, results); err != nil {
		t.Error(err)
	}
}

// runAll runs the scenarios on a bed of their own.
func runAll(t *testing.T, brokers int, scenarios []Scenario) (results []*Result) {
	bed, err := NewBed(t.Context(), t.TempDir(), brokers)
	if err != nil {
		t.Fatal(err)
	}
	defer bed.Close()
	for _, s := range scenarios {
		points := s.Points(options())
		for _, at := range points {
			name := s.Name
			if len(points) > 1 {
				name = fmt.Sprintf("%s-at-%d", s.Name, int(100*at[0]))
			}
			t.Run(name, func(t *testing.T) {
				result := s.Do(t, bed, name, options(), at...)
				results = append(results, result)
				for _, problem := range result.Problems {
					t.Error(problem)
				}
				for _, forgiven := range result.Forgiven {
					t.Log("forgiven:", forgiven)
				}
				t.Logf("took %v", result.Took.Round(time.Second))
			})
		}
	}
	return results
}

// TestNegativeControl holds the oracle against an engine that commits before it
// publishes: it must see what is lost.
func TestNegativeControl(t *testing.T) {
	if *matrix == "" {
		t.Skip("make torture-short or make torture runs this")
	}
	bed, err := NewBed(t.Context(), t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer bed.Close()
	s := Scenario{Name: "negative-control", Strikes: 3, Tags: []string{NegativeTag}, strike: killAndRestart}
	result := s.Do(t, bed, s.Name, options(), 0.2, 0.5, 0.8)
	if err := WriteTable(os.Stdout, []*Result{result}); err != nil {
		t.Error(err)
	}
	if result.LostOrDoubled() == 0 {
		t.Error("nothing was lost or doubled by an engine that commits early: either it does not, or the oracle sees nothing")
	}
	for _, problem := range result.Problems {
		t.Log("as it should be:", problem)
	}
}
