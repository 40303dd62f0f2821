package torture

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// sampleEvery is how exact times of progress are.
const sampleEvery = 100 * time.Millisecond

// sample is where the group stood in each partition, topic by topic, and where
// its end was.
type sample struct {
	at        time.Time
	committed []int64
	end       []int64
}

// progress watches how far a group is in each partition of some topics.
type progress struct {
	admin      *kadm.Client
	group      string
	topics     []string
	partitions int // of each topic

	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	samples []sample
}

func watch(ctx context.Context, admin *kadm.Client, group string, partitions int, topics ...string) *progress {
	ctx, stop := context.WithCancel(ctx)
	p := &progress{admin: admin, group: group, topics: topics, partitions: partitions, stop: stop, done: make(chan struct{})}
	go p.run(ctx)
	return p
}

func (p *progress) run(ctx context.Context) {
	defer close(p.done)
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s, err := p.look(ctx); err == nil { // else the brokers are down, which no progress is
				p.mu.Lock()
				p.samples = append(p.samples, s)
				p.mu.Unlock()
			}
		}
	}
}

func (p *progress) look(ctx context.Context) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	n := len(p.topics) * p.partitions
	s := sample{at: time.Now(), committed: make([]int64, n), end: make([]int64, n)}
	ends, err := p.admin.ListEndOffsets(ctx, p.topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return s, err
	}
	offsets, err := p.admin.FetchOffsets(ctx, p.group)
	if err != nil {
		return s, err
	}
	for i := range n {
		topic, id := p.topics[i/p.partitions], int32(i%p.partitions)
		if end, ok := ends.Lookup(topic, id); ok {
			s.end[i] = end.Offset
		}
		if at, ok := offsets.Lookup(topic, id); ok && at.Err == nil {
			s.committed[i] = max(at.At, 0)
		}
	}
	return s, nil
}

// finish stops watching.
func (p *progress) finish() {
	p.stop()
	<-p.done
}

// longestStall is the longest time for which any partition stood still.
func (p *progress) longestStall(from, to time.Time) (longest time.Duration) {
	for i := range len(p.topics) * p.partitions {
		longest = max(longest, stall(p.seen(), i, from, to))
	}
	return longest
}

// seen is what was seen so far.
func (p *progress) seen() []sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.samples
}

// resumed is how long after from the partition's position moved on for the
// first time; false if it never did. A partition that has nothing to do tells
// nothing, and is taken for one that goes on at once.
func resumed(samples []sample, partition int32, from time.Time) (time.Duration, bool) {
	before := int64(-1)
	idle := true
	for _, s := range samples {
		at := s.committed[partition]
		if s.at.Before(from) || before < 0 {
			before = at
			continue
		}
		if at > before {
			return s.at.Sub(from), true
		}
		idle = idle && s.end[partition] <= at
	}
	return 0, idle
}

// stall is the longest time between from and to in which the partition had
// something to do and did not move on.
func stall(samples []sample, partition int, from, to time.Time) (longest time.Duration) {
	var since time.Time // it has had something to do, and has not moved on; zero if it is idle
	last := int64(-1)
	for _, s := range samples {
		if s.at.Before(from) || s.at.After(to) {
			continue
		}
		at := s.committed[partition]
		if !since.IsZero() {
			longest = max(longest, s.at.Sub(since))
		}
		switch {
		case at >= s.end[partition]:
			since = time.Time{}
		case since.IsZero(), at > last:
			since = s.at
		}
		last = at
	}
	return longest
}
