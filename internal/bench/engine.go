package bench

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/riskstream/riskstream/fixtures/geoip"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/geodata"
)

//go:embed rules.yaml
var extraRules []byte

// Deliveries of scores. Exactly once is the default of engines that can do it.
const (
	exactlyOnce = "exactly_once"
	atLeastOnce = "at_least_once"
)

// site is one engine's place: its topics, and its files in a directory.
type site struct {
	dir         string
	broker      string
	prefix      string // of its topics
	partitions  int32
	replication int16
	workers     int
}

// source is the topic of the raw events.
func (s *site) source() string { return s.prefix + "idp.okta" }

// stateDir is where an engine that keeps snapshots keeps them.
func (s *site) stateDir() string { return filepath.Join(s.dir, "state") }

// newSite writes the files that the configuration names.
func newSite(dir string, s site) (*site, error) {
	s.dir = filepath.Join(dir, s.prefix)
	city, asn, anonymous, err := geodata.Build(geoip.Networks())
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.stateDir(), 0o755); err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{"city.mmdb": city, "asn.mmdb": asn, "anonymous.mmdb": anonymous, "rules.yaml": extraRules} {
		if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o600); err != nil {
			return nil, err
		}
	}
	return &s, nil
}

func noEnv(string) (string, bool) { return "", false }

// configure is the configuration of everything: all detectors, twenty rules,
// locations, and state in the site's directory.
func (s *site) configure(delivery string) (*config.Config, error) {
	text := fmt.Sprintf(`
kafka: {brokers: [%q], replication_factor: %d, partitions: %d, topic_prefix: %q}
sources: [{topic: %q, format: okta}]
geoip: {city: city.mmdb, asn: asn.mmdb, anonymous: anonymous.mmdb}
rules: {paths: [rules.yaml]}
engine:
  workers: %d
  instance: bench
  state_dir: state
  delivery: %s
`, s.broker, s.replication, s.partitions, s.prefix, s.source(), s.workers, delivery)
	return config.Parse(filepath.Join(s.dir, "riskstream.yaml"), []byte(text), noEnv)
}

// running is an engine at work.
type running struct {
	registry *prometheus.Registry
	ready    time.Duration // from start to ready
	log      *errorLog
	stop     func() error
}

const (
	readyEvery = 10 * time.Millisecond
	// readyStays is how long an engine must have stayed ready to count as
	// ready: members that join a group one after the other move partitions.
	readyStays = 500 * time.Millisecond
	readyLimit = 10 * time.Minute
)

// start starts an engine and returns when it is ready.
func (s *site) start(ctx context.Context, delivery string) (*running, error) {
	cfg, err := s.configure(delivery)
	if err != nil {
		return nil, err
	}
	r := &running{registry: prometheus.NewRegistry(), log: &errorLog{}}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelError}))
	pipeline, err := engine.NewPipeline(cfg, log)
	if err != nil {
		return nil, err
	}
	eng := engine.New(cfg, pipeline, log, r.registry, time.Now)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- eng.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		err := <-ended
		pipeline.Close()
		return err
	})
	since := time.Time{} // since when it is ready
	for {
		now := time.Now()
		switch err := eng.Ready(); {
		case err != nil:
			since = time.Time{}
			if now.Sub(began) > readyLimit {
				return nil, errors.Join(fmt.Errorf("the engine is not ready after %v: %w\n%s", readyLimit, err, r.log), r.stop())
			}
		case since.IsZero():
			since = now
		case now.Sub(since) >= readyStays:
			r.ready = since.Sub(began)
			return r, nil
		}
		select {
		case err := <-ended:
			ended <- err
			return nil, errors.Join(errors.New("the engine ended before it was ready"), r.stop())
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), r.stop())
		case <-time.After(readyEvery):
		}
	}
}

// metric is the sum of a counter or gauge over its labels, or over those with
// one of the given values; of a histogram, the sum of what was observed.
func (r *running) metric(name string, labels ...string) float64 {
	families, err := r.registry.Gather()
	if err != nil {
		return 0
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() != "riskstream_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			named := len(labels) == 0
			for _, label := range m.GetLabel() {
				named = named || slices.Contains(labels, label.GetValue())
			}
			if !named {
				continue
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
		}
	}
	return sum
}

// gaugesLag is how old the gauges of the state may be, with room.
const gaugesLag = 15 * time.Second

// stateSize is the size of a state that holds all subjects. It waits for the
// gauges, which are renewed each few seconds.
func (r *running) stateSize(ctx context.Context, subjects int) (entries, bytes float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, gaugesLag)
	defer cancel()
	for {
		entries, bytes = r.metric("state_entries", "lane"), r.metric("state_bytes", "lane")
		if entries >= float64(subjects) {
			return entries, bytes, nil
		}
		select {
		case <-ctx.Done():
			return entries, bytes, fmt.Errorf("riskstream_state_entries is %g; want the %d subjects that were introduced\n%s", entries, subjects, r.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// healthy reports what would make the measurements those of something else.
func (r *running) healthy() error {
	var errs []error
	for _, name := range []string{"deadletter_records_total", "worker_restarts_total", "state_evictions", "lane_errors_total", "rule_errors"} {
		if n := r.metric(name); n > 0 {
			errs = append(errs, fmt.Errorf("riskstream_%s is %g; want 0", name, n))
		}
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New(r.log.String()))
	}
	return errors.Join(errs...)
}

// errorLog keeps the beginning of what an engine has to complain about.
type errorLog struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (l *errorLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept.Len() < 4000 {
		l.kept.Write(p)
	}
	return len(p), nil
}

func (l *errorLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept.String()
}
