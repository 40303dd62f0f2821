package detectors

import "github.com/riskstream/riskstream/event"

const threatIP = "threat_ip"

// ThreatIPConfig switches threat_ip.
type ThreatIPConfig struct {
	Enabled bool `yaml:"enabled"`
}

// ownThreatStrength: the user's own network with the user's own device. What
// the list has seen there may be another customer's machine, or the address's
// last holder.
const ownThreatStrength = 0.3

// detectThreatIP sees a sign-in that succeeds from an address on a threat list,
// as Entra's maliciousIPAddress and Okta's ThreatInsight do. Failed attempts
// from there are what such lists are made of, and are not looked at. Which list
// it is, and that it has not expired, ingest has found.
func (s *Set) detectThreatIP(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	if !s.cfg.ThreatIP.Enabled || e.Source.ThreatList == "" || at.is(corporate) {
		return out
	}
	own := m.atHome(at)
	d := event.Detection{
		Name:     threatIP,
		Strength: 1,
		Key:      uint64(at.source),
		Summary:  "Sign-in from an address on the threat list " + e.Source.ThreatList + ": " + networkName(&e.Source),
		Evidence: []event.Fact{
			event.Text("list", e.Source.ThreatList),
			event.Text("network", networkName(&e.Source)),
			event.Text("known_network_and_device", yesNo(own)),
		},
	}
	if own {
		d.Strength = ownThreatStrength
	}
	return append(out, d)
}
