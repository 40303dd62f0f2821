package history

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of the sink.
type Metrics struct {
	rows       *prometheus.CounterVec // by table
	retries    *prometheus.CounterVec // by table
	unreadable *prometheus.CounterVec // by topic
	seconds    prometheus.Histogram
	behind     *prometheus.GaugeVec // by topic and partition
}

// NewMetrics registers the sink's metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		rows:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "riskstream_history_rows_total", Help: "Rows that were inserted into the history."}, []string{"table"}),
		retries:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "riskstream_history_retries_total", Help: "Inserts into the history that failed and are done again."}, []string{"table"}),
		unreadable: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "riskstream_history_unreadable_total", Help: "Records that the history stepped over, since they are not riskstream's."}, []string{"topic"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "riskstream_history_insert_seconds", Help: "Time of an insert of one batch into the history.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
		}),
		behind: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "riskstream_history_lag_records", Help: "Records that the history has not read yet."}, []string{"topic", "partition"}),
	}
	registry.MustRegister(m.rows, m.retries, m.unreadable, m.seconds, m.behind)
	return m
}

func (m *Metrics) inserted(b *batchInfo, took time.Duration) {
	m.rows.WithLabelValues(b.table).Add(float64(b.rows))
	m.seconds.Observe(took.Seconds())
}

func (m *Metrics) lag(topic string, partition int32, records int64) {
	m.behind.WithLabelValues(topic, strconv.Itoa(int(partition))).Set(float64(max(records, 0)))
}

func (m *Metrics) noLag(topic string, partition int32) {
	m.behind.DeleteLabelValues(topic, strconv.Itoa(int(partition)))
}
