package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// cost is what a piece of work has cost this process.
type cost struct {
	cpu    time.Duration
	allocs uint64
}

// spent is what this process has cost so far.
func spent() (cost, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	cpu, err := processorTime()
	return cost{cpu, m.Mallocs}, err
}

// perEvent is the cost since before, per event: µs of processor time, and
// allocations.
func (c cost) perEvent(before cost, events int) (cpu, allocs float64) {
	return float64((c.cpu - before.cpu).Nanoseconds()) / 1000 / float64(events), float64(c.allocs-before.allocs) / float64(events)
}

// prepare has a load generator produce a backlog that nobody sees yet.
func (m *measuring) prepare(ctx context.Context, load Load) (*child, error) {
	load.Broker, load.Partitions, load.Seed, load.Phase = m.broker.addr, partitions, seed, m.nextPhase()
	c, err := startChild(ctx, LoadCommand)
	if err != nil {
		return nil, err
	}
	if err := c.tell(load); err != nil {
		return nil, err
	}
	var loaded Loaded
	if err := c.hear(&loaded); err != nil {
		return nil, err
	}
	m.result.Data.EventBytes = float64(loaded.Bytes) / float64(load.Events)
	return c, nil
}

// release commits a backlog and returns how long the engine had work with it.
func release(c *child) (time.Duration, error) {
	if err := c.tell(true); err != nil {
		return 0, err
	}
	var loaded Loaded
	if err := c.hear(&loaded); err != nil {
		return 0, err
	}
	return loaded.Took, c.end()
}

// prefix is unique on a broker that outlives the benchmark.
func (m *measuring) prefix(name string) string {
	return fmt.Sprintf("bench-%d-%s", m.began.UnixMilli(), name)
}

func (m *measuring) deleteTopics(ctx context.Context, prefix string) error {
	// The client answers from what it heard some seconds ago, but not to this.
	topics, err := m.admin.ListTopics(kadm.WithAuthorizedOps(ctx))
	if err != nil {
		return fmt.Errorf("deleting topics: %w", err)
	}
	var names []string
	for _, name := range topics.Names() {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	if _, err := m.admin.DeleteTopics(ctx, names...); err != nil {
		return fmt.Errorf("deleting topics: %w", err)
	}
	return nil
}

// size measures an engine with so many subjects; the last one also its latency
// and its restarts.
func (m *measuring) size(ctx context.Context, subjects int, last bool) (err error) {
	site, err := newSite(m.dir, site{
		broker: m.broker.addr, prefix: m.prefix(fmt.Sprintf("%d.", subjects)), partitions: partitions,
		replication: m.replication(), workers: m.result.Settings.Workers,
	})
	if err != nil {
		return err
	}
	if err := m.createTopics(ctx, site.source()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.deleteTopics(context.WithoutCancel(ctx), site.prefix)) }()
	m.say("%s subjects: starting the engine", thousands(float64(subjects)))
	engine, err := site.start(ctx, m.result.Settings.Delivery)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.stop()) }()
	if err := m.throughput(ctx, site, engine, subjects); err != nil {
		return err
	}
	if last {
		if err := m.openLoops(ctx, site, m.result.Settings.Delivery, m.plan.rates, subjects); err != nil {
			return err
		}
	}
	if last || !m.o.Short {
		entries, bytes, err := engine.stateSize(ctx, subjects)
		if err != nil {
			return err
		}
		m.result.Growth[len(m.result.Growth)-1].BytesPerSubject = bytes / entries
	}
	if err := errors.Join(engine.healthy(), engine.stop()); err != nil || !last {
		return err
	}
	if err := m.restores(ctx, site, subjects); err != nil {
		return err
	}
	if m.result.Settings.Delivery == atLeastOnce {
		return nil
	}
	return m.otherDelivery(ctx, site, subjects)
}

// throughput introduces the subjects and drains a backlog.
func (m *measuring) throughput(ctx context.Context, site *site, engine *running, subjects int) error {
	drain := &Drain{}
	cfg, err := site.configure(m.result.Settings.Delivery)
	if err != nil {
		return err
	}
	drain.Ingest, drain.Lane, drain.Events = cfg.Kafka.Group("ingest"), cfg.Kafka.Group("subject-lane"), cfg.Kafka.Topics().Events
	m.say("%s subjects: introducing them", thousands(float64(subjects)))
	first, err := m.prepare(ctx, Load{
		Topic: site.source(), Subjects: subjects, Events: firsts * subjects, First: true, Drain: drain,
		End: time.Now().UTC().Add(-15 * day), Span: day, // long enough ago for novelties to count
	})
	if err != nil {
		return err
	}
	if _, err := release(first); err != nil {
		return err
	}
	m.say("%s subjects: producing a backlog of %s events", thousands(float64(subjects)), thousands(float64(m.plan.events)))
	seen := engine.metric("events_total", site.source())
	backlog, err := m.prepare(ctx, Load{
		Topic: site.source(), Subjects: subjects, Events: m.plan.events, Drain: drain,
		End: time.Now().UTC(), Span: spanOf(m.plan.events, subjects),
	})
	if err != nil {
		return err
	}
	if more := engine.metric("events_total", site.source()) - seen; more > 0 {
		return fmt.Errorf("the engine read %g events of the backlog before they were committed", more)
	}
	m.say("%s subjects: draining it", thousands(float64(subjects)))
	runtime.GC()
	before, err := spent()
	if err != nil {
		return err
	}
	took, err := release(backlog)
	if err != nil {
		return err
	}
	after, err := spent()
	if err != nil {
		return err
	}
	g := Growth{Subjects: subjects, EventsPerS: float64(m.plan.events) / took.Seconds()}
	g.CPU, g.AllocsPerEvent = after.perEvent(before, m.plan.events)
	m.result.Growth = append(m.result.Growth, g)
	return nil
}

const day = 24 * time.Hour

// spanOf is the time in which the events of a backlog happen: an hour for each
// event of a subject, so that a few subjects are not busier than people are,
// but within the day.
func spanOf(events, subjects int) time.Duration {
	return time.Duration(min(max(events/subjects, 1), 20)) * time.Hour
}
