package engine

import (
	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
	"github.com/riskstream/riskstream/scoring"
)

// subject is everything that the lane remembers of one subject. It is kept
// encoded, in memory as in the changelog and in snapshots, and decoded while an
// event of the subject is in the lane.
type subject struct {
	verified bool // somebody who holds a credential of the subject was seen
	score    scoring.State
	memory   detectors.Memory
	seen     window
	open     []scoring.Contribution
}

// subjectVersion is the version of the form. Older ones are read; see
// testdata/state.
const subjectVersion = 2 // 2: parts that version 1 cannot read, which would begin the subject afresh

const subjectVerified = 1 // a flag

// appendTo appends the encoded subject.
func (s *subject) appendTo(b []byte) []byte {
	var flags byte
	if s.verified {
		flags |= subjectVerified
	}
	b = append(b, subjectVersion, flags)
	b = s.score.AppendBinary(b)
	b = s.memory.AppendBinary(b)
	b = s.seen.appendBinary(b)
	return scoring.AppendContributions(b, s.open)
}

// read sets the subject to the encoded value; an empty one is a subject never
// seen. After an error the subject is one never seen.
func (s *subject) read(value []byte) error {
	if len(value) == 0 {
		s.clear()
		return nil
	}
	r := wire.NewReader(value)
	r.Version("subject", subjectVersion)
	s.verified = r.Byte()&subjectVerified != 0
	s.score.DecodeBinary(&r)
	s.memory.DecodeBinary(&r)
	s.seen.decodeBinary(&r)
	s.open = scoring.DecodeContributions(&r, s.open[:0])
	if err := r.End(); err != nil {
		s.clear()
		return err
	}
	return nil
}

func (s *subject) clear() { *s = subject{open: s.open[:0]} }

// Keys of a partition's state and of its changelog.
const (
	subjectPrefix = "subject:" // then tenant/subject
	fallPrefix    = "fall:"    // then the entity of a score record
	sourcePrefix  = "source:"  // then the key of an activity
	progressKey   = "progress"
)

// appendSubjectKey appends the key of the event's subject.
func appendSubjectKey(b []byte, e *event.Event) []byte {
	b = append(b, subjectPrefix...)
	b = append(b, e.Tenant...)
	b = append(b, '/')
	return append(b, e.User.Subject...)
}
