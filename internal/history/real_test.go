//go:build realkafka

package history

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/kafkatest"
)

// On a real broker: transactions that are committed and aborted, and a sink
// that is stopped and started in between.
func TestHistoryOfARealKafka(t *testing.T) {
	broker, err := kafkatest.StartReal(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Kill()
	store := openStore(t, inDir(t.TempDir()))
	w := topicsOn(t, broker.Addr)
	for range 3 {
		w.produce(5_000, kgo.TryCommit)
		w.produce(500, kgo.TryAbort)
		stop := w.run(store)
		w.audited(store)
		stop()
	}
	stop := w.run(store)
	defer stop()
	clean(t, w.audited(store), 15_000)
}
