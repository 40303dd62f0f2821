package history

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// Explanation says what an event has led to, and why.
type Explanation struct {
	Subject Subject    `json:"subject"`
	Event   Entry      `json:"event"`
	Found   []Detected `json:"detections,omitempty"` // at this event
	// Score is the user's record that held from this event on: the one that the
	// event caused, or else the last one before it. Its reasons are every
	// contribution as of then. Absent when nothing was ever published of the user.
	Score  *event.Score `json:"score,omitempty"`
	Caused bool         `json:"caused"` // Score was published because of this event
}

// Detected is a detection with what it saw.
type Detected struct {
	Evidence
	Group    string            `json:"group"`
	LLR      float64           `json:"llr"`
	Seen     map[string]string `json:"evidence,omitempty"`
	RuleID   string            `json:"rule_id,omitempty"`
	RuleTags []string          `json:"rule_tags,omitempty"`
}

// Explain returns what the events of an id have led to: one, unless two
// providers use the same id. An id that is unknown has no explanation.
func (s *Store) Explain(ctx context.Context, id string) ([]Explanation, error) {
	all, err := list(ctx, s, "event "+id, func(row driver.Rows, e *Explanation) error {
		e.Event.EventID = id
		return row.Scan(&e.Subject.Tenant, &e.Subject.Name, (*instant)(&e.Event.Time))
	}, "SELECT DISTINCT tenant, subject, time FROM events WHERE id = ? ORDER BY tenant, subject, time LIMIT 10", id)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := s.explain(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Store) explain(ctx context.Context, e *Explanation) error {
	around, err := s.Timeline(ctx, e.Subject, Span{Since: e.Event.Time, Until: e.Event.Time + 1}, 1000)
	if err != nil {
		return err
	}
	for _, entry := range around {
		if entry.EventID == e.Event.EventID {
			e.Event = entry
		}
	}
	if err := s.detectedAt(ctx, e); err != nil {
		return err
	}
	return s.scoreAt(ctx, e)
}

func (s *Store) detectedAt(ctx context.Context, e *Explanation) (err error) {
	e.Found, err = list(ctx, s, "detections at event "+e.Event.EventID, func(row driver.Rows, d *Detected) error {
		return row.Scan(&d.Name, &d.Points, &d.Summary, &d.Group, &d.LLR, &d.Seen, &d.RuleID, &d.RuleTags)
	}, "SELECT name, points, summary, `group`, llr, evidence, rule_id, rule_tags FROM detections WHERE tenant = ? AND subject = ? AND time = "+at+" AND event_id = ? ORDER BY points DESC, name",
		e.Subject.Tenant, e.Subject.Name, int64(e.Event.Time), e.Event.EventID)
	return err
}

// scoreAt finds the record that the event caused, or else the last one before.
func (s *Store) scoreAt(ctx context.Context, e *Explanation) error {
	for _, search := range []struct {
		where  string
		arg    any
		caused bool
	}{
		{"event_id = ?", e.Event.EventID, true},
		{"as_of <= " + at, int64(e.Event.Time), false},
	} {
		records, err := list(ctx, s, "score at event "+e.Event.EventID, func(row driver.Rows, record *string) error {
			return row.Scan(record)
		}, "SELECT record FROM scores WHERE tenant = ? AND subject = ? AND session_id = '' AND "+search.where+" ORDER BY as_of DESC, version DESC LIMIT 1",
			e.Subject.Tenant, e.Subject.Name, search.arg)
		if err != nil {
			return err
		}
		for _, record := range records {
			score, err := publish.DecodeScore([]byte(record))
			if err != nil {
				return fmt.Errorf("score at event %s: %w", e.Event.EventID, err)
			}
			e.Score, e.Caused = &score, search.caused
			return nil
		}
	}
	return nil
}
