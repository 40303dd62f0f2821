package engine

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/state"
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
	aborts          prometheus.Counter
	commitSeconds   prometheus.Histogram
	snapshots       *prometheus.CounterVec
	stateEntries    *prometheus.GaugeVec
	stateBytes      *prometheus.GaugeVec
	stateDamaged    *prometheus.GaugeVec
	evictions       *prometheus.GaugeVec
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
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "riskstream_" + name, Help: help}, labels)
	}
	m := &Metrics{
		events:          counters("events_total", "Events by source topic (ingest) or lane, and what became of them.", "source", "result"),
		deadLetters:     counters("deadletter_records_total", "Raw elements that could not be parsed, by reason.", "reason"),
		detections:      counters("detections_total", "Detections raised, by detector or rule.", "detector"),
		lagRecords:      gauges("consumer_lag_records", "Records not yet read, by topic and partition.", "topic", "partition"),
		readErrors:      counters("read_errors_total", "Answers of the brokers that were no records.", "topic"),
		eventAge:        histogram("event_age_seconds", "Time from the event's own time to its evaluation.", prometheus.ExponentialBuckets(0.01, 4, 12)),
		endToEnd:        histogram("end_to_end_latency_seconds", "Time from the raw record's Kafka timestamp to the acknowledged score.", prometheus.ExponentialBuckets(0.001, 2, 16)),
		scoringDuration: histogram("scoring_duration_seconds", "Time that one event takes in the subject lane.", prometheus.ExponentialBuckets(1e-6, 2, 14)),
		restoreSeconds:  histogram("state_restore_seconds", "Time to rebuild a partition's state.", prometheus.ExponentialBuckets(0.01, 4, 10)),
		restarts:        counters("worker_restarts_total", "Workers started again after a failure.", "worker"),
		ruleErrors:      gauges("rule_errors", "Evaluations of a rule that failed at run, since start.", "rule"),
		policyErrors:    gauges("policy_errors", "Evaluations of a policy that failed at run, since start.", "policy"),
		laneErrors:      prometheus.NewCounter(prometheus.CounterOpts{Name: "riskstream_lane_errors_total", Help: "Records of risk.events that are no events, and records too large to publish."}),
		aborts:          prometheus.NewCounter(prometheus.CounterOpts{Name: "riskstream_transaction_aborts_total", Help: "Transactions taken back and done again."}),
		commitSeconds:   histogram("transaction_commit_seconds", "Time to commit a transaction.", prometheus.ExponentialBuckets(0.001, 2, 14)),
		snapshots:       counters("snapshots_total", "Snapshots of a partition's state: written, failed to be written, refused when read.", "result"),
		stateEntries:    gauges("state_entries", "Keys in state: subjects of the lane, networks of the source lane.", "stage"),
		stateBytes:      gauges("state_bytes", "Memory that the state takes.", "stage"),
		stateDamaged:    gauges("state_damaged", "Keys whose state could not be read and was begun afresh, since start.", "stage"),
		evictions:       gauges("state_evictions", "Keys forgotten because of engine.state_memory_mb, by tier, since start.", "stage", "tier"),
	}
	r.MustRegister(m.events, m.deadLetters, m.detections, m.lagRecords, m.readErrors, m.eventAge, m.endToEnd, m.scoringDuration,
		m.restoreSeconds, m.restarts, m.ruleErrors, m.policyErrors, m.laneErrors,
		m.aborts, m.commitSeconds, m.snapshots, m.stateEntries, m.stateBytes, m.stateDamaged, m.evictions)
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

// processed counts an event of a stage; events read again to rebuild state are
// counted apart.
func (m *Metrics) processed(stage string, r *Result, at event.Time, began time.Time, rebuilding bool) {
	if rebuilding {
		m.events.WithLabelValues("rebuild", statusNames[r.Status]).Inc()
		return
	}
	m.events.WithLabelValues(stage, statusNames[r.Status]).Inc()
	if stage != subjectLane {
		return
	}
	m.scoringDuration.Observe(time.Since(began).Seconds())
	m.eventAge.Observe(max(began.Sub(at.Std()), 0).Seconds())
}

// tierNames name the tiers of the state in metrics.
var tierNames = [...]string{state.Kept: "kept", state.Probation: "probation", state.Timetable: "timetable"}

func (m *Metrics) state(s *stateSize) {
	if s.stage == "" {
		return // nothing has been measured yet
	}
	m.stateEntries.WithLabelValues(s.stage).Set(float64(s.entries))
	m.stateBytes.WithLabelValues(s.stage).Set(float64(s.bytes))
	m.stateDamaged.WithLabelValues(s.stage).Set(float64(s.damaged))
	for tier, n := range s.evicted {
		m.evictions.WithLabelValues(s.stage, tierNames[tier]).Set(float64(n))
	}
	for rule, n := range s.ruleErrors {
		m.ruleErrors.WithLabelValues(rule).Set(float64(n))
	}
	for policy, n := range s.policyErrors {
		m.policyErrors.WithLabelValues(policy).Set(float64(n))
	}
}
