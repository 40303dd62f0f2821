package history

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/chdb"
	"github.com/riskstream/riskstream/internal/config"
)

// BenchmarkInsert takes records of risk.events through a batch into the embedded
// engine: decoding, gathering, the insert with its summaries. One goroutine; the
// engine works beside it.
func BenchmarkInsert(b *testing.B) {
	store := benchStore(b)
	records := benchRecords()
	next := int64(0)
	for b.Loop() {
		next = insertRecords(b, store, records, next)
	}
	b.ReportMetric(float64(b.N)*batchRows/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkExport writes a million events of 5,000 users in a format. What it
// holds in memory does not depend on how many there are: see heap-MB, the most
// that was seen of Go's heap.
func BenchmarkExport(b *testing.B) {
	store := benchStore(b)
	records := benchRecords()
	next := int64(0)
	for range 20 {
		next = insertRecords(b, store, records, next)
	}
	for _, format := range []string{JSONL, Parquet} {
		b.Run(format, func(b *testing.B) {
			var heap heapWatch
			for b.Loop() {
				rows, err := store.Export(b.Context(), Export{Table: tableEvents, Format: format}, &heap)
				if err != nil || rows != next {
					b.Fatal(rows, err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(next)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(heap.most)/(1<<20), "heap-MB")
			b.ReportMetric(float64(heap.bytes)/float64(b.N)/(1<<20), "MB")
		})
	}
}

// heapWatch is written to, and looks at the heap each 256 KB or so.
type heapWatch struct {
	bytes, looked int64
	most          uint64
}

func (h *heapWatch) Write(p []byte) (int, error) {
	h.bytes += int64(len(p))
	if h.bytes-h.looked > 256<<10 {
		h.looked = h.bytes
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		h.most = max(h.most, stats.HeapInuse)
	}
	return len(p), nil
}

func benchStore(b testing.TB) *Store {
	b.Helper()
	if _, err := chdb.Fetch(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	store, err := OpenToFill(b.Context(), config.History{DSN: config.Embedded + b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	return store
}

// benchRecords are what a batch takes.
func benchRecords() []kgo.Record {
	records := make([]kgo.Record, batchRows)
	for i := range records {
		e := anEvent(i)
		e.User.Subject = fmt.Sprintf("user%d@corp.example", i%5000)
		e.ID = fmt.Sprintf("%08x-%04x-%04x-%012x", i*2654435761, i%65536, i*40503%65536, i*2246822519)
		records[i] = kgo.Record{Topic: "risk.events", Value: e.AppendJSON(nil), Timestamp: began.Std()}
	}
	return records
}

// insertRecords inserts a batch whose first offset is next, and returns the next
// one's.
func insertRecords(b testing.TB, store *Store, records []kgo.Record, next int64) int64 {
	b.Helper()
	batch := newBatch(tableEvents, "risk.events", 0)
	for i := range records {
		records[i].Offset = next
		next++
		if err := batch.add(&records[i]); err != nil {
			b.Fatal(err)
		}
	}
	if err := batch.insert(b.Context(), store.conn); err != nil {
		b.Fatal(err)
	}
	return next
}
