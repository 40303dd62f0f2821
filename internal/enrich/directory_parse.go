package enrich

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// Bounds of a directory. Reading YAML takes memory and time: 64 MiB hold about
// 400,000 users with three aliases each, which take some 1.2 GB for some ten
// seconds, and then 220 MB.
const (
	maxDirectoryBytes   = 64 << 20
	maxDirectoryEntries = 2_000_000
	maxPlaces           = 10_000
	maxRadiusKM         = 1000
)

// parseDirectory reads a directory file, in YAML or JSON. Unknown keys are
// errors. The error lists every problem with file, line and column.
func parseDirectory(path string, data []byte) (*directory, error) {
	p := &directoryParser{yamlFile: yamlFile{path: path}, dir: newDirectory(), seen: map[string]int{}}
	root, err := p.parse(data)
	if err != nil {
		return nil, err
	}
	if root != nil {
		p.root(root)
	}
	if err := p.problems.join(path); err != nil {
		return nil, err
	}
	return p.dir, nil
}

// directoryParser walks the YAML tree. It stops taking entries beyond the
// bound, but goes on looking for errors.
type directoryParser struct {
	yamlFile
	dir      *directory
	entries  int
	seen     map[string]int // "kind\x00key" of networks, apps and resources → line
	prefixes []prefixEntry
	cidrs    []cidr
}

type cidr struct {
	prefix netip.Prefix
	network
}

func (p *directoryParser) root(root *node) {
	p.object(root, "the directory", []string{"users", "networks", "places", "apps", "resources"}, func(key string, value *node) {
		switch key {
		case "users":
			p.list(value, key, p.user)
		case "networks":
			p.list(value, key, p.network)
		case "places":
			p.list(value, key, p.place)
		case "apps":
			p.list(value, key, p.app)
		case "resources":
			p.list(value, key, p.resource)
		}
	})
	p.addNetworks()
	p.addPlaces()
	p.dir.prefixed = newPrefixTable(p.prefixes)
}

func (p *directoryParser) user(item *node, what string) {
	var name string
	var nameAt *node
	var aliases []*node
	a := account{}
	tenant := defaultTenant
	ok := p.object(item, what, []string{"name", "aliases", "kind", "privileged", "tenant", "access_windows"}, func(key string, value *node) {
		switch key {
		case "name":
			name, nameAt = p.text(value, key), value
		case "aliases":
			p.list(value, what+".aliases", func(alias *node, _ string) { aliases = append(aliases, alias) })
		case "kind":
			a.kind = event.UserKind(p.oneOf(value, key, string(event.Human), string(event.Service)))
		case "privileged":
			a.privileged = p.flag(value, key)
		case "tenant":
			tenant = p.text(value, key)
		case "access_windows":
			p.list(value, what+".access_windows", func(item *node, what string) {
				a.windows = append(a.windows, p.accessWindow(item, what))
			})
		}
	})
	if !ok || nameAt == nil {
		p.missing(ok, item, what, "name")
		return
	}
	if name == "" || tenant == "" {
		return // said already
	}
	a.subject = name
	if strings.Contains(name, "@") {
		a.subject = strings.ToLower(name) // as ingest writes e-mail addresses and UPNs
	}
	names := p.dir.users[tenant]
	if names == nil {
		names = map[string]userRef{}
		p.dir.users[tenant] = names
	}
	p.dir.accounts = append(p.dir.accounts, a)
	ref := userRef{account: int32(len(p.dir.accounts) - 1)}
	p.addName(names, nameAt, name, ref)
	for _, alias := range aliases {
		if text := p.text(alias, "alias"); text != "" {
			p.addName(names, alias, text, ref)
		}
	}
}

// addName gives a name or alias to an account; within a tenant it can have one
// owner only.
func (p *directoryParser) addName(names map[string]userRef, at *node, name string, ref userRef) {
	key := strings.ToLower(name)
	if other, taken := names[key]; taken {
		if other.account == ref.account {
			p.fail(at, "%q is given twice for this user", name)
		} else {
			p.fail(at, "%q already belongs to %s (line %d); a name or alias belongs to one user", name, p.dir.accounts[other.account].subject, other.line)
		}
		return
	}
	if p.count(at) {
		ref.line = int32(at.Line)
		names[key] = ref
	}
}

func (p *directoryParser) network(item *node, what string) {
	var c cidr
	var cidrAt *node
	says := false
	ok := p.object(item, what, []string{"cidr", "corporate", "name", "as_type"}, func(key string, value *node) {
		switch key {
		case "cidr":
			var err error
			cidrAt = value
			if text := p.text(value, key); text != "" {
				if c.prefix, err = parseNetwork(text); err != nil {
					p.fail(value, "cidr: %v", err)
				}
			}
		case "corporate":
			c.corporate, says = p.flag(value, key), true
		case "name":
			c.name = p.text(value, key)
		case "as_type":
			c.asType, says = p.oneOf(value, key, event.ASMobile, event.ASSatellite), true
		}
	})
	switch {
	case !ok || cidrAt == nil:
		p.missing(ok, item, what, "cidr")
	case !c.prefix.IsValid():
	case !says:
		p.fail(item, "%s says nothing of %s: give corporate or as_type", what, c.prefix)
	case p.first(cidrAt, "network", c.prefix.String()):
		p.cidrs = append(p.cidrs, c)
	}
}

