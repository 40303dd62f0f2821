package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fillChangelog makes the changelog's records of the transaction and returns
// the offsets of the input that belong to it. w.mu is held.
func (w *worker) fillChangelog() offsets {
	done := offsets{}
	w.changes, w.advances = w.changes[:0], w.advances[:0]
	record := func(p *lanePartition, key, value []byte) kgo.Record {
		return kgo.Record{Topic: w.stage.changelog, Partition: p.id, Key: key, Value: value}
	}
	for id, p := range w.partitions {
		if !p.changed {
			continue
		}
		p.store.Changes(func(key, value []byte) { w.changes = append(w.changes, record(p, key, value)) })
		p.progress = p.appendProgress(p.progress[:0])
		w.advances = append(w.advances, record(p, []byte(progressKey), p.progress))
		done.set(w.stage.input, id, kgo.EpochOffset{Epoch: -1, Offset: p.next})
	}
	return done
}

// produceAll produces records of the changelog.
func (w *worker) produceAll(records []kgo.Record) {
	for i := range records {
		w.producer.Produce(w.while, &records[i], w.changed)
	}
}

// changed is told that a record of the changelog is acknowledged.
func (w *worker) changed(record *kgo.Record, err error) {
	if err != nil {
		w.out.fail(fmt.Errorf("producing to %s: %w", record.Topic, err))
	}
}

// flush waits until everything produced is acknowledged, or until the brokers
// have given the transaction up.
func (w *worker) flush() error {
	ctx, cancel := context.WithTimeoutCause(w.while, flushTime, fmt.Errorf("the brokers did not answer for %v", flushTime))
	defer cancel()
	if err := w.producer.Flush(ctx); err != nil {
		return fmt.Errorf("waiting for acknowledgements: %w", context.Cause(ctx))
	}
	return w.out.takeError()
}

// flushTime is how long records may take to be acknowledged: the brokers abort
// a transaction after transactionTimeout, and look every 10 s.
const flushTime = 15 * time.Second

// committed makes what the transaction has changed part of the state. w.mu is
// held.
func (w *worker) committed(done offsets) {
	for id := range done[w.stage.input] {
		if p := w.partitions[id]; p != nil {
			p.commit()
			p.changed = false
		}
	}
	for i := range w.advances {
		if p := w.partitions[w.advances[i].Partition]; p != nil {
			p.logged = w.advances[i].Offset + 1
		}
	}
	w.out.visible()
}

// rollback takes back what the transaction has changed. w.mu is held.
func (w *worker) rollback() {
	for _, p := range w.partitions {
		if p.ready {
			p.rollback()
			p.changed = false
		}
	}
	w.out.forget()
	w.rewind = true
}

// rewindAll makes the consumer read on from the state. w.mu is held.
func (w *worker) rewindAll() {
	at := offsets{}
	for id, p := range w.partitions {
		if p.ready {
			at.set(w.stage.input, id, kgo.EpochOffset{Epoch: -1, Offset: p.next})
		}
	}
	readFrom(w.consumer, at)
	w.rewind = false
}

// changelogPartitioner gives records of the changelog the partition that they
// name, and others the one of their key, as Kafka's own clients do.
func changelogPartitioner(changelog string) kgo.Partitioner {
	byKey := kgo.StickyKeyPartitioner(nil)
	return partitioner{changelog, byKey}
}

type partitioner struct {
	changelog string
	byKey     kgo.Partitioner
}

// ForTopic implements kgo.Partitioner.
func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	if topic == p.changelog {
		return kgo.ManualPartitioner().ForTopic(topic)
	}
	return p.byKey.ForTopic(topic)
}
