package detectors

import (
	"fmt"

	"github.com/riskstream/riskstream/event"
)

const (
	newDevice  = "new_device"
	maxDevices = 8
)

// familiarPlaceStrength: attackers are hardly ever at the victim's address, so
// what is new there is mostly the victim's; and a browser of a kind that the user
// has, in a network of theirs, has mostly lost its cookies. Ours.
const familiarPlaceStrength = 0.5

// detectNewDevice sees a sign-in from a device that the subject is not known
// by: the bound device id, else OS family and browser family without versions,
// so that an update is no new device. Where the provider gives browsers a
// cookie, one of a known kind is new without it, too; not at an address of the
// user's, where cookies get lost. It is not evaluable when the log has none of
// these.
func (s *Set) detectNewDevice(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	known := count(m.devices[:])
	if !s.cfg.NewDevice.Enabled || at.device() == 0 || known == 0 || m.acceptsDevice(at) {
		return out
	}
	home, kind := m.knowsSource(at), m.knowsKind(at)
	d := event.Detection{
		Name:     newDevice,
		Strength: 1,
		Key:      uint64(at.device()),
		Summary:  "Sign-in from " + m.deviceWords(at) + " new for this user: " + deviceName(e),
		Evidence: []event.Fact{
			event.Text("device", deviceName(e)),
			event.Text("registered", yesNo(at.bound != 0)),
			event.Number("known_devices", float64(known)),
		},
	}
	if home || kind && m.knowsNetwork(at) {
		d.Strength = familiarPlaceStrength
	}
	switch newest := m.newestOf(at); {
	case kind:
		d.Summary = "Sign-in from a browser of a kind that this user has, but none of theirs: " + deviceName(e)
		d.Evidence = append(d.Evidence, event.Text("known_kind", yesNo(true)))
	case at.bound == 0 && m.outdated(at):
		d.Summary = fmt.Sprintf("Sign-in from %s in version %d, older than this user's (%d)", deviceName(e), at.version, newest)
		d.Evidence = append(d.Evidence, event.Number("version", float64(at.version)), event.Number("known_version", float64(newest)))
	}
	return append(out, d)
}

// deviceWords says what it is that is new. The user may well have such a device,
// with another registration.
func (m *Memory) deviceWords(at *sighting) string {
	switch {
	case at.bound != 0:
		return "a registered device"
	case m.hasRegistered(at):
		return "an unregistered device"
	}
	return "a device"
}

// hasRegistered reports that the user is known by a registered device of the same
// system, as far as can be told: where the log names versions, what is known by
// its kind has one.
func (m *Memory) hasRegistered(at *sighting) bool {
	for i := range m.devices {
		if at.version != 0 && at.os != 0 && m.devices[i].os() == at.os && m.vintages[i].newest == 0 {
			return true
		}
	}
	return false
}

// acceptsDevice reports that the device is known, or of a known kind at an address
// of the user's, where cookies get lost.
func (m *Memory) acceptsDevice(at *sighting) bool {
	return m.knowsDevice(at) || m.knowsKind(at) && m.knowsSource(at)
}

// knowsDevice reports that the user is known by the device: as the provider has
// registered it, by the browser's cookie, or by its kind where the log has no
// better.
func (m *Memory) knowsDevice(at *sighting) bool {
	return m.ownDevice(at) || m.knowsKind(at) && !m.strangeBrowser(at)
}

// ownDevice reports that the provider has recognised the device, as registered
// or by the browser's cookie, and that it is one of the user's.
func (m *Memory) ownDevice(at *sighting) bool {
	return find(m.devices[:], at.bound) != nil || m.browsers.knows(at)
}

// knowsKind reports that the user is known by a browser on a system like these,
// and by one as old. A registered device is told by its id alone.
func (m *Memory) knowsKind(at *sighting) bool {
	return at.bound == 0 && find(m.devices[:], at.family) != nil && !m.outdated(at)
}
