package engine

import (
	"container/heap"

	"github.com/riskstream/riskstream/event"
)

// falls is the timetable of the levels that will fall if nothing else happens:
// for each entity at risk its last record, ordered by the record's next lapse.
// It is no state: it follows from the records published, and readers that
// honour a record's lapses do not need it at all. So it is bounded by leaving
// out what does not fit.
type falls struct {
	due     fallHeap
	records map[string]*event.Score
	limit   int
	skipped uint64 // records that did not fit
}

type fall struct {
	at     event.Time
	record *event.Score
}

func newFalls(limit int) *falls {
	return &falls{records: make(map[string]*event.Score), limit: limit}
}

// schedule takes note of the newest record of an entity.
func (f *falls) schedule(rec *event.Score) {
	if len(rec.Lapses) == 0 {
		delete(f.records, rec.Entity)
		return
	}
	if _, known := f.records[rec.Entity]; !known && len(f.records) >= f.limit {
		f.skipped++
		return
	}
	f.records[rec.Entity] = rec
	heap.Push(&f.due, fall{rec.Lapses[0].At, rec})
	if len(f.due) > 2*f.limit {
		f.rebuild()
	}
}

// next returns the record whose first lapse is due at now and the time of that
// lapse, or nil. The caller publishes the fall and schedules what follows it.
func (f *falls) next(now event.Time) *event.Score {
	for len(f.due) > 0 && f.due[0].at <= now {
		top := heap.Pop(&f.due).(fall)
		if f.records[top.record.Entity] == top.record {
			delete(f.records, top.record.Entity)
			return top.record
		}
	}
	return nil
}

// rebuild drops the entries of records that newer ones replaced.
func (f *falls) rebuild() {
	f.due = f.due[:0]
	for _, rec := range f.records {
		f.due = append(f.due, fall{rec.Lapses[0].At, rec})
	}
	heap.Init(&f.due)
}

// fallHeap orders falls by time, then entity, so that their order is fixed.
type fallHeap []fall

func (h fallHeap) Len() int { return len(h) }
func (h fallHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].record.Entity < h[j].record.Entity
}
func (h fallHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *fallHeap) Push(x any)   { *h = append(*h, x.(fall)) }
func (h *fallHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
