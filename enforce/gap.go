package enforce

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// gapBytes is how much is fetched to see whether records follow; a broker sends
// one whole batch in any case.
const gapBytes = 16 << 10

// stepOverGap finds out whether anything is left to read in a partition that
// seems to be behind. Compaction can leave nothing before a partition's end:
// the last records were tombstones, say, and have been removed. The client
// then has nothing to deliver, and the end would never be reached.
func (f *follower) stepOverGap(ctx context.Context, p *partition) {
	f.mu.Lock()
	next := p.next
	f.mu.Unlock()
	after, err := f.nextRecord(ctx, p.id, next)
	if err != nil {
		f.log.Debug("a partition of the scores is behind", "topic", f.topic, "partition", p.id, "offset", next, "error", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.next == next { // else there was something to read after all
		p.next = max(next, after)
		f.answer(p)
	}
}

// nextRecord returns the first offset from next on that may hold a record: next
// itself when there is one, the partition's end when there is none.
func (f *follower) nextRecord(ctx context.Context, id int32, next int64) (int64, error) {
	admin := kadm.NewClient(f.client)
	starts, err := admin.ListStartOffsets(ctx, f.topic)
	if err != nil {
		return 0, err
	}
	if start, ok := starts.Lookup(f.topic, id); ok && start.Err == nil {
		next = max(next, start.Offset)
	}
	answer, err := f.fetchOnce(ctx, admin, id, next)
	if err != nil {
		return 0, err
	}
	if len(answer.RecordBatches) == 0 {
		return max(next, answer.LastStableOffset), nil
	}
	return skipEmpty(answer.RecordBatches, next), nil
}

func (f *follower) fetchOnce(ctx context.Context, admin *kadm.Client, id int32, from int64) (kmsg.FetchResponseTopicPartition, error) {
	var none kmsg.FetchResponseTopicPartition
	topics, err := admin.ListTopics(ctx, f.topic)
	if err != nil {
		return none, err
	}
	wanted := kmsg.NewFetchRequestTopicPartition()
	wanted.Partition, wanted.FetchOffset, wanted.PartitionMaxBytes = id, from, gapBytes
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = f.topic, topics[f.topic].ID
	topic.Partitions = append(topic.Partitions, wanted)
	request := kmsg.NewPtrFetchRequest()
	request.MaxBytes, request.IsolationLevel, request.SessionEpoch = gapBytes, 1, -1
	request.Topics = append(request.Topics, topic)

	leader := topics[f.topic].Partitions[id].Leader
	answer, err := f.client.Broker(int(leader)).RetriableRequest(ctx, request)
	if err != nil {
		return none, err
	}
	response := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(response.ErrorCode); err != nil {
		return none, err
	}
	if len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return none, fmt.Errorf("broker %d answered for other partitions", leader)
	}
	got := response.Topics[0].Partitions[0]
	return got, kerr.ErrorForCode(got.ErrorCode)
}

// Layout of a record batch: fixed since Kafka 0.11.
const (
	batchLength          = 8  // int32: bytes that follow it
	batchLastOffsetDelta = 23 // int32
	batchRecordCount     = 57 // int32
	batchHeader          = 61
)

// skipEmpty returns the offset after those batches at the front that compaction
// has left without records; they keep their place for the producer's sequence
// numbers alone.
func skipEmpty(batches []byte, next int64) int64 {
	for len(batches) >= batchHeader {
		length := int64(int32(binary.BigEndian.Uint32(batches[batchLength:])))
		count := int32(binary.BigEndian.Uint32(batches[batchRecordCount:]))
		if count != 0 || length < batchHeader-batchLength-4 || batchLength+4+length > int64(len(batches)) {
			break
		}
		first := int64(binary.BigEndian.Uint64(batches))
		last := int64(int32(binary.BigEndian.Uint32(batches[batchLastOffsetDelta:])))
		next = max(next, first+last+1)
		batches = batches[batchLength+4+length:]
	}
	return next
}
