package simulate

import "math/bits"

// Salts keep the uses of one seed apart.
const (
	saltRecords uint64 = iota + 1
	saltPeople
	saltServices
	saltOkta
	saltEntra
	saltKeycloak
	saltDevice
	saltSession
	saltTenant
	saltApp
	saltStory
	saltKiosk
	saltCampaign
	saltTrip
	saltPlace
	saltJar
)

// mix hashes words into one (the finaliser of SplitMix64 after each), so that
// an identifier follows from what it names.
func mix(words ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, w := range words {
		h = mixOne(h ^ w)
	}
	return h
}

func mixOne(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

const hexDigits = "0123456789abcdef"

// uuid writes 128 bits as a version 4 UUID.
func uuid(hi, lo uint64) string {
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	var b [36]byte
	n := 0
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			b[n] = '-'
			n++
		}
		b[n] = hexDigits[hi>>60]
		n++
		hi, lo = hi<<4|lo>>60, lo<<4
	}
	return string(b[:])
}

// uuidOf is the UUID of what the words name.
func uuidOf(words ...uint64) string {
	h := mix(words...)
	return uuid(h, mixOne(h))
}

// hexOf is n hexadecimal digits of what the word names.
func hexOf(word uint64, n int) string {
	b := make([]byte, n)
	for i := range b {
		if i%16 == 0 {
			word = mixOne(word)
		}
		b[i] = hexDigits[word&15]
		word = bits.RotateLeft64(word, -4)
	}
	return string(b)
}

const base62Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// base62 is prefix and n letters or digits of what the word names: the form of
// Okta's identifiers.
func base62(prefix string, word uint64, n int) string {
	b := make([]byte, len(prefix)+n)
	copy(b, prefix)
	for i := len(prefix); i < len(b); i++ {
		word = mixOne(word)
		b[i] = base62Digits[word%62]
	}
	return string(b)
}
