package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/publish"
)

// tooLargeAsEvent is the dead letter of a raw record that holds an event which
// risk.events does not take.
func (g *ingester) tooLargeAsEvent(raw []byte, e *event.Event, size int) publish.DeadLetter {
	hash := sha256.Sum256(raw)
	return publish.DeadLetter{
		Reason: ingest.Oversized,
		Error:  fmt.Sprintf("as an event it has %d bytes, more than the %d that max.message.bytes of riskstream's topics allows", size, g.limit),
		Format: e.Provider, Origin: e.Origin,
		Size: len(raw), SHA256: hex.EncodeToString(hash[:]), Raw: raw[:min(len(raw), 64<<10)],
	}
}

// stepOver leaves a dead letter for a batch that cannot be read.
func (g *ingester) stepOver(batch *kgo.ErrDecompressTooLarge) {
	g.reject(batch.Topic, publish.DeadLetter{
		Reason: ingest.Oversized,
		Error:  fmt.Sprintf("the records of offsets %d to %d are in one compressed batch that would become too large; none was read", batch.Offset, batch.NextOffset-1),
		Origin: g.origin(batch.Topic, batch.Partition, batch.Offset),
	}, nil)
	g.making.read.set(batch.Topic, batch.Partition, kgo.EpochOffset{Epoch: batch.Epoch, Offset: batch.NextOffset})
}

// reject produces a dead letter of a source topic, and keeps less of what is
// raw until it fits.
func (g *ingester) reject(source string, d publish.DeadLetter, headers []kgo.RecordHeader) {
	g.metrics.events.WithLabelValues(source, "dead_letter").Inc()
	g.metrics.deadLetters.WithLabelValues(d.Reason).Inc()
	value := publish.AppendDeadLetter(nil, d)
	for len(value) > g.limit && len(d.Raw) > 0 {
		d.Raw = d.Raw[:len(d.Raw)/2]
		value = publish.AppendDeadLetter(value[:0], d)
	}
	g.add(g.topics.DeadLetter, []byte(source), value, headers)
}

// Rejected is the record of risk.deadletter for what became no event.
func Rejected(d ingest.DeadLetter) publish.DeadLetter {
	return publish.DeadLetter{
		Reason: d.Reason, Error: d.Err, Format: d.Format, Origin: d.Origin,
		Size: d.Size, SHA256: d.SHA256, Raw: d.Raw,
	}
}
