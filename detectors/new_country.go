package detectors

import (
	"strings"

	"github.com/riskstream/riskstream/event"
)

const (
	newCountry   = "new_country"
	maxCountries = 5
)

// detectNewCountry sees a sign-in from a country that the subject is not known
// by. It is not evaluable where the address says nothing of the person's
// country: a satellite, a corporate egress, an anonymiser that the user is
// known to come through. Nor is it for a subject of whom no country is known
// yet, say because locations have only just been configured.
func (s *Set) detectNewCountry(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	if !s.cfg.NewCountry.Enabled || at.country == 0 || at.is(corporate) || at.is(satellite) || m.usesAnonymiser(at) {
		return out
	}
	if count(m.countries[:]) == 0 || m.knowsCountry(at) {
		return out
	}
	known := m.countryNames()
	return append(out, event.Detection{
		Name:     newCountry,
		Strength: m.placeStrength(at),
		Key:      uint64(at.country),
		Summary:  cameBy(e) + " from a country new for this user: " + countryName(at.country) + "; known: " + known,
		Evidence: []event.Fact{
			event.Text("country", countryName(at.country)),
			event.Text("place", placeName(&e.Source.Geo)),
			event.Text("known_countries", known),
		},
	})
}

func (m *Memory) knowsCountry(at *sighting) bool {
	return find(m.countries[:], uint32(at.country)) != nil
}

func (m *Memory) countryNames() string {
	var names []string
	for i := range m.countries {
		if key := m.countries[i].key; key != 0 {
			names = append(names, countryName(uint16(key)))
		}
	}
	return strings.Join(names, ", ")
}
