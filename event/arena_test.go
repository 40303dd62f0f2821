package event_test

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/event"
)

// Strings of an arena are as good as any others: what is made later, or
// becomes of the bytes that they were made of, never changes them.
func TestArenaStringsStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a event.Arena
		var got, want []string
		buf := make([]byte, 0, 8<<10)
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 8<<10), 1, 60).Draw(t, "sizes") {
			buf = append(buf[:0], bytes.Repeat([]byte{byte('a' + len(got)%26)}, n)...)
			s := a.String(buf)
			if len(got)%2 == 1 {
				s = a.Clone(string(buf))
			}
			got, want = append(got, s), append(want, strings.Clone(string(buf)))
			clear(buf)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("string %d of %d bytes has changed", i, len(want[i]))
			}
		}
	})
}

func TestArenaAllocatesChunksOnly(t *testing.T) {
	var a event.Arena
	b := bytes.Repeat([]byte{'x'}, 20)
	allocs := testing.AllocsPerRun(10, func() {
		for range 1000 {
			_ = a.String(b)
		}
	})
	if allocs > 1 {
		t.Errorf("1000 strings of 20 bytes cost %.0f allocations", allocs)
	}
}
