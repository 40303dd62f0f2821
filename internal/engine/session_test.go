package engine

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/kafkatest"
)

// told closes a channel when the client first logs a message.
type told struct {
	message string
	once    sync.Once
	heard   chan struct{}
}

func (l *told) Level() kgo.LogLevel { return kgo.LogLevelError }

func (l *told) Log(_ kgo.LogLevel, message string, _ ...any) {
	if strings.Contains(message, l.message) {
		l.once.Do(func() { close(l.heard) })
	}
}

// A batch that is too large must be told of even when the client drops what it
// was about to tell.
func TestReadOnFindsAgainWhatIsTooLarge(t *testing.T) {
	addr := kafkatest.Fake(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	writer, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.GzipCompression()), kgo.ProducerBatchMaxBytes(4<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if _, err := kadm.NewClient(writer).CreateTopic(ctx, 2, 1, nil, "raw"); err != nil {
		t.Fatal(err)
	}
	if err := writer.ProduceSync(ctx, &kgo.Record{Topic: "raw", Value: make([]byte, 2<<20)}, &kgo.Record{Topic: "raw", Partition: 1}).FirstErr(); err != nil {
		t.Fatal(err)
	}

	log := &told{message: "batch decompresses larger", heard: make(chan struct{})}
	var reader *kgo.Client
	begun := make(chan struct{})
	reader, err = kgo.NewClient(kgo.SeedBrokers(addr), kgo.WithLogger(log), kgo.MaxDecompressBatchBytes(1<<20),
		kgo.ConsumerGroup("g"), kgo.ConsumeTopics("raw"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
		kgo.AdjustFetchOffsetsFn(func(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			<-begun
			return offsets, fromStart(ctx, reader, offsets)
		}))
	close(begun)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	select {
	case <-log.heard:
	case <-ctx.Done():
		t.Fatal("the client has not come upon the batch")
	}
	// Whatever makes the client begin its fetches anew drops what it has read.
	reader.SetOffsets(map[string]map[int32]kgo.EpochOffset{"raw": {1: {Epoch: -1, Offset: 1}}})
	readOn(reader)
	var tooLarge *kgo.ErrDecompressTooLarge
	for !errors.As(reader.PollFetches(ctx).Err(), &tooLarge) {
		if ctx.Err() != nil {
			t.Fatal("nobody was told of the batch")
		}
	}
}
