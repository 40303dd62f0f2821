package scoring

import (
	"encoding/binary"

	"github.com/riskstream/riskstream/internal/wire"
)

// How an id is written, in the byte before it: less is the length of a text.
const (
	idUUID = 0x80 // 16 bytes follow
	idHex  = 0x80 // and above: so many times 4 bytes, each two lower-case digits
)

// uuidDigits is how many hexadecimal digits a UUID has, uuidLength how long it
// is with the dashes between them.
const (
	uuidDigits = 32
	uuidLength = 36
)

// appendID appends an id of an event or a session. Most are UUIDs or other
// hexadecimal digits, which take half as many bytes.
func appendID(b, id []byte) []byte {
	switch {
	case len(id) == 0:
		return append(b, 0)
	case len(id) == uuidLength && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-':
		var digits [uuidDigits]byte
		copy(digits[:8], id)
		copy(digits[8:12], id[9:])
		copy(digits[12:16], id[14:])
		copy(digits[16:20], id[19:])
		copy(digits[20:], id[24:])
		if to, exact := appendDigits(append(b, idUUID), digits[:]); exact {
			return to
		}
	case len(id)%8 == 0:
		if to, exact := appendDigits(append(b, idHex|byte(len(id)/8)), id); exact {
			return to
		}
	}
	return wire.AppendText(b, id)
}

// decodeID reads what appendID wrote into an array that is zero.
func decodeID(r *wire.Reader, to []byte) {
	switch form := r.Byte(); {
	case form == idUUID:
		var d [uuidDigits]byte
		decodeDigits(r, d[:])
		copy(to, d[:8])
		copy(to[9:], d[8:12])
		copy(to[14:], d[12:16])
		copy(to[19:], d[16:20])
		copy(to[24:], d[20:])
		to[8], to[13], to[18], to[23] = '-', '-', '-', '-'
	case form >= idHex:
		n := int(form-idHex) * 8
		if n > len(to) {
			r.Fail(wire.ErrRange)
			return
		}
		decodeDigits(r, to[:n])
	case int(form) > len(to):
		r.Fail(wire.ErrRange)
	default:
		copy(to, r.Bytes(int(form)))
	}
}

// appendDigits reports whether decodeDigits gives back the very same digits. It
// takes eight at a time.
func appendDigits(b, digits []byte) (_ []byte, exact bool) {
	for ; len(digits) >= 8; digits = digits[8:] {
		text := binary.LittleEndian.Uint64(digits)
		n := packDigits(text)
		if digitsOf(n) != text {
			return b, false
		}
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b, true
}

func decodeDigits(r *wire.Reader, to []byte) {
	for b := r.Bytes(len(to) / 2); len(b) >= 4; b, to = b[4:], to[8:] {
		binary.LittleEndian.PutUint64(to, digitsOf(binary.LittleEndian.Uint32(b)))
	}
}

// each is a number in every byte of a word.
const each = 0x0101010101010101

// packDigits makes 4 bytes of 8 digits.
func packDigits(text uint64) uint32 {
	n := text&(0x0f*each) + 9*(text>>6&each) // a letter has bit 6, and its lower bits are 1 for an a
	n = (n<<4 | n>>8) & 0x00ff00ff00ff00ff
	n = (n | n>>8) & 0x0000ffff0000ffff
	return uint32(n | n>>16)
}

// digitsOf makes 8 digits of 4 bytes.
func digitsOf(packed uint32) uint64 {
	n := uint64(packed)
	n = (n | n<<16) & 0x0000ffff0000ffff
	n = (n | n<<8) & 0x00ff00ff00ff00ff
	n = (n>>4 | n<<8) & (0x0f * each)
	letters := (n + 6*each) >> 4 & each
	return n + '0'*each + ('a'-'0'-10)*letters
}
