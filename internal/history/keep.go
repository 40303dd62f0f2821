package history

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/riskstream/riskstream/internal/config"
)

// Keep fills the configured history until ctx ends; without one it does
// nothing. What is wrong with an embedded history at the start is an error, for
// somebody to mend. A server that does not answer is asked again and again:
// Kafka keeps what comes meanwhile.
func Keep(ctx context.Context, cfg *config.Config, registry prometheus.Registerer, log *slog.Logger) error {
	if cfg.History.DSN == "" {
		return nil
	}
	metrics := NewMetrics(registry)
	opts, err := cfg.Kafka.ClientOptions(log)
	if err != nil {
		return err
	}
	opened := false
	pause := time.Second
	for ctx.Err() == nil {
		began := time.Now()
		store, err := OpenToFill(ctx, cfg.History)
		switch {
		case err == nil:
			opened = true
			err = NewSink(store, cfg.Kafka, cfg.Engine.Instance, metrics, log).Run(ctx, opts)
			err = errors.Join(err, store.Close())
		case !opened && isEmbedded(cfg.History):
			return err
		}
		if ctx.Err() != nil {
			if err != nil {
				log.Error("the history did not take all that was read; it goes on there after the next start", "error", err)
			}
			return nil
		}
		if time.Since(began) > time.Minute {
			pause = time.Second
		}
		log.Error("the history is not kept at the moment; it is tried again", "in", pause.String(), "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, 30*time.Second)
	}
	return nil
}
