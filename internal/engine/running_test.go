package engine

import (
	"bytes"
	"context"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type running struct {
	*Engine
	cancel   context.CancelFunc
	done     chan error
	registry *prometheus.Registry
}

// scrape is what Prometheus would read.
func (r *running) scrape() string {
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer.Body.String()
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
}

// settled reports that each worker of the lanes holds its share of the
// partitions, so that no rebalance is under way or to come: one that stops in
// the middle of it keeps its group waiting.
func (r *running) settled(partitions int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, workers := range [][]*worker{r.lanes, r.sourceLanes} {
		held := 0
		for _, w := range workers {
			if w == nil {
				return false
			}
			w.mu.Lock()
			n := len(w.partitions)
			w.mu.Unlock()
			if n < partitions/len(workers) {
				return false
			}
			held += n
		}
		if held != partitions {
			return false
		}
	}
	return true
}

// owned counts the partitions of risk.events that the engine's lanes hold.
func (r *running) owned() (n int) {
	r.mu.Lock()
	lanes := slices.Clone(r.lanes)
	r.mu.Unlock()
	for _, lane := range lanes {
		if lane != nil {
			lane.mu.Lock()
			n += len(lane.partitions)
			lane.mu.Unlock()
		}
	}
	return n
}

// state is the canonical state of every partition that the engine owned when
// it stopped.
func (r *running) state(t *testing.T) []byte {
	var partitions []*Partition
	for _, lane := range r.lanes {
		if lane == nil {
			continue
		}
		for _, p := range lane.partitions {
			partitions = append(partitions, p.Partition)
		}
	}
	var out bytes.Buffer
	if err := writeState(&out, partitions...); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
