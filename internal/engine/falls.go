package engine

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
	"github.com/riskstream/riskstream/internal/state"
)

// falls is the timetable of the levels that will fall if nothing else happens.
// The store keeps, for each entity at risk, its last record as published; here
// is only when the next lapse of each is due. Readers that honour a record's
// lapses do not need it at all, so the store may leave out what does not fit.
type falls struct {
	store  *state.Store
	due    fallHeap
	popped []fall // in this transaction
	key    []byte
	value  []byte
}

// fall is one lapse to come. It is stale when the entity's record has another
// first lapse, or none.
type fall struct {
	at     event.Time
	entity string
}

// schedule takes note of the newest record of an entity.
func (f *falls) schedule(rec *event.Score) {
	key := f.keyOf(rec.Entity)
	if len(rec.Lapses) == 0 {
		f.store.Delete(key)
		return
	}
	at := rec.Lapses[0].At
	f.value = binary.LittleEndian.AppendUint64(f.value[:0], uint64(at))
	f.value = publish.AppendScore(f.value, rec)
	if f.store.Put(state.Timetable, key, f.value) != nil {
		f.store.Delete(key) // it is too large, and what the one before it said no longer holds
		return
	}
	heap.Push(&f.due, fall{at, strings.Clone(rec.Entity)})
}

// isDue reports that next may return a record.
func (f *falls) isDue(now event.Time) bool { return len(f.due) > 0 && f.due[0].at <= now }

// next returns the record whose first lapse is due at now, or nil. The caller
// publishes the fall and schedules what follows it.
func (f *falls) next(now event.Time) *event.Score {
	for f.isDue(now) {
		top := heap.Pop(&f.due).(fall)
		f.popped = append(f.popped, top)
		if value := f.record(top); value != nil {
			if rec, err := publish.DecodeScore(value); err == nil && len(rec.Lapses) > 0 {
				return &rec
			}
		}
	}
	return nil
}

// record is the record, encoded, whose first lapse the fall is; nil when it is
// stale.
func (f *falls) record(of fall) []byte {
	value, ok := f.store.Get(f.keyOf(of.entity))
	if !ok || dueOf(value) != of.at {
		return nil
	}
	return value[8:]
}

// dueOf is when the first lapse of an entry of the store is due.
func dueOf(value []byte) event.Time {
	if len(value) < 8 {
		return 0
	}
	return event.Time(binary.LittleEndian.Uint64(value))
}

// commit forgets how to take the transaction back, and drops stale falls when
// they are more than the others.
func (f *falls) commit() {
	clear(f.popped)
	f.popped = f.popped[:0]
	if len(f.due) > 2*f.store.Count(state.Timetable)+1000 {
		f.due = slices.DeleteFunc(f.due, func(item fall) bool { return f.record(item) == nil })
		heap.Init(&f.due)
	}
}

// rollback brings back what the transaction has taken from the timetable. What
// it has added has become stale by itself.
func (f *falls) rollback() {
	for _, item := range f.popped {
		heap.Push(&f.due, item)
	}
	f.commit()
}

// rebuild makes the timetable anew from the store.
func (f *falls) rebuild() {
	f.due = nil
	for key, value := range f.store.All() {
		if bytes.HasPrefix(key, []byte(fallPrefix)) {
			f.due = append(f.due, fall{dueOf(value), string(key[len(fallPrefix):])})
		}
	}
	heap.Init(&f.due)
}

// keyOf is valid until the next call.
func (f *falls) keyOf(entity string) []byte {
	f.key = append(append(f.key[:0], fallPrefix...), entity...)
	return f.key
}

// fallHeap orders falls by time, then entity, so that their order is fixed.
type fallHeap []fall

func (h fallHeap) Len() int { return len(h) }
func (h fallHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].entity < h[j].entity
}
func (h fallHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *fallHeap) Push(x any)   { *h = append(*h, x.(fall)) }
func (h *fallHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
