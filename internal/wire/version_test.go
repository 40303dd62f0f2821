package wire

import (
	"strings"
	"testing"
)

// A version is read up to the newest; a newer one says whose state it is.
func TestVersion(t *testing.T) {
	for _, c := range []struct {
		from []byte
		want byte
		err  string
	}{
		{[]byte{1}, 1, ""},
		{[]byte{2}, 2, ""},
		{[]byte{3}, 0, "written by a newer riskstream"},
		{[]byte{0}, 0, "version 0"},
		{nil, 0, "ends too early"},
	} {
		r := NewReader(c.from)
		got := r.Version("memory", 2)
		if got != c.want || (r.Err() != nil) != (c.err != "") || c.err != "" && !strings.Contains(r.Err().Error(), c.err) {
			t.Errorf("%v: version %d, error %v; want %d, %q", c.from, got, r.Err(), c.want, c.err)
		}
	}
}
