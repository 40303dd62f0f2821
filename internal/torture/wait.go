//go:build unix

package torture

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// wait waits until something is done, and fails after a time in which it
// should have been.
func (r *Run) wait(what string, within time.Duration, done func() (bool, error)) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, e := range r.engines {
			if e.Died() {
				r.t.Fatalf("engine %s has ended by itself: %v", e.Name, e.life.Err())
			}
		}
		ok, err := done()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			r.t.Fatalf("waiting for %s: not within %v (%v)", what, within, err)
		case <-tick.C:
		}
	}
}

func (r *Run) waitReady(engines ...*Engine) {
	r.t.Helper()
	for _, e := range engines {
		r.wait("engine "+e.Name+" to be ready", 90*time.Second, func() (bool, error) {
			err := e.Ready(r.ctx)
			return err == nil, err
		})
	}
}

// sleep lets time pass under load.
func (r *Run) sleep(d time.Duration) {
	r.t.Helper()
	select {
	case <-r.ctx.Done():
		r.t.Fatal(r.ctx.Err())
	case <-time.After(d):
	}
}

// until waits for a part of the load's length to have passed.
func (r *Run) until(part float64) {
	r.t.Helper()
	r.sleep(time.Until(r.load.began.Add(time.Duration(part * float64(r.Length)))))
}

// between draws a time.
func (r *Run) between(from, to time.Duration) time.Duration {
	return from + time.Duration(r.draw.Int64N(int64(to-from)+1))
}

// exists reports whether there is a topic.
func (r *Run) exists(topic string) bool {
	r.t.Helper()
	// Only for the authorised operations a client always asks the brokers.
	details, err := r.admin.ListTopics(kadm.WithAuthorizedOps(r.ctx), topic)
	r.must(err)
	return details.Has(topic) && details[topic].Err == nil
}

// letFall brings engines whose clock can be set to a time at which every level
// has fallen, and waits until they have published that. The others are there
// already.
func (r *Run) letFall() {
	r.t.Helper()
	if r.clock == "" {
		return
	}
	r.setClock(r.fallsUntil().Format(time.RFC3339))
	last, since := int64(-1), time.Now()
	r.wait("falls to be published", time.Minute, func() (bool, error) {
		ends, err := r.admin.ListEndOffsets(r.ctx, r.kafka.Topics().Scores)
		if err != nil {
			return false, err
		}
		sum := int64(0)
		ends.Each(func(o kadm.ListedOffset) { sum += o.Offset })
		if sum != last {
			last, since = sum, time.Now()
		}
		return time.Since(since) > 2*time.Second, nil
	})
}

// fallsUntil is a time at which every level has fallen.
func (r *Run) fallsUntil() time.Time { return r.began.Add(60 * day).UTC() }

const day = 24 * time.Hour
