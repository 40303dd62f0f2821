package detectors

import (
	"fmt"
	"math"
	"strings"

	"github.com/riskstream/riskstream/event"
)

const impossibleTravel = "impossible_travel"

// ImpossibleTravelConfig holds the thresholds of impossible_travel; both must
// be reached.
type ImpossibleTravelConfig struct {
	Enabled       bool    `yaml:"enabled"`
	MinDistanceKM float64 `yaml:"min_distance_km"` // between the nearest edges of both accuracy circles
	MinSpeedKMH   float64 `yaml:"min_speed_kmh"`
}

const (
	maxAnchors  = 4
	samePlaceKM = 50 // geolocation of one place jumps about within this
	minTravel   = 60 // seconds: shorter times are clock differences between logs, not travel
	downgrade   = 0.5
	leastTravel = 0.25 // downgrades speak of one doubt; they do not add up to silence
)

// anchors are the places of the last trusted sign-ins, one for each place. At
// the default speed nothing that is more than 22 hours old can be too far
// away, so a few are enough.
type anchors [maxAnchors]anchor

// anchor is the newest trusted sign-in from one place.
type anchor struct {
	at       seconds // 0: an empty entry
	lat, lon float32
	source   uint32
	bound    uint32
	session  uint16
	radius   uint16
	country  uint16
	traits   traits
	city     [13]byte // for the explanation; filled up with zeros
}

// detectImpossibleTravel compares the sign-in with the trusted sign-ins just
// before and just after it in event time. A late event is thus seen between
// its true neighbours, and A → B → A shows however it arrives.
//
// An anonymiser's location is its exit's, and a satellite's its ground
// station's: they make no claim. Hosting does: an attacker's rented machine
// stands where it stands.
func (s *Set) detectImpossibleTravel(e *event.Event, at *sighting, m *Memory, learning bool, out []event.Detection) []event.Detection {
	if !s.cfg.ImpossibleTravel.Enabled || !at.is(located) || at.is(satellite) || at.kinds.hideLocation() {
		return out
	}
	before, after := m.anchors.neighbours(at.at)
	first, tooFast := s.judgeTravel(before, e, at, m, learning)
	second, also := s.judgeTravel(after, e, at, m, learning)
	if also && (!tooFast || second.worseThan(&first)) {
		first, tooFast = second, true
	}
	if !tooFast {
		return out
	}
	return append(out, first.detection(e, at, m))
}

// journey is the way between a sign-in and an anchor that is too fast.
type journey struct {
	anchor     *anchor
	key        uint64 // what makes two journeys one piece of evidence
	distanceKM float64
	speedKMH   float64
	seconds    uint32
	strength   float64
	doubts     []string // why it is downgraded
}

func (j *journey) worseThan(other *journey) bool {
	if j.strength != other.strength {
		return j.strength > other.strength
	}
	return j.speedKMH > other.speedKMH
}

// judgeTravel reports whether nobody can have travelled between the anchor, if
// there is one, and the sign-in, and what speaks against it all the same.
func (s *Set) judgeTravel(a *anchor, e *event.Event, at *sighting, m *Memory, learning bool) (journey, bool) {
	j, tooFast := s.wayBetween(a, at)
	if !tooFast {
		return journey{}, false
	}

	// Wherever one device or session seems to jump, it is the same doubt.
	switch {
	case at.bound != 0 && at.bound == a.bound:
		j.doubt("same registered device")
		j.key = uint64(at.bound)
	case at.session != 0 && fold16(at.session) == a.session:
		j.doubt("same session")
		j.key = uint64(at.session)
	case m.browsers.knows(at):
		j.doubt("browser that the provider recognises")
		j.key = uint64(at.browser)
	}
	if e.Source.Geo.Name != "" {
		j.doubt("place common in the organisation")
	}
	switch {
	case (at.traits|a.traits)&mobile != 0 && at.country != 0 && at.country == a.country:
		j.doubt("mobile network of the same country")
	case m.ledHome(a, at):
		j.doubt("known device, and a carrier that may lead home from abroad")
		if m.ownDevice(at) {
			j.strength = leastTravel // there is hardly a doubt left
		}
	}
	if a.traits&corporate != 0 && m.atHome(at) {
		j.doubt("known network and device, and a corporate network elsewhere")
	}
	if at.kinds == kindHosting && m.usesAnonymiser(at) {
		j.doubt("hosting network that the user is known to use")
	}
	if learning {
		j.doubt("user still being learned")
	}
	return j, true
}

// ledHome reports that one end is a carrier of the user's, which leads its
// customers' connections home from wherever they are (home routing, GSMA IR.88),
// and the other end, or the same, a device of theirs. From elsewhere than the
// carrier the device must be registered: a browser that looks like the user's is
// soon found, and a carrier's exit is not.
func (m *Memory) ledHome(a *anchor, at *sighting) bool {
	switch {
	case at.is(mobile):
		return m.knowsNetwork(at) && m.knowsDevice(at)
	case a.traits&mobile != 0:
		return m.ownDevice(at)
	}
	return false
}

// wayBetween measures the way between the anchor and the sign-in, and reports
// whether it is too fast for anybody. Within one network, and between corporate
// egresses, there is none.
func (s *Set) wayBetween(a *anchor, at *sighting) (j journey, tooFast bool) {
	if a == nil {
		return journey{}, false
	}
	sameNetwork := at.source != 0 && at.source == a.source
	if sameNetwork || at.is(corporate) && a.traits&corporate != 0 {
		return journey{}, false
	}
	j = journey{anchor: a, key: uint64(at.network), seconds: apart(at.at, a.at), strength: 1}
	j.distanceKM = a.distanceKM(at)
	j.speedKMH = j.distanceKM / (float64(max(j.seconds, minTravel)) / 3600)
	return j, j.distanceKM >= s.cfg.ImpossibleTravel.MinDistanceKM && j.speedKMH >= s.cfg.ImpossibleTravel.MinSpeedKMH
}

