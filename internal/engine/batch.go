package engine

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
)

// batch is what a poll has read, decoded. It is used again for each poll.
type batch struct {
	decoder    event.Decoder
	records    []decoded
	partitions []polled
}

// decoded is a record of the input.
type decoded struct {
	partition int32
	offset    int64
	control   bool
	headers   []kgo.RecordHeader
	event     event.Event
	err       error // why it is no event
}

// polled is a partition of the poll.
type polled struct {
	id            int32
	highWatermark int64
}

func (b *batch) decode(fetches kgo.Fetches) {
	clear(b.records) // lets go of the events' texts
	b.records, b.partitions = b.records[:0], b.partitions[:0]
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		b.partitions = append(b.partitions, polled{p.Partition, p.HighWatermark})
		for _, record := range p.Records {
			b.records = append(b.records, decoded{partition: p.Partition, offset: record.Offset, control: record.Attrs.IsControl(), headers: record.Headers})
			d := &b.records[len(b.records)-1]
			if !d.control {
				d.err = b.decoder.DecodeInto(record.Value, &d.event)
			}
		}
	})
}
