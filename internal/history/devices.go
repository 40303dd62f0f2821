package history

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Device is a device that events came from: one that the provider knows by an
// id, or else all that look alike by browser and operating system.
type Device struct {
	Of     *Subject `json:"of,omitempty"` // whose devices were asked for
	Tenant string   `json:"tenant"`
	ID     string   `json:"device_id,omitempty"`
	Agent  string   `json:"user_agent,omitempty"` // the latest, browser on operating system
	Shared
	Managed          *bool `json:"managed,omitempty"`   // the latest that was known
	Compliant        *bool `json:"compliant,omitempty"` // the latest that was known
	ManagedChanged   bool  `json:"managed_changed"`     // it was known to be the other too, in the span
	CompliantChanged bool  `json:"compliant_changed"`
	Seen
}

// Shared says who had something.
type Shared struct {
	Users uint64   `json:"users"` // how many
	By    []string `json:"by"`    // some of them, the most active first
}

// Columns of questions that count by user first and then together. The inner
// ones are seenColumns under names; the outer ones are read by Seen and Shared,
// which names five users. ClickHouse bounds a list of the least alone, so their
// events count down.
const (
	seenByUser   = "count() AS events, countIf(outcome = 'success') AS successes, countIf(outcome = 'failure') AS failures, min(time) AS first, max(time) AS last"
	seenTogether = "sum(events) AS n, sum(successes) AS succeeded, sum(failures) AS failed, min(first) AS earliest, max(last) AS latest"
	sharedBy     = "count() AS users, arrayMap(u -> u.2, groupArraySorted(5)((-toInt64(events), subject))) AS some"
)

func (s *Shared) targets() []any { return []any{&s.Users, &s.By} }

// Devices returns the devices of a user in the span, or of all users when of is
// nil: the limit devices that were seen last. A device that is known by an id
// says who else had it.
func (s *Store) Devices(ctx context.Context, of *Subject, span Span, limit int) ([]Device, error) {
	devices, err := s.devices(ctx, of, span, limit)
	if err != nil || of == nil {
		return devices, err
	}
	return devices, s.addOthers(ctx, devices, *of, span, limit)
}

func (s *Store) devices(ctx context.Context, of *Subject, span Span, limit int) ([]Device, error) {
	whose, args := whose(of)
	when, times := span.where("time")
	return list(ctx, s, "devices", func(row driver.Rows, d *Device) error {
		to := append([]any{&d.Tenant, &d.ID, &d.Agent}, d.Shared.targets()...)
		to = append(to, &d.Managed, &d.Compliant, &d.ManagedChanged, &d.CompliantChanged)
		d.Of = of
		return row.Scan(append(to, d.Seen.targets()...)...)
	}, `SELECT tenant, device_id, argMax(agent, (last, subject)), `+sharedBy+`,
			argMax(managed, (managed_at, subject)), argMax(compliant, (compliant_at, subject)),
			toBool(ifNull(min(managed_min) != max(managed_max), 0)), toBool(ifNull(min(compliant_min) != max(compliant_max), 0)), `+seenTogether+`
		FROM (
			SELECT tenant, device_id, subject, if(device_id = '', `+agentOf+`, '') AS kind_of_device, argMax(`+agentOf+`, (time, offset)) AS agent,
				argMax(device_managed, (time, offset)) AS managed, maxIf(time, device_managed IS NOT NULL) AS managed_at, min(device_managed) AS managed_min, max(device_managed) AS managed_max,
				argMax(device_compliant, (time, offset)) AS compliant, maxIf(time, device_compliant IS NOT NULL) AS compliant_at, min(device_compliant) AS compliant_min, max(device_compliant) AS compliant_max,
				`+seenByUser+`
			FROM events
			WHERE `+whose+` AND kind = 'event' AND (device_id != '' OR user_agent_name != '' OR user_agent_os != '')`+when+`
			GROUP BY tenant, device_id, kind_of_device, subject
		)
		GROUP BY tenant, device_id, kind_of_device
		ORDER BY latest DESC, tenant, device_id, kind_of_device LIMIT `+fmt.Sprint(limit), append(args, times...)...)
}

// addOthers says of a user's devices who had them beside the user.
func (s *Store) addOthers(ctx context.Context, devices []Device, of Subject, span Span, limit int) error {
	whose, args := of.where()
	when, times := span.where("time")
	args = slices.Concat([]any{of.Tenant}, times, args, times)
	// GLOBAL asks for the ids once, not on each server of a cluster.
	found, err := list(ctx, s, "users of the devices of "+of.String(), func(row driver.Rows, d *Device) error {
		return row.Scan(append([]any{&d.ID}, d.Shared.targets()...)...)
	}, `SELECT device_id, `+sharedBy+`
		FROM (
			SELECT device_id, subject, count() AS events FROM events
			WHERE tenant = ? AND subject != '' AND kind = 'event'`+when+` AND device_id GLOBAL IN (
				SELECT device_id FROM events WHERE `+whose+` AND kind = 'event' AND device_id != ''`+when+`
				GROUP BY device_id ORDER BY max(time) DESC, device_id LIMIT `+fmt.Sprint(limit)+`
			)
			GROUP BY device_id, subject
		)
		GROUP BY device_id`, args...)
	users := make(map[string]Shared, len(found))
	for _, d := range found {
		users[d.ID] = d.Shared
	}
	for i := range devices {
		if shared, known := users[devices[i].ID]; known {
			devices[i].Shared = shared
		}
	}
	return err
}

// whose is the condition that rows are of a user, or of any when there is none.
func whose(of *Subject) (condition string, args []any) {
	if of == nil {
		return "subject != ''", nil
	}
	return of.where()
}
