package enrich

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/gaissmai/bart"

	"github.com/riskstream/riskstream/event"
)

// Bounds of a list: the largest public ones (all addresses seen as proxies in
// a month) have about a million lines.
const (
	maxListBytes   = 128 << 20
	maxListEntries = 2_000_000
)

// list is a set of networks that are one kind of anonymiser.
type list struct {
	anonymizer string
	prefixes   *bart.Lite
}

// threatList is a set of networks that threats come from, each with the moment
// from which it is no longer listed.
type threatList struct {
	name  string
	until *bart.Table[event.Time]
}

// never is the expiry of an entry that has none.
const never = event.MaxTime

// listing says that an address is on a threat list, and until when.
type listing struct {
	list  string
	until event.Time
}

// covers returns until when the list names the address; 0 when it does not. Of
// several networks that hold it the one that stays longest counts.
func (l *threatList) covers(ip netip.Addr) event.Time {
	var last event.Time
	for _, until := range l.until.Supernets(netip.PrefixFrom(ip, ip.BitLen())) {
		last = max(last, until)
	}
	return last
}

// parseList reads one network or address per line.
func parseList(path string, data []byte) (*bart.Lite, error) {
	set := &bart.Lite{}
	err := eachEntry(path, data, "networks", func(fields []string) error {
		prefix, err := parseNetwork(strings.Join(fields, " "))
		if err == nil {
			set.Insert(prefix)
		}
		return err
	})
	return set, err
}

// parseThreats reads one network or address per line and, behind it, when it
// expires, if it does. Of two entries of one network the later expiry counts.
func parseThreats(path string, data []byte) (*bart.Table[event.Time], error) {
	set := &bart.Table[event.Time]{}
	err := eachEntry(path, data, "networks", func(fields []string) error {
		if len(fields) > 2 {
			return fmt.Errorf("%.60q is more than a network and its expiry", strings.Join(fields, " "))
		}
		prefix, err := parseNetwork(fields[0])
		if err != nil {
			return err
		}
		until := never
		if len(fields) == 2 {
			if until, err = parseMoment(fields[1]); err != nil {
				return err
			}
		}
		set.Modify(prefix, func(before event.Time, _ bool) (event.Time, bool) { return max(before, until), false })
		return nil
	})
	return set, err
}

// eachEntry hands over the fields of each line that has any. Text after # or ;
// is a comment. The error names every bad line.
func eachEntry(path string, data []byte, what string, add func(fields []string) error) error {
	problems := problems{}
	text := strings.TrimPrefix(string(data), "\ufeff")
	number, entries := 0, 0
	for line := range strings.Lines(text) {
		number++
		if cut := strings.IndexAny(line, "#;"); cut >= 0 {
			line = line[:cut]
		}
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if err := add(fields); err != nil {
			problems.add(number, 0, fmt.Errorf("%s:%d: %w", path, number, err))
			continue
		}
		if entries++; entries > maxListEntries {
			return fmt.Errorf("%s:%d: more than %d %s; split or shorten the list", path, number, maxListEntries, what)
		}
	}
	return problems.join(path)
}

// parseMoment reads a day, which begins at midnight UTC, or a time.
func parseMoment(s string) (event.Time, error) {
	var t event.Time
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		t = event.TimeOf(day)
	} else if err := t.UnmarshalText([]byte(s)); err != nil {
		return 0, fmt.Errorf("%.40q is no time: want 2026-12-01 or 2026-12-01T00:00:00Z", s)
	}
	if t < event.MinTime || t > event.MaxTime {
		return 0, fmt.Errorf("%s is not between the years 1990 and 2200", s)
	}
	return t, nil
}

// parseNetwork reads a network or a single address, in IPv4's own form where
// it is IPv4 inside IPv6.
func parseNetwork(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%.60q is no network: want an address, or address/length", s)
		}
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%.60q is no network: want an address, or address/length", s)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p.Bits() == 0 {
		return netip.Prefix{}, fmt.Errorf("%s is every address there is", p)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s has bits set beyond its length; write %s", p, p.Masked())
	}
	return p, nil
}
