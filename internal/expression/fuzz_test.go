package expression

import (
	"errors"
	"testing"
)

// FuzzCompile: no source makes the compiler or a run panic, and what compiles
// runs; every error has its place.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`event.action == "sign_in" and score > 40`,
		`any(detections, # startsWith "new_") or in_network(source.ip, "10.0.0.0/8")`,
		`count(map(filter(detections, {len(#) > 1}), upper(#)), # matches "^N") % 2 == 1`,
		`split(raw.user.login, "\\")[1] ?? string(raw.id)`,
		`1 / 0 > -9223372036854775808 % -1 ? abs(-1) : min(1, 2.5)`,
		`known ?: not (device.compliant in ["yes", "no"])`,
		`raw?.list[0]?.n | int() == max([1, 2])`,
	} {
		f.Add(seed)
	}
	vm := NewVM()
	f.Fuzz(func(t *testing.T, source string) {
		p, err := Compile(source, testEnv{}, Any, Position{})
		if err == nil {
			_, err = vm.Run(p, sample())
		}
		var placed *Error
		if err != nil && !errors.As(err, &placed) {
			t.Errorf("%q: an error without a place: %v", source, err)
		}
	})
}
