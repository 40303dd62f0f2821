package engine

import (
	"time"
)

// settleAndCommit commits everything that was sent.
func (g *ingester) settleAndCommit() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.settle(); err != nil {
		return err
	}
	if err := g.settleCommit(); err != nil {
		return err
	}
	g.commit()
	return g.settleCommit()
}

// commitNow begins to commit what is acknowledged if it is time. A group that
// rebalances answers late, and nothing waits for it.
func (g *ingester) commitNow() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.lastCommit) < commitEvery {
		return nil
	}
	if g.committing != nil && len(g.committing) == 0 {
		return nil
	}
	if err := g.settleCommit(); err != nil {
		return err
	}
	g.commit()
	return nil
}

// commit is the end of an attempt to commit offsets.
type commit struct {
	offsets   offsets
	committed bool
	err       error
}

// commit commits in the background what is acknowledged. g.mu is held, and no
// commit is under way.
func (g *ingester) commit() {
	g.lastCommit = time.Now()
	if len(g.done) == 0 {
		return
	}
	ended := make(chan commit, 1)
	g.committing = ended
	c := commit{offsets: g.done.clone()}
	go func() {
		c.committed, c.err = c.offsets.commit(g.while, g.client)
		ended <- c
	}()
}

// settleCommit waits for the commit that is under way, if there is one. g.mu is
// held.
func (g *ingester) settleCommit() error {
	if g.committing == nil {
		return nil
	}
	c := <-g.committing
	g.committing = nil
	if c.committed {
		g.done.remove(c.offsets)
	}
	return c.err
}

// forget drops the positions of partitions that are now another's.
func (g *ingester) forget(gone map[string][]int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for topic, partitions := range gone {
		for _, partition := range partitions {
			delete(g.done[topic], partition)
			g.metrics.noLag(topic, partition)
		}
	}
}
