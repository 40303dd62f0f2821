package enrich

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/riskstream/riskstream/event"
)

// directory is what the organisation says of itself. It is immutable.
type directory struct {
	users          map[string]map[string]userRef // tenant → lower-cased name or alias
	accounts       []account
	networks       []network
	prefixes       bart.Fast[int32] // index into networks
	knowsCorporate bool             // some network is said to be corporate or not
	places         []place          // by latitude
	widestBand     float64          // the largest place.band
	apps           map[string]event.Flag
	appNames       map[string]event.Flag // lower-cased
	resources      map[string]string
	resourceNames  map[string]string // lower-cased
	prefixed       prefixTable
}

// userRef says whose name or alias it is, and where that is written.
type userRef struct{ account, line int32 }

type account struct {
	subject    string // canonical
	kind       event.UserKind
	privileged event.Flag
	windows    []accessWindow // of temporary access; none for most
}

type network struct {
	name      string
	corporate event.Flag
	asType    string
}

type place struct {
	name     string
	country  string
	lat, lon float64 // degrees
	radiusKM float64
	band     float64 // degrees of latitude that hold every point within the radius
}

func newDirectory() *directory {
	return &directory{
		users: map[string]map[string]userRef{},
		apps:  map[string]event.Flag{}, appNames: map[string]event.Flag{},
		resources: map[string]string{}, resourceNames: map[string]string{},
	}
}

// enrich completes user, app and resource, and says whether temporary access is
// used in its time. What the directory says wins over
// the log; what it does not say stays the log's.
func (d *directory) enrich(ev *event.Event) {
	if a := d.account(ev.Tenant, ev.User.Subject); a != nil {
		ev.User.Subject = a.subject
		if a.kind != "" {
			ev.User.Kind = a.kind
		}
		if a.privileged != event.Unknown {
			ev.User.Privileged = a.privileged
		}
		ev.Resource.AccessWindow = verdict(a.windows, ev)
	}
	if sanctioned := d.sanctioned(&ev.App); sanctioned != event.Unknown {
		ev.App.Sanctioned = sanctioned
	}
	if class := d.classification(&ev.Resource); class != "" {
		ev.Resource.Classification = class
	}
}

// defaultTenant is the tenant of events and users that name none.
const defaultTenant = "default"

func (d *directory) account(tenant, subject string) *account {
	if subject == "" || len(d.accounts) == 0 {
		return nil
	}
	if tenant == "" {
		tenant = defaultTenant
	}
	ref, ok := d.users[tenant][strings.ToLower(subject)]
	if !ok {
		return nil
	}
	return &d.accounts[ref.account]
}

func (d *directory) sanctioned(app *event.App) event.Flag {
	if len(d.apps) > 0 && app.ID != "" {
		if flag := d.apps[app.ID]; flag != event.Unknown {
			return flag
		}
	}
	if len(d.appNames) > 0 && app.Name != "" {
		var buf [64]byte
		return d.appNames[string(event.AppendLower(buf[:0], app.Name))]
	}
	return event.Unknown
}

// classification finds a resource by its id, else by its name, else by the
// longest prefix of the one or the other.
func (d *directory) classification(r *event.Resource) string {
	if r.ID == "" && r.Name == "" {
		return ""
	}
	if class := d.resources[r.ID]; class != "" {
		return class
	}
	if len(d.resourceNames) > 0 {
		var buf [128]byte
		if class := d.resourceNames[string(event.AppendLower(buf[:0], r.Name))]; class != "" {
			return class
		}
	}
	byID, idLength := d.prefixed.longest(r.ID)
	byName, nameLength := d.prefixed.longest(r.Name)
	if nameLength > idLength {
		return byName
	}
	return byID
}

// network is the smallest network of the directory that holds the address.
func (d *directory) network(ip netip.Addr) network {
	if len(d.networks) == 0 {
		return network{}
	}
	i, ok := d.prefixes.Lookup(ip)
	if !ok {
		return network{}
	}
	return d.networks[i]
}

// place names where the source is, if that is common in the organisation: a
// corporate network by its own name, else the smallest place that holds the
// location. The location of an anonymiser says where its exit stands, not the
// user: no place.
func (d *directory) place(s *event.Source, n *network) string {
	if n.corporate == event.True && n.name != "" {
		return n.name
	}
	g := &s.Geo
	if len(d.places) == 0 || !g.Located || s.Anonymizer != "" {
		return ""
	}
	from, _ := slices.BinarySearchFunc(d.places, g.Lat-d.widestBand, func(p place, lat float64) int { return cmp.Compare(p.lat, lat) })
	name, smallest := "", math.Inf(1)
	for i := from; i < len(d.places) && d.places[i].lat <= g.Lat+d.widestBand; i++ {
		p := &d.places[i]
		elsewhere := p.country != "" && g.Country != "" && p.country != g.Country
		if elsewhere || p.radiusKM >= smallest || math.Abs(p.lat-g.Lat) > p.band {
			continue
		}
		if distance(p.lat, p.lon, g.Lat, g.Lon) <= p.radiusKM {
			name, smallest = p.name, p.radiusKM
		}
	}
	return name
}

const (
	earthKM     = 6371.0 // mean radius
	kmPerDegree = earthKM * math.Pi / 180
)

// distance is the great-circle distance in kilometres (haversine).
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	const rad = math.Pi / 180
	sinLat, sinLon := math.Sin((lat2-lat1)*rad/2), math.Sin((lon2-lon1)*rad/2)
	h := sinLat*sinLat + math.Cos(lat1*rad)*math.Cos(lat2*rad)*sinLon*sinLon
	return 2 * earthKM * math.Asin(math.Sqrt(min(h, 1)))
}

// prefixTable finds the longest of many prefixes of a text.
type prefixTable []prefixEntry // by prefix

type prefixEntry struct {
	prefix string
	class  string
	parent int32 // the longest other entry that is a prefix of this one; -1 for none
}

// newPrefixTable takes entries in any order and fills in their parents.
func newPrefixTable(entries []prefixEntry) prefixTable {
	slices.SortFunc(entries, func(a, b prefixEntry) int { return strings.Compare(a.prefix, b.prefix) })
	for i := range entries {
		parent := int32(i) - 1
		for parent >= 0 && !strings.HasPrefix(entries[i].prefix, entries[parent].prefix) {
			parent = entries[parent].parent
		}
		entries[i].parent = parent
	}
	return entries
}

// longest returns the class of the longest prefix of s, and its length. Every
// prefix of s sorts at or before s, and the last entry at or before s is the
// longest prefix or has it among its parents.
func (t prefixTable) longest(s string) (class string, length int) {
	if len(t) == 0 || s == "" {
		return "", 0
	}
	i, found := slices.BinarySearchFunc(t, s, func(e prefixEntry, s string) int { return strings.Compare(e.prefix, s) })
	if !found {
		i--
	}
	for i >= 0 && !strings.HasPrefix(s, t[i].prefix) {
		i = int(t[i].parent)
	}
	if i < 0 {
		return "", 0
	}
	return t[i].class, len(t[i].prefix)
}
