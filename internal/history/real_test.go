//go:build realkafka

package history

import (
	"os"
	"os/exec"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/kafkatest"
)

// alone is set in the process that has a broker and an engine to itself.
const alone = "RISKSTREAM_TEST_ALONE"

// On a real broker: transactions that are committed and aborted, and a sink
// that is stopped and started in between. It is a process of its own, which
// starts the broker before it loads the engine: a thread that has worked for
// libchdb must not end, and the one that a broker lives by does.
func TestHistoryOfARealKafka(t *testing.T) {
	if os.Getenv(alone) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestHistoryOfARealKafka$", "-test.v")
		cmd.Env = append(os.Environ(), alone+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
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
