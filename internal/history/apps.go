package history

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/riskstream/riskstream/event"
)

// App is an application that events were about.
type App struct {
	Of     *Subject `json:"of,omitempty"` // whose apps were asked for
	Tenant string   `json:"tenant"`
	Key    string   `json:"app"`            // the id; the name where the log gives no id
	Name   string   `json:"name,omitempty"` // the latest
	Shared
	Sanctioned *bool      `json:"sanctioned,omitempty"` // the latest that was known
	New        bool       `json:"new"`                  // nothing of it is kept from before the span; false when that has no beginning
	Before     event.Time `json:"last_seen_before,omitzero"`
	Seen
}

// Apps returns the applications that a user had to do with in the span, or all
// users when of is nil: the new ones first, and then the limit that were seen
// last. What is new to a user need not be new to others.
func (s *Store) Apps(ctx context.Context, of *Subject, span Span, limit int) ([]App, error) {
	whose, args := whose(of)
	when, times := span.where("time")
	before, beforeArgs := "false", []any(nil)
	if span.Since != 0 {
		before, beforeArgs = "time < "+at, []any{int64(span.Since)}
	}
	return list(ctx, s, "apps", func(row driver.Rows, a *App) error {
		to := append([]any{&a.Tenant, &a.Key, &a.Name, &a.Sanctioned}, a.Shared.targets()...)
		to = append(to, a.Seen.targets()...)
		err := row.Scan(append(to, (*instant)(&a.Before))...)
		a.Of, a.New = of, a.Before == 0 && span.Since != 0
		return err
	}, `SELECT tenant, app, newest_name, known_sanctioned, users, some, n, succeeded, failed, earliest, latest, before
		FROM (
			SELECT tenant, app, argMax(name, (last, subject)) AS newest_name, argMax(sanctioned, (sanctioned_at, subject)) AS known_sanctioned, 
				`+sharedBy+`, `+seenTogether+`
			FROM (
				SELECT tenant, `+appOf+` AS app, subject, argMax(app_name, (time, offset)) AS name,
					argMax(app_sanctioned, (time, offset)) AS sanctioned, maxIf(time, app_sanctioned IS NOT NULL) AS sanctioned_at, `+seenByUser+`
				FROM events WHERE `+whose+` AND kind = 'event' AND app != ''`+when+`
				GROUP BY tenant, app, subject
			)
			GROUP BY tenant, app
		) AS used
		LEFT JOIN (
			SELECT tenant, `+appOf+` AS app, max(time) AS before
			FROM events WHERE `+whose+` AND kind = 'event' AND app != '' AND `+before+`
			GROUP BY tenant, app
		) AS earlier USING (tenant, app)
		ORDER BY before > toDateTime64(0, 3, 'UTC'), latest DESC, tenant, app LIMIT `+fmt.Sprint(limit), slices.Concat(args, times, args, beforeArgs)...)
}
