package engine

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

func TestMarksDropIngestRepeats(t *testing.T) {
	m := newMarks()
	at := func(partition int32, offset int64, index int32) *event.Origin {
		return &event.Origin{Topic: "idp.okta", TopicID: "t", Partition: partition, Offset: offset, Index: index}
	}
	for i, step := range []struct {
		origin *event.Origin
		want   bool
	}{
		{at(0, 5, 0), true},
		{at(0, 5, 1), true},
		{at(0, 5, 1), false}, // the same again
		{at(1, 2, 0), true},  // another partition has its own mark
		{at(0, 4, 9), false}, // ingest went back
		{at(0, 5, 0), false},
		{at(0, 6, 0), true},
		{&event.Origin{}, true}, // no origin, no mark
		{&event.Origin{}, true},
		{&event.Origin{Topic: "idp.okta", TopicID: "recreated", Offset: 0}, true},
	} {
		if got := m.advance(subjectOrNetwork, step.origin); got != step.want {
			t.Errorf("step %d, %+v: got %v, want %v", i, *step.origin, got, step.want)
		}
	}
}

// An event that stands under two kinds of key in one partition is seen twice,
// also when the second comes after later events of the first.
func TestMarksAreOfEachKindOfKey(t *testing.T) {
	m := newMarks()
	at := func(offset int64) *event.Origin {
		return &event.Origin{Topic: "idp.okta", TopicID: "t", Offset: offset}
	}
	for i, step := range []struct {
		kind   keyKind
		offset int64
		want   bool
	}{
		{subjectOrNetwork, 5, true},
		{subjectOrNetwork, 6, true},
		{application, 5, true},
		{application, 5, false},
		{subjectOrNetwork, 5, false},
	} {
		if got := m.advance(step.kind, at(step.offset)); got != step.want {
			t.Errorf("step %d: got %v, want %v", i, got, step.want)
		}
	}
}

func TestWindowDropsRepeatsAndKeepsUpdates(t *testing.T) {
	var w window
	first := &event.Event{Provider: "entra", ID: "1", Outcome: event.OutcomeUnknown, Reason: event.Interrupted}
	update := &event.Event{Provider: "entra", ID: "1", Outcome: event.Success}
	if !w.add(first) || w.add(first) {
		t.Error("a repeat was not dropped")
	}
	if !w.add(update) || w.add(update) {
		t.Error("the same id with another status is an update, once")
	}
	if w.add(first) {
		t.Error("an update forgot the first status")
	}
	for i := range len(w.hashes) {
		w.add(&event.Event{ID: string(rune('a' + i))})
	}
	if !w.add(first) {
		t.Error("the window is not bounded")
	}
}
