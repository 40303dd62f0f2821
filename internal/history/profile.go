package history

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/riskstream/riskstream/event"
)

// Profile says who a user is, and what there was of them in a span.
type Profile struct {
	Subject    Subject    `json:"subject"`
	Kind       string     `json:"kind,omitempty"`       // human, service; the latest that was known
	Privileged *bool      `json:"privileged,omitempty"` // the latest that was known
	Providers  []string   `json:"providers"`
	FirstSeen  event.Time `json:"first_seen,omitzero"` // of all events that are kept, as LastSeen; absent when there are signals alone
	LastSeen   event.Time `json:"last_seen,omitzero"`
	Names      []Name     `json:"names"` // every name that the user ever had

	Did        []Done    `json:"events,omitempty"` // in the span, as all that follows
	Used       []Used    `json:"used,omitempty"`   // the most used of each kind
	Detections []Counted `json:"detections,omitempty"`
	Highest    *Reached  `json:"highest,omitempty"`   // absent when the span has no score
	Last       *Reached  `json:"last,omitempty"`      // up to the end of the span
	Decisions  []Reached `json:"decisions,omitempty"` // the moments at which the decision changed, oldest first
}

// Name is a name that a user had, with the events that told it.
type Name struct {
	Kind string `json:"kind"` // email, name, id, full_name
	Name string `json:"name"`
	Seen
}

// Done is what a user did, how it went, and how often.
type Done struct {
	Action  string     `json:"action"`
	Outcome string     `json:"outcome,omitempty"`
	Code    string     `json:"code,omitempty"` // of signals: confirm_safe, password_spray, …
	Events  uint64     `json:"events"`
	First   event.Time `json:"first_seen"`
	Last    event.Time `json:"last_seen"`
}

// Used is a trait with the events that had it.
type Used struct {
	Trait
	Seen
}

// Counted says how often a detection was made, and on how many users.
type Counted struct {
	Name   string     `json:"name"`
	Times  uint64     `json:"times"`
	Users  uint64     `json:"users"`
	Points float64    `json:"points"` // the most of one
	First  event.Time `json:"first_seen"`
	Last   event.Time `json:"last_seen"`
}

// Reached is a score that a user had.
type Reached struct {
	At       event.Time `json:"at"`
	Score    float64    `json:"score"`
	Level    string     `json:"level"`
	Decision string     `json:"decision"`
	EventID  string     `json:"event_id,omitempty"` // absent when time alone led to it
	Reasons  []string   `json:"reasons,omitempty"`  // the weightiest first
}

