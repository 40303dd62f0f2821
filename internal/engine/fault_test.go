package engine

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/riskstream/riskstream/internal/publish"
)

// faulty is a world whose broker does as it is told.
func faulty(t *testing.T, opts ...kfake.Opt) (*world, *kfake.Cluster) {
	t.Helper()
	cluster, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	var client []kgo.Opt
	if len(opts) > 0 {
		client = append(client, kgo.SASL(plain.Auth{User: "admin", Pass: "p"}.AsMechanism()))
	}
	return newWorld(t, cluster.ListenAddrs()[0], "", 24, client...), cluster
}

// refuse answers every n-th produce request that has the topic with an error, until
// it has done so times times, and returns how often it still will.
func (w *world) refuse(cluster *kfake.Cluster, topic string, n int, times int32, code *kerr.Error) (left *atomic.Int32) {
	w.t.Helper()
	// The client would answer from what it heard before the topic existed.
	details, err := w.admin.ListTopics(kadm.WithAuthorizedOps(w.ctx), topic)
	if err != nil || details[topic].Err != nil {
		w.t.Fatal(err, details[topic].Err)
	}
	left = new(atomic.Int32)
	left.Store(times)
	requests := 0
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		request := r.(*kmsg.ProduceRequest)
		if left.Load() == 0 || !slices.ContainsFunc(request.Topics, func(asked kmsg.ProduceRequestTopic) bool {
			return kadm.TopicID(asked.TopicID) == details[topic].ID
		}) {
			return nil, nil, false
		}
		if requests++; requests%n != 0 {
			return nil, nil, false
		}
		left.Add(-1)
		response := request.ResponseKind().(*kmsg.ProduceResponse)
		for _, asked := range request.Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic, answer.TopicID = asked.Topic, asked.TopicID
			for _, partition := range asked.Partitions {
				refused := kmsg.NewProduceResponseTopicPartition()
				refused.Partition, refused.ErrorCode = partition.Partition, code.Code
				answer.Partitions = append(answer.Partitions, refused)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
	return left
}

// A refused record must not be overtaken by those behind it: the lane would
// then take its repetition for an old one and drop it.
func TestRefusedEventsAreNotOvertaken(t *testing.T) {
	w, cluster := faulty(t)
	w.ensureTopics()
	w.produce(6_000)
	left := w.refuse(cluster, "risk.events", 2, 1, kerr.TopicAuthorizationFailed)
	w.scoreAll()
	if left.Load() > 0 {
		t.Error("nothing was refused; the test proves nothing")
	}
}

// Scores and detections that were refused are published by the next worker,
// from the committed offset on.
func TestRefusedRecordsArePublishedAgain(t *testing.T) {
	w, cluster := faulty(t)
	w.ensureTopics()
	w.produce(4_000)
	left := w.refuse(cluster, "risk.scores", 2, 2, kerr.TopicAuthorizationFailed)
	w.scoreAll()
	if left.Load() > 0 {
		t.Error("nothing was refused; the test proves nothing")
	}
}

// An engine that dies after it has published and before it has committed
// leaves nothing out, and what its successor publishes twice has the same
// bytes.
func TestCrashBeforeCommitRepeatsTheSameBytes(t *testing.T) {
	w, cluster := faulty(t)
	w.produce(4_000)
	var refusing atomic.Bool
	refusing.Store(true)
	cluster.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if !refusing.Load() {
			return nil, nil, false
		}
		return nil, fmt.Errorf("the connection is cut"), true
	})
	first := w.startWith(func(e *Engine) { e.drain = 0 }) // as if killed
	detections := func() int64 { return ends(w.ctx, w.admin, "risk.detections") }
	w.wait("detections", func() bool { return detections() > 20 })
	first.cancel()
	<-first.done
	if n := w.scored(); n != 0 {
		t.Fatalf("%d offsets were committed; the test proves nothing", n)
	}
	before := detections()
	refusing.Store(false)
	second := w.start()
	w.waitScored(second)
	second.stop(t)
	unique := bytes.Count(w.check(second), []byte("\n"))
	if total := detections(); total < int64(unique)+before/2 {
		t.Errorf("%d detections of which %d are unique: nothing was published twice", total, unique)
	}
}

