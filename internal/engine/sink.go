package engine

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// rawTimeHeader carries the Kafka timestamp of the raw record through
// risk.events to the records it causes, so that the way from raw log to score
// can be measured. It is a header because payloads hold no wall-clock time.
const rawTimeHeader = "raw_timestamp_ms"

// kafkaSink produces the records that events cause. Muted, it drops them: they
// were published before a restart.
type kafkaSink struct {
	client  *kgo.Client
	while   context.Context // ends a while after the worker is told to stop
	limit   int             // most bytes of a record
	log     *slog.Logger
	topics  publish.Topics
	config  string
	metrics *Metrics

	muted   bool
	headers []kgo.RecordHeader

	mu     sync.Mutex
	failed error
}

// cause sets the record that the following records follow from; nil is the
// passing of time.
func (s *kafkaSink) cause(record *kgo.Record, muted bool) {
	s.muted, s.headers = muted, nil
	if record != nil {
		s.headers = record.Headers
	}
}

// Detections implements Sink.
func (s *kafkaSink) Detections(e *event.Event, detections []event.Detection) {
	if s.muted {
		return
	}
	key := []byte(event.Key(e.Tenant, e.User.Subject))
	for i := range detections {
		s.metrics.detections.WithLabelValues(detections[i].Name).Inc()
		s.produce(s.topics.Detections, key, publish.AppendDetection(nil, e, &detections[i], s.config))
	}
}

// Score implements Sink.
func (s *kafkaSink) Score(record *event.Score) {
	if !s.muted {
		s.produce(s.topics.Scores, []byte(record.Entity), publish.AppendScore(nil, record))
	}
}

// Gone implements Sink.
func (s *kafkaSink) Gone(session *event.Score) {
	if !s.muted {
		s.produce(s.topics.Scores, []byte(session.Entity), nil)
	}
}

// produce leaves out what no broker would take: the topics' limit leaves a
// score room for all its reasons, and a worker that failed over one record
// would never get past it.
func (s *kafkaSink) produce(topic string, key, value []byte) {
	if len(value) > s.limit {
		s.metrics.laneErrors.Inc()
		s.log.Error("a record is larger than max.message.bytes allows and is left out", "topic", topic, "bytes", len(value), "limit", s.limit)
		return
	}
	s.client.Produce(s.while, &kgo.Record{Topic: topic, Key: key, Value: value, Headers: s.headers}, s.acknowledge)
}

func (s *kafkaSink) acknowledge(record *kgo.Record, err error) {
	if err != nil {
		s.mu.Lock()
		if s.failed == nil {
			s.failed = fmt.Errorf("producing to %s: %w", record.Topic, err)
		}
		s.mu.Unlock()
		return
	}
	s.metrics.acknowledged(record)
}

// err is the first failure to produce.
func (s *kafkaSink) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// rawTime reads the raw record's Kafka timestamp from the headers.
func rawTime(headers []kgo.RecordHeader) (ms int64, ok bool) {
	for i := range headers {
		if headers[i].Key == rawTimeHeader {
			ms, err := strconv.ParseInt(string(headers[i].Value), 10, 64)
			return ms, err == nil
		}
	}
	return 0, false
}
