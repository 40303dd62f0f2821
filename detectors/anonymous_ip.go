package detectors

import (
	"github.com/riskstream/riskstream/event"
)

const anonymousIP = "anonymous_ip"

// AnonymousIPConfig switches anonymous_ip.
type AnonymousIPConfig struct {
	Enabled bool `yaml:"enabled"`
}

// kinds is a set of anonymisers.
type kinds uint8

const (
	kindTor kinds = 1 << iota
	kindVPN
	kindProxy
	kindResidentialProxy
	kindHosting
)

// kindOf is the kind of a source.anonymizer; 0 for none or one not known here.
func kindOf(anonymizer string) kinds {
	switch anonymizer {
	case "tor":
		return kindTor
	case "vpn":
		return kindVPN
	case "proxy":
		return kindProxy
	case "residential_proxy":
		return kindResidentialProxy
	case "hosting":
		return kindHosting
	}
	return 0
}

// hideLocation reports that the address says nothing of where the person is.
// A machine in a data centre is not hidden: it stands where it stands.
func (k kinds) hideLocation() bool { return k&^kindHosting != 0 }

// hostingStrength: data centres also hold virtual desktops, and gateways that
// employers route people through.
const hostingStrength = 0.5

// detectAnonymousIP sees a sign-in that succeeds through an anonymiser which
// is new for this user. A VPN that the user is known to come through is quiet,
// a corporate egress too; Tor never is. Failed attempts through anonymisers
// are noise that anyone can make, and are not looked at.
func (s *Set) detectAnonymousIP(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	if !s.cfg.AnonymousIP.Enabled || at.kinds == 0 || at.is(corporate) || m.usesAnonymiser(at) {
		return out
	}
	d := event.Detection{
		Name:     anonymousIP,
		Strength: m.placeStrength(at),
		Key:      uint64(at.network)<<8 | uint64(at.kinds), // the exits of one provider are one thing
		Evidence: []event.Fact{
			event.Text("anonymizer", e.Source.Anonymizer),
			event.Text("network", networkName(&e.Source)),
		},
	}
	switch at.kinds {
	case kindTor:
		d.Key = uint64(kindTor) // each circuit has another exit in another network
		d.Summary = cameBy(e) + " through Tor"
	case kindHosting:
		d.Strength *= hostingStrength
		d.Summary = cameBy(e) + " from a hosting network new for this user: " + networkName(&e.Source)
	case kindVPN:
		d.Summary = cameBy(e) + " through a VPN new for this user: " + networkName(&e.Source)
	case kindProxy:
		d.Summary = cameBy(e) + " through a public proxy new for this user: " + networkName(&e.Source)
	case kindResidentialProxy:
		d.Summary = cameBy(e) + " through a residential proxy new for this user: " + networkName(&e.Source)
	}
	return append(out, d)
}

// usesAnonymiser reports that the subject is known to come through this kind
// of anonymiser in this network. Tor is never learned.
func (m *Memory) usesAnonymiser(at *sighting) bool {
	f := find(m.networks[:], at.network)
	return f != nil && f.kinds&at.kinds != 0
}
