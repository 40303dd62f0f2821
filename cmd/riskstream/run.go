package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/health"
	"github.com/riskstream/riskstream/internal/history"
)

func runCommand() *cobra.Command {
	var configFile, warmFrom string
	cmd := &cobra.Command{
		Use:   "run --config FILE",
		Short: "Score live: from the source topics in Kafka to risk.scores",
		Long: `Run reads the configured sources from Kafka and publishes risk.events,
risk.detections, risk.scores and risk.deadletter, creating topics that are
missing. Start several with the same configuration to share the work.

SIGTERM drains: what was read is finished, acknowledged and committed.
Metrics are at http.listen under /metrics, health under /livez and /readyz.

With --warm-from history a new deployment begins with what the configured
history knows of every user, instead of learning for weeks; where there is state
already, nothing happens. Start one process so, and the others once it is ready.`,
		Example: `  riskstream run --config riskstream.yaml
  riskstream run --config riskstream.yaml --warm-from history
  RISKSTREAM_KAFKA_SASL_PASSWORD=... riskstream run -c riskstream.yaml`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if configFile == "" {
				return usageError{errors.New("run needs --config FILE")}
			}
			if warmFrom != "" && warmFrom != "history" {
				return usageError{fmt.Errorf("--warm-from %q: want history", warmFrom)}
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return runEngine(ctx, configFile, warmFrom != "")
		},
	}
	configFlag(cmd, &configFile)
	cmd.Flags().StringVar(&warmFrom, "warm-from", "", "history: begin a new deployment with what the history knows")
	if err := cmd.RegisterFlagCompletionFunc("warm-from", cobra.FixedCompletions([]string{"history"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
	return cmd
}

func runEngine(ctx context.Context, configFile string, warm bool) error {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	cfg, pipeline, err := open(configFile, log)
	if err != nil {
		return err
	}
	defer pipeline.Close()
	if len(cfg.Sources) == 0 {
		log.Warn("no sources are configured: only events already in risk.events are scored")
	}
	registry := prometheus.NewRegistry()
	eng := engine.New(cfg, pipeline, log, registry, clock)
	stopHTTP, err := serveHealth(cfg.HTTP.Listen, health.Handler(registry, version, eng.Ready), log)
	if err != nil {
		return err
	}
	defer stopHTTP()
	if warm {
		if err := warmUp(ctx, cfg, eng); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		if err := history.Keep(ctx, cfg, registry, log); err != nil {
			cancel(err)
		}
	}()
	log.Info("starting", "version", version, "configuration", pipeline.Hash(), "brokers", cfg.Kafka.Brokers, "sources", len(cfg.Sources), "http", cfg.HTTP.Listen)
	if err := eng.Run(ctx); err != nil {
		return err
	}
	cancel(nil)
	<-kept
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	log.Info("drained")
	return nil
}

// warmUp gives the engine of a new deployment what the history knows.
func warmUp(ctx context.Context, cfg *config.Config, eng *engine.Engine) (err error) {
	if cfg.History.DSN == "" {
		return errors.New("--warm-from history: history.dsn is not set")
	}
	store, err := history.Open(ctx, cfg.History)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return eng.Warm(ctx, func(each func(*event.Event) error) error {
		return store.Read(ctx, history.Selection{}, each)
	})
}

// serveHealth serves until the returned function is called.
func serveHealth(address string, handler http.Handler, log *slog.Logger) (stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("http server ended", "error", err)
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		server.Shutdown(ctx)
	}, nil
}
