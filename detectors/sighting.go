package detectors

import (
	"math"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// sighting is what the detectors need of an event, in the form in which state
// keeps it. Hashes are 0 where the log tells nothing.
type sighting struct {
	at       seconds
	lat, lon float32 // degrees; with radius, they count only when located
	source   uint32  // source network
	network  uint32  // what new_network goes by: the AS, else the source network
	bound    uint32  // bound device id
	family   uint32  // OS family and browser family
	session  uint32
	radius   uint16 // km, rounded up
	country  uint16 // the two letters
	browser  uint16 // what the provider's cookie names the browser
	version  uint16 // major one of the browser; 0 where the log tells none
	kinds    kinds  // the anonymiser; at most one
	traits   traits
	os       uint8 // a mark of the OS family
}

// traits of a source.
type traits uint8

const (
	located traits = 1 << iota
	corporate
	mobile
	satellite
)

func (s *sighting) is(t traits) bool { return s.traits&t != 0 }

func see(e *event.Event) sighting {
	s := sighting{
		at:      secondsOf(e.Time),
		source:  fold(e.Source.NetworkHash()),
		bound:   fold(event.Hash(e.Device.ID)),
		family:  familyOf(&e.UserAgent),
		session: fold(event.Hash(e.Session.ID)),
		browser: fold16(fold(event.Hash(e.UserAgent.ID))),
		version: majorOf(e.UserAgent.Version),
		country: countryCode(e.Source.Geo.Country),
		kinds:   kindOf(e.Source.Anonymizer),
		os:      markOf(e.UserAgent.OS),
	}
	s.network = s.source
	if n := e.Source.AS.Number; n != 0 {
		s.network = fold(mix(uint64(n)))
	}
	if e.Source.Corporate == event.True {
		s.traits |= corporate
	}
	switch e.Source.AS.Type {
	case event.ASMobile:
		s.traits |= mobile
	case event.ASSatellite:
		s.traits |= satellite
	}
	// A location without a radius may be anywhere in its country.
	if g := &e.Source.Geo; g.Located && g.AccuracyKM > 0 && math.Abs(g.Lat) <= 90 && math.Abs(g.Lon) <= 180 {
		s.traits |= located
		s.lat, s.lon = float32(g.Lat), float32(g.Lon)
		s.radius = uint16(min(math.Ceil(g.AccuracyKM), math.MaxUint16))
	}
	return s
}

// sameOrigin reports that both come from one source network and device.
func (s *sighting) sameOrigin(other *sighting) bool {
	return s.at != 0 && s.source == other.source && s.device() == other.device()
}

// device is the key of the device: the bound id, else what the browser says.
func (s *sighting) device() uint32 {
	if s.bound != 0 {
		return s.bound
	}
	return s.family
}

// familyOf identifies OS family and browser family without versions, so that
// an update is no new device. What the parser did not recognise is identified
// by the product name it starts with.
func familyOf(ua *event.UserAgent) uint32 {
	if ua.OS == "" && ua.Name == "" {
		product, _, _ := strings.Cut(ua.Original, "/")
		return fold(event.Hash(product))
	}
	return fold(mix(event.Hash(ua.OS)) + event.Hash(ua.Name))
}

// markOf shortens the name of an OS to a byte, to be kept beside a device. Only
// "" becomes 0.
func markOf(os string) uint8 {
	if os == "" {
		return 0
	}
	return max(uint8(event.Hash(os)), 1)
}

// deviceName is the device in words.
func deviceName(e *event.Event) string {
	ua := &e.UserAgent
	switch {
	case ua.Name != "" && ua.OS != "":
		return ua.Name + " on " + ua.OS
	case ua.Name != "" || ua.OS != "":
		return ua.Name + ua.OS
	case ua.Original != "":
		product, _, _ := strings.Cut(ua.Original, "/")
		return product
	}
	return "a registered device"
}

// countryCode packs the two letters of a country, 0 when it is not two letters.
func countryCode(iso string) uint16 {
	if len(iso) != 2 || !upper(iso[0]) || !upper(iso[1]) {
		return 0
	}
	return uint16(iso[0])<<8 | uint16(iso[1])
}

func upper(c byte) bool { return 'A' <= c && c <= 'Z' }

// countryName is the reverse of countryCode.
func countryName(code uint16) string {
	if code == 0 {
		return ""
	}
	return string([]byte{byte(code >> 8), byte(code)})
}

// fold shortens a hash for state. Only 0 becomes 0.
func fold(h uint64) uint32 { return event.ShortHash(h) }

// fold16 shortens once more, for the failures that are only counted.
func fold16(h uint32) uint16 {
	if h == 0 {
		return 0
	}
	if f := uint16(h>>16) ^ uint16(h); f != 0 {
		return f
	}
	return 1
}

// mix spreads a number over 64 bits (the finaliser of splitmix64), so that it
// can stand beside hashes.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
