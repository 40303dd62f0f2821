package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/chdb/chdbtest"
	"github.com/riskstream/riskstream/internal/config"
)

// soonMerged is how many events are merged into one part for each month before
// their size is taken; a larger history is taken as its merges have left it.
const soonMerged = 50_000_000

// exportedRows is about how many events are exported.
const exportedRows = 2_000_000

// benchRows is how many events BenchmarkHistory fills the history with:
// HISTORY_ROWS, or 2 million.
func benchRows(b *testing.B) int {
	rows, err := strconv.Atoi(cmp.Or(os.Getenv("HISTORY_ROWS"), "2000000"))
	if err != nil {
		b.Fatal(err)
	}
	return rows
}

// BenchmarkHistory fills a history on the embedded engine with the events of
// three months, as the sink does: what is gathered next while batches are on
// their way. Then it merges, and asks. ns/op means nothing; the metrics do:
//
//	rows/s        into the history, with summaries and indexes
//	cpu-us/row    of it, of the whole process
//	B/event       on disk, without event.original
//	timeline-ms   of one user's last month, by name; the median of 50 users
//	read/s        events read back for a replay
func BenchmarkHistory(b *testing.B) {
	chdbtest.Need(b)
	dir := b.TempDir()
	store, err := OpenToFill(b.Context(), config.History{DSN: config.Embedded + dir})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	rows := benchRows(b)
	people := max(100, rows/200)
	spent := fillHistory(b, store, newVisits(people, rows, 90), rows)
	b.ReportMetric(float64(rows)/spent.wall.Seconds(), "rows/s")
	b.ReportMetric(float64(spent.cpu.Nanoseconds())/1000/float64(rows), "cpu-us/row")
	if rows <= soonMerged {
		optimize(b, store)
	}
	b.ReportMetric(float64(eventBytes(b, store))/float64(rows), "B/event")
	b.ReportMetric(timelines(b, store, people), "timeline-ms")

	b.ReportMetric(readBack(b, store), "read/s")
	for _, format := range []string{JSONL, Parquet} {
		exports(b, store, format, rows)
	}
}

// readBack is how many events are read in a second, of a million.
func readBack(b *testing.B, store *Store) float64 {
	start, read := time.Now(), 0
	if err := store.Read(b.Context(), Selection{}, func(*event.Event) error {
		if read++; read == 1_000_000 {
			return errEnough
		}
		return nil
	}); err != nil && read < 1_000_000 {
		b.Fatal(err)
	}
	return float64(read) / time.Since(start).Seconds()
}

var errEnough = errors.New("enough")

// exports reports how fast events are exported, and the most of Go's heap that
// was seen meanwhile: it does not depend on how many there are.
func exports(b *testing.B, store *Store, format string, stored int) {
	var heap heapWatch
	what := Export{Table: tableEvents, Format: format}
	if stored > exportedRows {
		what.Span.Until = began + event.Time(float64(90*event.Day)*exportedRows/float64(stored))
	}
	start := time.Now()
	rows, err := store.Export(b.Context(), what, &heap)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(rows)/time.Since(start).Seconds(), format+"/s")
	b.ReportMetric(float64(heap.most)/(1<<20), format+"-heap-MB")
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

// spent is how long something took.
type spent struct{ wall, cpu time.Duration }

// cpuTime is what the process has used of its processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// fillHistory inserts events and returns how long that took, without the making
// of them.
func fillHistory(b testing.TB, store *Store, of *visits, rows int) (took spent) {
	b.Helper()
	var spares spares
	records := make([]kgo.Record, 8*batchRows)
	for done := 0; done < rows; done += len(records) {
		records = records[:min(len(records), rows-done)]
		for i := range records {
			e := of.next()
			records[i] = kgo.Record{Topic: "risk.events", Offset: int64(done + i), Value: e.AppendJSON(records[i].Value[:0]), Timestamp: e.Time.Std().Add(50 * time.Millisecond)}
		}
		began, used := time.Now(), cpuTime()
		insertAll(b, store, &spares, records)
		took.wall, took.cpu = took.wall+time.Since(began), took.cpu+cpuTime()-used
	}
	return took
}

// insertAll inserts records of four partitions as the sink does: batches of two
// partitions are on their way while the next ones are gathered.
func insertAll(b testing.TB, store *Store, spares *spares, records []kgo.Record) {
	b.Helper()
	full := make(chan batch)
	var inserting sync.WaitGroup
	for range atOnce {
		inserting.Go(func() {
			for next := range full {
				if err := next.insert(b.Context(), store.conn); err != nil {
					b.Error(err)
				}
				spares.give(next)
			}
		})
	}
	const partitions = 4
	var open [partitions]batch
	for i := range records {
		at := &open[i%partitions]
		if *at != nil && !(*at).fits(&records[i]) {
			full <- *at
			*at = nil
		}
		if *at == nil {
			*at = spares.take(tableEvents, "risk.events", int32(i%partitions))
		}
		if err := (*at).add(&records[i]); err != nil {
			b.Fatal(err)
		}
	}
	for _, last := range open {
		full <- last
	}
	close(full)
	inserting.Wait()
}

// optimize merges each month's events into one part, as time does.
func optimize(b *testing.B, store *Store) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	if err := store.conn.Exec(ctx, "OPTIMIZE TABLE events FINAL"); err != nil {
		b.Fatal(err)
	}
}

// eventBytes is what the files of the table's active parts take.
func eventBytes(b *testing.B, store *Store) (sum int64) {
	b.Helper()
	rows, err := store.conn.Query(b.Context(), "SELECT path FROM system.parts WHERE table = 'events' AND active AND database = currentDatabase()")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var path string
		if err := rows.Scan(&path); err != nil {
			b.Fatal(err)
		}
		if err := filepath.WalkDir(path, func(_ string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			sum += info.Size()
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
	return sum
}

// timelines is the median time in milliseconds of finding a user by name and
// reading the last month.
func timelines(b *testing.B, store *Store, people int) float64 {
	b.Helper()
	var took []time.Duration
	until := began + 90*event.Day
	for i := range 50 {
		start := time.Now()
		found, err := store.Find(b.Context(), fmt.Sprintf("person.%07d@corp.example", i*(people/50)))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := store.Timeline(b.Context(), found[0], Span{Since: until - 30*event.Day, Until: until}, 1000); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.Logf("timelines of %d users: %v median, %v slowest", len(took), took[len(took)/2], took[len(took)-1])
	return float64(took[len(took)/2].Microseconds()) / 1000
}
