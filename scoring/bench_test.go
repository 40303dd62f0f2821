package scoring

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

// Nearly all events: nothing is open and nothing is seen.
func BenchmarkQuiet(b *testing.B) {
	s := newStory(b)
	e := signIn(monday)
	b.ReportAllocs()
	for b.Loop() {
		_, s.open = s.v.Apply(&e, nil, &s.st, s.open)
	}
}

// An event without evidence for a subject that still has some.
func BenchmarkQuietWithOpenEvidence(b *testing.B) {
	s := newStory(b)
	s.happens(signIn(monday), sawAll("new_device", "new_network")...)
	e := signIn(monday + event.Minute)
	b.ReportAllocs()
	for b.Loop() {
		_, s.open = s.v.Apply(&e, nil, &s.st, s.open)
	}
}

// The worst event: everything at once, with its record.
func BenchmarkLoud(b *testing.B) {
	s := newStory(b)
	seen := sawAll("impossible_travel", "new_country", "new_network", "new_device")
	b.ReportAllocs()
	for b.Loop() {
		e := signIn(monday)
		s.st, s.open = State{}, s.open[:0]
		s.v.Weigh(seen)
		var r Result
		r, s.open = s.v.Apply(&e, seen, &s.st, s.open)
		s.v.Record(&e, &s.st, r, s.open, "cafe")
	}
}

func BenchmarkFall(b *testing.B) {
	s := newStory(b)
	rec := s.record(s.happens(signIn(monday), sawAll("impossible_travel", "new_country", "new_network", "new_device")...))
	b.ReportAllocs()
	for b.Loop() {
		s.v.Fall(&rec)
	}
}