// Partitions that move to an engine that joins, and back when it leaves, take
// nothing along and leave nothing behind.
func TestPartitionsMoveBetweenEngines(t *testing.T) {
	w, _ := faulty(t)
	w.produce(3_000)
	first := w.start()
	w.wait("the first engine to work", func() bool { return w.scored() > 500 })
	second := w.start()
	w.produce(3_000)
	w.wait("the second engine to have a share", func() bool { return second.owned() > 0 && second.Ready() == nil })
	w.produce(3_000)
	w.wait("more to be scored", func() bool { return w.scored() > 6_000 })
	second.stop(t)
	third := w.start()
	w.produce(2_000)
	w.wait("the third engine to have a share", func() bool { return third.owned() > 0 && third.Ready() == nil })
	first.stop(t)
	w.waitScored(third)
	third.stop(t)
	w.check(third)
}

// A record of risk.events that is no event is stepped over, also where it is
// the last one that was committed: the partition opens for all that.
func TestWhatIsNoEventStopsNothing(t *testing.T) {
	w, _ := faulty(t)
	w.ensureTopics()
	poison := func() {
		for partition := range w.cfg.Kafka.Partitions {
			for _, value := range [][]byte{nil, []byte("{"), []byte(`{"@timestamp":7}`), bytes.Repeat([]byte("["), 100_000)} {
				record := &kgo.Record{Topic: "risk.events", Partition: partition, Value: value}
				client, err := kgo.NewClient(kgo.SeedBrokers(w.addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))
				if err != nil {
					t.Fatal(err)
				}
				if err := client.ProduceSync(w.ctx, record).FirstErr(); err != nil {
					t.Fatal(err)
				}
				client.Close()
			}
		}
	}
	poison()
	w.produce(1_000)
	first := w.start()
	w.waitScored(first)
	poison()
	w.waitScored(first)
	first.stop(t)
	second := w.start()
	w.waitScored(second) // with nothing new to read
	second.stop(t)
}

// A source that is deleted and created anew is read from its new start, under
// Offsets that lie beyond the log, as after it was created anew, must not keep
// its events from being published.
func TestCommittedBeyondTheLog(t *testing.T) {
	w, _ := faulty(t)
	w.ensureTopics()
	var far kadm.Offsets
	for partition := range w.cfg.Kafka.Partitions {
		far.AddOffset("risk.events", partition, 1_000_000, -1)
	}
	fresh, err := kgo.NewClient(kgo.SeedBrokers(w.addr)) // that has not heard that the topic was missing
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if err := kadm.NewClient(fresh).CommitAllOffsets(w.ctx, w.cfg.Kafka.Group("subject-lane"), far); err != nil {
		t.Fatal(err)
	}
	w.produce(2_000)
	w.scoreAll()
}

// A broker that is gone does not keep the engine from ending, nor readiness
// from being asked, and nothing is left running.
func TestEndsWithoutBroker(t *testing.T) {
	w, cluster := faulty(t)
	before := runtime.NumGoroutine()
	e := w.startWith(func(e *Engine) { e.drain = 300 * time.Millisecond })
	w.wait("readiness", func() bool { return e.Ready() == nil })
	w.produce(3_000)
	w.wait("some work", func() bool { return w.scored() > 100 })
	cluster.Close()
	_ = e.Ready()
	e.measureState()
	e.cancel()
	select {
	case <-e.done:
	case <-time.After(30 * time.Second):
		t.Fatal("the engine does not end")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for runtime.NumGoroutine() > before+3 && ctx.Err() == nil {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before+3 {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines before, %d after:\n%s", before, n, stacks[:runtime.Stack(stacks, true)])
	}
}

// A start does not publish again the falls of the whole history, of which the
// last committed event proves that they were published.
func TestStartDoesNotRepeatOldFalls(t *testing.T) {
	w, _ := faulty(t)
	w.produce(20_000)
	w.now = w.company.Next().Time.Std() // just after them
	falls := func() (n int) {
		for _, r := range readTopic(t, w.ctx, w.addr, "risk.scores") {
			score, err := publish.DecodeScore(r.Value)
			if r.Value == nil || (err == nil && score.Event.ID == "") {
				n++
			}
		}
		return n
	}
	first := w.start()
	w.waitScored(first)
	first.stop(t)
	before := falls()
	second := w.start()
	w.waitScored(second)
	second.stop(t)
	w.check(second)
	if again := falls() - before; before == 0 || again > 0 {
		t.Errorf("%d falls, and %d more after a start", before, again)
	}
}
