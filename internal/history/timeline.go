package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

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
	where, args := span.where("time")
	rows, err := s.conn.Query(ctx, `SELECT time, id, provider, action, outcome, reason, source_ip, source_country, source_city, source_as_name,
		if(app_name = '', app_id, app_name), user_agent_name, user_agent_os, session_id
		FROM events WHERE tenant = ? AND subject = ?`+where+fmt.Sprintf(" ORDER BY time DESC, offset DESC LIMIT %d", limit),
		append([]any{subject.Tenant, subject.Name}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("events of %s: %w", subject, err)
	}
	var entries []Entry
	for rows.Next() {
		var e Entry
		var when time.Time
		var ip netip.Addr
		var browser, system string
		if err := rows.Scan(&when, &e.EventID, &e.Provider, &e.Action, &e.Outcome, &e.Reason, &ip, &e.Country, &e.City, &e.Network, &e.App, &browser, &system, &e.Session); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		e.Time, e.IP, e.Agent = event.TimeOf(when), textOf(ip), agent(browser, system)
		entries = append(entries, e)
	}
	slices.Reverse(entries)
	return entries, errors.Join(rows.Err(), rows.Close())
}

// addDetections puts detections to the events at which they were made.
func (s *Store) addDetections(ctx context.Context, subject Subject, span Span, entries []Entry, byID map[string]int) error {
	where, args := span.where("time")
	rows, err := s.conn.Query(ctx, `SELECT event_id, name, points, summary FROM detections
		WHERE tenant = ? AND subject = ?`+where+` ORDER BY time, offset`, append([]any{subject.Tenant, subject.Name}, args...)...)
	if err != nil {
		return fmt.Errorf("detections of %s: %w", subject, err)
	}
	for rows.Next() {
		var id string
		var d Evidence
		if err := rows.Scan(&id, &d.Name, &d.Points, &d.Summary); err != nil {
			return errors.Join(err, rows.Close())
		}
		if i, shown := byID[id]; shown {
			entries[i].Detections = append(entries[i].Detections, d)
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// addScores puts the user's scores to the events that caused them, and returns
// those that time alone has caused.
func (s *Store) addScores(ctx context.Context, subject Subject, span Span, entries []Entry, byID map[string]int) (falls []Entry, err error) {
	where, args := span.where("as_of")
	rows, err := s.conn.Query(ctx, `SELECT as_of, event_id, entity, score, level, previous_level, decision, version FROM scores
		WHERE tenant = ? AND subject = ? AND session_id = ''`+where+` ORDER BY as_of, version, offset`, append([]any{subject.Tenant, subject.Name}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("scores of %s: %w", subject, err)
	}
	for rows.Next() {
		var v Verdict
		var id string
		var asOf time.Time
		if err := rows.Scan(&asOf, &id, &v.Entity, &v.Score, &v.Level, &v.PreviousLevel, &v.Decision, &v.Version); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		if i, shown := byID[id]; shown && id != "" {
			entries[i].Score = &v
		} else if id == "" {
			falls = append(falls, Entry{Time: event.TimeOf(asOf), Score: &v})
		}
	}
	return falls, errors.Join(rows.Err(), rows.Close())
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
