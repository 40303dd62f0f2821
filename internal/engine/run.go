package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/publish"
)

// Engine is the whole of riskstream on Kafka: ingesters and subject lanes in
// one process. Several processes share the work through the consumer groups.
type Engine struct {
	cfg      *config.Config
	pipeline *Pipeline
	log      *slog.Logger
	now      func() time.Time
	metrics  *Metrics
	drain    time.Duration

	recordLimit int // in bytes, of the topics

	mu    sync.Mutex
	lanes []*laneWorker // nil where none runs
}

// New prepares an engine. now is the clock that publishes falls and nothing
// else; it is time.Now but in tests.
func New(cfg *config.Config, p *Pipeline, log *slog.Logger, r prometheus.Registerer, now func() time.Time) *Engine {
	return &Engine{cfg: cfg, pipeline: p, log: log, now: now, metrics: NewMetrics(r), drain: drainTime, lanes: make([]*laneWorker, cfg.Engine.Workers)}
}

// Run makes sure that the topics exist and works until ctx ends; then it
// drains. It returns an error only when it cannot start: a worker that fails
// later is started again from the committed offsets.
func (g *Engine) Run(ctx context.Context) error {
	opts, err := g.cfg.Kafka.ClientOptions(g.log)
	if err != nil {
		return err
	}
	topics := g.cfg.Kafka.Topics()
	if err := g.ensureTopics(ctx, opts); err != nil {
		return err
	}
	var workers sync.WaitGroup
	for i := range g.cfg.Engine.Workers {
		workers.Go(func() {
			g.supervise(ctx, fmt.Sprintf("lane-%d", i), func() error { return g.runLane(ctx, i, topics, opts) })
		})
		if len(g.cfg.Sources) > 0 {
			workers.Go(func() {
				g.supervise(ctx, fmt.Sprintf("ingest-%d", i), func() error { return g.runIngester(ctx, topics, opts) })
			})
		}
	}
	workers.Go(func() { g.pipeline.enricher.Watch(ctx, 5*time.Second) })
	workers.Go(func() { g.watchState(ctx) })
	workers.Wait()
	return nil
}

// startTime is how long brokers that do not answer are waited for: a start
// beside a starting broker should not fail, and one with a wrong address should
// say so.
const startTime = 30 * time.Second

// ensureTopics waits for the brokers, creates topics that are missing and
// learns how large records may be.
func (g *Engine) ensureTopics(ctx context.Context, opts []kgo.Opt) error {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	admin := kadm.NewClient(client)
	var last error
	for {
		err := g.prepareTopics(ctx, admin)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil && last != nil {
			return last // what this attempt was cut off from finding out again
		}
		err = g.cfg.Kafka.Explain(err)
		if !publish.MayPass(err) {
			return err
		}
		if last == nil {
			g.log.Warn("waiting for Kafka", "for", startTime.String(), "error", err)
		}
		last = err
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

func (g *Engine) prepareTopics(ctx context.Context, admin *kadm.Client) error {
	warnings, err := g.cfg.Kafka.EnsureTopics(ctx, admin)
	for _, w := range warnings {
		g.log.Warn(w)
	}
	if err != nil {
		return err
	}
	if g.recordLimit, err = g.cfg.Kafka.RecordLimit(ctx, admin); err != nil {
		return err
	}
	var sources []string
	for _, source := range g.cfg.Sources {
		sources = append(sources, source.Topic)
	}
	missing, err := publish.MissingTopics(ctx, admin, sources...)
	if len(missing) > 0 {
		g.log.Warn("source topics do not exist yet; they are read once they do", "topics", missing)
	}
	return err
}

// supervise runs a worker again after a failure, with growing pauses.
func (g *Engine) supervise(ctx context.Context, name string, work func() error) {
	pause := time.Second
	for {
		began := time.Now()
		err := work()
		if ctx.Err() != nil {
			if err != nil {
				g.log.Error("worker did not drain; some records will be done again", "worker", name, "error", err)
			}
			return
		}
		if time.Since(began) > time.Minute {
			pause = time.Second
		}
		g.metrics.restarts.WithLabelValues(name).Inc()
		g.log.Error("worker failed; it starts again from the committed offsets", "worker", name, "in", pause.String(), "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, 30*time.Second)
	}
}

func (g *Engine) runLane(ctx context.Context, slot int, topics publish.Topics, opts []kgo.Opt) error {
	w := &laneWorker{
		lane:    g.pipeline.Lane(),
		topics:  topics,
		now:     g.now,
		metrics: g.metrics,
		log:     g.log,
		limit:   max(g.cfg.Engine.MaxSubjects/int(g.cfg.Kafka.Partitions), 1),
		bytes:   g.recordLimit,
		drain:   g.drain,
	}
	g.setLane(slot, w)
	err := w.run(ctx, opts, g.cfg.Kafka.Group("subject-lane"))
	if ctx.Err() == nil {
		g.setLane(slot, nil) // not ready until the next one is
	}
	return err
}

func (g *Engine) setLane(slot int, w *laneWorker) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lanes[slot] = w
}

func (g *Engine) runIngester(ctx context.Context, topics publish.Topics, opts []kgo.Opt) error {
	parsers := map[string]*ingest.Parser{}
	for _, source := range g.cfg.Sources {
		parser, err := g.pipeline.Parser(source)
		if err != nil {
			return err
		}
		parsers[source.Topic] = parser
	}
	w := &ingester{parsers: parsers, topics: topics, limit: g.recordLimit, metrics: g.metrics, log: g.log, drain: g.drain}
	return w.run(ctx, opts, g.cfg.Kafka.Group("ingest"))
}

// Ready reports why the engine is not ready to be relied on, or nil: it has
// joined its group and rebuilt the state of every partition it owns.
func (g *Engine) Ready() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, lane := range g.lanes {
		if lane == nil {
			return errors.New("a lane is starting")
		}
		if why := lane.ready(); why != "" {
			return errors.New(why)
		}
	}
	return nil
}

// watchState keeps the gauges of the state current.
func (g *Engine) watchState(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			g.measureState()
		}
	}
}

func (g *Engine) measureState() {
	g.mu.Lock()
	defer g.mu.Unlock()
	total := stateSize{ruleErrors: map[string]uint64{}, policyErrors: map[string]uint64{}}
	for _, lane := range g.lanes {
		if lane == nil {
			continue
		}
		if size := lane.size.Load(); size != nil {
			total.add(size)
		}
	}
	g.metrics.state(total)
}
