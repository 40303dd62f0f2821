package detectors

import "github.com/riskstream/riskstream/event"

const deviceNoncompliant = "device_noncompliant"

// DeviceNoncompliantConfig switches device_noncompliant.
type DeviceNoncompliantConfig struct {
	Enabled bool `yaml:"enabled"`
}

// confidentialStrength: what is restricted is fewer people's, and weighs 1.
const confidentialStrength = 0.6

// detectDeviceNoncompliant sees a device that the identity provider says is not
// compliant used on a confidential or restricted resource. A device of which it
// says nothing is left alone: absent is not false.
func (s *Set) detectDeviceNoncompliant(e *event.Event, out []event.Detection) []event.Detection {
	if !s.cfg.DeviceNoncompliant.Enabled || e.Device.Compliant != event.False {
		return out
	}
	weight := sensitivity(e.Resource.Classification)
	if weight == 1 {
		return out
	}
	d := event.Detection{
		Name:     deviceNoncompliant,
		Strength: 1,
		Key:      event.Hash(e.Device.ID),
		Summary:  "Device that is not compliant used on what is " + e.Resource.Classification + ": " + objectName(e),
		Evidence: []event.Fact{
			event.Text("device", deviceName(e)),
			event.Text("classification", e.Resource.Classification),
			event.Text("object", objectName(e)),
		},
	}
	if weight < sensitivity("restricted") {
		d.Strength = confidentialStrength
	}
	return append(out, d)
}
