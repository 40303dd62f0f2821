//go:build unix

package kafkatest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// AddrVariable names a running broker, host:port, for real tests to use
// instead of starting one.
const AddrVariable = "RISKSTREAM_TEST_KAFKA"

// Real returns the address of a real Apache Kafka: the one that
// RISKSTREAM_TEST_KAFKA names, or one that starts now and ends with the test.
// Other tests may use the same broker; see Prefix.
func Real(t testing.TB) (addr string) {
	t.Helper()
	if addr := os.Getenv(AddrVariable); addr != "" {
		return addr
	}
	begin := time.Now()
	broker, err := StartReal(t.Context(), t.TempDir())
	if err != nil {
		t.Fatalf("kafkatest: %v", err)
	}
	t.Logf("Apache Kafka answers on %s after %v", broker.Addr, time.Since(begin).Round(time.Millisecond))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the broker's log:\n%s", broker.LogTail())
		}
		if err := broker.Kill(); err != nil {
			t.Error(err)
		}
	})
	return broker.Addr
}

// Prefix returns a topic prefix that no other test and no earlier run has used,
// for brokers that outlive the test.
func Prefix(t testing.TB) string {
	name := strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') {
			return r
		}
		return '-'
	}, t.Name())
	return fmt.Sprintf("%.60s-%d.", name, time.Now().UnixNano())
}