// distanceKM is the distance between the nearest edges of both accuracy circles.
func (a *anchor) distanceKM(at *sighting) float64 {
	between := haversine(float64(at.lat), float64(at.lon), float64(a.lat), float64(a.lon))
	return max(0, between-float64(at.radius)-float64(a.radius))
}

func (j *journey) doubt(why string) {
	j.doubts = append(j.doubts, why)
	j.strength = max(leastTravel, j.strength*downgrade)
}

func (j *journey) detection(e *event.Event, at *sighting, m *Memory) event.Detection {
	here, there := placeName(&e.Source.Geo), j.anchor.name()
	relation, from, to := "after", there, here
	if at.at < j.anchor.at {
		relation, from, to = "before", here, there
	}
	evidence := []event.Fact{
		event.Text("from", from),
		event.Text("to", to),
		event.Number("distance_km", j.distanceKM),
		event.Number("speed_kmh", j.speedKMH),
		event.Number("minutes", float64(j.seconds)/60),
		event.Number("radius_km", float64(at.radius)),
		event.Number("other_radius_km", float64(j.anchor.radius)),
		event.Text("known_device", yesNo(m.knowsDevice(at))),
	}
	if len(j.doubts) > 0 {
		evidence = append(evidence, event.Text("downgraded", strings.Join(j.doubts, ", ")))
	}
	return event.Detection{
		Name:      impossibleTravel,
		Strength:  j.strength,
		Key:       j.key,
		Session:   at.session != 0,
		Elsewhere: j.anchor.source,
		Summary: fmt.Sprintf("Sign-in from %s %s %s a sign-in in %s: %s km at %s km/h",
			here, spoken(j.seconds), relation, there, grouped(j.distanceKM), grouped(j.speedKMH)),
		Evidence: evidence,
	}
}

// neighbours returns the newest anchor that is not after t and the oldest that
// is; nil where there is none.
func (as *anchors) neighbours(t seconds) (before, after *anchor) {
	for i := range as {
		a := &as[i]
		switch {
		case a.at == 0:
		case a.at <= t && (before == nil || a.at > before.at):
			before = a
		case a.at > t && (after == nil || a.at < after.at):
			after = a
		}
	}
	return before, after
}

// trust makes the sighting an anchor, if it can be one.
func (m *Memory) trust(at *sighting, city string) {
	if a, ok := anchorOf(at, city); ok {
		m.anchors.keep(&a)
	}
}

// reachable reports that the user can have travelled to the sighting from the
// anchors around it. One that was too fast, but for some doubt not challenged,
// must not become an anchor: the way back would count as a second journey, and
// the doubt would not hold for it.
func (s *Set) reachable(m *Memory, at *sighting) bool {
	before, after := m.anchors.neighbours(at.at)
	_, tooFastFrom := s.wayBetween(before, at)
	_, tooFastTo := s.wayBetween(after, at)
	return !tooFastFrom && !tooFastTo
}

// keep makes the sighting the anchor of its place. The newest of each place
// stays, and of the places those that were seen last, in whatever order events
// arrive; geolocation that jumps about within one place therefore never pushes
// out another.
func (as *anchors) keep(a *anchor) {
	into := as.samePlace(a)
	if into == nil {
		into = as.oldest()
	}
	if into.at <= a.at {
		*into = *a
	}
}

func (as *anchors) samePlace(a *anchor) *anchor {
	for i := range as {
		if as[i].at != 0 && a.source != 0 && as[i].source == a.source {
			return &as[i]
		}
	}
	for i := range as {
		if as[i].at != 0 && haversine(float64(as[i].lat), float64(as[i].lon), float64(a.lat), float64(a.lon)) <= samePlaceKM {
			return &as[i]
		}
	}
	return nil
}

func (as *anchors) oldest() *anchor {
	oldest := &as[0]
	for i := range as {
		if as[i].at < oldest.at {
			oldest = &as[i]
		}
	}
	return oldest
}

// anchorOf is the anchor that a sighting makes. There is none where the radius
// is unknown or where the address is not the person's own: anonymisers, data
// centres, satellites.
func anchorOf(at *sighting, city string) (anchor, bool) {
	if !at.is(located) || at.is(satellite) || at.kinds != 0 {
		return anchor{}, false
	}
	a := anchor{
		at: at.at, lat: at.lat, lon: at.lon, source: at.source, bound: at.bound, session: fold16(at.session),
		radius: at.radius, country: at.country, traits: at.traits,
	}
	copy(a.city[:], shortened(city, len(a.city)))
	return a, true
}

func (a *anchor) name() string {
	city := strings.TrimRight(string(a.city[:]), "\x00")
	return withCountry(city, countryName(a.country))
}

// haversine is the great-circle distance in km between two places in degrees.
// The conversions keep the compiler from fusing products and sums, which would
// give other last digits on other processors.
func haversine(lat1, lon1, lat2, lon2 float64) float64 {
	const earthKM, degree = 6371.0088, math.Pi / 180
	sinLat := math.Sin(float64(lat2-lat1) * degree / 2)
	sinLon := math.Sin(float64(lon2-lon1) * degree / 2)
	cos := float64(math.Cos(lat1*degree) * math.Cos(lat2*degree))
	h := float64(sinLat*sinLat) + float64(cos*float64(sinLon*sinLon))
	return 2 * earthKM * math.Asin(math.Sqrt(min(h, 1)))
}
