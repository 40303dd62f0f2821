package engine

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/state"
)

func lapsing(entity string, at event.Time) *event.Score {
	return &event.Score{Entity: entity, AsOf: 1, Version: 1, Lapses: []event.Lapse{{At: at}}}
}

// fallen are the entities that fall up to a time, in their order.
func fallen(f *falls, until event.Time) (order []string) {
	for rec := f.next(until); rec != nil; rec = f.next(until) {
		order = append(order, rec.Entity)
		rec.Lapses = nil
		f.schedule(rec)
	}
	return order
}

func TestFallsComeInTimeOrderAndOnlyOfTheNewestRecord(t *testing.T) {
	f := &NewPartition(1 << 20).falls
	f.schedule(lapsing("user:b", 20))
	f.schedule(lapsing("user:a", 20))
	f.schedule(lapsing("user:c", 10))
	f.schedule(lapsing("user:c", 30)) // replaces the one at 10
	none := lapsing("user:b", 0)
	none.Lapses = nil // no longer at risk
	f.schedule(none)
	if got := f.next(9); got != nil {
		t.Fatalf("%s fell early", got.Entity)
	}
	if order := fallen(f, 30); !slices.Equal(order, []string{"user:a", "user:c"}) {
		t.Errorf("fell %v, want [user:a user:c]", order)
	}
}

// What is taken back falls again, once, as if it had not fallen; and what was
// scheduled meanwhile does not.
func TestFallsAreTakenBack(t *testing.T) {
	p := NewPartition(1 << 20)
	p.falls.schedule(lapsing("user:a", 10))
	p.falls.schedule(lapsing("user:b", 20))
	p.commit()
	p.falls.schedule(lapsing("user:b", 15))
	p.falls.schedule(lapsing("user:c", 15))
	if order := fallen(&p.falls, 40); !slices.Equal(order, []string{"user:a", "user:b", "user:c"}) {
		t.Fatalf("fell %v", order)
	}
	p.rollback()
	if order := fallen(&p.falls, 15); !slices.Equal(order, []string{"user:a"}) {
		t.Errorf("after it was taken back fell %v, want [user:a]", order)
	}
	if order := fallen(&p.falls, 40); !slices.Equal(order, []string{"user:b"}) {
		t.Errorf("then fell %v, want [user:b]", order)
	}
}

// A timetable that is restored from the changelog is the same.
func TestFallsAreRestored(t *testing.T) {
	p, restored := NewPartition(1<<20), NewPartition(1<<20)
	p.falls.schedule(lapsing("user:a", 10))
	p.falls.schedule(lapsing("user:b", 5))
	p.store.Changes(func(key, value []byte) {
		if err := restored.load(key, value); err != nil {
			t.Fatal(err)
		}
	})
	restored.loaded()
	if order := fallen(&restored.falls, 10); !slices.Equal(order, []string{"user:b", "user:a"}) {
		t.Errorf("fell %v, want [user:b user:a]", order)
	}
}

func TestFallsAreBounded(t *testing.T) {
	p := NewPartition(200_000)
	for i := range 10_000 {
		p.falls.schedule(lapsing(fmt.Sprintf("user:%d", i%5000), event.Time(i)))
		p.commit()
	}
	if n := p.store.Count(state.Timetable); n > 100 || len(p.falls.due) > 2*n+1001 {
		t.Errorf("%d records, %d entries", n, len(p.falls.due))
	}
	if p.store.Evicted(state.Timetable) == 0 {
		t.Error("what did not fit is not counted")
	}
}

// A session's last fall ends it: a restart does not publish its end again.
func TestEndOfASessionIsPublishedOnce(t *testing.T) {
	pipeline, err := NewPipeline(config.Default(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer pipeline.Close()
	lane, p := pipeline.Lane(), NewPartition(1<<20)
	session := lapsing("session:default/1", 10)
	session.Session = "1"
	session.Lapses[0].Level = event.None
	p.falls.schedule(session)
	if n := lane.Fall(p, 20, 10, discard{}); n != 1 {
		t.Fatalf("%d falls", n)
	}
	p.commit()
	p.loaded() // as after a restart
	if n := lane.Fall(p, 20, 10, discard{}); n != 0 || p.store.Count(state.Timetable) != 0 {
		t.Errorf("%d falls again, %d records kept", n, p.store.Count(state.Timetable))
	}
}

// A record that is too large to keep has no falls, and the one that it replaces
// has none either.
func TestFallOfARecordThatWasReplaced(t *testing.T) {
	f := &NewPartition(1 << 20).falls
	f.schedule(lapsing("user:a", 10))
	large := lapsing("user:a", 20)
	large.Subject = strings.Repeat("a", state.MaxEntry)
	f.schedule(large)
	if order := fallen(f, 30); len(order) != 0 {
		t.Errorf("fell %v", order)
	}
}
