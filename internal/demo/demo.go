// Package demo runs the whole of riskstream in one process: a broker that any
// Kafka client on this machine can reach, a simulated company with a few
// attackers (or the user's own log files), the engine, and a live table of the
// riskiest users. It shows nothing that a real deployment does not do: only the
// broker is a stand-in, and it forgets everything at the end.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/fixtures/geoip"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/geodata"
	"github.com/riskstream/riskstream/internal/livetable"
	"github.com/riskstream/riskstream/internal/simulate"
)

// Options of the demo.
type Options struct {
	Port    int      // of the broker on 127.0.0.1; a free one when it is taken or 0
	Files   []string // log files to feed instead of the simulated company
	Seed    uint64
	Out     *os.File // the live table
	Message io.Writer
}

// ownTopic takes the events of the user's own files, in any known format.
const ownTopic = "idp.events"

// Run works until ctx ends, then drains.
func Run(ctx context.Context, o Options) error {
	cluster, err := startBroker(o.Port)
	if err != nil {
		return err
	}
	defer cluster.Close()
	broker := cluster.ListenAddrs()[0]

	dir, err := os.MkdirTemp("", "riskstream-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cfg, err := configure(broker, dir, len(o.Files) > 0)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(o.Message, &slog.HandlerOptions{Level: slog.LevelError}))
	pipeline, err := engine.NewPipeline(cfg, log)
	if err != nil {
		return err
	}
	defer pipeline.Close()

	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		return err
	}
	defer client.Close()
	follower, err := follow(broker)
	if err != nil {
		return err
	}
	defer follower.close()

	eng := engine.New(cfg, pipeline, log, prometheus.NewRegistry(), time.Now)
	failed := make(chan error, 3)
	work, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	start := func(f func() error) {
		all.Go(func() {
			if err := f(); err != nil && work.Err() == nil {
				failed <- err
				stop()
			}
		})
	}
	start(func() error { return eng.Run(work) })
	start(func() error { return follower.run(work) })
	start(func() error { return feed(work, client, o) })
	start(func() error { return show(work, o.Out, broker, follower) })
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// startBroker listens on the wanted port, or on a free one.
func startBroker(port int) (*kfake.Cluster, error) {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(freePort(port)),
		kfake.SeedTopics(3, simulate.TopicOkta, simulate.TopicEntra, simulate.TopicKeycloak, ownTopic),
	)
	if err != nil {
		return nil, fmt.Errorf("in-process broker: %w", err)
	}
	return cluster, nil
}

func freePort(port int) int {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0
	}
	listener.Close()
	return port
}

// configure is the configuration that a user would write for this company; it
// is left in dir, so that the demo reads a real file.
func configure(broker, dir string, ownFiles bool) (*config.Config, error) {
	city, asn, anonymous, err := geodata.Build(geoip.Networks())
	if err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{"city.mmdb": city, "asn.mmdb": asn, "anonymous.mmdb": anonymous} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf("kafka:\n  brokers: [%q]\n  replication_factor: 1\n", broker)
	if ownFiles {
		text += "sources:\n  - topic: " + ownTopic + "\n"
	} else {
		text += "sources:\n  - {topic: idp.okta, format: okta}\n  - {topic: idp.entra, format: entra}\n  - {topic: idp.keycloak, format: keycloak}\n"
		text += "geoip:\n  city: city.mmdb\n  asn: asn.mmdb\n  anonymous: anonymous.mmdb\n"
	}
	path := filepath.Join(dir, "riskstream.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return config.Load(path)
}

// feed produces the user's files, or the company's history at full speed and
// then its live phase as it happens.
func feed(ctx context.Context, client *kgo.Client, o Options) error {
	if len(o.Files) > 0 {
		return feedFiles(ctx, client, o.Files)
	}
	company := simulate.New(startingNow(o.Seed))
	live := company.LiveFrom()
	for ctx.Err() == nil {
		record := company.Next()
		if record.Time >= live {
			if err := waitUntil(ctx, record.Time.Std()); err != nil {
				return nil
			}
		}
		client.Produce(ctx, &kgo.Record{Topic: record.Topic, Value: record.Value}, nil)
	}
	return nil
}

// startingNow is a company whose live phase begins in a moment.
func startingNow(seed uint64) simulate.Config {
	c := simulate.Config{Seed: seed}
	history := simulate.New(c).LiveFrom() - simulate.DefaultStart
	c.Start = simulate.StartFor(time.Now().Add(5*time.Second), history)
	return c
}

func waitUntil(ctx context.Context, t time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(t)):
		return nil
	}
}

func feedFiles(ctx context.Context, client *kgo.Client, files []string) error {
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = ingest.Records(f, func(record []byte, _ int) error {
			value := append([]byte(nil), record...)
			client.Produce(ctx, &kgo.Record{Topic: ownTopic, Value: value, Key: []byte("own")}, nil)
			return ctx.Err()
		})
		f.Close()
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return client.Flush(ctx)
}

// show draws the table until ctx ends.
func show(ctx context.Context, out *os.File, broker string, f *follower) error {
	every := 500 * time.Millisecond
	size, _ := livetable.Terminal(out, os.Getenv)
	if size.Width == 0 {
		every = 10 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	began := time.Now()
	last := uint64(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		size, colour := livetable.Terminal(out, os.Getenv)
		rows, stats := f.snapshot()
		stats.Elapsed = time.Since(began)
		stats.PerSecond = float64(stats.Events-last) / every.Seconds()
		last = stats.Events
		if err := livetable.Render(out, size, rows, stats, livetable.Options{Colour: colour, Broker: broker}); err != nil {
			return err
		}
	}
}
