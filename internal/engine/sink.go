package engine

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

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

func (s *kafkaSink) produce(topic string, key, value []byte) {
	s.client.Produce(nil, &kgo.Record{Topic: topic, Key: key, Value: value, Headers: s.headers}, s.acknowledge)
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

// commitError adapts the callback of a commit to one error.
func commitError(into *error) func(*kgo.Client, *kmsg.OffsetCommitRequest, *kmsg.OffsetCommitResponse, error) {
	return func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
		*into = err
		if response == nil {
			return
		}
		for _, topic := range response.Topics {
			for _, partition := range topic.Partitions {
				if e := kerr.ErrorForCode(partition.ErrorCode); e != nil && *into == nil {
					*into = fmt.Errorf("%s/%d: %w", topic.Topic, partition.Partition, e)
				}
			}
		}
	}
}
