package wire

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// What was written is read again, and the end is where it should be.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.Uint64().Draw(t, "u")
		i := rapid.Int64().Draw(t, "i")
		f := rapid.Float64().Draw(t, "f")
		s := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "s")
		b := AppendUint(nil, u)
		b = AppendInt(b, i)
		b = AppendHash(b, u)
		b = AppendHash32(b, uint32(u))
		b = AppendFloat(b, f)
		b = AppendFloat32(b, float32(f))
		b = AppendText(b, s)
		b = append(b, 7)
		r := NewReader(b)
		if got := r.Uint(math.MaxUint64); got != u {
			t.Errorf("Uint %d, want %d", got, u)
		}
		if got := r.Int(); got != i {
			t.Errorf("Int %d, want %d", got, i)
		}
		if got := r.Hash(); got != u {
			t.Errorf("Hash %d, want %d", got, u)
		}
		if got := r.Hash32(); got != uint32(u) {
			t.Errorf("Hash32 %d, want %d", got, uint32(u))
		}
		if got := r.Float(); math.Float64bits(got) != math.Float64bits(f) {
			t.Errorf("Float %v, want %v", got, f)
		}
		if got := r.Float32(); math.Float32bits(got) != math.Float32bits(float32(f)) {
			t.Errorf("Float32 %v, want %v", got, float32(f))
		}
		if got := r.Text(300); string(got) != string(s) {
			t.Errorf("Text %q, want %q", got, s)
		}
		if got := r.Byte(); got != 7 {
			t.Errorf("Byte %d, want 7", got)
		}
		if err := r.End(); err != nil {
			t.Error(err)
		}
	})
}

// Damaged values end in an error, never in a panic or a wrong length.
func TestDamage(t *testing.T) {
	for name, c := range map[string]struct {
		read func(*Reader)
		from []byte
		want error
	}{
		"empty":         {func(r *Reader) { r.Uint(9) }, nil, ErrShort},
		"cut number":    {func(r *Reader) { r.Int() }, []byte{0x80}, ErrShort},
		"above limit":   {func(r *Reader) { r.Uint(9) }, []byte{10}, ErrRange},
		"endless":       {func(r *Reader) { r.Uint(9) }, []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, ErrRange},
		"cut hash":      {func(r *Reader) { r.Hash() }, make([]byte, 7), ErrShort},
		"text too long": {func(r *Reader) { r.Text(4) }, []byte{5, 1, 2, 3, 4, 5}, ErrRange},
		"cut text":      {func(r *Reader) { r.Text(9) }, []byte{5, 1}, ErrShort},
		"rest":          {func(r *Reader) { r.Byte(); r.End() }, []byte{1, 2}, ErrRest},
		"first error":   {func(r *Reader) { r.Uint(9); r.Hash() }, []byte{10}, ErrRange},
	} {
		r := NewReader(c.from)
		c.read(&r)
		if !errors.Is(r.Err(), c.want) {
			t.Errorf("%s: %v, want %v", name, r.Err(), c.want)
		}
	}
}
