package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Drain names what shows how far the engine is: the offsets that its two hops
// have committed. They are watched from the load generator's process, so that
// watching costs the engine's nothing.
type Drain struct {
	Ingest string // consumer group of the first hop
	Lane   string // and of the second
	Events string // the topic between them
}

const (
	drainEvery = 50 * time.Millisecond
	// drainStill is how long the second hop may stand still, all of the first
	// being done, until it counts as done: offsets that only markers of
	// transactions take up are never committed.
	drainStill = 3 * time.Second
	// drainStuck is how long nothing may happen before the end.
	drainStuck = 2 * time.Minute
)

// wait returns the moment of the engine's last commit for events of a source
// topic that end at the given offsets.
func (d *Drain) wait(ctx context.Context, admin *kadm.Client, source string, ends map[int32]int64) (time.Time, error) {
	var sum int64
	changed := time.Now()
	for {
		read, err := d.committed(ctx, admin, d.Ingest, source)
		if err != nil {
			return time.Time{}, err
		}
		done, err := d.committed(ctx, admin, d.Lane, d.Events)
		if err != nil {
			return time.Time{}, err
		}
		if now := total(read) + total(done); now != sum {
			sum, changed = now, time.Now()
		}
		if reached(read, ends) {
			all, err := admin.ListEndOffsets(ctx, d.Events)
			if err == nil {
				err = all.Error()
			}
			if err != nil {
				return time.Time{}, fmt.Errorf("end of %s: %w", d.Events, err)
			}
			wanted := map[int32]int64{}
			all.Each(func(o kadm.ListedOffset) { wanted[o.Partition] = o.Offset })
			if reached(done, wanted) || time.Since(changed) > drainStill {
				return changed, nil
			}
		}
		if time.Since(changed) > drainStuck {
			return time.Time{}, fmt.Errorf("nothing was committed for %v: %s at %v of %v, %s at %v", drainStuck, d.Ingest, read, ends, d.Lane, done)
		}
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-time.After(drainEvery):
		}
	}
}

// committed are a group's offsets on a topic. A group that has not committed
// has none.
func (d *Drain) committed(ctx context.Context, admin *kadm.Client, group, topic string) (map[int32]int64, error) {
	offsets, err := admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("offsets of group %s: %w", group, err)
	}
	at := map[int32]int64{}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Topic == topic && o.At > 0 {
			at[o.Partition] = o.At
		}
	})
	return at, nil
}

func total(offsets map[int32]int64) (sum int64) {
	for _, at := range offsets {
		sum += at
	}
	return sum
}

func reached(at, wanted map[int32]int64) bool {
	for partition, want := range wanted {
		if at[partition] < want {
			return false
		}
	}
	return true
}
