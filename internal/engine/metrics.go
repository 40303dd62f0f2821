package engine

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
)

// Metrics are the engine's Prometheus metrics, in base units and never with a
// subject as a label.
type Metrics struct {
	events          *prometheus.CounterVec
	deadLetters     *prometheus.CounterVec
	detections      *prometheus.CounterVec
	lagRecords      *prometheus.GaugeVec
	readErrors      *prometheus.CounterVec
	eventAge        prometheus.Histogram
	endToEnd        prometheus.Histogram
	scoringDuration prometheus.Histogram
	restoreSeconds  prometheus.Histogram
	restarts        *prometheus.CounterVec
	ruleErrors      *prometheus.GaugeVec
	policyErrors    *prometheus.GaugeVec
	laneErrors      prometheus.Counter
	stateEntries    prometheus.Gauge
	stateBytes      prometheus.Gauge
	evictions       prometheus.Gauge
	fallsSkipped    prometheus.Gauge
}

// NewMetrics registers the engine's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "riskstream_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "riskstream_" + name, Help: help, Buckets: buckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
		})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "riskstream_" + name, Help: help})
	}
	m := &Metrics{
		events:      counters("events_total", "Events by source topic (ingest) or lane, and what became of them.", "source", "result"),
		deadLetters: counters("deadletter_records_total", "Raw elements that could not be parsed, by reason.", "reason"),
		detections:  counters("detections_total", "Detections raised, by detector or rule.", "detector"),
		lagRecords: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "riskstream_consumer_lag_records", Help: "Records not yet read, by topic and partition.",
		}, []string{"topic", "partition"}),
		readErrors:      counters("read_errors_total", "Answers of the brokers that were no records.", "topic"),
		eventAge:        histogram("event_age_seconds", "Time from the event's own time to its evaluation.", prometheus.ExponentialBuckets(0.01, 4, 12)),
		endToEnd:        histogram("end_to_end_latency_seconds", "Time from the raw record's Kafka timestamp to the acknowledged score.", prometheus.ExponentialBuckets(0.001, 2, 16)),
		scoringDuration: histogram("scoring_duration_seconds", "Time that one event takes in the subject lane.", prometheus.ExponentialBuckets(1e-6, 2, 14)),
		restoreSeconds:  histogram("state_restore_seconds", "Time to rebuild a partition's state.", prometheus.ExponentialBuckets(0.01, 4, 10)),
		restarts:        counters("worker_restarts_total", "Workers started again after a failure.", "worker"),
		ruleErrors: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "riskstream_rule_errors", Help: "Evaluations of a rule that failed at run, since start.",
		}, []string{"rule"}),
		policyErrors: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "riskstream_policy_errors", Help: "Evaluations of a policy that failed at run, since start.",
		}, []string{"policy"}),
		laneErrors:   prometheus.NewCounter(prometheus.CounterOpts{Name: "riskstream_lane_errors_total", Help: "Records of risk.events that are no events, and records too large to publish."}),
		stateEntries: gauge("state_entries", "Subjects in state."),
		stateBytes:   gauge("state_bytes", "Memory that the state holds."),
		evictions:    gauge("state_evictions", "Subjects forgotten because of engine.max_subjects, since start."),
		fallsSkipped: gauge("falls_skipped", "Records whose falls are not published because the timetable is full, since start."),
	}
	r.MustRegister(m.events, m.deadLetters, m.detections, m.lagRecords, m.readErrors, m.eventAge, m.endToEnd, m.scoringDuration,
		m.restoreSeconds, m.restarts, m.ruleErrors, m.policyErrors, m.laneErrors, m.stateEntries, m.stateBytes, m.evictions, m.fallsSkipped)
	return m
}

func (m *Metrics) lag(topic string, partition int32, records int64) {
	m.lagRecords.WithLabelValues(topic, strconv.Itoa(int(partition))).Set(float64(max(records, 0)))
}

// noLag forgets the lag of a partition that is now another's.
func (m *Metrics) noLag(topic string, partition int32) {
	m.lagRecords.DeleteLabelValues(topic, strconv.Itoa(int(partition)))
}

var statusNames = [...]string{Scored: "scored", Signalled: "signal", Repeated: "repeated", NoSubject: "no_subject"}

// processed counts an event of the lane; events read again to rebuild state
// are counted apart.
func (m *Metrics) processed(r *Result, at event.Time, began time.Time, rebuilding bool) {
	if rebuilding {
		m.events.WithLabelValues("rebuild", statusNames[r.Status]).Inc()
		return
	}
	m.events.WithLabelValues("lane", statusNames[r.Status]).Inc()
	m.scoringDuration.Observe(time.Since(began).Seconds())
	m.eventAge.Observe(max(began.Sub(at.Std()), 0).Seconds())
}

// acknowledged measures the way of a record that the broker has taken.
func (m *Metrics) acknowledged(record *kgo.Record) {
	if ms, ok := rawTime(record.Headers); ok {
		m.endToEnd.Observe(time.Since(time.UnixMilli(ms)).Seconds())
	}
}

func (m *Metrics) state(s stateSize) {
	m.stateEntries.Set(float64(s.entries))
	m.stateBytes.Set(float64(s.bytes))
	m.evictions.Set(float64(s.evicted))
	m.fallsSkipped.Set(float64(s.fallsSkipped))
	for rule, n := range s.ruleErrors {
		m.ruleErrors.WithLabelValues(rule).Set(float64(n))
	}
	for policy, n := range s.policyErrors {
		m.policyErrors.WithLabelValues(policy).Set(float64(n))
	}
}
