package expression

import "testing"

// The environment is given as a pointer: each text that is read is copied (16
// bytes), but the environment itself is not.
func BenchmarkRun(b *testing.B) {
	for name, source := range map[string]string{
		"one":     `event.action == "sign_out"`,
		"four":    `event.action == "sign_in" and device.compliant == "unknown" and source.as.number == 64500 and score > 90`,
		"network": `in_network(source.ip, "198.51.100.0/24")`,
		"regex":   `event.code matches "^policy"`,
		"any":     `any(detections, # startsWith "mfa_")`,
	} {
		p, err := Compile(source, testEnv{}, Bool, Position{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			vm, env := NewVM(), sample()
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := vm.RunBool(p, env); ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
		b.Run(name+"/boxed", func(b *testing.B) {
			vm := NewVM()
			var env any = *sample()
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := vm.RunBool(p, env); ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
