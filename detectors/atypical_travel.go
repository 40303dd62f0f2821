package detectors

import (
	"fmt"
	"time"

	"github.com/riskstream/riskstream/event"
)

const atypicalTravel = "atypical_travel"

// AtypicalTravelConfig holds the thresholds of atypical_travel.
type AtypicalTravelConfig struct {
	Enabled       bool          `yaml:"enabled"`
	MinDistanceKM float64       `yaml:"min_distance_km"` // from every place where the subject was seen lately
	Window        time.Duration `yaml:"window"`          // within which the subject was at one of them
}

const (
	hurriedKMH        = 300 // faster than by road or rail
	leisurelyStrength = 0.5 // there was time to go there by any means
)

// detectAtypicalTravel sees a sign-in far from everywhere the subject was seen
// lately, on an unknown device in an unknown network, though somebody could
// have travelled there. It leaves alone what impossible_travel judges: what is
// too fast for anybody is none of this, whether or not that one has a reason to
// keep silent.
func (s *Set) detectAtypicalTravel(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	cfg := &s.cfg.AtypicalTravel
	if !cfg.Enabled || !at.is(located) || at.is(satellite) || at.is(corporate) || at.kinds.hideLocation() || e.Source.Geo.Name != "" {
		return out
	}
	if at.device() == 0 || count(m.devices[:]) == 0 || m.knowsDevice(at) || m.knowsNetwork(at) {
		return out
	}
	from, leastKM := m.anchors.around(at)
	if from == nil || leastKM < cfg.MinDistanceKM || apart(at.at, from.at) > uint32(cfg.Window/time.Second) || !s.reachable(m, at) {
		return out
	}
	if (at.traits|from.traits)&mobile != 0 && at.country != 0 && at.country == from.country {
		return out // carriers put a phone anywhere in the country
	}
	span := apart(at.at, from.at)
	speed := from.distanceKM(at) / (float64(max(span, minTravel)) / 3600)
	strength := 1.0
	if speed < hurriedKMH {
		strength = leisurelyStrength
	}
	relation := "after"
	if at.at < from.at {
		relation = "before"
	}
	return append(out, event.Detection{
		Name:     atypicalTravel,
		Strength: strength,
		Key:      uint64(at.network),
		Summary: fmt.Sprintf("Sign-in from %s on a new device %s %s a sign-in in %s: %s km from anywhere this user was seen lately",
			placeName(&e.Source.Geo), spoken(span), relation, from.name(), grouped(leastKM)),
		Evidence: []event.Fact{
			event.Text("place", placeName(&e.Source.Geo)),
			event.Text("other_place", from.name()),
			event.Number("distance_km", leastKM),
			event.Number("speed_kmh", speed),
			event.Number("hours", float64(span)/3600),
			event.Text("device", deviceName(e)),
		},
	})
}

// around returns the anchor that is nearest in time to a sighting, nil if there
// is none, and how far the nearest in space is.
func (as *anchors) around(at *sighting) (nearest *anchor, leastKM float64) {
	for i := range as {
		a := &as[i]
		if a.at == 0 {
			continue
		}
		if d := a.distanceKM(at); nearest == nil || d < leastKM {
			leastKM = d
		}
		if nearest == nil || apart(a.at, at.at) < apart(nearest.at, at.at) {
			nearest = a
		}
	}
	return nearest, leastKM
}
