package scoring

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"
)

// State is held for every subject: the garbage collector must have nothing to
// follow in it, and its size is what capacity plans are made with.
func TestStateIsFlat(t *testing.T) {
	for _, test := range []struct {
		typ  reflect.Type
		most uintptr
	}{
		{reflect.TypeFor[State](), 64},
		{reflect.TypeFor[Contribution](), 600},
	} {
		flat(t, test.typ, test.typ.Name())
		if test.typ.Size() > test.most {
			t.Errorf("%s has %d bytes; want at most %d", test.typ, test.typ.Size(), test.most)
		}
	}
	t.Logf("State %d bytes, Contribution %d bytes", unsafe.Sizeof(State{}), unsafe.Sizeof(Contribution{}))
}

func flat(t *testing.T, typ reflect.Type, path string) {
	switch typ.Kind() {
	case reflect.Struct:
		for f := range typ.Fields() {
			flat(t, f.Type, path+"."+f.Name)
		}
	case reflect.Array:
		flat(t, typ.Elem(), path+"[]")
	case reflect.Pointer, reflect.Slice, reflect.String, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		t.Errorf("%s is a %s", path, typ.Kind())
	}
}

func TestTextsAreCutBetweenCharacters(t *testing.T) {
	var c Contribution
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"Sign-in from 東京", "Sign-in from 東京"},
		{strings.Repeat("a", 192), strings.Repeat("a", 192)},
		{strings.Repeat("a", 300), strings.Repeat("a", 192)},
		{strings.Repeat("a", 191) + "é", strings.Repeat("a", 191)},
		{strings.Repeat("京", 100), strings.Repeat("京", 64)},
	} {
		c.Summary.set(test.in)
		if got := c.Summary.String(); got != test.want || !utf8.ValidString(got) {
			t.Errorf("%.20q… is kept as %q", test.in, got)
		}
	}
}
