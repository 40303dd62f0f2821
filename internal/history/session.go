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

// Session is what happened in a session of an identity provider.
type Session struct {
	Tenant   string   `json:"tenant"`
	ID       string   `json:"session_id"`
	Subjects []string `json:"subjects"` // one, unless the session has changed hands
	Seen
	// Steps are its events with what was detected at them and the session's own
	// scores, oldest first.
	Steps []Step `json:"steps"`
	More  uint64 `json:"more,omitempty"` // events behind the last of Steps, which a limit cut off
	// Ended is when the session's own risk ended: its record of risk.scores was
	// taken back. Absent when it has a record, or never had one.
	Ended event.Time `json:"ended,omitzero"`
}

// Step is one moment of a session: an event, or a score that changed because of
// something else: time, or a verdict on the user. The score is the session's,
// not the user's.
type Step struct {
	Entry
	Subject string   `json:"subject,omitempty"`
	Device  string   `json:"device,omitempty"`
	Changed []Change `json:"changed,omitempty"`
}

// Change is something that was different before in the same session. What an
// event does not tell has not changed.
type Change struct {
	What string `json:"what"` // user, network, as, country, device, agent
	From string `json:"from"`
	To   string `json:"to"`
}

// Sessions returns the sessions of an id: one, unless several tenants have it;
// none when the id is unknown. Each has its first limit events.
func (s *Store) Sessions(ctx context.Context, id string, limit int) ([]Session, error) {
	sessions, err := list(ctx, s, "session "+id, func(row driver.Rows, one *Session) error {
		one.ID = id
		return row.Scan(append([]any{&one.Tenant, &one.Subjects}, one.targets()...)...)
	}, "SELECT tenant, arraySort(groupUniqArrayIf(20)(subject, subject != '')), "+seenColumns+" FROM events WHERE session_id = ? AND session_id != '' GROUP BY tenant ORDER BY tenant LIMIT 10", id)
	if err != nil {
		return nil, err
	}
	for i := range sessions {
		if err := s.addSteps(ctx, &sessions[i], limit); err != nil {
			return nil, err
		}
	}
	return sessions, nil
}

// stepRow is a row of an event with what a step compares.
type stepRow struct {
	Step
	as string
	ip netip.Addr
}

func (s *Store) addSteps(ctx context.Context, session *Session, limit int) error {
	about := "session " + session.ID
	rows, err := list(ctx, s, about, func(row driver.Rows, r *stepRow) error {
		var browser, system string
		err := row.Scan((*instant)(&r.Time), &r.EventID, &r.Provider, &r.Action, &r.Outcome, &r.Reason, &r.ip, &r.Country, &r.City, &r.Network, &r.App,
			&browser, &system, &r.Session, &r.Subject, &r.Device, &r.as)
		r.IP, r.Agent = textOf(r.ip), agent(browser, system)
		return err
	}, `SELECT time, id, provider, action, outcome, reason, source_ip, source_country, source_city, source_as_name, if(app_name = '', app_id, app_name),
		user_agent_name, user_agent_os, session_id, subject, device_id, trim(concat(if(source_as = 0, '', concat('AS', toString(source_as), ' ')), source_as_name))
		FROM events WHERE tenant = ? AND session_id = ?
		ORDER BY time, offset, id LIMIT `+fmt.Sprint(limit), session.Tenant, session.ID)
	if err != nil {
		return err
	}
	session.More = session.Events - min(uint64(len(rows)), session.Events)
	byID := make(map[string]int, len(rows))
	known := map[string]string{}
	for i := range rows {
		rows[i].compare(known)
		session.Steps = append(session.Steps, rows[i].Step)
		byID[rows[i].EventID] = i
	}
	if err := s.addSessionDetections(ctx, session, byID, limit); err != nil {
		return err
	}
	return s.addSessionScores(ctx, session, byID, limit)
}

// compare says what is different from what is known of the session.
func (r *stepRow) compare(known map[string]string) {
	network := ""
	if r.IP != "" {
		network = networkText(r.ip)
	}
	for _, now := range []struct{ what, text string }{
		{"user", r.Subject}, {"network", network}, {"as", r.as}, {"country", r.Country}, {"device", r.Device}, {"agent", r.Agent},
	} {
		if now.text == "" {
			continue
		}
		if before := known[now.what]; before != "" && before != now.text {
			r.Changed = append(r.Changed, Change{now.what, before, now.text})
		}
		known[now.what] = now.text
	}
}

// networkText is a source network as people write it: an IPv4 address, or the
// /64 of an IPv6 address.
func networkText(ip netip.Addr) string {
	network := event.Network(ip)
	if network.Addr().Is4() {
		return network.Addr().String()
	}
	return network.String()
}

func (s *Store) addSessionDetections(ctx context.Context, session *Session, byID map[string]int, limit int) error {
	type detection struct {
		eventID string
		Evidence
	}
	found, err := list(ctx, s, "detections of session "+session.ID, func(row driver.Rows, d *detection) error {
		return row.Scan(&d.eventID, &d.Name, &d.Points, &d.Summary)
	}, "SELECT event_id, name, points, summary FROM detections WHERE tenant = ? AND session_id = ? ORDER BY time, offset LIMIT "+fmt.Sprint(10*limit), session.Tenant, session.ID)
	for _, d := range found {
		if i, shown := byID[d.eventID]; shown {
			session.Steps[i].Detections = append(session.Steps[i].Detections, d.Evidence)
		}
	}
	return err
}

// addSessionScores puts the session's scores to the events that caused them.
// Those that time or an event elsewhere has caused, such as a verdict on the
// user, are steps of their own.
func (s *Store) addSessionScores(ctx context.Context, session *Session, byID map[string]int, limit int) error {
	type record struct {
		Verdict
		at      event.Time
		eventID string
		action  string
		ended   bool
	}
	records, err := list(ctx, s, "scores of session "+session.ID, func(row driver.Rows, r *record) error {
		return row.Scan((*instant)(&r.at), &r.eventID, &r.action, &r.Entity, &r.Score, &r.Level, &r.PreviousLevel, &r.Decision, &r.Version, &r.ended)
	}, `SELECT as_of, event_id, event_action, entity, score, level, previous_level, decision, version, ended
		FROM scores WHERE tenant = ? AND session_id = ?
		ORDER BY recorded DESC, offset DESC LIMIT `+fmt.Sprint(10*limit), session.Tenant, session.ID)
	if err != nil {
		return err
	}
	slices.Reverse(records)
	until := event.MaxTime
	if n := len(session.Steps); session.More > 0 && n > 0 {
		until = session.Steps[n-1].Time // what came after is not shown
	}
	for i := range records {
		r := &records[i]
		session.Ended = 0
		if r.ended {
			session.Ended = r.at
			continue
		}
		if step, shown := byID[r.eventID]; shown {
			session.Steps[step].Score = &r.Verdict
		} else if r.at < until {
			session.Steps = append(session.Steps, Step{Entry: Entry{Time: r.at, EventID: r.eventID, Action: r.action, Score: &r.Verdict}})
		}
	}
	slices.SortStableFunc(session.Steps, func(a, b Step) int { return cmp.Compare(a.Time, b.Time) })
	return nil
}
