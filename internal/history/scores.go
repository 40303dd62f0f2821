package history

import (
	"strings"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// scoreRow is a row of the table scores: a record of risk.scores, or the
// tombstone that ends a session's.
type scoreRow struct {
	position
	event.Score
	ended  bool
	record string
}

func scoreColumns() []column[scoreRow] {
	type r = scoreRow
	return append([]column[r]{
		col("tenant", func(r *r) string { return r.Tenant }),
		col("subject", func(r *r) string { return r.Subject }),
		col("as_of", func(r *r) int64 { return int64(r.asOf()) }),
		col("version", func(r *r) uint32 { return r.Version }),
		col("entity", func(r *r) string { return r.Entity }),
		col("session_id", func(r *r) string { return r.Session }),
		col("ended", func(r *r) bool { return r.ended }),
		col("score", func(r *r) float64 { return r.Score.Score }),
		col("level", func(r *r) string { return r.Level.String() }),
		col("previous_level", func(r *r) string { return r.PreviousLevel.String() }),
		col("decision", func(r *r) string { return r.Decision.String() }),
		col("reauth_after", func(r *r) *int64 { return moment(r.ReauthAfter) }),
		col("prior", func(r *r) float64 { return r.Prior }),
		col("weights", func(r *r) string { return r.Weights }),
		col("event_id", func(r *r) string { return r.Event.ID }),
		col("event_action", func(r *r) string { return string(r.Event.Action) }),
		reason("detection", func(c *event.Contribution) string { return c.Detection }),
		reason("points", func(c *event.Contribution) float64 { return c.Points }),
		reason("summary", func(c *event.Contribution) string { return c.Summary }),
		reason("at", func(c *event.Contribution) int64 { return int64(c.At) }),
		reason("event_id", func(c *event.Contribution) string { return c.EventID }),
		reason("unconfirmed", func(c *event.Contribution) bool { return c.Unconfirmed }),
		reason("covered_by", func(c *event.Contribution) string { return c.CoveredBy }),
		col("config", func(r *r) string { return r.Config }),
		col("record", func(r *r) string { return r.record }),
	}, positionColumns(func(r *r) *position { return &r.position })...)
}

// reason is a column with a V of each reason of a score.
func reason[V any](name string, of func(*event.Contribution) V) column[scoreRow] {
	return col("reasons."+name, func(r *scoreRow) []V {
		list := make([]V, len(r.Reasons))
		for i := range r.Reasons {
			list[i] = of(&r.Reasons[i])
		}
		return list
	})
}

// scoreReader reads records of risk.scores.
type scoreReader struct{}

func (scoreReader) read(key, value []byte, row *scoreRow) error {
	if len(value) == 0 {
		*row = tombstone(string(key))
		return nil
	}
	score, err := publish.DecodeScore(value)
	if err != nil {
		return err
	}
	*row = scoreRow{Score: score, record: string(value)}
	return nil
}

// asOf is the score's own time. A tombstone has none, and is put when it was
// written.
func (r *scoreRow) asOf() event.Time {
	if r.ended {
		return r.recorded
	}
	return r.AsOf
}

// tombstone is the row of a record without value.
func tombstone(entity string) scoreRow {
	row := scoreRow{ended: true}
	row.Entity = entity
	kind, rest, _ := strings.Cut(entity, ":")
	tenant, name, _ := strings.Cut(rest, "/")
	row.Tenant = tenant
	if kind == "session" {
		row.Session = name
	} else {
		row.Subject = name
	}
	return row
}
