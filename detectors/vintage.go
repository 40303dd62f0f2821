package detectors

import "math"

// vintage is which versions of a kind of browser a user has had: browsers update
// themselves, and none gets older. One that is further behind than any of the
// user's is another machine's, however well it imitates the rest. Attackers'
// browsers are often outdated: they were set up once, for many victims.
type vintage struct {
	newest uint16 // major version; 0: none seen
	behind uint8  // how far behind the newest another of the user's was, at most; up to 255
}

// see takes in the version of a sign-in of the user's own.
func (v *vintage) see(version uint16) {
	switch {
	case version == 0:
	case version > v.newest:
		v.newest = version
	default:
		v.behind = max(v.behind, uint8(min(v.newest-version, math.MaxUint8)))
	}
}

// outdated reports that the user has had newer browsers of this kind, and none
// so far behind the newest. Versions 255 apart are of two ways to count, and say
// nothing.
func (m *Memory) outdated(at *sighting) bool {
	i := indexOf(m.devices[:], at.family)
	if i < 0 || at.version == 0 {
		return false
	}
	v := &m.vintages[i]
	return v.behind < math.MaxUint8 && uint32(at.version)+uint32(v.behind) < uint32(v.newest)
}

// newestOf is the newest version that the user has had of a kind of browser; 0:
// none is known.
func (m *Memory) newestOf(at *sighting) uint16 {
	if i := indexOf(m.devices[:], at.family); i >= 0 {
		return m.vintages[i].newest
	}
	return 0
}
