package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/riskstream/riskstream/event"
)

// list runs a query and reads each row of the answer by scan. Its errors say
// what the query was about.
func list[T any](ctx context.Context, s *Store, about string, scan func(row driver.Rows, to *T) error, query string, args ...any) ([]T, error) {
	rows, err := s.conn.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	var all []T
	for rows.Next() {
		var one T
		if err = scan(rows, &one); err != nil {
			break
		}
		all = append(all, one)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	return all, nil
}

// instant reads a time of a row. The epoch, which the engine answers where there
// is none, is absent.
type instant event.Time

func (t *instant) Scan(value any) error {
	std, ok := value.(time.Time)
	if !ok {
		return fmt.Errorf("%T is not a time", value)
	}
	*t = instant(event.TimeOf(std))
	return nil
}

// Seen says how often something was seen, and when. What neither succeeded nor
// failed is among the events alone.
type Seen struct {
	Events    uint64     `json:"events"`
	Successes uint64     `json:"successes"`
	Failures  uint64     `json:"failures"`
	First     event.Time `json:"first_seen,omitzero"`
	Last      event.Time `json:"last_seen,omitzero"`
}

// seenColumns are read by (*Seen).targets.
const seenColumns = "count(), countIf(outcome = 'success'), countIf(outcome = 'failure'), min(time), max(time)"

func (s *Seen) targets() []any {
	return []any{&s.Events, &s.Successes, &s.Failures, (*instant)(&s.First), (*instant)(&s.Last)}
}

// where is the condition that rows are the user's; it is of the primary key.
func (s Subject) where() (condition string, args []any) {
	return "tenant = ? AND subject = ?", []any{s.Tenant, s.Name}
}

// What an event tells of a device, an application or a source network, in words
// that tell it from others. An application goes by its id, as everywhere.
const (
	agentOf   = "multiIf(user_agent_name = '', user_agent_os, user_agent_os = '', user_agent_name, concat(user_agent_name, ' on ', user_agent_os))"
	appOf     = "if(app_id = '', app_name, app_id)"
	isIPv4    = "startsWith(hex(source_ip), '00000000000000000000FFFF')"
	networkOf = "multiIf(source_ip = toIPv6('::'), '', " + isIPv4 + ", substring(toString(source_ip), 8), concat(cutIPv6(source_ip, 8, 0), '/64'))"
	asOf      = "multiIf(source_as != 0, concat('AS', toString(source_as)), source_as_name)"
)

// traits are what tells a user's events apart, each with a text that explains
// it: one row of an event becomes one for each that it has.
const traits = `arrayJoin(arrayFilter(t -> t.2 != '', [
	('network', ` + networkOf + `, source_as_name),
	('as', ` + asOf + `, source_as_name),
	('country', toString(source_country), ''),
	('city', source_city, toString(source_country)),
	('device', device_id, ` + agentOf + `),
	('agent', ` + agentOf + `, ''),
	('app', ` + appOf + `, app_name),
	('hour', formatDateTime(time, '%H:00', 'UTC'), '')]))`

// Trait is something that an event has in common with others of its user: the
// source network, its AS, the country, the city, the device, the agent (browser
// on operating system), the app or the hour of the day (UTC).
type Trait struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	Note string `json:"note,omitempty"` // explains the name: of an app's id its name, of a network its owner
}

// byKind is an ORDER BY in the order of Trait's comment.
const byKind = "indexOf(['network', 'as', 'country', 'city', 'device', 'agent', 'app', 'hour'], kind)"
