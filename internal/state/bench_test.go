package state

import (
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
)

const million = 1_000_000

// benchKey writes key number i, below a million, of 30 bytes to buf, as a caller
// has it at hand: to take keys from a list would measure the list.
func benchKey(buf []byte, i int) []byte {
	buf = append(buf[:0], "default/user-000000@corp.examp"...)
	for at := len("default/user-000000") - 1; i > 0; at-- {
		buf[at] += byte(i % 10)
		i /= 10
	}
	return buf
}

func loaded(b *testing.B, value []byte) *Store {
	s := New(1 << 30)
	var buf []byte
	for i := range million {
		buf = benchKey(buf, i)
		if err := s.Load(Kept, buf, value); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// BenchmarkTransaction reads and writes random keys out of a million; each
// transaction has 100 of them.
func BenchmarkTransaction(b *testing.B) {
	value := make([]byte, 300)
	s := loaded(b, value)
	var k []byte
	random := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		k = benchKey(k, random.IntN(million))
		if _, ok := s.Get(k); !ok {
			b.Fatal("a key is missing")
		}
		if err := s.Put(Kept, k, value); err != nil {
			b.Fatal(err)
		}
		if n++; n%100 == 0 {
			s.Commit()
		}
	}
}

// BenchmarkEviction puts new keys into a full store.
func BenchmarkEviction(b *testing.B) {
	value := make([]byte, 300)
	s := New(100 << 20)
	var k []byte
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		k = benchKey(k, n%million)
		if err := s.Put(Kept, k, value); err != nil {
			b.Fatal(err)
		}
		if n++; n%100 == 0 {
			s.Commit()
		}
	}
}

// BenchmarkLoad loads a million keys of 30 bytes with values of 250, and reports
// what each takes of the heap.
func BenchmarkLoad(b *testing.B) {
	value := make([]byte, 250)
	var perEntry float64
	for b.Loop() {
		before := heap()
		s := loaded(b, value)
		perEntry = float64(heap()-before) / million
		b.ReportMetric(float64(s.Bytes())/million, "counted-B/entry")
	}
	b.ReportMetric(perEntry, "heap-B/entry")
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkSnapshot writes a million entries with values of 300 bytes, reads
// them, and reads them into a store.
func BenchmarkSnapshot(b *testing.B) {
	value := make([]byte, 300)
	path := filepath.Join(b.TempDir(), "snapshot")
	write := func() {
		s, err := Begin(CreateFile, path, Header{})
		if err != nil {
			b.Fatal(err)
		}
		var k []byte
		for i := range million {
			k = benchKey(k, i)
			if err := s.Add(Kept, k, value); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Finish(); err != nil {
			b.Fatal(err)
		}
	}
	read := func(load func(tier Tier, key, value []byte)) {
		if _, err := ReadSnapshot(path, load); err != nil {
			b.Fatal(err)
		}
	}
	write()
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			write()
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			read(func(Tier, []byte, []byte) {})
		}
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			s := New(1 << 30)
			read(func(tier Tier, key, value []byte) { s.Load(tier, key, value) })
		}
	})
}
