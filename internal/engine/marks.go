package engine

import (
	"github.com/cespare/xxhash/v2"

	"github.com/riskstream/riskstream/event"
)

// marks holds, for one input log, the highest origin position seen of each
// origin partition. Ingest produces each origin partition in order, so what is
// not above the mark is one of its repeats.
type marks map[originPartition]originPosition

type originPartition struct {
	topic     string // the topic's id; its name where the broker gave none
	partition int32
}

type originPosition struct {
	offset int64
	index  int32
}

// advance reports whether the origin is above its partition's mark, and moves
// the mark there. An event without origin always is.
func (m marks) advance(o *event.Origin) bool {
	if !o.Set() {
		return true
	}
	key := originPartition{o.TopicID, o.Partition}
	if key.topic == "" {
		key.topic = o.Topic
	}
	mark, known := m[key]
	if known && (o.Offset < mark.offset || (o.Offset == mark.offset && o.Index <= mark.index)) {
		return false
	}
	m[key] = originPosition{o.Offset, o.Index}
	return true
}

// window remembers the events that a subject had last, to drop what the
// identity provider sends again. It holds 24 hashes: pollers overlap by
// minutes, and few users have more events than that in an overlap.
type window struct {
	hashes [24]uint64
	next   uint8
}

// add reports whether the event is new to the window, and remembers it. The
// same id with another status is an update, not a repeat.
func (w *window) add(e *event.Event) bool {
	h := statusHash(e)
	for _, seen := range w.hashes {
		if seen == h {
			return false
		}
	}
	w.hashes[w.next] = h
	w.next = (w.next + 1) % uint8(len(w.hashes))
	return true
}

func statusHash(e *event.Event) uint64 {
	var d xxhash.Digest
	d.Reset()
	for _, part := range [...]string{e.Provider, e.ID, string(e.Outcome), string(e.Reason)} {
		d.WriteString(part)
		d.Write([]byte{0})
	}
	return d.Sum64() | 1 // never 0, which is an empty place of the window
}
