package engine

import (
	"bytes"
	"fmt"

	"github.com/riskstream/riskstream/internal/state"
	"github.com/riskstream/riskstream/internal/wire"
)

// Partition is one input log and the state that it has led to. What happens to
// it between two calls of commit is a transaction, which rollback takes back.
type Partition struct {
	store *state.Store
	marks marks
	falls falls

	next     int64 // offset of the input's next record; negative while that is not known
	liveFrom int64 // offset from which on records are published; see rebuilding
	before   progress
}

// NewPartition is an empty state that takes at most limit bytes of memory.
func NewPartition(limit int) *Partition {
	p := &Partition{store: state.New(limit), marks: newMarks(), next: -1}
	p.falls.store = p.store
	return p
}

// progress is how far a partition has got in its input.
type progress struct{ next, liveFrom int64 }

// rebuilding reports that the record at the offset was published before its
// state was kept in a changelog: it is processed once more, and not published.
func (p *Partition) rebuilding(offset int64) bool { return offset < p.liveFrom }

// commit makes everything since the last commit part of the state.
func (p *Partition) commit() {
	p.store.Commit()
	p.marks.commit()
	p.falls.commit()
	p.before = progress{p.next, p.liveFrom}
}

// rollback takes back everything since the last commit.
func (p *Partition) rollback() {
	p.store.Rollback()
	p.marks.rollback()
	p.falls.rollback()
	p.next, p.liveFrom = p.before.next, p.before.liveFrom
}

// progressVersion is the version of the progress record.
const progressVersion = 1

// appendProgress appends how far the partition has got: the value of the
// progress record, which closes each transaction in the changelog.
func (p *Partition) appendProgress(b []byte) []byte {
	b = append(b, progressVersion)
	b = wire.AppendInt(b, p.next)
	b = wire.AppendInt(b, p.liveFrom)
	return p.marks.appendBinary(b)
}

func (p *Partition) readProgress(value []byte) error {
	r := wire.NewReader(value)
	r.Version("progress", progressVersion)
	next, liveFrom := r.Int(), r.Int()
	p.marks.decodeBinary(&r)
	if err := r.End(); err != nil {
		return fmt.Errorf("progress of a partition: %w", err)
	}
	p.next, p.liveFrom = next, liveFrom
	p.before = progress{next, liveFrom}
	return nil
}

// load takes one record of the changelog, or entry of a snapshot, while the
// partition is restored. An empty value ends its key.
func (p *Partition) load(key, value []byte) error {
	switch {
	case string(key) == progressKey:
		return p.readProgress(value)
	case bytes.HasPrefix(key, []byte(subjectPrefix)):
		if err := refuseNewer(value, "a subject's state", subjectVersion); err != nil {
			return err
		}
	case bytes.HasPrefix(key, []byte(sourcePrefix)):
		version := sourceVersion(string(key[len(sourcePrefix):]))
		if version == 0 {
			return unknownKey(key)
		}
		if err := refuseNewer(value, "the state of a source", version); err != nil {
			return err
		}
	case bytes.HasPrefix(key, []byte(fallPrefix)):
	default:
		return unknownKey(key)
	}
	return p.store.Load(tierOf(key, value), key, value)
}

// refuseNewer is the error of a value of a newer version. Each is read when its
// turn comes, but that must be found out before anything is begun afresh.
func refuseNewer(value []byte, what string, version byte) error {
	if len(value) == 0 {
		return nil
	}
	r := wire.NewReader(value)
	r.Version(what, version)
	return r.Err()
}

func unknownKey(key []byte) error {
	return fmt.Errorf("the state has a key that this riskstream does not know, %.100q; was it written by a newer one?", key)
}

// loaded is to be called once after the last load.
func (p *Partition) loaded() { p.falls.rebuild() }

// tierOf says how an entry is held when memory is short.
func tierOf(key, value []byte) state.Tier {
	switch {
	case bytes.HasPrefix(key, []byte(fallPrefix)):
		return state.Timetable
	case bytes.HasPrefix(key, []byte(subjectPrefix)) && len(value) > 1 && value[1]&subjectVerified == 0:
		return state.Probation
	}
	return state.Kept
}
