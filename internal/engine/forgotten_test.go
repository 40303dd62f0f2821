package engine

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A coordinator that takes a transaction for ended, while a partition has not
// been told, is put right when the next worker of the name begins.
func TestForgottenTransactionsAreEnded(t *testing.T) {
	const topic, id = "risk.scores", "engine-a-0-0"
	for name, test := range map[string]struct {
		state       string // as the coordinator says
		later       int16  // how far its epoch is above that of the open transaction
		ended, read bool
	}{
		"committed": {state: "CompleteCommit", later: 1, ended: true, read: true},
		"aborted":   {state: "CompleteAbort", later: 1, ended: true},
		"unknown":   {state: "Empty", later: 2, ended: true},          // how, nobody can tell
		"outdated":  {state: "CompleteCommit", later: 2, ended: true}, // that one came after
		"going on":  {state: "Ongoing", later: 0},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic, groupOffsets))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			client := func(opts ...kgo.Opt) *kgo.Client {
				c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(cluster.ListenAddrs()...))...)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(c.Close)
				return c
			}
			producer := client(kgo.TransactionalID(id))
			if err := producer.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			if err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("score")}).FirstErr(); err != nil {
				t.Fatal(err)
			}
			producerID, epoch, err := producer.ProducerID(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			cluster.ControlKey(int16(kmsg.DescribeTransactions), func(r kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				answer := r.ResponseKind().(*kmsg.DescribeTransactionsResponse)
				s := kmsg.NewDescribeTransactionsResponseTransactionState()
				s.TransactionalID, s.State, s.ProducerID, s.ProducerEpoch = id, test.state, producerID, epoch+test.later
				answer.TransactionStates = append(answer.TransactionStates, s)
				return answer, nil, true
			})

			w := &worker{stage: &stage{outputs: []string{topic}}, log: slog.New(slog.DiscardHandler)}
			admin := client()
			if err := w.endForgotten(t.Context(), admin, id); err != nil {
				t.Fatal(err)
			}

			offsets, err := kadm.NewClient(admin).ListCommittedOffsets(t.Context(), topic)
			if err != nil {
				t.Fatal(err)
			}
			if stable, _ := offsets.Lookup(topic, 0); (stable.Offset > 0) != test.ended {
				t.Errorf("the last stable offset is %d; ended should be %v", stable.Offset, test.ended)
			}
			reader := client(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond))
			within := 5 * time.Second
			if !test.read {
				within = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			if read := reader.PollFetches(ctx).NumRecords(); (read == 1) != test.read {
				t.Errorf("%d records are read; read should be %v", read, test.read)
			}
		})
	}
}

// An id that is new has left nothing.
func TestNothingIsForgottenOfANewID(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	w := &worker{stage: &stage{outputs: []string{"risk.scores"}}, log: slog.New(slog.DiscardHandler)}
	if err := w.endForgotten(t.Context(), client, "engine-new"); err != nil {
		t.Error(err)
	}
}
