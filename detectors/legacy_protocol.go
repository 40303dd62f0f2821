package detectors

import "github.com/riskstream/riskstream/event"

const legacyProtocol = "legacy_protocol"

// LegacyProtocolConfig switches legacy_protocol.
type LegacyProtocolConfig struct {
	Enabled bool `yaml:"enabled"`
}

// ownProtocolStrength: a mail app that is set up at home.
const ownProtocolStrength = 0.5

// detectLegacyProtocol sees who comes in over a protocol that knows nothing but
// a password, so that a stolen one is enough; password spraying goes through
// them for that reason. Elastic and Microsoft alert on any use; here it is quiet
// once the user is known to use that protocol.
func (s *Set) detectLegacyProtocol(e *event.Event, at *sighting, p protocol, m *Memory, out []event.Detection) []event.Detection {
	if !s.cfg.LegacyProtocol.Enabled || m.usesProtocol(p) {
		return out
	}
	d := event.Detection{
		Name:     legacyProtocol,
		Strength: 1,
		Key:      uint64(p),
		Summary:  "Signed in over a protocol that cannot ask for a second factor, new for this user: " + e.Auth.Protocol,
		Evidence: []event.Fact{
			event.Text("protocol", e.Auth.Protocol),
			event.Text("network", networkName(&e.Source)),
			event.Text("known_network", yesNo(m.knowsNetwork(at))),
		},
	}
	if m.knowsNetwork(at) {
		d.Strength = ownProtocolStrength
	}
	return append(out, d)
}
