package engine

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

func lapsing(entity string, at event.Time) *event.Score {
	return &event.Score{Entity: entity, Lapses: []event.Lapse{{At: at}}}
}

func TestFallsComeInTimeOrderAndOnlyOfTheNewestRecord(t *testing.T) {
	f := newFalls(100)
	f.schedule(lapsing("user:b", 20))
	f.schedule(lapsing("user:a", 20))
	f.schedule(lapsing("user:c", 10))
	f.schedule(lapsing("user:c", 30))          // replaces the one at 10
	f.schedule(&event.Score{Entity: "user:b"}) // no longer at risk
	if got := f.next(9); got != nil {
		t.Fatalf("%s fell early", got.Entity)
	}
	var order []string
	for rec := f.next(30); rec != nil; rec = f.next(30) {
		order = append(order, rec.Entity)
	}
	if len(order) != 2 || order[0] != "user:a" || order[1] != "user:c" {
		t.Errorf("fell %v, want [user:a user:c]", order)
	}
}

func TestFallsAreBounded(t *testing.T) {
	f := newFalls(10)
	for i := range 1000 {
		f.schedule(lapsing(string(rune('a'+i%20)), event.Time(i)))
	}
	if len(f.records) > 10 || len(f.due) > 21 {
		t.Errorf("%d records, %d entries; want at most 10 and 21", len(f.records), len(f.due))
	}
	if f.skipped == 0 {
		t.Error("what did not fit is not counted")
	}
}
