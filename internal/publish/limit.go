package publish

import (
	"context"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
)

// minRecordBytes is the least that the topics must take: the largest score, of
// sixteen reasons with long summaries, stays below it.
const minRecordBytes = 64 << 10

// batchReserve is what a limit leaves for the batch around a record, its key
// and its headers, in bytes.
const batchReserve = 4 << 10

// RecordLimit is the size in bytes that a batch, and so a record, may have to
// be taken by each of riskstream's topics: MaxRecordBytes, or less where an
// operator has set a smaller max.message.bytes. A limit too small to work with
// is an error. Settings that cannot be read count as riskstream's own.
func (c KafkaConfig) RecordLimit(ctx context.Context, admin *kadm.Client) (int, error) {
	names := c.Topics()
	configs, err := admin.DescribeTopicConfigs(ctx, names.Events, names.Detections, names.Scores, names.DeadLetter)
	if err != nil {
		return MaxRecordBytes, nil
	}
	limit := MaxRecordBytes
	for _, topic := range configs {
		bytes := maxMessageBytesOf(topic)
		if bytes < minRecordBytes {
			return 0, fmt.Errorf("topic %s has max.message.bytes=%d, too small for some of its records; set at least %d, and %d to keep dead letters whole",
				topic.Name, bytes, minRecordBytes, maxMessageBytes)
		}
		limit = min(limit, bytes-batchReserve)
	}
	return limit, nil
}

// maxMessageBytesOf reads the setting of one topic.
func maxMessageBytesOf(topic kadm.ResourceConfig) int {
	for _, setting := range topic.Configs {
		if setting.Key == "max.message.bytes" && setting.Value != nil {
			if n, err := strconv.Atoi(*setting.Value); err == nil {
				return n
			}
		}
	}
	return maxMessageBytes
}
