package history

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/riskstream/riskstream/event"
)

// Comparison holds what a user does now against what is usual for them.
type Comparison struct {
	Subject   Subject    `json:"subject"`
	FirstSeen event.Time `json:"first_seen,omitzero"` // of all events that are kept
	Usual     Stretch    `json:"usual"`
	Now       Stretch    `json:"now"`
	Traits    []Compared `json:"traits"` // new ones first, then usual ones that are still seen, then those that are not
}

// Stretch is a span with what there was a day, with two decimals.
type Stretch struct {
	Since  event.Time `json:"since"`
	Until  event.Time `json:"until"`
	Days   float64    `json:"days"` // in which the user was known: from FirstSeen on, if that is later than Since
	Total  Activity   `json:"total"`
	PerDay Activity   `json:"per_day"` // nothing before the user was known
}

// Activity is numbers of events.
type Activity struct {
	Events        float64 `json:"events"`
	SignIns       float64 `json:"sign_ins"` // that succeeded
	FailedSignIns float64 `json:"failed_sign_ins"`
}

// States of a trait.
const (
	StateNew    = "new"    // seen now, and in the usual time at failures at most
	StateUsual  = "usual"  // seen then and now
	StateAbsent = "absent" // seen then and not now
)

// Compared is a trait of a user's events, then and now.
type Compared struct {
	Trait
	State string `json:"state"`
	Usual Seen   `json:"usual"`
	Now   Seen   `json:"now"`
	// Before is when a new network, AS or country was last seen at a sign-in that
	// succeeded, on a day before the usual time. Absent when it never was.
	Before event.Time `json:"last_seen_before,omitzero"`
}

// Compare holds what a user did in one span against another, which ends when
// that begins: of each kind of trait and each state the limit that were seen
// most. Both spans have two ends.
func (s *Store) Compare(ctx context.Context, subject Subject, usual, now Span, limit int) (*Comparison, error) {
	c := &Comparison{Subject: subject, Usual: Stretch{Since: usual.Since, Until: usual.Until}, Now: Stretch{Since: now.Since, Until: now.Until}}
	for _, read := range []func(context.Context, *Comparison, int) error{s.addActivity, s.addTraits, s.addBefore} {
		if err := read(ctx, c, limit); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (s *Store) addActivity(ctx context.Context, c *Comparison, _ int) error {
	whose, args := c.Subject.where()
	for _, part := range []*Stretch{&c.Usual, &c.Now} {
		when, times := Span{part.Since, part.Until}.where("time")
		when = "true" + when
		rows, err := list(ctx, s, "activity of "+c.Subject.String(), func(row driver.Rows, n *[4]uint64) error {
			return row.Scan(&n[0], &n[1], &n[2], (*instant)(&c.FirstSeen))
		}, `SELECT countIf(within), countIf(within AND action = 'sign_in' AND outcome = 'success'), countIf(within AND action = 'sign_in' AND outcome = 'failure'), min(time)
			FROM (SELECT time, action, outcome, `+when+` AS within FROM events WHERE `+whose+` AND kind = 'event')`, append(slices.Clone(times), args...)...)
		if err != nil {
			return err
		}
		for _, n := range rows {
			part.count(float64(n[0]), float64(n[1]), float64(n[2]), c.FirstSeen)
		}
	}
	return nil
}

// count fills in how much there was, and how much a day since the user is known.
func (s *Stretch) count(events, signIns, failed float64, firstSeen event.Time) {
	s.Total = Activity{events, signIns, failed}
	days := float64(s.Until-max(s.Since, firstSeen)) / float64(event.Day)
	if days <= 0 {
		return // not known yet
	}
	round := func(n float64) float64 { return math.Round(100*n) / 100 }
	s.Days, s.PerDay = round(days), Activity{round(events / days), round(signIns / days), round(failed / days)}
}

func (s *Store) addTraits(ctx context.Context, c *Comparison, limit int) (err error) {
	whose, args := c.Subject.where()
	then, thenTimes := Span{c.Usual.Since, c.Usual.Until}.where("time")
	now, nowTimes := Span{c.Now.Since, c.Now.Until}.where("time")
	args = slices.Concat(nowTimes, args, thenTimes, nowTimes)
	c.Traits, err = list(ctx, s, "traits of "+c.Subject.String(), func(row driver.Rows, t *Compared) error {
		to := append([]any{&t.Kind, &t.Name, &t.Note, &t.State}, t.Usual.targets()...)
		return row.Scan(append(to, t.Now.targets()...)...)
	}, `SELECT trait.1 AS kind, trait.2 AS name, argMax(trait.3, (time, offset)), multiIf(events_now = 0, 'absent', events_then > failures_then, 'usual', 'new') AS state,
			countIf(NOT current) AS events_then, countIf(NOT current AND outcome = 'success'), countIf(NOT current AND outcome = 'failure') AS failures_then, minIf(time, NOT current), maxIf(time, NOT current),
			countIf(current) AS events_now, countIf(current AND outcome = 'success'), countIf(current AND outcome = 'failure'), minIf(time, current), maxIf(time, current)
		FROM (
			SELECT time, offset, outcome, true`+now+` AS current, `+traits+` AS trait
			FROM events WHERE `+whose+` AND kind = 'event' AND (true`+then+` OR true`+now+`)
		)
		GROUP BY kind, name
		HAVING events_now > 0 OR events_then > failures_then
		ORDER BY indexOf(['new', 'usual', 'absent'], state), `+byKind+`, if(events_now > 0, events_now, events_then) DESC, name
		LIMIT `+fmt.Sprint(limit)+` BY kind, state`, args...)
	return err
}

// maxBefore bounds how many networks of earlier days are looked at.
const maxBefore = 10_000

// addBefore looks up what is new in the days before the usual time. The summary
// of sign-ins answers that without the events.
func (s *Store) addBefore(ctx context.Context, c *Comparison, _ int) error {
	type seen struct {
		Trait
		last event.Time
	}
	whose, args := c.Subject.where()
	rows, err := list(ctx, s, "networks of "+c.Subject.String(), func(row driver.Rows, t *seen) error {
		return row.Scan(&t.Kind, &t.Name, (*instant)(&t.last))
	}, `SELECT trait.1 AS kind, trait.2 AS name, max(last_seen) AS last
		FROM (
			SELECT last_seen, arrayJoin([('network', `+networkOf+`), ('as', `+asOf+`), ('country', toString(country))]) AS trait
			FROM (SELECT last_seen, network AS source_ip, source_as, '' AS source_as_name, country FROM network_days WHERE `+whose+` AND day < toDate32(`+at+`) AND successes > 0)
		)
		WHERE name != ''
		GROUP BY kind, name ORDER BY last DESC, kind, name LIMIT `+fmt.Sprint(maxBefore), append(args, int64(c.Usual.Since))...)
	before := make(map[[2]string]event.Time, len(rows))
	for _, t := range rows {
		before[[2]string{t.Kind, t.Name}] = t.last
	}
	for i := range c.Traits {
		if t := &c.Traits[i]; t.State == StateNew {
			t.Before = before[[2]string{t.Kind, t.Name}]
		}
	}
	return err
}
