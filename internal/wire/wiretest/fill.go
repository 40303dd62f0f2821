// Package wiretest fills values for tests of their binary form: every field,
// so that one which is added later and not written is found.
package wiretest

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"pgregory.net/rapid"
)

// Fill sets every field of the struct or array that to points to, exported or
// not: to 0, to the ends of its range, to what other fields are likely to have
// too, or to anything. Floats are finite. The limits are the greatest valid
// numbers of fields, by Type.Field, where that is less than the field holds;
// one with a sign may be as far below 0.
func Fill(t *rapid.T, to any, limits map[string]uint64) {
	f := filler{t, limits}
	f.fill(reflect.ValueOf(to).Elem(), "")
}

type filler struct {
	t      *rapid.T
	limits map[string]uint64
}

func (f *filler) fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Field(i)
			settable := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
			f.fill(settable, v.Type().Name()+"."+v.Type().Field(i).Name)
		}
	case reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Len() > 4 {
			f.text(v, name)
			return
		}
		// Places of a list stay empty too, between those in use.
		use := rapid.Uint64().Draw(f.t, name)
		for i := range v.Len() {
			if use>>(i%64)&1 != 0 {
				f.fill(v.Index(i), name)
			} else {
				v.Index(i).SetZero()
			}
		}
	default:
		f.number(v, name)
	}
}

// text fills an array of bytes as texts do, from the front, sometimes with a
// zero in it.
func (f *filler) text(v reflect.Value, name string) {
	v.SetZero()
	n := rapid.IntRange(0, v.Len()).Draw(f.t, name)
	reflect.Copy(v, reflect.ValueOf(rapid.SliceOfN(rapid.Byte(), n, n).Draw(f.t, name)))
}

func (f *filler) number(v reflect.Value, name string) {
	most := func(natural uint64) uint64 {
		if limit, ok := f.limits[name]; ok {
			return limit
		}
		return natural
	}
	size := v.Type().Bits
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(f.t, name))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		top := most(math.MaxUint64 >> (64 - size()))
		v.SetUint(rapid.OneOf(rapid.SampledFrom([]uint64{0, top}), rapid.Uint64Range(0, min(3, top)), rapid.Uint64Range(0, top)).Draw(f.t, name))
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		top := int64(most(math.MaxInt64 >> (64 - size())))
		low := -top
		if _, limited := f.limits[name]; !limited {
			low-- // two's complement reaches one further
		}
		v.SetInt(rapid.OneOf(rapid.SampledFrom([]int64{0, low, top}), rapid.Int64Range(0, min(3, top)), rapid.Int64Range(low, top)).Draw(f.t, name))
	case reflect.Float32, reflect.Float64:
		greatest, least := math.MaxFloat64, math.SmallestNonzeroFloat64
		if v.Kind() == reflect.Float32 {
			greatest, least = math.MaxFloat32, math.SmallestNonzeroFloat32
		}
		decimals := rapid.Map(rapid.IntRange(-1_800_000, 1_800_000), func(n int) float64 { return float64(n) / 1e4 })
		thousandths := rapid.Map(rapid.IntRange(-10_000, 10_000), func(n int) float64 { return float64(n) / 1e3 })
		v.SetFloat(rapid.OneOf(rapid.SampledFrom([]float64{0, greatest, -greatest, least, -least}),
			decimals, thousandths, rapid.Float64Range(-greatest, greatest)).Draw(f.t, name))
	default:
		panic(fmt.Sprintf("%s is a %s; state has numbers, flags and arrays of them", name, v.Kind()))
	}
}
