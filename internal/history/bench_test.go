package history

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/chdb"
	"github.com/riskstream/riskstream/internal/config"
)

// BenchmarkInsert takes records of risk.events through a batch into the embedded
// engine: decoding, gathering, the insert with its summaries. One goroutine; the
// engine works beside it.
func BenchmarkInsert(b *testing.B) {
	if _, err := chdb.Fetch(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	store, err := OpenToFill(b.Context(), config.History{DSN: config.Embedded + b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	records := make([]kgo.Record, batchRows)
	for i := range records {
		e := anEvent(i)
		e.User.Subject = fmt.Sprintf("user%d@corp.example", i%5000)
		e.ID = fmt.Sprintf("%08x-%04x-%04x-%012x", i*2654435761, i%65536, i*40503%65536, i*2246822519)
		records[i] = kgo.Record{Topic: "risk.events", Value: e.AppendJSON(nil), Timestamp: began.Std()}
	}
	next := int64(0)
	for b.Loop() {
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
	}
	b.ReportMetric(float64(b.N)*batchRows/b.Elapsed().Seconds(), "rows/s")
}
