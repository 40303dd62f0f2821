package engine

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/state"
)

func idleWorker(t *testing.T) *worker {
	t.Helper()
	w := &worker{
		stage:      &stage{name: "lane", input: "risk.events", changelog: "risk.state"},
		metrics:    NewMetrics(prometheus.NewRegistry()),
		log:        slog.New(slog.NewTextHandler(t.Output(), nil)),
		partitions: map[int32]*lanePartition{},
		while:      context.Background(),
		out:        &outbox{},
	}
	w.tx = transaction{worker: w}
	return w
}

// A worker whose transaction has an unknown end must not go on, also when it
// was a rebalance that found out.
func TestRevokeDoesNotForgetAFatalEnd(t *testing.T) {
	w := idleWorker(t)
	lost := errors.New("nobody knows")
	ended := make(chan ending, 1)
	ended <- ending{fatal: true, err: lost}
	w.tx.ending = ended
	w.revoke([]int32{3})
	if err := w.finish(); !errors.Is(err, lost) {
		t.Errorf("the worker ended with %v", err)
	}
}

// A batch that cannot be read is stepped over from where the state is: what a
// rollback has taken back comes before it.
func TestStepOverAfterRollback(t *testing.T) {
	w := idleWorker(t)
	p := &lanePartition{Partition: NewPartition(1 << 20), id: 3, ready: true}
	p.next = 100
	w.partitions[3] = p
	w.rewind = true
	w.stepOver(&kgo.ErrDecompressTooLarge{Topic: "risk.events", Partition: 3, Offset: 200, NextOffset: 210})
	if p.next != 100 {
		t.Errorf("goes on at %d; 100 to 199 are not scored", p.next)
	}
}

// The worker that a partition has come to does not write over the snapshot that
// the one before it has not given up yet.
func TestOneSnapshotOfAPartitionAtATime(t *testing.T) {
	s := &snapshots{dir: t.TempDir(), createFile: state.CreateFile, log: slog.New(slog.DiscardHandler), metrics: NewMetrics(prometheus.NewRegistry())}
	workers := [2]*worker{idleWorker(t), idleWorker(t)}
	for _, w := range workers {
		w.snapshots = s
		p := &lanePartition{Partition: NewPartition(1 << 20), id: 3, ready: true, logged: 7}
		p.next = 5
		w.partitions[3] = p
		w.continueSnapshots()
	}
	if workers[1].job != nil {
		t.Error("two snapshots are written at one path")
	}
	workers[0].job.stop()
	workers[1].continueSnapshots()
	if workers[1].job == nil {
		t.Error("a snapshot that has ended keeps the next from being written")
	}
	workers[1].job.stop()
}

// What the client reads before the place where a partition's state is is not
// taken twice, and the client is told where to read on.
func TestReadingFromTooEarly(t *testing.T) {
	w := idleWorker(t)
	p := &lanePartition{Partition: NewPartition(1 << 20), id: 3, ready: true}
	p.next = 100
	w.partitions[3] = p
	w.batch.records = []decoded{{partition: 3, offset: 0, control: true}}
	if err := w.processBatch(); err != nil || p.next != 100 || !w.rewind {
		t.Errorf("goes on at %d, rewinds %v, %v", p.next, w.rewind, err)
	}
}

// The records that an abort makes fail do not make the next transaction fail.
func TestFailuresOfAnAbortAreForgotten(t *testing.T) {
	w := idleWorker(t)
	w.out.fail(kgo.ErrAborting)
	w.rollback()
	if err := w.out.takeError(); err != nil {
		t.Error(err)
	}
}

// Also the last partition that cannot be restored is reported: else the worker
// would wait for it for ever.
func TestRestoringThatFailsAtItsEnd(t *testing.T) {
	w := idleWorker(t)
	var err error
	if w.producer, err = kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1")); err != nil {
		t.Fatal(err)
	}
	w.producer.Close()
	w.producers = []*kgo.Client{w.producer}
	p := &lanePartition{Partition: NewPartition(1 << 20), id: 3}
	r := restorer{worker: w, partitions: map[int32]*lanePartition{3: p}, from: map[int32]int64{3: 0}, until: map[int32]int64{3: 0}}
	if err := r.readChangelog(t.Context(), nil); err == nil || r.partitions[3] != p {
		t.Errorf("%v, and it was forgotten: %v", err, r.partitions[3] == nil)
	}
}
