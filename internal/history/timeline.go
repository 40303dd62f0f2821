package history

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/riskstream/riskstream/event"
)

// Span is a stretch of event time; a zero end is open.
type Span struct{ Since, Until event.Time }

// where is the condition that a time column is in the span.
func (s Span) where(column string) (condition string, args []any) {
	if s.Since != 0 {
		condition, args = condition+" AND "+column+" >= "+at, append(args, int64(s.Since))
	}
	if s.Until != 0 {
		condition, args = condition+" AND "+column+" < "+at, append(args, int64(s.Until))
	}
	return condition, args
}

// at is a time as an argument, in milliseconds: the client cuts a time.Time to
// seconds.
const at = "fromUnixTimestamp64Milli(?, 'UTC')"

// Entry is one moment in a user's history: an event, what was detected at it
// and the score that it led to; or a score that fell because time passed.
type Entry struct {
	Time     event.Time `json:"time"`
	EventID  string     `json:"event_id,omitempty"`
	Provider string     `json:"provider,omitempty"`
	Action   string     `json:"action,omitempty"`
	Outcome  string     `json:"outcome,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	IP       string     `json:"source_ip,omitempty"`
	Country  string     `json:"country,omitempty"`
	City     string     `json:"city,omitempty"`
	Network  string     `json:"network,omitempty"` // organisation of the autonomous system
	App      string     `json:"app,omitempty"`
	Agent    string     `json:"user_agent,omitempty"` // browser on operating system
	Session  string     `json:"session_id,omitempty"`

	Detections []Evidence `json:"detections,omitempty"`
	Score      *Verdict   `json:"score,omitempty"` // absent when the event changed nothing
}

// Evidence is a detection in short.
type Evidence struct {
	Name    string  `json:"name"`
	Points  float64 `json:"points"`
	Summary string  `json:"summary"`
}

// Verdict is a score in short.
type Verdict struct {
	Entity        string  `json:"entity"`
	Score         float64 `json:"score"`
	Level         string  `json:"level"`
	PreviousLevel string  `json:"previous_level"`
	Decision      string  `json:"decision"`
	Version       uint32  `json:"version"`
}

// Timeline returns what happened to a user in the span, the newest limit
// entries, oldest first.
func (s *Store) Timeline(ctx context.Context, subject Subject, span Span, limit int) ([]Entry, error) {
	entries, err := s.eventsOf(ctx, subject, span, limit)
	if err != nil {
		return nil, err
	}
	if len(entries) == limit && limit > 0 {
		span.Since = entries[0].Time // what came before is not shown
	}
	byID := make(map[string]int, len(entries))
	for i := range entries {
		byID[entries[i].EventID] = i
	}
	if err := s.addDetections(ctx, subject, span, entries, byID); err != nil {
		return nil, err
	}
	falls, err := s.addScores(ctx, subject, span, entries, byID)
	if err != nil {
		return nil, err
	}
	entries = append(entries, falls...)
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Time, b.Time) })
	return entries, nil
}

func (s *Store) eventsOf(ctx context.Context, subject Subject, span Span, limit int) ([]Entry, error) {
	whose, args := subject.where()
	when, times := span.where("time")
	entries, err := list(ctx, s, "events of "+subject.String(), func(row driver.Rows, e *Entry) error {
		var ip netip.Addr
		var browser, system string
		err := row.Scan((*instant)(&e.Time), &e.EventID, &e.Provider, &e.Action, &e.Outcome, &e.Reason, &ip, &e.Country, &e.City, &e.Network, &e.App, &browser, &system, &e.Session)
		e.IP, e.Agent = textOf(ip), agent(browser, system)
		return err
	}, `SELECT time, id, provider, action, outcome, reason, source_ip, source_country, source_city, source_as_name,
		if(app_name = '', app_id, app_name), user_agent_name, user_agent_os, session_id
		FROM events WHERE `+whose+when+fmt.Sprintf(" ORDER BY time DESC, offset DESC LIMIT %d", limit), append(args, times...)...)
	slices.Reverse(entries)
	return entries, err
}

// addDetections puts detections to the events at which they were made.
func (s *Store) addDetections(ctx context.Context, subject Subject, span Span, entries []Entry, byID map[string]int) error {
	type made struct {
		Evidence
		eventID string
	}
	whose, args := subject.where()
	when, times := span.where("time")
	all, err := list(ctx, s, "detections of "+subject.String(), func(row driver.Rows, d *made) error {
		return row.Scan(&d.eventID, &d.Name, &d.Points, &d.Summary)
	}, "SELECT event_id, name, points, summary FROM detections WHERE "+whose+when+" ORDER BY time, offset", append(args, times...)...)
	for _, d := range all {
		if i, shown := byID[d.eventID]; shown {
			entries[i].Detections = append(entries[i].Detections, d.Evidence)
		}
	}
	return err
}

// addScores puts the user's scores to the events that caused them, and returns
// those that time alone has caused.
func (s *Store) addScores(ctx context.Context, subject Subject, span Span, entries []Entry, byID map[string]int) (falls []Entry, err error) {
	type reached struct {
		Verdict
		at      event.Time
		eventID string
	}
	whose, args := subject.where()
	when, times := span.where("as_of")
	all, err := list(ctx, s, "scores of "+subject.String(), func(row driver.Rows, v *reached) error {
		return row.Scan((*instant)(&v.at), &v.eventID, &v.Entity, &v.Score, &v.Level, &v.PreviousLevel, &v.Decision, &v.Version)
	}, `SELECT as_of, event_id, entity, score, level, previous_level, decision, version
		FROM scores WHERE `+whose+" AND session_id = ''"+when+" ORDER BY as_of, version, offset", append(args, times...)...)
	for i := range all {
		v := &all[i]
		if i, shown := byID[v.eventID]; shown && v.eventID != "" {
			entries[i].Score = &v.Verdict
		} else if v.eventID == "" {
			falls = append(falls, Entry{Time: v.at, Score: &v.Verdict})
		}
	}
	return falls, err
}

// textOf is an address as people write it, "" for none.
func textOf(ip netip.Addr) string {
	if ip = ip.Unmap(); ip.IsUnspecified() {
		return ""
	}
	return ip.String()
}

func agent(browser, system string) string {
	switch {
	case browser == "":
		return system
	case system == "":
		return browser
	}
	return browser + " on " + system
}
