package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riskstream/riskstream/event"
)

// Riskiest is a user with the highest risk of a span.
type Riskiest struct {
	Subject    Subject    `json:"subject"`
	Score      float64    `json:"score"` // the highest of the span
	Level      string     `json:"level"`
	Decision   string     `json:"decision"`
	At         event.Time `json:"at"`
	EventID    string     `json:"event_id"`
	Reasons    []string   `json:"reasons"`    // of that moment, the weightiest first
	Detections uint64     `json:"detections"` // in the span
	Now        float64    `json:"last_score"` // of the last record of the span
}

// Top returns the users with the highest scores of the span.
func (s *Store) Top(ctx context.Context, span Span, limit int) ([]Riskiest, error) {
	whereScore, scoreArgs := span.where("as_of")
	whereDetection, detectionArgs := span.where("time")
	rows, err := s.conn.Query(ctx, `
		SELECT tenant, subject, worst.1, worst.2, worst.3, worst.4, worst.5, worst.6, detections, last
		FROM (
			SELECT tenant, subject,
				argMax((score, level, decision, as_of, event_id, reasons.summary), (score, as_of, version)) AS worst,
				argMax(score, (as_of, version)) AS last
			FROM scores WHERE session_id = '' AND NOT ended`+whereScore+`
			GROUP BY tenant, subject
			ORDER BY worst.1 DESC, tenant, subject LIMIT `+fmt.Sprint(limit)+`
		) AS riskiest
		LEFT JOIN (
			SELECT tenant, subject, count() AS detections FROM detections WHERE true`+whereDetection+` GROUP BY tenant, subject
		) AS found USING (tenant, subject)
		ORDER BY worst.1 DESC, tenant, subject`, append(scoreArgs, detectionArgs...)...)
	if err != nil {
		return nil, fmt.Errorf("riskiest users: %w", err)
	}
	var list []Riskiest
	for rows.Next() {
		var r Riskiest
		var when time.Time
		if err := rows.Scan(&r.Subject.Tenant, &r.Subject.Name, &r.Score, &r.Level, &r.Decision, &when, &r.EventID, &r.Reasons, &r.Detections, &r.Now); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		r.At = event.TimeOf(when)
		list = append(list, r)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}
