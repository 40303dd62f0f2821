// Package wire reads and writes the compact binary form in which state is kept
// in memory, in the changelog and in snapshots: variable-length numbers, fixed
// hashes and texts behind their length, one after the other without names.
//
// What is written begins with a version of its own, which the owner of the
// value gives it: a reader takes every version up to its own and refuses newer
// ones, so that state outlives upgrades.
package wire

import (
	"encoding/binary"
	"errors"
	"math"
)

// AppendUint appends a number in 1 to 10 bytes: small numbers are short.
func AppendUint[N ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uint](b []byte, n N) []byte {
	return binary.AppendUvarint(b, uint64(n))
}

// AppendInt appends a number that may be negative: numbers near 0 are short.
func AppendInt[N ~int8 | ~int16 | ~int32 | ~int64 | ~int](b []byte, n N) []byte {
	return binary.AppendVarint(b, int64(n))
}

// AppendHash appends all 8 bytes of a number without structure.
func AppendHash(b []byte, h uint64) []byte { return binary.LittleEndian.AppendUint64(b, h) }

// AppendHash32 appends all 4 bytes of a number without structure.
func AppendHash32(b []byte, h uint32) []byte { return binary.LittleEndian.AppendUint32(b, h) }

// AppendFloat appends the bits of f.
func AppendFloat(b []byte, f float64) []byte { return AppendHash(b, math.Float64bits(f)) }

// AppendFloat32 appends the bits of f.
func AppendFloat32(b []byte, f float32) []byte { return AppendHash32(b, math.Float32bits(f)) }

// AppendText appends a text behind its length.
func AppendText[T ~string | ~[]byte](b []byte, text T) []byte {
	b = AppendUint(b, uint64(len(text)))
	return append(b, text...)
}

// Errors of a Reader.
var (
	ErrShort = errors.New("the value ends too early")
	ErrRange = errors.New("a number is out of range")
	ErrRest  = errors.New("bytes are left over")
)

// Reader reads a value from its front. After the first error everything it
// returns is zero, and Err says what went wrong.
type Reader struct {
	rest []byte
	err  error
}

// NewReader reads b, which must not change until everything is read.
func NewReader(b []byte) Reader { return Reader{rest: b} }

// Err is the first error.
func (r *Reader) Err() error { return r.err }

// Len is how many bytes are left.
func (r *Reader) Len() int { return len(r.rest) }

// Fail makes err the first error unless there is one.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err, r.rest = err, nil
	}
}

// End fails unless everything has been read, and returns the first error.
func (r *Reader) End() error {
	if len(r.rest) > 0 {
		r.Fail(ErrRest)
	}
	return r.err
}

// Uint reads a number of at most limit.
func (r *Reader) Uint(limit uint64) uint64 {
	if b := r.rest; len(b) > 0 && b[0] < 0x80 && uint64(b[0]) <= limit { // most are small
		r.rest = b[1:]
		return uint64(b[0])
	}
	n, size := binary.Uvarint(r.rest)
	switch {
	case size == 0:
		r.Fail(ErrShort)
		return 0
	case size < 0 || n > limit:
		r.Fail(ErrRange)
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// Int reads a number that may be negative.
func (r *Reader) Int() int64 {
	n, size := binary.Varint(r.rest)
	switch {
	case size == 0:
		r.Fail(ErrShort)
		return 0
	case size < 0:
		r.Fail(ErrRange)
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.rest) == 0 {
		r.Fail(ErrShort)
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// Bytes reads n bytes. They alias what the Reader reads.
func (r *Reader) Bytes(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.Fail(ErrShort)
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// Hash reads what AppendHash wrote.
func (r *Reader) Hash() uint64 {
	if b := r.Bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Hash32 reads what AppendHash32 wrote.
func (r *Reader) Hash32() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Float reads what AppendFloat wrote.
func (r *Reader) Float() float64 { return math.Float64frombits(r.Hash()) }

// Float32 reads what AppendFloat32 wrote.
func (r *Reader) Float32() float32 { return math.Float32frombits(r.Hash32()) }

// Text reads what AppendText wrote, of at most limit bytes. It aliases what
// the Reader reads.
func (r *Reader) Text(limit int) []byte { return r.Bytes(int(r.Uint(uint64(limit)))) }
