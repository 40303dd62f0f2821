package detectors

// standpoint is how much a place is the user's own, for what is done there.
//
// It asks for what was known on an earlier day: a sign-in that was not
// challenged teaches its place at once, also an attacker's.
type standpoint uint8

const (
	nowhereKnown standpoint = iota
	onTheirDevice
	atTheirs // in their network, or on a device that the provider has recognised
)

// standpoint of a place. Where the log tells neither network nor device there
// is nothing to hold against the user.
func (m *Memory) standpoint(at *sighting) standpoint {
	switch {
	case at.network == 0 && at.device() == 0, m.networkOfOld(at), m.ownDeviceOfOld(at):
		return atTheirs
	case at.ofOld(m.devices[:], at.family) && !m.strangeBrowser(at):
		return onTheirDevice
	}
	return nowhereKnown
}

// ofOld is atHome on an earlier day.
func (m *Memory) ofOld(at *sighting) bool {
	kind := at.bound == 0 && at.ofOld(m.devices[:], at.family) && !m.strangeBrowser(at)
	return m.networkOfOld(at) && (kind || m.ownDeviceOfOld(at))
}

// ownDeviceOfOld is ownDevice on an earlier day.
func (m *Memory) ownDeviceOfOld(at *sighting) bool {
	return at.ofOld(m.devices[:], at.bound) || at.ofOld(m.browsers[:], uint32(at.browser))
}

func (m *Memory) networkOfOld(at *sighting) bool {
	return at.is(corporate) || at.ofOld(m.networks[:], at.network)
}

func (m *Memory) sourceOfOld(at *sighting) bool {
	return at.is(corporate) || at.ofOld(m.sources[:], at.sourceKey())
}

// ofOld reports that a key was known before the day of the sighting.
func (s *sighting) ofOld(known []familiar, key uint32) bool {
	f := find(known, key)
	return f != nil && (f.days > 1 || f.lastDay < s.at.day())
}
