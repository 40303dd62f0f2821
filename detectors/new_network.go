package detectors

import "github.com/riskstream/riskstream/event"

const (
	newNetwork  = "new_network"
	maxNetworks = 10
)

// detectNewNetwork sees a sign-in from a network that the subject is not known
// by. A network is the AS, so that an IPv6 address that rotates or a carrier's
// changing NAT is not new; an attacker who is a customer of the same provider
// is not seen. Where the log names no AS it is the source network. A corporate
// network is new for nobody.
func (s *Set) detectNewNetwork(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	known := count(m.networks[:])
	if !s.cfg.NewNetwork.Enabled || at.network == 0 || known == 0 || m.knowsNetwork(at) {
		return out
	}
	return append(out, event.Detection{
		Name:     newNetwork,
		Strength: m.placeStrength(at),
		Key:      uint64(at.network),
		Summary:  cameBy(e) + " from a network new for this user: " + networkName(&e.Source),
		Evidence: []event.Fact{
			event.Text("network", networkName(&e.Source)),
			event.Number("known_networks", float64(known)),
		},
	})
}

func (m *Memory) knowsNetwork(at *sighting) bool {
	return at.is(corporate) || find(m.networks[:], at.network) != nil
}

// ownDeviceStrength: the identity provider has recognised a device or a browser
// that the user is known by. Whoever is somewhere new with it has mostly taken
// it along.
const ownDeviceStrength = 0.5

// placeStrength is how much a new place says.
func (m *Memory) placeStrength(at *sighting) float64 {
	if m.ownDeviceOfOld(at) {
		return ownDeviceStrength
	}
	return 1
}
