package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// add puts a record into the parcel that is being made. It copies key and value.
func (g *ingester) add(topic string, key, value []byte, headers []kgo.RecordHeader) {
	p := g.making
	p.records = append(p.records, kgo.Record{Topic: topic, Key: p.keep(key), Value: p.keep(value), Headers: headers})
	p.bytes += len(value)
}

// send sends the parcel that was made, once the one before it has arrived.
func (g *ingester) send() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.settle(); err != nil {
		return err
	}
	p := g.making
	if len(p.records) == 0 && len(p.read) == 0 {
		return nil
	}
	introduced, err := g.introduce(p)
	if err != nil {
		return err
	}
	g.making, g.spare = g.spare, nil
	g.sending = p
	g.gate.closed.Lock()
	for i := range p.records {
		if record := &p.records[i]; !slices.Contains(introduced, record) {
			g.client.Produce(g.while, record, g.acknowledge)
		}
	}
	g.gate.closed.Unlock()
	go func() { p.arrived <- g.client.Flush(g.while) }()
	return nil
}

// introduce sends the first record for each topic that the client has not heard
// of yet alone, and returns it. While the client asks the brokers about a topic
// it collects what is for it; once it knows, it sends the first records while it
// still sorts the others, which would overtake them if they are refused. g.mu is
// held.
func (g *ingester) introduce(p *parcel) (first []*kgo.Record, err error) {
	for i := range p.records {
		if len(g.unheard) == 0 {
			break
		}
		record := &p.records[i]
		if at := slices.Index(g.unheard, record.Topic); at >= 0 {
			g.unheard = slices.Delete(g.unheard, at, at+1)
			g.client.Produce(g.while, record, g.acknowledge)
			first = append(first, record)
		}
	}
	if len(first) == 0 {
		return nil, nil
	}
	if err := g.client.Flush(g.while); err != nil {
		g.fail(fmt.Errorf("waiting for acknowledgements: %w", context.Cause(g.while)))
	}
	return first, g.err()
}

func (g *ingester) acknowledge(record *kgo.Record, err error) {
	if err != nil {
		g.fail(fmt.Errorf("producing to %s: %w", record.Topic, err))
	}
}

// settle waits until the parcel that is on its way, if there is one, has
// arrived. g.mu is held.
func (g *ingester) settle() error {
	if p := g.sending; p != nil {
		if err := <-p.arrived; err != nil {
			g.fail(fmt.Errorf("waiting for acknowledgements: %w", context.Cause(g.while)))
		}
		g.sending = nil
		if err := g.err(); err != nil {
			return err
		}
		for topic, partitions := range p.read {
			for partition, at := range partitions {
				g.done.set(topic, partition, at)
			}
		}
		p.reset()
		g.spare = p
	}
	return g.err()
}

// fail keeps the first failure to produce.
func (g *ingester) fail(err error) {
	g.failing.Lock()
	defer g.failing.Unlock()
	if g.failed == nil {
		g.failed = err
	}
}

// err is the first failure to produce.
func (g *ingester) err() error {
	g.failing.Lock()
	defer g.failing.Unlock()
	return g.failed
}
