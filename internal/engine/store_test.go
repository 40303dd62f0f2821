package engine

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/scoring"
)

// The store against a plain map and a list: the same subjects, the same
// contributions, the same one forgotten.
func TestStoreBehavesLikeAMapWithALimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 8).Draw(t, "limit")
		s := newStore(limit)
		model := map[string]int{} // key → count of open contributions
		var seen []string         // least recently seen first
		steps := rapid.IntRange(1, 60).Draw(t, "steps")
		for range steps {
			key := fmt.Sprint("k", rapid.IntRange(0, 12).Draw(t, "key"))
			_, known := model[key]
			if !known && len(model) == limit {
				delete(model, seen[0])
				seen = seen[1:]
			}
			sub := s.find([]byte(key))
			if got := len(s.appendOpen(sub, nil)); got != model[key] {
				t.Fatalf("%s has %d contributions, want %d", key, got, model[key])
			}
			n := rapid.IntRange(0, 3).Draw(t, "open")
			s.setOpen(sub, make([]scoring.Contribution, n))
			model[key] = n
			for i, k := range seen {
				if k == key {
					seen = append(seen[:i], seen[i+1:]...)
					break
				}
			}
			seen = append(seen, key)
			total := 0
			for _, n := range model {
				total += n
			}
			if s.subjects.len() != len(model) || s.open.len() != total {
				t.Fatalf("%d subjects and %d contributions held, want %d and %d", s.subjects.len(), s.open.len(), len(model), total)
			}
		}
	})
}

func TestStoreTellsCollidingKeysApart(t *testing.T) {
	s := newStore(10)
	a := s.find([]byte("a"))
	// Put b into a's bucket, as if their hashes were equal.
	b := s.find([]byte("b"))
	bi := s.index[b.hash]
	delete(s.index, b.hash)
	b.hash, a.bucket = a.hash, bi
	if s.find([]byte("a")) != a {
		t.Error("a is lost behind its collision")
	}
	s.unlink(b)
	s.pushNewest(bi, b)
	s.unindex(bi, b)
	if a.bucket != 0 {
		t.Error("the bucket still has the subject that was taken out")
	}
}

func TestKeysAreCompactedAndKept(t *testing.T) {
	s := newStore(100)
	for i := range 20_000 {
		s.find(fmt.Appendf(nil, "default/user-%d@corp.example", i))
	}
	if len(s.keys.buf) > 1<<18 {
		t.Errorf("%d bytes of keys for 100 subjects", len(s.keys.buf))
	}
	if s.evicted != 19_900 {
		t.Errorf("%d evicted, want 19900", s.evicted)
	}
	before := s.subjects.len()
	s.find([]byte("default/user-19999@corp.example"))
	if s.subjects.len() != before {
		t.Error("a held subject was not found after compaction")
	}
}

// Garbage collection must not scan the state of a million subjects.
func TestStateHoldsNoPointers(t *testing.T) {
	for _, v := range []any{subject{}, openNode{}} {
		if path := pointerIn(reflect.TypeOf(v)); path != "" {
			t.Errorf("%T holds a pointer at %s", v, path)
		}
	}
}

func pointerIn(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			if path := pointerIn(f.Type); path != "" {
				return f.Name + "." + path
			}
		}
		return ""
	case reflect.Array:
		return pointerIn(t.Elem())
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.String, reflect.Chan, reflect.Func, reflect.Interface, reflect.UnsafePointer:
		return t.String()
	default:
		return ""
	}
}