// addNetworks builds the table of networks, larger ones first, so that a
// network inherits from the one around it what it does not say itself.
func (p *directoryParser) addNetworks() {
	slices.SortStableFunc(p.cidrs, func(a, b cidr) int { return cmp.Compare(a.prefix.Bits(), b.prefix.Bits()) })
	for _, c := range p.cidrs {
		if i, inside := p.dir.prefixes.LookupPrefix(c.prefix); inside {
			outer := &p.dir.networks[i]
			if c.corporate == event.Unknown {
				c.corporate = outer.corporate
			}
			c.name = cmp.Or(c.name, outer.name)
			c.asType = cmp.Or(c.asType, outer.asType)
		}
		p.dir.networks = append(p.dir.networks, c.network)
		p.dir.prefixes.Insert(c.prefix, int32(len(p.dir.networks)-1))
		p.dir.knowsCorporate = p.dir.knowsCorporate || c.corporate != event.Unknown
	}
}

func (p *directoryParser) place(item *node, what string) {
	var pl place
	given := map[string]bool{}
	ok := p.object(item, what, []string{"name", "country", "lat", "lon", "radius_km"}, func(key string, value *node) {
		given[key] = true
		switch key {
		case "name":
			pl.name = p.text(value, key)
		case "country":
			if pl.country = p.text(value, key); pl.country != "" && !isCountry(pl.country) {
				p.fail(value, "country %q is not two capital letters (ISO 3166-1)", pl.country)
			}
		case "lat":
			pl.lat = p.number(value, key, -90, 90)
		case "lon":
			pl.lon = p.number(value, key, -180, 180)
		case "radius_km":
			if pl.radiusKM = p.number(value, key, 0, maxRadiusKM); pl.radiusKM == 0 {
				p.fail(value, "radius_km is 0: no location lies within")
			}
		}
	})
	for _, key := range []string{"name", "lat", "lon", "radius_km"} {
		if ok && !given[key] {
			p.missing(ok, item, what, key)
		}
	}
	if len(p.dir.places) == maxPlaces {
		p.fail(item, "more than %d places", maxPlaces)
		return
	}
	if p.count(item) {
		p.dir.places = append(p.dir.places, pl)
	}
}

func isCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

func (p *directoryParser) addPlaces() {
	for i := range p.dir.places {
		p.dir.places[i].band = p.dir.places[i].radiusKM/kmPerDegree + 1e-9
		p.dir.widestBand = max(p.dir.widestBand, p.dir.places[i].band)
	}
	slices.SortStableFunc(p.dir.places, func(a, b place) int { return cmp.Compare(a.lat, b.lat) })
}

func (p *directoryParser) app(item *node, what string) {
	var id, name string
	var idAt, nameAt *node
	sanctioned := event.Unknown
	given := false
	ok := p.object(item, what, []string{"id", "name", "sanctioned"}, func(key string, value *node) {
		switch key {
		case "id":
			id, idAt = p.text(value, key), value
		case "name":
			name, nameAt = strings.ToLower(p.text(value, key)), value
		case "sanctioned":
			sanctioned, given = p.flag(value, key), true
		}
	})
	if !ok || idAt == nil && nameAt == nil {
		p.missing(ok, item, what, "id or name")
		return
	}
	if !given {
		p.missing(ok, item, what, "sanctioned")
	}
	if id != "" && p.first(idAt, "app id", id) {
		p.dir.apps[id] = sanctioned
	}
	if name != "" && p.first(nameAt, "app name", name) {
		p.dir.appNames[name] = sanctioned
	}
}

func (p *directoryParser) resource(item *node, what string) {
	var id, name, prefix, class string
	var idAt, nameAt, prefixAt, classAt *node
	ok := p.object(item, what, []string{"id", "name", "prefix", "classification"}, func(key string, value *node) {
		switch key {
		case "id":
			id, idAt = p.text(value, key), value
		case "name":
			name, nameAt = strings.ToLower(p.text(value, key)), value
		case "prefix":
			prefix, prefixAt = p.text(value, key), value
		case "classification":
			class, classAt = p.text(value, key), value
		}
	})
	if !ok || idAt == nil && nameAt == nil && prefixAt == nil {
		p.missing(ok, item, what, "id, name or prefix")
		return
	}
	if classAt == nil {
		p.missing(ok, item, what, "classification")
	}
	if id != "" && p.first(idAt, "resource id", id) {
		p.dir.resources[id] = class
	}
	if name != "" && p.first(nameAt, "resource name", name) {
		p.dir.resourceNames[name] = class
	}
	if prefix != "" && p.first(prefixAt, "resource prefix", prefix) {
		p.prefixes = append(p.prefixes, prefixEntry{prefix: prefix, class: class})
	}
}

// first reports whether a key is new and there is room for it; a repeated key
// is an error.
func (p *directoryParser) first(at *node, kind, key string) bool {
	id := kind + "\x00" + key
	if line, taken := p.seen[id]; taken {
		p.fail(at, "%s %q is in line %d already", kind, key, line)
		return false
	}
	p.seen[id] = at.Line
	return p.count(at)
}

// count reports whether there is room for another entry.
func (p *directoryParser) count(at *node) bool {
	if p.entries++; p.entries == maxDirectoryEntries+1 {
		p.fail(at, "more than %d names, aliases and other entries", maxDirectoryEntries)
	}
	return p.entries <= maxDirectoryEntries
}

// missing says that a key is not there, unless the item was no object at all,
// which has been said.
func (p *directoryParser) missing(object bool, item *node, what, key string) {
	if object {
		p.fail(item, "%s: %s is missing", what, key)
	}
}

// maxTextBytes bounds a name, alias, id or other text; ingest cuts the texts of
// events at the same length, so that a longer one could never match.
const maxTextBytes = 512
