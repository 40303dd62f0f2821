// Package demo runs the whole of riskstream in one process: a broker that any
// Kafka client on this machine can reach, a simulated company with a few
// attackers (or the user's own log files), the engine, and a live table of the
// riskiest users. It shows nothing that a real deployment does not do: only the
// broker is a stand-in, and it forgets everything at the end.
package demo

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/chdb"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/simulate"
)

// Options of the demo.
type Options struct {
	Port    int      // of the broker on 127.0.0.1; a free one when it is taken or 0
	Files   []string // log files to feed instead of the simulated company
	Seed    uint64   // of the simulated company
	Out     *os.File // the live table
	Message io.Writer

	headStart time.Duration // how much of the live phase has passed at the start; headStart when 0
	every     time.Duration // how often the table is drawn; a default when 0
	noHistory bool          // none is kept
}

const (
	// liveSpan is how long a working day of the live phase takes: the stories
	// begin some 20 s apart, which leaves time to read each.
	liveSpan = 4 * time.Minute

	// headStart lets the first attack happen ten seconds after the history is
	// in, instead of more than a minute: its story begins with ordinary sign-ins.
	headStart = 62 * time.Second
)

// Run works until ctx ends, then drains.
func Run(ctx context.Context, o Options) error {
	if err := readable(o.Files); err != nil {
		return err
	}
	cluster, err := startBroker(o.Port)
	if err != nil {
		return err
	}
	defer cluster.Close()
	dir, err := os.MkdirTemp("", "riskstream-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	var company *simulate.Company // nil with files
	if len(o.Files) == 0 {
		company = simulate.New(happeningNow(o))
	}
	broker := cluster.ListenAddrs()[0]
	_, missing := chdb.Find()
	cfg, err := configure(dir, broker, company, missing == nil && !o.noHistory)
	if err != nil {
		return err
	}
	d, err := prepare(o, cfg, company)
	if err != nil {
		return err
	}
	defer d.close()
	switch {
	case cfg.History.DSN != "":
		d.screen.history = "ask the history: riskstream history top -c " + configFile(dir)
	case missing != nil && !o.noHistory:
		d.screen.history = "no history is kept: its engine is not installed (riskstream history install)"
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	d.screen.end()
	return nil
}

// happeningNow is a company whose live phase began a moment ago.
func happeningNow(o Options) simulate.Config {
	c := simulate.Config{Seed: o.Seed, LiveSpan: liveSpan}
	ago := o.headStart
	if ago == 0 {
		ago = headStart
	}
	history := simulate.New(c).LiveFrom() - simulate.DefaultStart
	c.Start = simulate.StartFor(time.Now().Add(-ago), history)
	return c
}

// demo is a prepared demo.
type demo struct {
	pipeline *engine.Pipeline
	engine   *engine.Engine
	history  func(context.Context) error
	feeder   *feeder
	follower *follower
	screen   *screen
}

func prepare(o Options, cfg *config.Config, company *simulate.Company) (d *demo, err error) {
	d = &demo{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	d.screen = newScreen(o, cfg.Kafka.Brokers[0], company)
	log := slog.New(slog.NewTextHandler(d.screen, &slog.HandlerOptions{Level: slog.LevelError}))
	if d.pipeline, err = engine.NewPipeline(cfg, log); err != nil {
		return d, err
	}
	clock := time.Now
	if company == nil {
		// The files' events are of the past. With a clock that stands before
		// them levels fall by their events alone, as in a replay, and the table
		// shows each user as of the last event.
		clock = func() time.Time { return time.Unix(0, 0) }
	}
	registry := prometheus.NewRegistry()
	d.engine = engine.New(cfg, d.pipeline, log, registry, clock)
	d.history = func(ctx context.Context) error {
		err := history.Keep(ctx, cfg, registry, log)
		<-ctx.Done() // without a history, the demo goes on
		return err
	}
	if d.feeder, err = newFeeder(o, cfg, company); err != nil {
		return d, err
	}
	d.follower, err = follow(cfg.Kafka)
	d.screen.follower = d.follower
	return d, err
}

// run works until ctx ends or a part fails.
func (d *demo) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var failed error
	var once sync.Once
	var parts sync.WaitGroup
	for _, part := range []func(context.Context) error{d.engine.Run, d.history, d.follower.run, d.feeder.run, d.screen.run} {
		parts.Go(func() {
			if err := part(ctx); err != nil && ctx.Err() == nil {
				once.Do(func() { failed = err })
				stop(err)
			}
		})
	}
	parts.Wait()
	return failed
}

func (d *demo) close() {
	if d.follower != nil {
		d.follower.close()
	}
	if d.feeder != nil {
		d.feeder.client.Close()
	}
	if d.pipeline != nil {
		d.pipeline.Close()
	}
}

// newClient is a Kafka client as any other on this machine.
func newClient(broker string, opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(opts, kgo.SeedBrokers(broker))...)
}
