package detectors

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/riskstream/riskstream/internal/wire"
)

// A field that often has a value the subject has elsewhere is written as one
// of these choices, and its own bytes follow only when it is given.
const (
	none    = iota // it is 0
	given          // it follows
	another        // it is that of the first other place; +1 for the next, and so on
)

// The head of an anchor, 16 bits: choices and what else is not written.
const (
	anchorCity     = 0  // 4 bits: length of the city without the zeros at its end
	anchorBound    = 4  // 4 bits: choice among devices
	anchorCountry  = 8  // 3 bits: choice among countries
	anchorSession  = 11 // 1 bit: it follows
	anchorTraits   = 12 // 1 bit: they follow; else they are located
	anchorDegrees  = 13 // 1 bit: both floats follow; else both are packed in 6 bytes
	anchorHeadBits = 14
)

func (m *Memory) appendAnchors(b []byte) []byte {
	var places uint32
	for i := range m.anchors {
		if m.anchors[i] != (anchor{}) {
			places |= 1 << i
		}
	}
	b = wire.AppendUint(b, places)
	before := begins(m.progress.day)
	for ; places != 0; places &= places - 1 {
		a := &m.anchors[bits.TrailingZeros32(places)]
		city := cityLength(&a.city)
		bound := choose(m.devices[:], a.bound)
		country := choose(m.countries[:], uint32(a.country))
		head := uint16(city)<<anchorCity | bound<<anchorBound | country<<anchorCountry
		packed, exact := packPlace(a.lat, a.lon)
		if a.session != 0 {
			head |= 1 << anchorSession
		}
		if a.traits != located {
			head |= 1 << anchorTraits
		}
		if !exact {
			head |= 1 << anchorDegrees
		}

		b = binary.LittleEndian.AppendUint16(b, head)
		b = wire.AppendHash32(b, a.source)
		if exact {
			b = append(b, byte(packed), byte(packed>>8), byte(packed>>16), byte(packed>>24), byte(packed>>32), byte(packed>>40))
		} else {
			b = wire.AppendFloat32(b, a.lat)
			b = wire.AppendFloat32(b, a.lon)
		}
		b = appendTime(b, a.at, before)
		b = wire.AppendUint(b, a.radius)
		if bound == given {
			b = wire.AppendHash32(b, a.bound)
		}
		if country == given {
			b = binary.LittleEndian.AppendUint16(b, a.country)
		}
		if a.session != 0 {
			b = binary.LittleEndian.AppendUint16(b, a.session)
		}
		if a.traits != located {
			b = append(b, byte(a.traits))
		}
		b = append(b, a.city[:city]...)
		before = a.at
	}
	return b
}

func (m *Memory) decodeAnchors(r *wire.Reader) {
	before := begins(m.progress.day)
	for places := uint32(r.Uint(1<<maxAnchors - 1)); places != 0; places &= places - 1 {
		a := &m.anchors[bits.TrailingZeros32(places)]
		start := r.Bytes(6)
		if start == nil {
			return
		}
		head := binary.LittleEndian.Uint16(start)
		city := int(head>>anchorCity) & 15
		bound := head >> anchorBound & 15
		country := head >> anchorCountry & 7
		if head>>anchorHeadBits != 0 || city > len(a.city) || bound >= another+maxDevices || country >= another+maxCountries {
			r.Fail(wire.ErrRange)
			return
		}
		a.source = binary.LittleEndian.Uint32(start[2:])
		if head>>anchorDegrees&1 == 0 {
			a.lat, a.lon = unpackPlace(r)
		} else {
			a.lat, a.lon = degrees(r), degrees(r)
		}
		a.at = decodeTime(r, before)
		a.radius = uint16(r.Uint(1<<16 - 1))
		switch {
		case bound == given:
			a.bound = r.Hash32()
		case bound >= another:
			a.bound = m.devices[bound-another].key
		}
		switch {
		case country == given:
			a.country = hash16(r)
		case country >= another:
			a.country = uint16(m.countries[country-another].key)
		}
		if head>>anchorSession&1 != 0 {
			a.session = hash16(r)
		}
		a.traits = located
		if head>>anchorTraits&1 != 0 {
			a.traits = traits(r.Byte())
		}
		copy(a.city[:], r.Bytes(city))
		before = a.at
	}
}

// choose says how a key is written that may be one of the known.
func choose(known []familiar, key uint32) uint16 {
	if key == 0 {
		return none
	}
	for i := range known {
		if known[i].key == key {
			return another + uint16(i)
		}
	}
	return given
}

func cityLength(city *[13]byte) int {
	n := len(city)
	for n > 0 && city[n-1] == 0 {
		n--
	}
	return n
}

// Geolocation databases give degrees with up to 4 decimals. Such a place is
// written in 43 of 48 bits: first the ten-thousandths that lat is above -90,
// then those that lon is above -180.
const latBits = 21

// packPlace reports whether unpackPlace gives back the very same floats.
func packPlace(lat, lon float32) (packed uint64, exact bool) {
	if !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) {
		return 0, false
	}
	y, x := uint64(float64(lat)*1e4+(90e4+0.5)), uint64(float64(lon)*1e4+(180e4+0.5))
	exact = math.Float32bits(degreesOf(y, 90e4)) == math.Float32bits(lat) &&
		math.Float32bits(degreesOf(x, 180e4)) == math.Float32bits(lon)
	return y | x<<latBits, exact
}

func unpackPlace(r *wire.Reader) (lat, lon float32) {
	p := r.Bytes(6)
	if p == nil {
		return 0, 0
	}
	packed := uint64(binary.LittleEndian.Uint32(p)) | uint64(binary.LittleEndian.Uint16(p[4:]))<<32
	y, x := packed&(1<<latBits-1), packed>>latBits
	if y > 180e4 || x > 360e4 {
		r.Fail(wire.ErrRange)
	}
	return degreesOf(y, 90e4), degreesOf(x, 180e4)
}

func degreesOf(tenThousandths, zero uint64) float32 {
	return float32(float64(int64(tenThousandths-zero)) / 1e4)
}

// degrees reads a float that is a number: no distance could be compared with
// what is none.
func degrees(r *wire.Reader) float32 {
	f := r.Float32()
	if f-f != 0 { // infinite or NaN
		r.Fail(wire.ErrRange)
		return 0
	}
	return f
}
