package evaluate

import (
	"math"

	"github.com/riskstream/riskstream/event"
)

// Thresholds of Elastic's prebuilt rule on impossible travel.
const (
	elasticKM  = 500
	elasticKMH = 800
)

// elastic is that rule: two sign-ins in a row that are at least so far apart and
// so fast. Its value is the speed, 0 when it does not match.
type elastic struct{ last map[uint64]sighting }

// sighting is where and when a user was last seen.
type sighting struct {
	at       event.Time
	lat, lon float64
}

func newElastic() *elastic { return &elastic{last: map[uint64]sighting{}} }

func (m *elastic) judge(c *Case) float64 {
	e := &c.Event
	geo := &e.Source.Geo
	if !signedIn(e) || !geo.Located {
		return 0
	}
	user := event.Hash(event.Key(e.Tenant, e.User.Subject))
	here := sighting{e.Time, geo.Lat, geo.Lon}
	before, known := m.last[user]
	m.last[user] = here
	if !known {
		return 0
	}
	km := kilometres(before, here)
	kmh := km / max(math.Abs(here.at.Sub(before.at).Hours()), 1.0/3600)
	if km < elasticKM || kmh < elasticKMH {
		return 0
	}
	return kmh
}

// kilometres is the great-circle distance (haversine).
func kilometres(a, b sighting) float64 {
	const radius, degree = 6371.0, math.Pi / 180
	north, east := math.Sin((b.lat-a.lat)*degree/2), math.Sin((b.lon-a.lon)*degree/2)
	h := north*north + math.Cos(a.lat*degree)*math.Cos(b.lat*degree)*east*east
	return 2 * radius * math.Asin(math.Sqrt(min(1, h)))
}
