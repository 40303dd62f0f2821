package engine

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// rawTimeHeader carries the Kafka timestamp of the raw record through
// risk.events to the records it causes, so that the way from raw log to score
// can be measured. It is a header because payloads hold no wall-clock time.
const rawTimeHeader = "raw_timestamp_ms"

// outbox produces the records that events cause. Muted, it drops them: they
// were published before a restart.
type outbox struct {
	client  *kgo.Client
	while   context.Context // ends a while after the worker is told to stop
	limit   int             // most bytes of a record
	log     *slog.Logger
	topics  publish.Topics
	config  string
	metrics *Metrics

	muted   bool
	headers []kgo.RecordHeader
	bytes   int         // of what was produced in this transaction
	raw     []time.Time // when the raw records came that have caused something in this transaction

	mu     sync.Mutex
	failed error
}

// cause sets the record, by its headers, that the following records follow
// from; nil is the passing of time.
func (o *outbox) cause(headers []kgo.RecordHeader, muted bool) { o.headers, o.muted = headers, muted }

// Detections implements Sink.
func (o *outbox) Detections(e *event.Event, detections []event.Detection) {
	if o.muted {
		return
	}
	key := []byte(event.Key(e.Tenant, e.User.Subject))
	for i := range detections {
		o.metrics.detections.WithLabelValues(detections[i].Name).Inc()
		o.produce(o.topics.Detections, key, publish.AppendDetection(nil, e, &detections[i], o.config))
	}
}

// Score implements Sink.
func (o *outbox) Score(record *event.Score) {
	if !o.muted {
		o.produce(o.topics.Scores, []byte(record.Entity), publish.AppendScore(nil, record))
	}
}

// Gone implements Sink.
func (o *outbox) Gone(record *event.Score) {
	if !o.muted {
		o.produce(o.topics.Scores, []byte(record.Entity), nil)
	}
}

// Signal sends a signal to its subject, or a note to its key of the source lane.
func (o *outbox) Signal(e *event.Event) {
	if o.muted {
		return
	}
	topic, key := o.topics.Events, appendEventKey(nil, e)
	if note := e.ActivityKey(); note != "" {
		topic, key = o.topics.Activity, []byte(note)
	}
	o.produce(topic, key, e.AppendJSON(nil))
}

// produce leaves out what no broker would take: the topics' limit leaves a
// score room for all its reasons, and a worker that failed over one record
// would never get past it.
func (o *outbox) produce(topic string, key, value []byte) {
	if len(value) > o.limit {
		o.metrics.laneErrors.Inc()
		o.log.Error("a record is larger than max.message.bytes allows and is left out", "topic", topic, "bytes", len(value), "limit", o.limit)
		return
	}
	if at, ok := rawTime(o.headers); ok {
		o.raw = append(o.raw, at)
	}
	o.bytes += len(key) + len(value)
	o.client.Produce(o.while, &kgo.Record{Topic: topic, Key: key, Value: value, Headers: o.headers}, o.acknowledge)
}

func (o *outbox) acknowledge(record *kgo.Record, err error) {
	if err != nil {
		o.fail(fmt.Errorf("producing to %s: %w", record.Topic, err))
	}
}

func (o *outbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = err
	}
}

// takeError returns the first failure to produce since it was last called.
func (o *outbox) takeError() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.failed
	o.failed = nil
	return err
}

// visible measures how long what was produced was on its way, now that readers
// can see it.
func (o *outbox) visible() {
	now := time.Now()
	for _, at := range o.raw {
		o.metrics.endToEnd.Observe(now.Sub(at).Seconds())
	}
	o.forget()
}

// forget is told that what was produced is taken back, and all of it has
// succeeded or failed.
func (o *outbox) forget() {
	o.raw, o.bytes = o.raw[:0], 0
	_ = o.takeError() // what the abort made fail is no failure of the next transaction
}

// rawTime reads the raw record's Kafka timestamp from the headers.
func rawTime(headers []kgo.RecordHeader) (at time.Time, ok bool) {
	for i := range headers {
		if headers[i].Key == rawTimeHeader {
			ms, err := strconv.ParseInt(string(headers[i].Value), 10, 64)
			return time.UnixMilli(ms), err == nil
		}
	}
	return time.Time{}, false
}
