package engine

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What the client is given after a record was refused must not be written
// without it.
func TestGateKeepsRecordsBehindARefusedOne(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var g gate
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("out"), kgo.ProducerLinger(0), kgo.WithHooks(&g))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(ctx, 1, 1, nil, "out"); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(ctx, kgo.StringRecord("known")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	refused := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		close(refused)
		request := r.(*kmsg.ProduceRequest)
		partition := kmsg.NewProduceResponseTopicPartition()
		partition.ErrorCode = kerr.TopicAuthorizationFailed.Code
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = request.Topics[0].Topic, request.Topics[0].TopicID
		topic.Partitions = append(topic.Partitions, partition)
		response := request.ResponseKind().(*kmsg.ProduceResponse)
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})

	var written atomic.Int32
	count := func(_ *kgo.Record, err error) {
		if err == nil {
			written.Add(1)
		}
	}
	g.closed.Lock()
	client.Produce(ctx, kgo.StringRecord("refused"), count)
	<-refused
	for range 100 {
		client.Produce(ctx, kgo.StringRecord("behind it"), count)
	}
	g.closed.Unlock()
	if err := client.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if n := written.Load(); n > 0 {
		t.Errorf("%d records were written without the one before them", n)
	}
}
