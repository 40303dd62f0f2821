package history

import (
	"fmt"
	"net/netip"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// detectionRow is a row of the table detections.
type detectionRow struct {
	position
	event.Detection
	rule     event.RuleInfo
	evidence map[string]string

	tenant, subject           string
	time                      event.Time
	eventID                   string
	action, outcome, provider string
	ip                        netip.Addr
	session, config           string
}

func detectionColumns() []column[detectionRow] {
	type r = detectionRow
	return append([]column[r]{
		col("tenant", func(r *r) string { return r.tenant }),
		col("subject", func(r *r) string { return r.subject }),
		col("time", func(r *r) int64 { return int64(r.time) }),
		col("event_id", func(r *r) string { return r.eventID }),
		col("name", func(r *r) string { return r.Name }),
		col("group", func(r *r) string { return string(r.Group) }),
		col("strength", func(r *r) float64 { return r.Strength }),
		col("llr", func(r *r) float64 { return r.LLR }),
		col("half_life_s", func(r *r) int64 { return r.HalfLife }),
		col("points", func(r *r) float64 { return r.Points }),
		col("summary", func(r *r) string { return r.Summary }),
		col("evidence", func(r *r) map[string]string { return r.evidence }),
		col("rule_id", func(r *r) string { return r.rule.ID }),
		col("rule_title", func(r *r) string { return r.rule.Title }),
		col("rule_severity", func(r *r) string { return r.rule.Severity }),
		col("rule_tags", func(r *r) []string { return r.rule.Tags }),
		col("event_action", func(r *r) string { return r.action }),
		col("event_outcome", func(r *r) string { return r.outcome }),
		col("event_provider", func(r *r) string { return r.provider }),
		col("source_ip", func(r *r) netip.Addr { return address(r.ip) }),
		col("session_id", func(r *r) string { return r.session }),
		col("config", func(r *r) string { return r.config }),
	}, positionColumns(func(r *r) *position { return &r.position })...)
}

// detectionReader reads records of risk.detections.
type detectionReader struct{ parser fastjson.Parser }

func (d *detectionReader) read(_, value []byte, row *detectionRow) error {
	v, err := d.parser.ParseBytes(value)
	if err != nil {
		return fmt.Errorf("not a detection: %w", err)
	}
	text := func(keys ...string) string { return string(v.GetStringBytes(keys...)) }
	*row = detectionRow{
		Detection: event.Detection{
			Name: text("name"), Group: event.Group(text("group")), Strength: v.GetFloat64("strength"), LLR: v.GetFloat64("llr"),
			HalfLife: v.GetInt64("half_life_s"), Points: v.GetFloat64("points"), Summary: text("summary"),
		},
		rule:     event.RuleInfo{ID: text("rule", "id"), Title: text("rule", "title"), Severity: text("rule", "severity"), Tags: []string{}},
		evidence: map[string]string{},
		tenant:   text("tenant"), subject: text("subject"),
		eventID: text("event", "id"), action: text("event", "action"), outcome: text("event", "outcome"), provider: text("event", "provider"),
		session: text("session", "id"), config: text("config"),
	}
	if row.Name == "" {
		return fmt.Errorf("not a detection: name is missing")
	}
	if row.time, err = timeOf(v, "time"); err != nil {
		return fmt.Errorf("not a detection: %w", err)
	}
	for _, tag := range v.GetArray("rule", "tags") {
		row.rule.Tags = append(row.rule.Tags, string(tag.GetStringBytes()))
	}
	if facts := v.GetObject("evidence"); facts != nil {
		facts.Visit(func(name []byte, fact *fastjson.Value) {
			if s, err := fact.StringBytes(); err == nil {
				row.evidence[string(name)] = string(s)
			} else {
				row.evidence[string(name)] = fact.String()
			}
		})
	}
	if ip := text("source", "ip"); ip != "" {
		if row.ip, err = netip.ParseAddr(ip); err != nil {
			return fmt.Errorf("not a detection: source.ip: %w", err)
		}
	}
	return nil
}

// timeOf reads a time that must be there.
func timeOf(v *fastjson.Value, key string) (event.Time, error) {
	var t event.Time
	if err := t.UnmarshalText(v.GetStringBytes(key)); err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	return t, nil
}