// Profile returns who a user is and what there was of them in the span: the
// limit most used traits of each kind, and as many names of each kind,
// detections and changes of the decision.
func (s *Store) Profile(ctx context.Context, subject Subject, span Span, limit int) (*Profile, error) {
	p := &Profile{Subject: subject}
	for _, read := range []func(context.Context, *Profile, Span, int) error{s.addIdentity, s.addNames, s.addDone, s.addUsed, s.addCounted, s.addHighest, s.addLast, s.addDecisions} {
		if err := read(ctx, p, span, limit); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (s *Store) addIdentity(ctx context.Context, p *Profile, _ Span, _ int) error {
	whose, args := p.Subject.where()
	rows, err := list(ctx, s, "identity of "+p.Subject.String(), func(row driver.Rows, p *Profile) error {
		return row.Scan(&p.Kind, &p.Privileged, &p.Providers, (*instant)(&p.FirstSeen), (*instant)(&p.LastSeen))
	}, `SELECT argMaxIf(user_kind, (time, offset), user_kind != ''), argMax(user_privileged, (time, offset)),
		arraySort(groupUniqArrayIf(20)(toString(provider), provider != '')), minIf(time, kind = 'event'), maxIf(time, kind = 'event')
		FROM events WHERE `+whose, args...)
	for _, found := range rows {
		p.Kind, p.Privileged, p.Providers, p.FirstSeen, p.LastSeen = found.Kind, found.Privileged, found.Providers, found.FirstSeen, found.LastSeen
	}
	return err
}

func (s *Store) addNames(ctx context.Context, p *Profile, _ Span, limit int) (err error) {
	whose, args := p.Subject.where()
	p.Names, err = list(ctx, s, "names of "+p.Subject.String(), func(row driver.Rows, n *Name) error {
		return row.Scan(append([]any{&n.Kind, &n.Name}, n.targets()...)...)
	}, `SELECT named.1 AS kind_of_name, named.2 AS name, `+seenColumns+`
		FROM (
			SELECT time, outcome, arrayJoin([('email', user_email), ('name', user_name), ('id', user_id), ('full_name', user_full_name)]) AS named
			FROM events WHERE `+whose+`
		) WHERE name != ''
		GROUP BY kind_of_name, name
		ORDER BY indexOf(['email', 'name', 'id', 'full_name'], kind_of_name), max(time) DESC, name
		LIMIT `+fmt.Sprint(limit)+` BY kind_of_name`, args...)
	return err
}

func (s *Store) addDone(ctx context.Context, p *Profile, span Span, _ int) (err error) {
	whose, args := p.Subject.where()
	when, times := span.where("time")
	p.Did, err = list(ctx, s, "events of "+p.Subject.String(), func(row driver.Rows, d *Done) error {
		return row.Scan(&d.Action, &d.Outcome, &d.Code, &d.Events, (*instant)(&d.First), (*instant)(&d.Last))
	}, `SELECT action, outcome, if(kind = 'signal', code, '') AS signal, count() AS n, min(time), max(time)
		FROM events WHERE `+whose+when+`
		GROUP BY action, outcome, signal
		ORDER BY n DESC, action, outcome, signal LIMIT 200`, append(args, times...)...)
	return err
}

func (s *Store) addUsed(ctx context.Context, p *Profile, span Span, limit int) (err error) {
	whose, args := p.Subject.where()
	when, times := span.where("time")
	p.Used, err = list(ctx, s, "habits of "+p.Subject.String(), func(row driver.Rows, u *Used) error {
		return row.Scan(append([]any{&u.Kind, &u.Name, &u.Note}, u.targets()...)...)
	}, `SELECT trait.1 AS kind, trait.2 AS name, argMax(trait.3, (time, offset)), `+seenColumns+`
		FROM (SELECT time, offset, outcome, `+traits+` AS trait FROM events WHERE `+whose+` AND kind = 'event'`+when+`)
		WHERE kind != 'hour'
		GROUP BY kind, name
		ORDER BY `+byKind+`, count() DESC, name
		LIMIT `+fmt.Sprint(limit)+` BY kind`, append(args, times...)...)
	return err
}

func (s *Store) addCounted(ctx context.Context, p *Profile, span Span, limit int) (err error) {
	whose, args := p.Subject.where()
	when, times := span.where("time")
	p.Detections, err = s.counted(ctx, "detections of "+p.Subject.String(), whose+when, append(args, times...), limit)
	return err
}

// counted counts detections by name.
func (s *Store) counted(ctx context.Context, about, where string, args []any, limit int) ([]Counted, error) {
	return list(ctx, s, about, func(row driver.Rows, c *Counted) error {
		return row.Scan(&c.Name, &c.Times, &c.Users, &c.Points, (*instant)(&c.First), (*instant)(&c.Last))
	}, `SELECT name, count() AS n, uniqExact(tenant, subject), max(points), min(time), max(time)
		FROM detections WHERE `+where+`
		GROUP BY name ORDER BY n DESC, name LIMIT `+fmt.Sprint(limit), args...)
}

// reachedColumns are read by reached.
const reachedColumns = "as_of, score, level, decision, event_id, reasons.summary"

func reached(row driver.Rows, r *Reached) error {
	return row.Scan((*instant)(&r.At), &r.Score, &r.Level, &r.Decision, &r.EventID, &r.Reasons)
}

func (s *Store) addHighest(ctx context.Context, p *Profile, span Span, _ int) error {
	whose, args := p.Subject.where()
	when, times := span.where("as_of")
	rows, err := list(ctx, s, "scores of "+p.Subject.String(), reached, `SELECT `+reachedColumns+` FROM scores
		WHERE `+whose+` AND session_id = '' AND NOT ended`+when+`
		ORDER BY score DESC, as_of DESC, version DESC, offset DESC LIMIT 1`, append(args, times...)...)
	if len(rows) > 0 {
		p.Highest = &rows[0]
	}
	return err
}

func (s *Store) addLast(ctx context.Context, p *Profile, span Span, _ int) error {
	whose, args := p.Subject.where()
	when, times := Span{Until: span.Until}.where("as_of")
	rows, err := list(ctx, s, "scores of "+p.Subject.String(), reached, `SELECT `+reachedColumns+` FROM scores
		WHERE `+whose+` AND session_id = '' AND NOT ended`+when+`
		ORDER BY as_of DESC, version DESC, offset DESC LIMIT 1`, append(args, times...)...)
	if len(rows) > 0 {
		p.Last = &rows[0]
	}
	return err
}

// addDecisions finds the newest changes of the decision. Whoever has no score
// yet is allowed.
func (s *Store) addDecisions(ctx context.Context, p *Profile, span Span, limit int) (err error) {
	whose, args := p.Subject.where()
	before, times := Span{Until: span.Until}.where("as_of")
	within, since := Span{Since: span.Since}.where("as_of")
	p.Decisions, err = list(ctx, s, "decisions on "+p.Subject.String(), reached, `SELECT `+reachedColumns+`
		FROM (
			SELECT `+reachedColumns+`, version, offset,
				lagInFrame(toString(decision), 1, 'allow') OVER (ORDER BY as_of, version, offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS decision_before
			FROM scores WHERE `+whose+` AND session_id = '' AND NOT ended`+before+`
		)
		WHERE decision != decision_before`+within+`
		ORDER BY as_of DESC, version DESC, offset DESC LIMIT `+fmt.Sprint(limit), append(append(args, times...), since...)...)
	slices.Reverse(p.Decisions)
	return err
}
