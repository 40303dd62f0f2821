package state

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// model is a Store as one would write it without a care for memory.
type model struct {
	limit     int
	entries   map[string]modelEntry
	lists     [tiers][]string // oldest first
	evicted   [tiers]uint64
	committed map[string]modelEntry
	touched   []string
}

type modelEntry struct {
	tier  Tier
	value string
}

func (m *model) cost(key string) int {
	return classSize(classOf(len(key)+len(m.entries[key].value))) + overhead
}

func (m *model) bytes(lists ...[]string) (n int) {
	for _, l := range lists {
		for _, key := range l {
			n += m.cost(key)
		}
	}
	return n
}

func (m *model) touch(key string) {
	if !slices.Contains(m.touched, key) {
		m.touched = append(m.touched, key)
	}
}

func (m *model) see(key string) {
	l := &m.lists[m.entries[key].tier]
	i := slices.Index(*l, key)
	*l = append(slices.Delete(*l, i, i+1), key)
}

func (m *model) remove(key string) {
	l := &m.lists[m.entries[key].tier]
	i := slices.Index(*l, key)
	*l = slices.Delete(*l, i, i+1)
	delete(m.entries, key)
	m.touch(key)
}

func (m *model) put(tier Tier, key, value string) {
	if _, ok := m.entries[key]; ok {
		m.remove(key)
	}
	if value == "" {
		return
	}
	m.touch(key)
	m.entries[key] = modelEntry{tier, value}
	m.lists[tier] = append(m.lists[tier], key)
	evict := func(t Tier) {
		m.evicted[t]++
		m.remove(m.lists[t][0])
	}
	for tier != Kept && m.bytes(m.lists[tier]) > m.limit/8 && m.lists[tier][0] != key {
		evict(tier)
	}
	for t := range Tier(tiers) {
		for m.bytes(m.lists[:]...) > m.limit && len(m.lists[t]) > 0 && m.lists[t][0] != key {
			evict(t)
		}
	}
}

func (m *model) commit() {
	m.committed, m.touched = maps.Clone(m.entries), nil
}

// order is the keys of a tier, oldest first.
func order(s *Store, tier Tier) (keys []string) {
	for i := s.lists[tier].oldest; i != 0; i = s.entries.at(i).newer {
		keys = append(keys, string(s.key(s.entries.at(i))))
	}
	return keys
}

// The store does what the model does, whatever comes, with and without
// evictions, collisions of hashes, and blocks of changing sizes.
func TestStoreBehavesLikeTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{1 << 30, 20_000, 3_000, 500, 0}).Draw(t, "limit")
		s := New(limit)
		s.mask = rapid.SampledFrom([]uint64{1<<64 - 1, 3, 0}).Draw(t, "mask")
		m := &model{limit: limit, entries: map[string]modelEntry{}, committed: map[string]modelEntry{}}
		drawKey := func(t *rapid.T) string {
			// "" is a key like any other.
			return rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e", "f", "g", "h", "a long key that has a class of its own"}).Draw(t, "key")
		}
		drawValue := func(t *rapid.T) string {
			size := rapid.SampledFrom([]int{0, 1, 20, 31, 32, 90, 300, 1500}).Draw(t, "size")
			return string(bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, size))
		}
		drawTier := func(t *rapid.T) Tier { return Tier(rapid.IntRange(0, tiers-1).Draw(t, "tier")) }
		put := func(t *rapid.T) {
			tier, key, value := drawTier(t), drawKey(t), drawValue(t)
			m.put(tier, key, value)
			if err := s.Put(tier, []byte(key), []byte(value)); err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"get": func(t *rapid.T) {
				key := drawKey(t)
				got, ok := s.Get([]byte(key))
				want, known := m.entries[key]
				if ok != known || string(got) != want.value {
					t.Fatalf("%q is %q, %v, want %q, %v", key, got, ok, want.value, known)
				}
				if known {
					m.see(key)
				}
			},
			"put": put, "putMore": put, "putEvenMore": put,
			"putTooLarge": func(t *rapid.T) {
				if err := s.Put(drawTier(t), []byte(drawKey(t)), make([]byte, MaxEntry+1)); err == nil {
					t.Fatal("no error")
				}
			},
			"delete": func(t *rapid.T) {
				key := drawKey(t)
				if _, ok := m.entries[key]; ok {
					m.remove(key)
				}
				s.Delete([]byte(key))
			},
			"load": func(t *rapid.T) {
				if len(m.touched) > 0 {
					return
				}
				tier, key, value := drawTier(t), drawKey(t), drawValue(t)
				m.put(tier, key, value)
				m.commit()
				if err := s.Load(tier, []byte(key), []byte(value)); err != nil {
					t.Fatal(err)
				}
			},
			"commit": func(*rapid.T) { m.commit(); s.Commit() },
			"rollback": func(*rapid.T) {
				m.entries, m.touched = maps.Clone(m.committed), nil
				s.Rollback()
				for tier := range Tier(tiers) {
					m.lists[tier] = order(s, tier)
				}
			},
			"": func(t *rapid.T) { compare(t, s, m) },
		})
	})
}

