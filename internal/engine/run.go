package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
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
	session  time.Duration // until a silent member's partitions go to others

	recordLimit int // in bytes, of the topics

	mu          sync.Mutex
	lanes       []*worker // nil where none runs
	sourceLanes []*worker
}

// New prepares an engine. now is the clock that publishes falls and nothing
// else; it is time.Now but in tests.
func New(cfg *config.Config, p *Pipeline, log *slog.Logger, r prometheus.Registerer, now func() time.Time) *Engine {
	return &Engine{
		cfg: cfg, pipeline: p, log: log, now: now, metrics: NewMetrics(r), drain: drainTime, session: sessionTimeout,
		lanes: make([]*worker, cfg.Engine.Workers), sourceLanes: make([]*worker, cfg.Engine.Workers),
	}
}

// Run makes sure that the topics exist and works until ctx ends; then it
// drains. It returns an error when it cannot start, and when another process
// has its name: a worker that fails otherwise is started again from what was
// committed.
func (g *Engine) Run(ctx context.Context) error {
	opts, err := g.cfg.Kafka.ClientOptions(g.log)
	if err != nil {
		return err
	}
	snapshots, release, err := openSnapshots(g.cfg.Engine.StateDir, g.log, g.metrics)
	if err != nil {
		return err
	}
	defer release()
	topics := g.cfg.Kafka.Topics()
	if err := g.ensureTopics(ctx, opts); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for i := range g.cfg.Engine.Workers {
		workers.Go(func() {
			g.supervise(ctx, cancel, fmt.Sprintf("lane-%d", i), func() error {
				return g.runStage(ctx, &g.lanes[i], i, subjectStage(g.pipeline.Lane(), topics), opts, snapshots)
			})
		})
		workers.Go(func() {
			g.supervise(ctx, cancel, fmt.Sprintf("source-lane-%d", i), func() error {
				return g.runStage(ctx, &g.sourceLanes[i], i, sourceStage(g.pipeline.SourceLane(), topics), opts, snapshots)
			})
		})
		if len(g.cfg.Sources) > 0 {
			workers.Go(func() {
				g.supervise(ctx, cancel, fmt.Sprintf("ingest-%d", i), func() error { return g.runIngester(ctx, i, topics, opts) })
			})
		}
	}
	workers.Go(func() { g.pipeline.enricher.Watch(ctx, 5*time.Second) })
	workers.Go(func() { g.watchState(ctx) })
	workers.Wait()
	if err := context.Cause(ctx); errors.Is(err, errInstance) {
		return err
	}
	return nil
}

// errInstance ends the engine: two processes of one name would take each
// other's partitions away for ever.
var errInstance = errors.New("another process has the same engine.instance; give each process its own")

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
		err := g.prepareTopics(ctx, client, admin)
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

func (g *Engine) prepareTopics(ctx context.Context, client *kgo.Client, admin *kadm.Client) error {
	if g.exactlyOnce() {
		if err := requireTransactions(ctx, client); err != nil {
			return err
		}
	}
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

// longestPause is how long a worker that has failed waits at most: brokers that
// come back must not be kept waiting.
const longestPause = 5 * time.Second

// supervise runs a worker again after a failure, with growing pauses.
func (g *Engine) supervise(ctx context.Context, end context.CancelCauseFunc, name string, work func() error) {
	pause := time.Second
	for {
		began := time.Now()
		err := work()
		switch {
		case errors.Is(err, kerr.FencedInstanceID):
			end(fmt.Errorf("engine.instance %q: %w (%w)", g.cfg.Engine.Instance, errInstance, err))
			return
		case ctx.Err() != nil:
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
		pause = min(2*pause, longestPause)
	}
}

func (g *Engine) exactlyOnce() bool { return g.cfg.Engine.Delivery == config.ExactlyOnce }

// member names a worker in its group.
func (g *Engine) member(slot int) string { return fmt.Sprintf("%s-%d", g.cfg.Engine.Instance, slot) }

// runStage runs one worker of a stage, which others find at place meanwhile.
func (g *Engine) runStage(ctx context.Context, place **worker, slot int, stage *stage, opts []kgo.Opt, snapshots *snapshots) error {
	group := g.cfg.Kafka.Group(stage.group)
	w := &worker{
		stage:           stage,
		topics:          g.cfg.Kafka.Topics(),
		exactlyOnce:     g.exactlyOnce(),
		group:           group,
		member:          g.member(slot),
		transactionalID: group + "-" + g.member(slot),
		snapshots:       snapshots,
		now:             g.now,
		metrics:         g.metrics,
		log:             g.log.With("stage", stage.name),
		memory:          int(stage.memory * float64(g.cfg.Engine.StateMemoryMB<<20) / float64(g.cfg.Kafka.Partitions)),
		bytes:           g.recordLimit,
		config:          g.pipeline.hash,
		drain:           g.drain,
		session:         g.session,
	}
	g.show(place, w)
	err := w.run(ctx, opts)
	if ctx.Err() == nil {
		g.show(place, nil) // not ready until the next one is
	}
	return err
}

func (g *Engine) show(place **worker, w *worker) {
	g.mu.Lock()
	defer g.mu.Unlock()
	*place = w
}

func (g *Engine) runIngester(ctx context.Context, slot int, topics publish.Topics, opts []kgo.Opt) error {
	parsers := map[string]*ingest.Parser{}
	for _, source := range g.cfg.Sources {
		parser, err := g.pipeline.Parser(source)
		if err != nil {
			return err
		}
		parsers[source.Topic] = parser
	}
	w := &ingester{parsers: parsers, topics: topics, member: g.member(slot), session: g.session, limit: g.recordLimit, metrics: g.metrics, log: g.log, drain: g.drain}
	return w.run(ctx, opts, g.cfg.Kafka.Group("ingest"))
}

// Ready reports why the engine is not ready to be relied on, or nil: it has
// joined its group and restored the state of every partition it owns.
func (g *Engine) Ready() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range slices.Concat(g.lanes, g.sourceLanes) {
		if w == nil {
			return errors.New("a lane is starting")
		}
		if why := w.notReady(); why != "" {
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
	for _, workers := range [][]*worker{g.lanes, g.sourceLanes} {
		total := stateSize{ruleErrors: map[string]uint64{}, policyErrors: map[string]uint64{}}
		for _, w := range workers {
			if w == nil {
				continue
			}
			if size := w.size.Load(); size != nil {
				total.add(size)
			}
		}
		g.metrics.state(&total)
	}
}
