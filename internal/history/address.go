package history

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Address says who came from an address, or from any of a prefix, in a span.
type Address struct {
	Prefix netip.Prefix `json:"prefix"`
	Seen
	Nobody     uint64    `json:"nobody"` // events that name no known user
	Users      uint64    `json:"users"`  // how many there are; Visitors may be fewer
	Visitors   []Visitor `json:"visitors,omitempty"`
	Places     []Place   `json:"places,omitempty"`
	Detections []Counted `json:"detections,omitempty"` // at the events from there
}

// Visitor is a user who came from the address, or of whom somebody tried to.
type Visitor struct {
	Subject Subject `json:"subject"`
	Seen
	Score *Reached `json:"last_score,omitempty"` // the last that was published, whenever that was; absent when none was
}

// Place is where the address was held to be, and whose it is.
type Place struct {
	Country    string `json:"country,omitempty"`
	City       string `json:"city,omitempty"`
	AS         uint32 `json:"as,omitempty"`
	Network    string `json:"network,omitempty"` // organisation of the autonomous system
	Anonymizer string `json:"anonymizer,omitempty"`
	Corporate  bool   `json:"corporate,omitempty"` // an egress of the organisation
	Seen
}

// ParseAddress reads an IPv4 or IPv6 address, or a prefix of them.
func ParseAddress(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		ip, err := netip.ParseAddr(text)
		if err != nil || ip.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%.50q is no address: want 203.0.113.9, 203.0.113.0/24, 2001:db8::1 or 2001:db8::/48", text)
		}
		prefix = netip.PrefixFrom(ip, ip.BitLen())
	}
	if ip := prefix.Addr(); ip.Is4In6() {
		if prefix.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%.50q is more than IPv4: want a prefix of 96 bits or more, or 0.0.0.0/0 for all of it", text)
		}
		prefix = netip.PrefixFrom(ip.Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}

// sourceIn is the condition that a source address is in the prefix. One address
// is looked up in the index; more are a range of the column.
func sourceIn(prefix netip.Prefix) (condition string, args []any) {
	first, last := bounds(prefix)
	if first == last {
		return "source_ip = toIPv6(?)", []any{first.String()}
	}
	return "source_ip BETWEEN toIPv6(?) AND toIPv6(?) AND source_ip != toIPv6('::')", []any{first.String(), last.String()}
}

// bounds are the first and the last address of a prefix as the tables have
// them: IPv4 as ::ffff:a.b.c.d.
func bounds(prefix netip.Prefix) (first, last netip.Addr) {
	from := prefix.Masked().Addr().As16()
	to := from
	bits := prefix.Bits()
	if prefix.Addr().Is4() {
		bits += 96
	}
	for bit := bits; bit < 128; bit++ {
		to[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom16(from), netip.AddrFrom16(to)
}

// Address returns who came from an address in the span: the limit users with
// most successes, the limit places that were seen most, and as many detections.
// It is nil when nothing came from there.
func (s *Store) Address(ctx context.Context, prefix netip.Prefix, span Span, limit int) (*Address, error) {
	about := "events from " + prefix.String()
	where, args := sourceIn(prefix)
	when, times := span.where("time")
	where, args = where+when, append(args, times...)
	rows, err := list(ctx, s, about, func(row driver.Rows, a *Address) error {
		return row.Scan(append(a.targets(), &a.Nobody, &a.Users)...)
	}, "SELECT "+seenColumns+", countIf(subject = ''), uniqExactIf((tenant, subject), subject != '') FROM events WHERE "+where+" AND kind = 'event' HAVING count() > 0", args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	a := &rows[0]
	a.Prefix = prefix
	if a.Visitors, err = s.visitors(ctx, about, where, args, limit); err != nil {
		return nil, err
	}
	if a.Places, err = s.places(ctx, about, where, args, limit); err != nil {
		return nil, err
	}
	a.Detections, err = s.counted(ctx, about, where, args, limit)
	return a, err
}

func (s *Store) visitors(ctx context.Context, about, where string, args []any, limit int) ([]Visitor, error) {
	from := " FROM events WHERE " + where + " AND kind = 'event' AND subject != '' GROUP BY tenant, subject ORDER BY countIf(outcome = 'success') DESC, countIf(outcome = 'failure') DESC, tenant, subject LIMIT " + fmt.Sprint(limit)
	visitors, err := list(ctx, s, about, func(row driver.Rows, v *Visitor) error {
		return row.Scan(append([]any{&v.Subject.Tenant, &v.Subject.Name}, v.targets()...)...)
	}, "SELECT tenant, subject, "+seenColumns+from, args...)
	if err != nil {
		return nil, err
	}
	// GLOBAL asks for the users once, not on each server of a cluster.
	scored, err := list(ctx, s, "scores of users from there", func(row driver.Rows, v *Visitor) error {
		v.Score = &Reached{}
		r := v.Score
		return row.Scan(&v.Subject.Tenant, &v.Subject.Name, (*instant)(&r.At), &r.Score, &r.Level, &r.Decision, &r.EventID)
	}, `SELECT tenant, subject, last.1, last.2, last.3, last.4, last.5 FROM (
			SELECT tenant, subject, argMax((as_of, score, toString(level), toString(decision), event_id), (as_of, version, offset)) AS last
			FROM scores WHERE session_id = '' AND NOT ended AND (tenant, subject) GLOBAL IN (SELECT tenant, subject`+from+`)
			GROUP BY tenant, subject
		)`, args...)
	scores := make(map[Subject]*Reached, len(scored))
	for _, v := range scored {
		scores[v.Subject] = v.Score
	}
	for i := range visitors {
		visitors[i].Score = scores[visitors[i].Subject]
	}
	return visitors, err
}

func (s *Store) places(ctx context.Context, about, where string, args []any, limit int) ([]Place, error) {
	return list(ctx, s, about, func(row driver.Rows, p *Place) error {
		return row.Scan(append([]any{&p.Country, &p.City, &p.AS, &p.Network, &p.Anonymizer, &p.Corporate}, p.targets()...)...)
	}, `SELECT source_country, source_city, source_as, source_as_name, source_anonymizer, ifNull(source_corporate, false) AS corporate, `+seenColumns+`
		FROM events WHERE `+where+` AND kind = 'event'
		GROUP BY source_country, source_city, source_as, source_as_name, source_anonymizer, corporate
		ORDER BY count() DESC, source_country, source_city, source_as, source_as_name, source_anonymizer, corporate LIMIT `+fmt.Sprint(limit), args...)
}
