package history

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

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
	return list(ctx, s, "riskiest users", func(row driver.Rows, r *Riskiest) error {
		return row.Scan(&r.Subject.Tenant, &r.Subject.Name, &r.Score, &r.Level, &r.Decision, (*instant)(&r.At), &r.EventID, &r.Reasons, &r.Detections, &r.Now)
	}, `
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
}