func compare(t *rapid.T, s *Store, m *model) {
	got, want := map[string]modelEntry{}, m.entries
	for key, value := range s.All() {
		got[string(key)] = modelEntry{s.entries.at(s.find(s.hash(key), key)).tier, string(value)}
	}
	if !maps.Equal(got, want) {
		t.Fatalf("the store holds %v, want %v", got, want)
	}
	for tier := range Tier(tiers) {
		if got := order(s, tier); !slices.Equal(got, m.lists[tier]) {
			t.Fatalf("tier %d from oldest to newest is %q, want %q", tier, got, m.lists[tier])
		}
		if s.Evicted(tier) != m.evicted[tier] || s.Count(tier) != len(m.lists[tier]) {
			t.Fatalf("tier %d: %d evicted and %d held, want %d and %d", tier, s.Evicted(tier), s.Count(tier), m.evicted[tier], len(m.lists[tier]))
		}
	}
	if s.Bytes() != m.bytes(m.lists[:]...) || s.Len() != len(want) {
		t.Fatalf("%d keys with %d bytes, want %d with %d", s.Len(), s.Bytes(), len(want), m.bytes(m.lists[:]...))
	}
	if s.Bytes() > m.limit && s.Len() > 1 {
		t.Fatalf("%d keys with %d bytes are above the limit %d", s.Len(), s.Bytes(), m.limit)
	}
	var changes, wantChanges []string
	s.Changes(func(key, value []byte) { changes = append(changes, fmt.Sprintf("%s=%x,%v", key, value, value == nil)) })
	for _, key := range m.touched {
		e, ok := want[key]
		wantChanges = append(wantChanges, fmt.Sprintf("%s=%x,%v", key, e.value, !ok))
	}
	if !slices.Equal(changes, wantChanges) {
		t.Fatalf("changes %q, want %q", changes, wantChanges)
	}
	scanned := map[string]modelEntry{}
	for next, done := uint32(0), false; !done; {
		next, done = s.Scan(next, 3, func(tier Tier, key, value []byte) {
			scanned[string(key)] = modelEntry{tier, string(value)}
		})
	}
	if !maps.Equal(scanned, m.committed) {
		t.Fatalf("a scan shows %v, want what was committed: %v", scanned, m.committed)
	}
	checkBlocks(t, s)
}

// checkBlocks holds that every block is one entry's or a gap, and that no entry
// or bucket is left over.
func checkBlocks(t interface{ Fatalf(string, ...any) }, s *Store) {
	owned := 0
	for class := range s.blocks.classes {
		for block, owner := range s.blocks.classes[class].owners {
			if owner == 0 {
				if !slices.Contains(s.blocks.classes[class].gaps, uint32(block)) {
					t.Fatalf("block %d of class %d is lost", block, class)
				}
				continue
			}
			owned++
			if e := s.entries.at(owner); e.block != uint32(block) || e.class() != class {
				t.Fatalf("block %d of class %d is owned by an entry with block %d of class %d", block, class, e.block, e.class())
			}
		}
	}
	if owned != s.Len() {
		t.Fatalf("%d blocks for %d keys", owned, s.Len())
	}
	gone := 0
	for _, r := range s.journal.records {
		if !s.entries.at(r.entry).held() {
			gone++
		}
	}
	if got := int(s.entries.last) - len(s.entries.free); got != s.Len()+gone {
		t.Fatalf("%d entries for %d keys and %d that are gone", got, s.Len(), gone)
	}
	indexed := 0
	for _, i := range s.index {
		for ; i != 0; i = s.entries.at(i).bucket {
			indexed++
		}
	}
	if indexed != s.Len()+gone {
		t.Fatalf("%d entries are in the index, want %d", indexed, s.Len()+gone)
	}
}
