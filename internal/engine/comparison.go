package engine

import (
	"bytes"
	"slices"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// Comparison holds the scores that a replay makes against those that were
// published: it observes the replay and is then told what was published.
//
// A fall has to follow from the record before it; when it was published is the
// clock's affair, which a replay does not know.
type Comparison struct {
	lane     *Lane
	entities map[string]*comparedEntity
	result   ComparisonResult
}

// ComparisonResult says how far a replay has made what was published.
type ComparisonResult struct {
	Published int
	Same      int          // of them, byte for byte
	Differs   *event.Score // the first that was published and is not made; of an end of risk only Entity is set
	Missing   *event.Score // the first that is made and was not published
	Configs   []string     // hashes under which was published, in order of appearance
}

// comparedEntity is one user's or session's records.
type comparedEntity struct {
	made    []*event.Score // in order; nil is the end of a session's risk
	next    int            // of made, to be found published
	current *event.Score   // what holds, from which a fall follows
	last    []byte         // as published
	differs bool
}

// NewComparison makes a comparison for replays of the pipeline.
func (p *Pipeline) NewComparison() *Comparison {
	return &Comparison{lane: p.Lane(), entities: map[string]*comparedEntity{}}
}

// Event implements Observer.
func (c *Comparison) Event(*event.Event, int) {}

// Detections implements Sink.
func (c *Comparison) Detections(*event.Event, []event.Detection) {}

// Score implements Sink.
func (c *Comparison) Score(record *event.Score) {
	e := c.entity(record.Entity)
	e.made = append(e.made, record)
}

// Gone implements Sink.
func (c *Comparison) Gone(session *event.Score) {
	e := c.entity(session.Entity)
	e.made = append(e.made, nil)
}

func (c *Comparison) entity(name string) *comparedEntity {
	e := c.entities[name]
	if e == nil {
		e = &comparedEntity{}
		c.entities[name] = e
	}
	return e
}

// Published is told of a published record, in the order of its entity's; an
// empty one ends the entity's risk. Delivered again it counts once.
func (c *Comparison) Published(entity string, record []byte) {
	e := c.entity(entity)
	if e.last != nil && bytes.Equal(e.last, record) {
		return
	}
	e.last = append([]byte{}, record...)
	c.result.Published++
	published := event.Score{Entity: entity}
	if score, err := publish.DecodeScore(record); err == nil {
		published = score
		if !slices.Contains(c.result.Configs, score.Config) {
			c.result.Configs = append(c.result.Configs, score.Config)
		}
	}
	switch {
	case e.differs: // what follows cannot be judged
	case e.next < len(e.made) && isRecord(e.made[e.next], record):
		e.current = e.made[e.next]
		e.next++
		c.result.Same++
	case c.falls(e, record):
		c.result.Same++
	default:
		e.differs = true
		if c.result.Differs == nil {
			c.result.Differs = &published
		}
	}
}

// falls reports that the record is what the passing of time makes of the
// entity's risk, and lets it pass.
func (c *Comparison) falls(e *comparedEntity, record []byte) bool {
	if e.current == nil || len(e.current.Lapses) == 0 {
		return false
	}
	fallen, remains := c.lane.scorer.Fall(e.current)
	var after *event.Score
	if remains {
		after = &fallen
	}
	if !isRecord(after, record) {
		return false
	}
	e.current = after
	return true
}

// isRecord reports that the score is published as the record; nil is the end.
func isRecord(score *event.Score, record []byte) bool {
	if score == nil {
		return len(record) == 0
	}
	return bytes.Equal(publish.AppendScore(nil, score), record)
}

// Result is what was found, once everything published was told.
func (c *Comparison) Result() ComparisonResult {
	result := c.result
	for _, e := range c.entities {
		if e.differs {
			continue
		}
		for _, made := range e.made[e.next:] {
			if made != nil && (result.Missing == nil || earlier(made, result.Missing)) {
				result.Missing = made
			}
		}
	}
	return result
}

func earlier(a, b *event.Score) bool {
	return a.AsOf < b.AsOf || a.AsOf == b.AsOf && a.Entity < b.Entity
}
