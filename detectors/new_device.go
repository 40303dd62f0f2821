package detectors

import "github.com/riskstream/riskstream/event"

const (
	newDevice  = "new_device"
	maxDevices = 8
)

// detectNewDevice sees a sign-in from a device that the subject is not known
// by: the bound device id, else OS family and browser family without versions,
// so that an update is no new device. It is not evaluable when the log has
// neither.
func (s *Set) detectNewDevice(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	known := count(m.devices[:])
	if !s.cfg.NewDevice.Enabled || at.device() == 0 || known == 0 || m.knowsDevice(at) {
		return out
	}
	return append(out, event.Detection{
		Name:     newDevice,
		Strength: 1,
		Key:      uint64(at.device()),
		Summary:  "Sign-in from a device new for this user: " + deviceName(e),
		Evidence: []event.Fact{
			event.Text("device", deviceName(e)),
			event.Text("registered", yesNo(at.bound != 0)),
			event.Number("known_devices", float64(known)),
		},
	})
}

func (m *Memory) knowsDevice(at *sighting) bool {
	return find(m.devices[:], at.device()) != nil
}
