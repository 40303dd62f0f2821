package engine

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
)

// marks holds, for one input log, the highest origin position seen of each
// origin partition. Ingest produces each origin partition in order, so what is
// not above the mark is one of its repeats. Of one event it makes a record for
// each kind of key, which may meet in one partition, in whatever order: each
// kind has marks of its own.
type marks struct {
	index map[originPartition]int // into at
	at    []originPosition
	undo  []markUndo // of this transaction
}

type originPartition struct {
	topic     string // the topic's id; its name where the broker gave none
	partition int32
	kind      keyKind
}

// keyKind is a kind of record key.
type keyKind uint8

const (
	subjectOrNetwork keyKind = iota // of risk.events, and of risk.activity
	application
	organisation // has notes only, which have no origin
	keyKinds
)

type originPosition struct {
	offset int64
	index  int32
}

// before is lower than every position.
var before = originPosition{offset: math.MinInt64}

// markUndo is how to take an advance back.
type markUndo struct {
	of int // index in at
	to originPosition
}

func newMarks() marks { return marks{index: map[originPartition]int{}} }

// advance reports whether the origin is above its partition's mark, and moves
// the mark there. An event without origin always is.
func (m *marks) advance(kind keyKind, o *event.Origin) bool {
	if !o.Set() {
		return true
	}
	key := originPartition{o.TopicID, o.Partition, kind}
	if key.topic == "" {
		key.topic = o.Topic
	}
	i, known := m.index[key]
	if !known {
		i = m.add(key, before)
	}
	mark := &m.at[i]
	if o.Offset < mark.offset || (o.Offset == mark.offset && o.Index <= mark.index) {
		return false
	}
	m.undo = append(m.undo, markUndo{i, *mark})
	*mark = originPosition{o.Offset, o.Index}
	return true
}

func (m *marks) add(key originPartition, at originPosition) (i int) {
	key.topic = strings.Clone(key.topic) // it is part of an event's many texts
	m.index[key] = len(m.at)
	m.at = append(m.at, at)
	return len(m.at) - 1
}

func (m *marks) commit() { m.undo = m.undo[:0] }

func (m *marks) rollback() {
	for _, u := range slices.Backward(m.undo) {
		m.at[u.of] = u.to
	}
	m.commit()
}

// marksVersion is the version of the marks' binary form. Whoever changes what
// is written raises it and lets decode read all earlier ones.
const marksVersion = 2

// appendBinary appends the binary form of the marks, topic by topic in a fixed
// order. An origin partition takes about 8 bytes.
func (m *marks) appendBinary(b []byte) []byte {
	partitions := slices.SortedFunc(maps.Keys(m.index), func(p, q originPartition) int {
		return cmp.Or(cmp.Compare(p.topic, q.topic), cmp.Compare(p.partition, q.partition), cmp.Compare(p.kind, q.kind))
	})
	b = append(b, marksVersion)
	b = wire.AppendUint(b, uint(len(partitions)))
	for i, p := range partitions {
		if i == 0 || p.topic != partitions[i-1].topic {
			b = append(b, 1)
			b = wire.AppendText(b, p.topic)
		} else {
			b = append(b, 0)
		}
		b = wire.AppendInt(b, p.partition)
		b = append(b, byte(p.kind))
		b = wire.AppendInt(b, m.at[m.index[p]].offset)
		b = wire.AppendInt(b, m.at[m.index[p]].index)
	}
	return b
}

// decodeBinary makes m what appendBinary wrote. It
// never takes more memory than a small multiple of the bytes it reads. After
// an error, which r keeps, m is not to be used.
func (m *marks) decodeBinary(r *wire.Reader) {
	*m = newMarks()
	version := r.Version("high-water marks", marksVersion)
	if version == 0 {
		return
	}
	const least = 4 // bytes of an origin partition
	n := r.Uint(uint64(r.Len() / least))
	var topic string
	for range n {
		if r.Uint(1) == 1 {
			topic = string(r.Text(r.Len()))
		}
		partition, kind := r.Int(), keyKind(0)
		if version >= 2 { // version 1 knew one kind
			if kind = keyKind(r.Byte()); kind >= keyKinds {
				r.Fail(wire.ErrRange)
			}
		}
		offset, index := r.Int(), r.Int()
		if partition != int64(int32(partition)) || index != int64(int32(index)) {
			r.Fail(wire.ErrRange)
		}
		if r.Err() != nil {
			return
		}
		m.add(originPartition{topic, int32(partition), kind}, originPosition{offset, int32(index)})
	}
}
