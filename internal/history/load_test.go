package history

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

var loadedAt = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// scrambled is an event with something in every field.
func scrambled(random *rand.Rand) event.Event {
	var e event.Event
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		switch v.Addr().Interface().(type) {
		case *netip.Addr:
			address := netip.AddrFrom4([4]byte{10, byte(random.Int()), byte(random.Int()), byte(random.Int())})
			if random.IntN(2) == 0 {
				address = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(random.Int())})
			}
			v.Set(reflect.ValueOf(address))
			return
		case *event.Flag:
			v.SetInt(int64(random.IntN(3) - 1))
			return
		case *event.Time:
			v.SetInt(int64(event.MinTime) + random.Int64N(int64(event.MaxTime-event.MinTime)))
			return
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		case reflect.String:
			v.SetString(fmt.Sprintf("%d ü\t'%x", v.Len(), random.Uint64()))
		case reflect.Int32, reflect.Int64:
			v.SetInt(int64(random.Int32()))
		case reflect.Uint32:
			v.SetUint(uint64(random.Uint32()))
		case reflect.Float64:
			v.SetFloat(random.ExpFloat64() * 50)
		case reflect.Bool:
			v.SetBool(true)
		}
	}
	fill(reflect.ValueOf(&e).Elem())
	e.Kind, e.Action, e.Outcome, e.Reason = event.KindEvent, event.Actions[random.IntN(len(event.Actions))], event.Outcomes[random.IntN(3)], event.BadCredentials
	e.User.Kind, e.Auth.Factor = event.Service, event.Factors[random.IntN(len(event.Factors))]
	e.Resource.AccessWindow = event.AccessWindows[random.IntN(len(event.AccessWindows))]
	return e
}

// What was an event is the same event again, in every field, and of each user
// in the order in which it was scored.
func TestEventsAreReadAsTheyWere(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	random := rand.New(rand.NewPCG(1, 2))
	loader := store.NewLoader(t.Context(), "c0ffee", loadedAt)
	want := map[string][]event.Event{}
	for _, file := range []string{"ff", "aa"} { // in the order of loading, not of their sums
		if err := loader.File(file); err != nil {
			t.Fatal(err)
		}
		for i := range 200 {
			e := scrambled(random)
			if i%3 == 0 {
				e = event.Event{Time: e.Time, ID: e.ID, Kind: event.KindSignal, Action: event.IDPSignal, Outcome: event.Success}
			}
			e.Tenant, e.User.Subject = "default", fmt.Sprintf("user%d@corp.example", i%7)
			loader.Event(&e, i+1)
			e.Original = ""
			if !e.Origin.Set() {
				e.Origin = event.Origin{Topic: "sha256:" + file, Offset: int64(i + 1)}
			}
			want[e.User.Subject] = append(want[e.User.Subject], e)
		}
	}
	if err := loader.End(); err != nil {
		t.Fatal(err)
	}
	got := map[string][]event.Event{}
	var users []string
	if err := store.Read(t.Context(), Selection{}, func(e *event.Event) error {
		if len(got[e.User.Subject]) == 0 {
			users = append(users, e.User.Subject)
		}
		got[e.User.Subject] = append(got[e.User.Subject], *e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(users) != 7 {
		t.Errorf("users %v", users)
	}
	for user, events := range want {
		if len(got[user]) != len(events) {
			t.Fatalf("%s has %d events, want %d", user, len(got[user]), len(events))
		}
		for i := range events {
			if got[user][i] != events[i] {
				t.Fatalf("%s, event %d:\ngot  %+v\nwant %+v", user, i, got[user][i], events[i])
			}
		}
	}
	// Who has seen enough gets its own error back, and the history is free.
	enough := errors.New("enough")
	if err := store.Read(t.Context(), Selection{}, func(*event.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("stopped with %v", err)
	}
	one := Selection{Subject: &Subject{"default", "user3@corp.example"}}
	if n, err := store.Count(t.Context(), one); err != nil || n != int64(len(want["user3@corp.example"])) {
		t.Errorf("%d events of one user, %v", n, err)
	}
}

// load loads a file of so many events as a replay would, cut off before the
// event of a number; 0 is none.
func load(t *testing.T, store *Store, config string, events, cutOff int) *Loader {
	t.Helper()
	loader := store.NewLoader(t.Context(), config, loadedAt)
	if err := loader.File("0a0b"); err != nil {
		t.Fatal(err)
	}
	for i := range events {
		if i == cutOff && i > 0 {
			if err := loader.End(); err != nil {
				t.Fatal(err)
			}
			return loader
		}
		e := anEvent(i)
		e.Origin = event.Origin{}
		if i%10 == 0 {
			loader.DeadLetter(publish.DeadLetter{Reason: "no_time", Raw: []byte("?")}, i+1)
		}
		signal := e
		signal.ID, signal.Kind = "signal-"+e.ID, event.KindSignal
		loader.Event(&signal, i+1)
		d := event.Detection{Name: "new_device", Group: event.GroupDevice}
		loader.Detections(&e, []event.Detection{d, d}[:1+len(config)%2]) // as many as the configuration makes of it
		score := aScore(&e, &d)
		score.Version = uint32(i + 1)
		loader.Score(&score)
		loader.Event(&e, i+1)
	}
	if err := loader.End(); err != nil {
		t.Fatal(err)
	}
	return loader
}

func TestLoadingAgainAddsNothing(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	counts := func() (n [4]int64) {
		for i, table := range tables() {
			if err := store.conn.QueryRow(t.Context(), "SELECT toInt64(count()) FROM "+table).Scan(&n[i]); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	load(t, store, "one", 100, 37)
	if got := counts(); got != [4]int64{74, 74, 37, 4} {
		t.Fatalf("the part has %d rows", got)
	}
	whole := [4]int64{200, 200, 100, 10}
	if events, deadLetters := load(t, store, "one", 100, 0).Rows(); events != 126 || deadLetters != 6 {
		t.Errorf("the rest has %d events and %d dead letters", events, deadLetters)
	}
	if got := counts(); got != whole {
		t.Fatalf("%d rows, want %d", got, whole)
	}
	for _, config := range []string{"one", "four"} {
		if events, deadLetters := load(t, store, config, 100, 0).Rows(); events+deadLetters != 0 || counts() != whole {
			t.Errorf("again under %q: %d rows, want %d", config, counts(), whole)
		}
	}
}

// Who was erased does not come back with the file, not even with its last rows.
func TestLoadingAgainDoesNotBringBackWhoWasErased(t *testing.T) {
	cfg := inDir(t.TempDir())
	store := openStore(t, cfg)
	load(t, store, "one", 100, 0)
	last := anEvent(99)
	of := Subject{last.Tenant, last.User.Subject}
	if err := store.Erase(t.Context(), cfg, of, nil, loadedAt, func(string) {}); err != nil {
		t.Fatal(err)
	}
	load(t, store, "one", 100, 0)
	rows, err := store.RowsOf(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Rows != 0 {
			t.Errorf("%d rows of %s", r.Rows, r.Table)
		}
	}
	if _, err := store.Find(t.Context(), last.User.ID); err == nil {
		t.Error("the user is still found by name")
	}
}
