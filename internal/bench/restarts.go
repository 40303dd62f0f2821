package bench

import (
	"context"
	"errors"
	"os"
)

// openLoops measures latency at each rate.
func (m *measuring) openLoops(ctx context.Context, site *site, delivery string, rates []int, subjects int) error {
	cfg, err := site.configure(delivery)
	if err != nil {
		return err
	}
	for _, rate := range rates {
		m.say("latency at %s events/s, %s", thousands(float64(rate)), delivery)
		c, err := startChild(ctx, LoadCommand)
		if err != nil {
			return err
		}
		err = c.tell(Load{
			Broker: m.broker.addr, Partitions: partitions, Seed: seed, Phase: m.nextPhase(), Topic: site.source(), Subjects: subjects,
			Rate: rate, Events: int(float64(rate) * m.plan.open.Seconds()), Skip: m.plan.skip, Scores: cfg.Kafka.Topics().Scores,
		})
		if err != nil {
			return err
		}
		var loaded Loaded
		if err := c.hear(&loaded); err != nil {
			return err
		}
		if err := c.end(); err != nil {
			return err
		}
		loaded.Latency.Delivery = delivery
		m.result.Latency = append(m.result.Latency, *loaded.Latency)
	}
	return nil
}

// restores measures restarts: with what the engine has kept on disk, and with
// nothing but what is in Kafka.
func (m *measuring) restores(ctx context.Context, site *site, subjects int) error {
	for i, from := range []string{"snapshot", "changelog"} {
		m.say("restoring %s subjects from %s", thousands(float64(subjects)), from)
		if i == 1 {
			if err := os.RemoveAll(site.stateDir()); err != nil {
				return err
			}
			if err := os.MkdirAll(site.stateDir(), 0o755); err != nil {
				return err
			}
		}
		engine, err := site.start(ctx, m.result.Settings.Delivery)
		if err != nil {
			return err
		}
		entries, _, err := engine.stateSize(ctx, subjects)
		if err != nil {
			return errors.Join(err, engine.healthy(), engine.stop())
		}
		m.result.Restore = append(m.result.Restore, Restore{
			From: from, Subjects: int(entries), Seconds: engine.ready.Seconds(), Metric: engine.metric("state_restore_seconds"),
		})
		if err := errors.Join(engine.healthy(), engine.stop()); err != nil {
			return err
		}
	}
	return nil
}

// otherDelivery measures the latency of an engine that may repeat scores after
// a failure.
func (m *measuring) otherDelivery(ctx context.Context, site *site, subjects int) error {
	engine, err := site.start(ctx, atLeastOnce)
	if err != nil {
		return err
	}
	rates := m.plan.rates
	if m.o.Short {
		rates = rates[:1]
	}
	err = m.openLoops(ctx, site, atLeastOnce, rates, subjects)
	return errors.Join(err, engine.healthy(), engine.stop())
}
