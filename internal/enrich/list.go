package enrich

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"
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

// parseList reads one network or address per line. Text after # or ; is a
// comment. The error names every bad line.
func parseList(path string, data []byte) (*bart.Lite, error) {
	set := &bart.Lite{}
	problems := problems{}
	text := strings.TrimPrefix(string(data), "\ufeff")
	number, entries := 0, 0
	for line := range strings.Lines(text) {
		number++
		if cut := strings.IndexAny(line, "#;"); cut >= 0 {
			line = line[:cut]
		}
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		prefix, err := parseNetwork(line)
		if err != nil {
			problems.add(number, 0, fmt.Errorf("%s:%d: %w", path, number, err))
			continue
		}
		if entries++; entries > maxListEntries {
			return nil, fmt.Errorf("%s:%d: more than %d networks; split or shorten the list", path, number, maxListEntries)
		}
		set.Insert(prefix)
	}
	return set, problems.join(path)
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
