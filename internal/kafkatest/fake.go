// Package kafkatest has brokers for tests: Fake, in the process and there at
// once, for most tests; and Real, an Apache Kafka in a process of its own, for
// what only the real one can prove. Real tests carry the build tag realkafka
// and run with "make test-real".
package kafkatest

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Fake starts an in-process broker that ends with the test. It speaks Kafka's
// protocol with groups and transactions; it neither replicates nor persists,
// and its speed says nothing of a real broker's.
func Fake(t testing.TB, opts ...kfake.Opt) (addr string) {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatalf("kafkatest: in-process broker: %v", err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}
