package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/riskstream/riskstream/internal/config"
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
// then take its repetition for an old one and drop it. Before the client has
// heard of a topic it sends while it is still given records, so that the first
// request that is refused is a case of its own.
func TestRefusedEventsAreNotOvertaken(t *testing.T) {
	for _, request := range []int{1, 2} {
		t.Run(fmt.Sprintf("request %d", request), func(t *testing.T) {
			w, cluster := faulty(t)
			w.ensureTopics()
			w.produce(6_000)
			left := w.refuse(cluster, "risk.events", request, 1, kerr.TopicAuthorizationFailed)
			w.scoreAll()
			if left.Load() > 0 {
				t.Error("nothing was refused; the test proves nothing")
			}
		})
	}
}

// A transaction of which a record was refused is taken back and done again.
func TestRefusedRecordsAreDoneAgain(t *testing.T) {
	w, cluster := faulty(t)
	w.ensureTopics()
	w.produce(4_000)
	left := w.refuse(cluster, "risk.scores", 1, 2, kerr.TopicAuthorizationFailed)
	w.scoreAll()
	if left.Load() > 0 {
		t.Error("nothing was refused; the test proves nothing")
	}
}

// Whether a commit that was answered with an error has happened, the log tells:
// a fresh worker goes on from there, and nothing is lost or there twice.
func TestCommitOfUnknownOutcome(t *testing.T) {
	w, cluster := faulty(t)
	w.produce(4_000)
	var ends atomic.Int32
	cluster.ControlKey(int16(kmsg.EndTxn), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if n := ends.Add(1); n%3 != 2 || n > 12 {
			return nil, nil, false
		}
		answer := r.ResponseKind().(*kmsg.EndTxnResponse)
		answer.ErrorCode = kerr.UnknownServerError.Code
		return answer, nil, true
	})
	w.scoreAll()
	if ends.Load() < 2 {
		t.Error("no commit was refused; the test proves nothing")
	}
}

// An engine that is killed leaves nothing half done, and its successor, with
// the snapshot of an earlier end or without one, goes on where it was.
func TestKilledEngine(t *testing.T) {
	w, _ := faulty(t)
	w.produce(3_000)
	first := w.start()
	w.waitScored(first)
	first.stop(t) // with a snapshot
	w.produce(3_000)
	second := w.startWith(func(e *Engine) { e.drain = 0 })
	w.wait("some work", func() bool { return w.scored() > 3_300 })
	second.cancel()
	<-second.done
	w.produce(3_000)
	if err := os.RemoveAll(w.cfg.Engine.StateDir); err != nil {
		t.Fatal(err)
	}
	third := w.startWith(func(e *Engine) { e.drain = 0 })
	w.wait("more work", func() bool { return w.scored() > 6_300 })
	third.cancel()
	<-third.done
	w.scoreAll()
}

// At least once: after a kill some records are published again, with the same
// bytes, and none is missing.
func TestKilledEngineAtLeastOnce(t *testing.T) {
	w, _ := faulty(t)
	w.cfg.Engine.Delivery = config.AtLeastOnce
	for range 3 {
		before := w.scored()
		w.produce(1_500)
		e := w.startWith(func(e *Engine) { e.drain = 0 })
		w.wait("some work", func() bool { return w.scored() > before })
		e.cancel()
		<-e.done
	}
	w.scoreAll()
}

// What an earlier version has left, which kept no state in Kafka, is built from
// the log, and what was published then is not published again.
func TestStateOfAnEarlierVersion(t *testing.T) {
	w, _ := faulty(t)
	w.produce(3_000)
	first := w.start()
	w.waitScored(first)
	first.stop(t)
	topics := w.cfg.Kafka.Topics()
	before := ends(w.ctx, w.admin, topics.Scores)
	if err := os.RemoveAll(w.cfg.Engine.StateDir); err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{topics.State, topics.SourceState, topics.Activity} {
		if _, err := w.admin.DeleteTopics(w.ctx, topic); err != nil {
			t.Fatal(err)
		}
	}
	w.produce(3_000)
	second := w.start()
	w.waitScored(second)
	second.stop(t)
	w.check(second)
	if after := ends(w.ctx, w.admin, topics.Scores); after <= before {
		t.Errorf("%d records of risk.scores before, %d after", before, after)
	}
}

// Two processes of one name would take each other's partitions away: the one
// that was there first ends, and says why.
func TestTwoEnginesOfOneName(t *testing.T) {
	w, _ := faulty(t)
	w.produce(500)
	first := w.start()
	w.waitScored(first)
	second := w.startAs(w.cfg.Engine.Instance) // in a directory of its own, as on another machine
	select {
	case err := <-first.done:
		if !errors.Is(err, errInstance) {
			t.Errorf("the first engine ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("both engines run")
	}
	w.waitScored(second)
	second.stop(t)

	third := w.start()
	w.waitScored(third)
	fourth := w.start() // on this machine
	if err := <-fourth.done; err == nil || !strings.Contains(err.Error(), "another riskstream on this machine") {
		t.Errorf("the second engine in one directory ended with %v", err)
	}
	third.stop(t)
}

// Partitions that move to an engine that joins, and back when it leaves, take
// nothing along and leave nothing behind.
func TestPartitionsMoveBetweenEngines(t *testing.T) {
	w, _ := faulty(t)
	w.produce(3_000)
	first := w.start()
	w.wait("the first engine to work", func() bool { return w.scored() > 500 })
	second := w.startAs("second")
	w.produce(3_000)
	w.wait("the second engine to have a share", func() bool { return second.owned() > 0 && second.Ready() == nil })
	w.produce(3_000)
	w.wait("more to be scored", func() bool { return w.scored() > 6_000 })
	second.stop(t)
	third := w.startAs("third")
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
