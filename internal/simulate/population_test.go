package simulate_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/simulate"
)

// small has every attack and every hard negative; it is made in a second.
var small = simulate.PopulationConfig{Seed: 3, Users: 150, Days: 70}

// all is the records of a population.
func all(p *simulate.Population) []simulate.Record {
	var records []simulate.Record
	for {
		r, ok := p.Next()
		if !ok {
			return records
		}
		records = append(records, r)
	}
}

// The bytes of a seed are part of every published number: whoever changes them
// changes those. Change the hash only together with docs/accuracy.md.
func TestPopulationIsGolden(t *testing.T) {
	const want = "d01de88277b68f49"
	hash := sha256.New()
	for _, r := range all(simulate.NewPopulation(simulate.PopulationConfig{Seed: 1, Users: 40, Days: 40})) {
		fmt.Fprintf(hash, "%s %d %s %+v\n", r.Topic, r.Time, r.Value, r.Truth)
	}
	if got := hex.EncodeToString(hash.Sum(nil))[:16]; got != want {
		t.Errorf("the population of seed 1 is %s, want %s", got, want)
	}
}

func TestAnotherSeedIsAnotherPopulation(t *testing.T) {
	one, _ := simulate.NewPopulation(simulate.PopulationConfig{Seed: 1, Users: 40}).Next()
	two, _ := simulate.NewPopulation(simulate.PopulationConfig{Seed: 2, Users: 40}).Next()
	if bytes.Equal(one.Value, two.Value) {
		t.Error("two seeds gave the same first record")
	}
}

func TestEveryAttackAndEveryNegativeIsThere(t *testing.T) {
	p := simulate.NewPopulation(small)
	attacks, takeovers, stories := map[string]int{}, map[string]int{}, map[string]int{}
	last := p.Start()
	for _, r := range all(p) {
		if r.Time < last || r.Time >= p.End() {
			t.Fatalf("%v comes after %v; the end is %v", r.Time, last, p.End())
		}
		last = r.Time
		truth := &r.Truth
		if truth.Attack == "" {
			stories[truth.Story]++
			continue
		}
		if r.Time < p.AttacksFrom() {
			t.Errorf("%s at %v, in the quiet days", truth.Attack, r.Time)
		}
		attacks[truth.Attack+" "+truth.Variant]++
		if truth.Compromise {
			takeovers[truth.Attack]++
		}
	}
	for _, attack := range simulate.Attacks {
		for _, variant := range []string{simulate.Hosting, simulate.Residential} {
			if attacks[attack+" "+variant] == 0 && takeovers[attack] > 3 {
				t.Errorf("no %s of variant %s", attack, variant)
			}
		}
		if takeovers[attack] == 0 {
			t.Errorf("nobody is taken over by %s", attack)
		}
	}
	for _, story := range simulate.Negatives {
		if stories[story] == 0 {
			t.Errorf("nothing happens of %s", story)
		}
	}
}

// A campaign compromises a user once, and from then on the account is in the
// attacker's hands.
func TestTruthIsConsistent(t *testing.T) {
	type account struct {
		campaign uint32
		user     string
	}
	compromised := map[account]event.Time{}
	ids := map[string]bool{}
	users := simulate.NewPopulation(small).Users()
	for _, r := range all(simulate.NewPopulation(small)) {
		truth := &r.Truth
		key := account{truth.Campaign, truth.User}
		at, over := compromised[key]
		switch {
		case ids[truth.EventID] || truth.EventID == "":
			t.Fatalf("event id %q again", truth.EventID)
		case !slices.Contains(users, truth.User):
			t.Errorf("%q is not among the users", truth.User)
		case (truth.Attack == "") != (truth.Campaign == 0), (truth.Attack == "") != (truth.Variant == ""):
			t.Errorf("half an attack: %+v", truth)
		case truth.Attack != "" && (truth.Story != "" || truth.Benign()):
			t.Errorf("an attack that is harmless: %+v", truth)
		case truth.Compromise && over:
			t.Errorf("compromised again, first at %v: %+v", at, truth)
		case truth.Compromise && !truth.InHands, truth.Attack != "" && over && !truth.InHands:
			t.Errorf("compromised, but not in hands: %+v at %v", truth, r.Time)
		}
		ids[truth.EventID] = true
		if truth.Compromise {
			compromised[key] = r.Time
		}
	}
}

func TestNobodyAttacksWhenNoneIsAsked(t *testing.T) {
	config := small
	config.Users, config.Attacks = 60, -1
	for _, r := range all(simulate.NewPopulation(config)) {
		if !r.Truth.Benign() {
			t.Fatalf("%+v", r.Truth)
		}
	}
}

// A larger population has the smaller one's people, with the same habits.
func TestLargerPopulationKeepsItsPeople(t *testing.T) {
	config := simulate.PopulationConfig{Seed: 5, Users: 30, Days: 20, Attacks: -1}
	few := simulate.NewPopulation(config)
	config.Users = 90
	many := simulate.NewPopulation(config)
	known := few.Users()
	days := func(p *simulate.Population) (out []string) {
		for _, r := range all(p) {
			if slices.Contains(known, r.Truth.User) {
				out = append(out, fmt.Sprint(r.Time, r.Topic, r.Truth.User, r.Truth.Story))
			}
		}
		return out
	}
	if a, b := days(few), days(many); !slices.Equal(a, b) {
		t.Errorf("%d events of the 30 alone, %d among 90", len(a), len(b))
	}
}

// What is written to files is what Next gives.
func TestWrite(t *testing.T) {
	config := simulate.PopulationConfig{Seed: 2, Users: 20, Days: 20}
	dir := t.TempDir()
	written, err := simulate.NewPopulation(config).Write(dir, true, func(event.Time) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	records := all(simulate.NewPopulation(config))
	for _, r := range records {
		want = append(append(want, r.Value...), '\n')
	}
	got, err := os.ReadFile(filepath.Join(dir, simulate.MergedFile))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) || written.Events != len(records) {
		t.Errorf("%d events in %d bytes were written, want %d in %d", written.Events, len(got), len(records), len(want))
	}
	labels, err := os.ReadFile(filepath.Join(dir, simulate.LabelsFile))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(labels, []byte("\n")); n != len(records) {
		t.Errorf("%d labels of %d events", n, len(records))
	}
}

func BenchmarkPopulation(b *testing.B) {
	p := simulate.NewPopulation(simulate.PopulationConfig{Users: 1000, Days: simulate.MaxDays})
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := p.Next(); !ok {
			b.Fatal("the population has ended")
		}
	}
}
