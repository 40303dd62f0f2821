package state

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func key(i int) []byte { return fmt.Appendf(nil, "key-%08d", i) }

func mustPut(t *testing.T, s *Store, tier Tier, key, value []byte) {
	t.Helper()
	if err := s.Put(tier, key, value); err != nil {
		t.Fatal(err)
	}
}

func TestClassesCoverAllSizes(t *testing.T) {
	for size := 1; size <= MaxEntry; size++ {
		class := classOf(size)
		if class < 0 || class >= classes || classSize(class) < size || class > 0 && classSize(class-1) >= size {
			t.Fatalf("%d bytes are of class %d", size, class)
		}
	}
	if got := classSize(classes - 1); got != 64<<10 {
		t.Errorf("the largest block has %d bytes", got)
	}
}

func TestLargestEntry(t *testing.T) {
	s := New(1 << 20)
	value := bytes.Repeat([]byte{7}, MaxEntry-1)
	mustPut(t, s, Kept, []byte("k"), value)
	if err := s.Put(Kept, []byte("k"), append(value, 7)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
	if got, _ := s.Get([]byte("k")); !bytes.Equal(got, value) {
		t.Error("a refused value changed the one before it")
	}
	if s.Refused() != 1 {
		t.Errorf("%d refused, want 1", s.Refused())
	}
}

// Whoever sends made-up keys gets an eighth of the memory, once.
func TestFloodOfProbationLeavesKept(t *testing.T) {
	const limit = 1 << 20
	value := make([]byte, 100)
	s := New(limit)
	kept := 0
	for ; s.Bytes() < limit*6/8; kept++ {
		mustPut(t, s, Kept, key(kept), value)
	}
	flood := func(tier Tier) {
		for i := range 50_000 {
			mustPut(t, s, tier, fmt.Appendf(nil, "flood-%d-%d", tier, i), value)
			if s.lists[tier].bytes > limit/8 {
				t.Fatalf("tier %d holds %d bytes", tier, s.lists[tier].bytes)
			}
			if i%100 == 0 {
				s.Commit()
			}
		}
	}
	flood(Probation)
	flood(Timetable)
	if s.Evicted(Kept) != 0 || s.Count(Kept) != kept {
		t.Errorf("a flood evicted %d of %d kept keys", s.Evicted(Kept), kept)
	}
	if s.Evicted(Probation) == 0 || s.Evicted(Timetable) == 0 {
		t.Error("the floods evicted nothing")
	}
	for i := range 10 * kept {
		mustPut(t, s, Kept, key(i), value)
	}
	before := s.Evicted(Kept)
	flood(Probation)
	if s.Evicted(Kept) != before {
		t.Error("a flood evicted kept keys from a full store")
	}
}

func TestKeyThatIsProvenLeavesProbation(t *testing.T) {
	s := New(8 * 1000)
	mustPut(t, s, Probation, key(0), []byte("v"))
	mustPut(t, s, Kept, key(0), []byte("v"))
	for i := range 100 {
		mustPut(t, s, Probation, key(1+i), []byte("v"))
	}
	if _, ok := s.Get(key(0)); !ok {
		t.Error("the key was evicted as if it were on probation")
	}
}

// Memory that one size of values no longer needs is there for the others.
func TestGapsAreClosed(t *testing.T) {
	const limit = 4 << 20
	s := New(limit)
	random := rand.New(rand.NewPCG(1, 2))
	for _, load := range []bool{false, true} {
		for size := 10; size < 20_000; size += size / 3 {
			for i := range 30_000 {
				k, value := key(random.IntN(40_000)), make([]byte, size)
				if load {
					s.Load(Kept, k, value)
					continue
				}
				mustPut(t, s, Kept, k, value)
				if i%100 == 0 {
					s.Commit()
				}
			}
			s.Commit()
			chunks := 0
			for i := range s.blocks.classes {
				chunks += 3 * s.blocks.classes[i].size << s.blocks.classes[i].shift
			}
			// Three chunks of each class: one open, one of gaps, one spare.
			if got, most := s.blocks.bytes(), limit*17/16+chunks; got > most {
				t.Errorf("values of %d bytes: blocks of %d bytes, want at most %d", size, got, most)
			}
			checkBlocks(t, s)
		}
	}
}

// What Changes yielded stays as it is over the Commit that follows.
func TestChangesOutliveCommit(t *testing.T) {
	s := New(1 << 30)
	const n = 5000
	for i := range n {
		mustPut(t, s, Kept, key(i), key(i))
	}
	s.Commit()
	for i := range n {
		if i%8 != 0 {
			s.Delete(key(i))
		} else {
			mustPut(t, s, Kept, key(i), key(i))
		}
	}
	var keys, values [][]byte
	s.Changes(func(key, value []byte) { keys, values = append(keys, key), append(values, value) })
	before := s.blocks.bytes()
	s.Commit()
	if s.blocks.bytes() >= before {
		t.Fatal("the commit moved nothing")
	}
	for i := range n {
		want := key(i)
		if !bytes.Equal(keys[i], want) || i%8 == 0 && !bytes.Equal(values[i], want) || i%8 != 0 && values[i] != nil {
			t.Fatalf("change %d is %q, %q after the commit", i, keys[i], values[i])
		}
		if got, _ := s.Get(want); i%8 == 0 && !bytes.Equal(got, want) {
			t.Fatalf("%q is %q", want, got)
		}
	}
}

// A value may be put that aliases the store, be it of the key itself or of one
// that is evicted for it.
func TestPutOfAnAlias(t *testing.T) {
	s := New(2 * (512 + overhead))
	a, b := bytes.Repeat([]byte("a"), 500), bytes.Repeat([]byte("b"), 500)
	mustPut(t, s, Kept, []byte("a"), a)
	mustPut(t, s, Kept, []byte("b"), b)
	alias, _ := s.Get([]byte("a"))
	s.Get([]byte("b"))
	mustPut(t, s, Kept, []byte("c"), alias)
	if got, _ := s.Get([]byte("c")); !bytes.Equal(got, a) {
		t.Errorf("the value of an evicted key became %.20q", got)
	}
	own, _ := s.Get([]byte("c"))
	mustPut(t, s, Kept, []byte("c"), own[1:100])
	if got, _ := s.Get([]byte("c")); !bytes.Equal(got, a[1:100]) {
		t.Errorf("the key's own value became %.20q", got)
	}
}

func TestLoadInsideATransaction(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	s := New(1000)
	mustPut(t, s, Kept, []byte("k"), []byte("v"))
	s.Load(Kept, []byte("k"), []byte("w"))
}

// A scan in small steps between changes sees every key that stayed, with a value
// that was committed since it began.
func TestScanWhileTheStoreChanges(t *testing.T) {
	s := New(1 << 30)
	random := rand.New(rand.NewPCG(3, 4))
	const n = 3000
	var versions, committed, first [n]int
	put := func(i int) {
		versions[i]++
		mustPut(t, s, Kept, key(i), bytes.Repeat([]byte{byte(versions[i])}, 1+random.IntN(400)))
	}
	for i := range n {
		put(i)
	}
	s.Commit()
	for i := range n / 3 {
		s.Delete(key(i * 3))
		versions[i*3] = 0
	}
	s.Commit()
	first, committed = versions, versions
	seen := map[string]int{}
	stayed := slices.Repeat([]bool{true}, n)
	for next, done := uint32(0), false; !done; {
		next, done = s.Scan(next, 50, func(_ Tier, k, value []byte) {
			var i int
			fmt.Sscanf(string(k), "key-%d", &i)
			if v := int(value[0]); v < first[i] || v > versions[i] {
				t.Errorf("%s has version %d, want %d to %d", k, v, first[i], versions[i])
			}
			seen[string(k)]++
		})
		for range 100 {
			switch i := random.IntN(n); {
			case versions[i] == 0 || random.IntN(4) > 0:
				put(i)
			default:
				s.Delete(key(i))
			}
		}
		if random.IntN(3) == 0 {
			s.Rollback()
			versions = committed
			continue
		}
		s.Changes(func(k, value []byte) {
			var i int
			if fmt.Sscanf(string(k), "key-%d", &i); value == nil {
				stayed[i] = false
			}
		})
		if random.IntN(5) > 0 { // else scan inside the transaction, and commit with the next
			s.Commit()
			committed = versions
		}
	}
	kept := 0
	for i := range n {
		if first[i] > 0 && stayed[i] {
			kept++
			if seen[string(key(i))] != 1 {
				t.Errorf("%s was seen %d times", key(i), seen[string(key(i))])
			}
		}
	}
	if kept < n/20 {
		t.Errorf("only %d keys stayed", kept)
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	s := New(1 << 20)
	keys := make([][]byte, 1<<14)
	for i := range keys {
		keys[i] = key(i)
	}
	value := make([]byte, 400)
	random := rand.New(rand.NewPCG(5, 6))
	step := func() {
		for range 64 {
			k := keys[random.IntN(len(keys))]
			s.Get(k)
			if err := s.Put(Tier(random.IntN(tiers)), k, value[:200+random.IntN(100)]); err != nil {
				t.Fatal(err)
			}
			s.Delete(keys[random.IntN(len(keys))])
		}
		s.Changes(func(key, value []byte) {})
		if random.IntN(4) == 0 {
			s.Rollback()
		} else {
			s.Commit()
		}
	}
	for range 2000 {
		step()
	}
	if s.Evicted(Kept) == 0 {
		t.Fatal("nothing is evicted")
	}
	// The index cleans itself up now and then, which the average hides.
	if got := testing.AllocsPerRun(500, step); got > 0 {
		t.Errorf("%v allocations a transaction", got)
	}
}

// A large transaction's memory is given back by small ones.
func TestJournalShrinks(t *testing.T) {
	s := New(1 << 30)
	for i := range 200_000 {
		mustPut(t, s, Kept, key(i), make([]byte, 50))
	}
	s.Commit()
	large := cap(s.journal.bytes)
	for range 20 {
		mustPut(t, s, Kept, key(0), make([]byte, 50))
		s.Commit()
	}
	if got := cap(s.journal.bytes); large <= journalBytes || got > journalBytes {
		t.Errorf("the journal keeps %d bytes of %d", got, large)
	}
}
