package expression

import "github.com/riskstream/riskstream/event"

// Values of a flag in an environment. A flag has three values, since an
// absent flag is not false: with true and false alone, device.compliant ==
// false would hold for every log that says nothing of compliance. As texts with
// a closed list, all three can be asked for, and a comparison with true or
// false does not compile.
const (
	Yes     = "yes"
	No      = "no"
	Unknown = "unknown"
)

// Flag is the text of a flag in an environment. The field that holds it has
// the tag `values:"yes,no,unknown"`.
func Flag(f event.Flag) string {
	switch f {
	case event.True:
		return Yes
	case event.False:
		return No
	}
	return Unknown
}
