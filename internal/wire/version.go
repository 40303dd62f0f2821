package wire

import "fmt"

// Version reads the version byte that a value begins with, the newest that is
// known being newest. A newer one fails: what it means is not known here.
func (r *Reader) Version(value string, newest byte) byte {
	version := r.Byte()
	switch {
	case r.err != nil:
		return 0
	case version == 0:
		r.Fail(fmt.Errorf("%s: version 0, which was never written; the bytes are damaged", value))
		return 0
	case version > newest:
		r.Fail(fmt.Errorf("%s: version %d, this riskstream reads up to %d: the state was written by a newer riskstream; start that one or a newer", value, version, newest))
		return 0
	}
	return version
}
