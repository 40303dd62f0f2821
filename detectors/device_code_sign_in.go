package detectors

import "github.com/riskstream/riskstream/event"

const deviceCodeSignIn = "device_code_sign_in"

// DeviceCodeSignInConfig switches device_code_sign_in.
type DeviceCodeSignInConfig struct {
	Enabled bool `yaml:"enabled"`
}

const (
	// firstDeviceCodeStrength: at the user's own place, as developers and
	// meeting rooms begin with it.
	firstDeviceCodeStrength = 0.3
	// movedDeviceCodeStrength: who uses it anyway, with a known client in a
	// network that is new.
	movedDeviceCodeStrength = 0.5
)

// detectDeviceCode sees tokens that are issued by the device-code grant. The
// victim of device-code phishing types the attacker's code into the real sign-in
// page, second factor and all, and the attacker gets the tokens: the address is
// that of who asked for them. Elastic alerts on the first grant from a device
// that is not compliant; a new network says the same of who is not of the house.
func (s *Set) detectDeviceCode(e *event.Event, at *sighting, m *Memory, learning bool, out []event.Detection) []event.Detection {
	if !s.cfg.DeviceCodeSignIn.Enabled {
		return out
	}
	used := m.usesProtocol(deviceCode)
	elsewhere := at.network != 0 && !m.knowsNetwork(at) && !learning
	strange := elsewhere && at.device() != 0 && !m.knowsDevice(at)
	uncompliant := e.Device.Compliant == event.False
	strength := 0.0
	switch {
	case strange, !used && (elsewhere || uncompliant):
		strength = 1
	case elsewhere:
		strength = movedDeviceCodeStrength
	case !used && !learning:
		strength = firstDeviceCodeStrength
	}
	if strength == 0 {
		return out
	}
	d := event.Detection{
		Name:     deviceCodeSignIn,
		Strength: strength,
		Key:      uint64(at.network),
		Session:  at.session != 0,
		Summary:  "Device-code sign-in",
		Evidence: []event.Fact{
			event.Text("network", networkName(&e.Source)),
			event.Text("new_network", yesNo(elsewhere)),
			event.Text("used_before", yesNo(used)),
		},
	}
	if !used {
		d.Summary = "First device-code sign-in of this user"
	}
	switch {
	case elsewhere:
		d.Summary += ", from a network that is new: " + networkName(&e.Source)
	case uncompliant:
		d.Summary += ", on a device that is not compliant"
	}
	if e.Device.Compliant != event.Unknown {
		d.Evidence = append(d.Evidence, event.Text("compliant", yesNo(!uncompliant)))
	}
	return append(out, d)
}
