package scoring

import (
	"bytes"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/internal/wire"
)

// An id is read as it was written, and takes what its form allows.
func TestIDs(t *testing.T) {
	for _, test := range []struct {
		name, id string
		bytes    int
	}{
		{"none", "", 1},
		{"a UUID", "0b4c8f1e-64cf-4a8e-9d0a-0f5d3f6a1c77", 17},
		{"a UUID in capitals", "0B4C8F1E-64CF-4A8E-9D0A-0F5D3F6A1C77", 37},
		{"one with another letter", "0b4c8f1e-64cf-4a8e-9d0a-0f5d3f6a1c7g", 37},
		{"dashes elsewhere", "0b4c8f1e6-4cf-4a8e-9d0a-0f5d3f6a1c77", 37},
		{"32 digits", "c55b9b70b6afe6ff80f7ef9a5205a788", 17},
		{"40 digits", strings.Repeat("09af3", 8), 21},
		{"digits that are no eights", "0123456789ab", 13},
		{"what lies beside the digits", "0/9:a`fg", 9},
		{"Okta's session", "102bZDNFfWaQSyEZQuDgWt-uQ", 26},
		{"all there is room for", strings.Repeat("京", 32), 97},
	} {
		b := appendID(nil, []byte(test.id))
		var got [96]byte
		r := wire.NewReader(b)
		decodeID(&r, got[:])
		if err := r.End(); err != nil || string(trimmed(got[:])) != test.id {
			t.Errorf("%s: read as %q, error %v", test.name, trimmed(got[:]), err)
		}
		if len(b) != test.bytes {
			t.Errorf("%s: %d bytes, want %d", test.name, len(b), test.bytes)
		}
	}
}

func TestDamagedIDs(t *testing.T) {
	for name, b := range map[string][]byte{
		"too long a text": append([]byte{97}, bytes.Repeat([]byte{'a'}, 97)...),
		"too many digits": append([]byte{idHex | 13}, make([]byte, 52)...),
		"a cut UUID":      append([]byte{idUUID}, make([]byte, 15)...),
		"cut digits":      {idHex | 1, 1, 2, 3},
		"a cut text":      {3, 'a', 'b'},
		"nothing":         {},
	} {
		var to [96]byte
		r := wire.NewReader(b)
		decodeID(&r, to[:])
		if r.Err() == nil {
			t.Errorf("%s: read as %q", name, trimmed(to[:]))
		}
	}
}
