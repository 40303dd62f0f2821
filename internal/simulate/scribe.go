package simulate

import (
	"math/rand/v2"
	"slices"
)

// scribe writes steps as the identity providers log them.
type scribe struct {
	seed uint64     // of the organisation, whose ids at the providers follow from it
	ids  *rand.Rand // identifiers, in the order of the records
	buf  []byte     // the record being written
	id   string     // the id of the event in it
}

func newScribe(seed uint64) scribe {
	return scribe{seed: seed, ids: rand.New(rand.NewPCG(seed, saltRecords))}
}

// newID is the id of the event being written.
func (c *scribe) newID() string {
	c.id = uuid(c.ids.Uint64(), c.ids.Uint64())
	return c.id
}

// write writes one step in the shape of its provider.
func (c *scribe) write(s *step) Record {
	r := Record{Time: s.at}
	switch b := c.buf[:0]; {
	case s.do <= lastOkta:
		r.Topic, c.buf = TopicOkta, c.appendOkta(b, s)
	case s.do <= lastEntra:
		r.Topic, c.buf = TopicEntra, c.appendEntra(b, s)
	case s.do <= lastKeycloak:
		r.Topic, c.buf = TopicKeycloak, c.appendKeycloak(b, s)
	default:
		r.Topic, c.buf = TopicFiles, c.appendFiles(b, s)
	}
	r.Value = slices.Clone(c.buf)
	return r
}
