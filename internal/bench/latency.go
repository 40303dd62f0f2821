package bench

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Latency is the time from a raw event's intended sending to its score, read
// with read_committed.
type Latency struct {
	Delivery string  `json:"delivery"`
	Rate     int     `json:"rate"`    // events a second
	Events   int     `json:"events"`  // that were measured
	Missing  int     `json:"missing"` // whose score did not come
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Max      float64 `json:"max_ms"`
}

// scoreReader follows risk.scores and notes when the score of each marked event
// came.
type scoreReader struct {
	client *kgo.Client
	phase  uint32
	start  time.Time
	period time.Duration
	skip   uint64

	mu   sync.Mutex
	came map[uint64]time.Duration // by the event's number: its latency
}

// newScoreReader reads from the end as it is now.
func newScoreReader(ctx context.Context, load Load) (*scoreReader, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(load.Broker),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(100*time.Millisecond),
	)
	if err != nil {
		return nil, err
	}
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, load.Scores)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("end of %s: %w", load.Scores, err)
	}
	from := map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) { from[o.Partition] = kgo.NewOffset().At(o.Offset) })
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{load.Scores: from})
	return &scoreReader{client: client, phase: load.Phase, came: map[uint64]time.Duration{}}, nil
}

func (s *scoreReader) close() { s.client.Close() }

// begin reads until ctx ends or the reader is closed.
func (s *scoreReader) begin(ctx context.Context, start time.Time, period time.Duration, skip uint64) {
	s.start, s.period, s.skip = start, period, skip
	go func() {
		for ctx.Err() == nil {
			fetches := s.client.PollFetches(ctx)
			if fetches.IsClientClosed() {
				return
			}
			now := time.Now()
			s.mu.Lock()
			fetches.EachRecord(func(r *kgo.Record) { s.note(r.Value, now) })
			s.mu.Unlock()
		}
	}()
}

// cause is what the id of the causing event stands behind in a score.
var cause = []byte(`"event":{"id":"`)

func (s *scoreReader) note(score []byte, now time.Time) {
	_, rest, found := bytes.Cut(score, cause)
	if !found || len(rest) < uuidLength {
		return
	}
	index, ok := markedIndex(rest[:uuidLength], s.phase)
	if !ok || index < s.skip {
		return
	}
	if _, again := s.came[index]; !again {
		s.came[index] = now.Sub(s.start.Add(time.Duration(index) * s.period))
	}
}

// wait waits for the scores of the events that are due, but not for ever.
func (s *scoreReader) wait(ctx context.Context, due map[uint64]bool) *Latency {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for ctx.Err() == nil && s.missing(due) > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	l := &Latency{Missing: s.missing(due)}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []time.Duration
	for index := range due {
		if took, ok := s.came[index]; ok {
			all = append(all, took)
		}
	}
	l.summarize(all)
	return l
}

func (s *scoreReader) missing(due map[uint64]bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for index := range due {
		if _, ok := s.came[index]; !ok {
			n++
		}
	}
	return n
}

// summarize counts what did not come as slower than all that did: a quantile
// that falls there is the slowest latency, and Missing tells.
func (l *Latency) summarize(all []time.Duration) {
	slices.Sort(all)
	if l.Events = len(all); l.Events == 0 {
		return
	}
	at := func(quantile float64) float64 {
		i := int(quantile * float64(l.Events+l.Missing))
		return milliseconds(all[min(i, len(all)-1)])
	}
	l.P50, l.P99, l.Max = at(0.50), at(0.99), milliseconds(all[len(all)-1])
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
