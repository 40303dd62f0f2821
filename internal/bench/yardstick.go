package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// copyMore is how much larger the pass-through's backlog is than the engine's:
// it is done sooner, and its beginning and end must not weigh more.
const copyMore = 3

// passThrough measures the yardstick, after a smaller backlog that warms it up.
func (m *measuring) passThrough(ctx context.Context) (err error) {
	prefix := m.prefix("copy.")
	p := &passThrough{
		broker: m.broker.addr, source: prefix + "source", middle: prefix + "middle", out: prefix + "out",
		workers: m.result.Settings.Workers,
	}
	if err := m.createTopics(ctx, p.source, p.middle, p.out); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- p.run(ctx) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-ended, m.deleteTopics(context.WithoutCancel(ctx), prefix))
	}()
	m.say("pass-through: joining its groups")
	if err := until(ctx, ended, func() bool { return p.joined.Load() == 2*partitions }); err != nil {
		return fmt.Errorf("pass-through: joining its groups: %w", err)
	}
	if err := m.passBacklog(ctx, p, m.plan.events/4, ended); err != nil {
		return err
	}
	return m.passBacklog(ctx, p, copyMore*m.plan.events, ended)
}

// passBacklog notes what a backlog costs; the last one counts.
func (m *measuring) passBacklog(ctx context.Context, p *passThrough, events int, ended chan error) error {
	m.say("pass-through of %s events", thousands(float64(events)))
	load, err := m.prepare(ctx, Load{Topic: p.source, Subjects: m.plan.subjects, Events: events, End: time.Now().UTC(), Span: spanOf(events, m.plan.subjects)})
	if err != nil {
		return err
	}
	goal := p.hop2.Load() + int64(events)
	before, err := spent()
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := release(load); err != nil {
		return err
	}
	if err := until(ctx, ended, func() bool { return p.hop2.Load() >= goal }); err != nil {
		return fmt.Errorf("pass-through: %d of %d events are left: %w", goal-p.hop2.Load(), events, err)
	}
	took := time.Since(began)
	after, err := spent()
	if err != nil {
		return err
	}
	m.result.PassthroughPerS = float64(events) / took.Seconds()
	m.result.PassthroughCPU, m.result.PassthroughAllocs = after.perEvent(before, events)
	return nil
}

// until waits for done, but not longer than work goes on.
func until(ctx context.Context, ended chan error, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, drainStuck)
	defer cancel()
	for !done() {
		select {
		case err := <-ended:
			ended <- nil
			return errors.Join(errors.New("the workers ended"), err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}
