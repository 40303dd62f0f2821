package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/riskstream/riskstream/internal/lockfile"
	"github.com/riskstream/riskstream/internal/state"
)

// snapshotEvery is how long the changelog gets at most before a partition has a
// new snapshot: a restart reads so much of it.
const snapshotEvery = time.Minute

// snapshotStep is how many entries are copied between two transactions: about
// half a millisecond.
const snapshotStep = 2000

// snapshotMaxAge is the age beyond which a snapshot is not used. The changelog
// keeps for two days what says that a key has ended (publish.tombstoneRetention);
// an older snapshot could bring it back.
const snapshotMaxAge = 24 * time.Hour

// snapshots keeps local copies of the state, so that a restart reads the end of
// the changelog only. They can be deleted at any time. A snapshot is written
// while its partition goes on: what changes after it was begun is in the
// changelog behind the offset that it names, and wins.
type snapshots struct {
	dir        string
	createFile func(path string) (state.File, error)
	log        *slog.Logger
	metrics    *Metrics
	writing    sync.Map // paths, while a worker of the process writes there
}

// claim reports that nobody else writes at the path: a partition can move to
// another worker of the process before its snapshot is given up. Who has it
// calls end.
func (s *snapshots) claim(path string) bool {
	_, taken := s.writing.LoadOrStore(path, true)
	return !taken
}

func (s *snapshots) path(stage *stage, partition int32) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s-%d.snapshot", stage.name, partition))
}

// read returns the state in a partition's snapshot, and the offset at which the
// changelog goes on. Without a usable snapshot that is an empty state and 0.
// The changelog has the given id and end.
func (s *snapshots) read(stage *stage, id [16]byte, partition int32, end int64, memory int) (*Partition, int64) {
	if s == nil {
		return NewPartition(memory), 0
	}
	path := s.path(stage, partition)
	p := NewPartition(memory)
	var refused error
	h, err := state.ReadSnapshot(path, func(_ state.Tier, key, value []byte) {
		if refused == nil {
			refused = p.load(key, value)
		}
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return NewPartition(memory), 0
	case err == nil:
		err = refused
	}
	switch {
	case err != nil:
	case h.TopicID != id:
		err = fmt.Errorf("the topic %s was created anew since", stage.changelog)
	case h.Topic != stage.changelog, h.Partition != partition:
		err = fmt.Errorf("it is of %s/%d", h.Topic, h.Partition)
	case h.Offset > end:
		err = fmt.Errorf("it is of offset %d of %s, which ends at %d", h.Offset, stage.changelog, end)
	case time.Since(h.Written) > snapshotMaxAge:
		err = fmt.Errorf("it is older than %v", snapshotMaxAge)
	}
	if err != nil {
		s.log.Warn("a snapshot cannot be used; the whole changelog is read instead", "path", path, "error", err)
		s.metrics.snapshots.WithLabelValues("refused").Inc()
		return NewPartition(memory), 0
	}
	return p, h.Offset
}

// snapshotJob is a snapshot that is being written: the worker copies the state
// in steps, and another goroutine writes them.
type snapshotJob struct {
	of     *lanePartition
	cursor uint32
	steps  chan snapshotPart
	copied bool          // steps is closed
	done   chan struct{} // closed when it is on disk, or given up
}

type snapshotPart struct {
	encoded []byte
	entries int
	last    bool
}

// continueSnapshots copies a part of the state to the snapshot that is being
// written, or begins one that is due. No transaction may be open: what is not
// committed must not get into a snapshot. w.mu is held.
func (w *worker) continueSnapshots() {
	if w.snapshots == nil {
		return
	}
	if w.job == nil {
		for _, p := range w.partitions {
			if p.ready && p.logged > p.snapshotAt && time.Since(p.snapshotLast) >= snapshotEvery && w.snapshots.claim(w.snapshots.path(w.stage, p.id)) {
				w.job = w.snapshots.begin(w, p)
				break
			}
		}
	}
	if w.job != nil && w.job.step() {
		w.job = nil
	}
}

// begin starts a snapshot of the partition as it is now.
func (s *snapshots) begin(w *worker, p *lanePartition) *snapshotJob {
	p.snapshotLast, p.snapshotAt = time.Now(), p.logged
	j := &snapshotJob{of: p, steps: make(chan snapshotPart, 4), done: make(chan struct{})}
	path := s.path(w.stage, p.id)
	snapshot, err := s.create(w.stage, w.changelogID, p)
	go func() {
		defer close(j.done)
		whole := false
		for part := range j.steps {
			whole = part.last
			if err == nil {
				err = snapshot.AddEncoded(part.encoded, part.entries)
			}
		}
		s.end(path, snapshot, whole, err)
	}()
	return j
}

// step copies the next part, unless the disk is behind, and reports that there
// is nothing more to do.
func (j *snapshotJob) step() (finished bool) {
	switch {
	case j.copied:
		select {
		case <-j.done:
			return true
		default:
		}
	case j.of.gone.Load():
		j.close()
	case len(j.steps) < cap(j.steps):
		var part snapshotPart
		j.cursor, part.last = j.of.store.Scan(j.cursor, snapshotStep, func(tier state.Tier, key, value []byte) {
			part.encoded = state.AppendEntry(part.encoded, tier, key, value)
			part.entries++
		})
		j.steps <- part
		if part.last {
			j.close()
		}
	}
	return false
}

func (j *snapshotJob) close() {
	if !j.copied {
		j.copied = true
		close(j.steps)
	}
}

// stop ends a snapshot, whole or not, and waits for its goroutine.
func (j *snapshotJob) stop() {
	if j != nil {
		j.close()
		<-j.done
	}
}

// create begins a snapshot with how far the partition has got in its input.
func (s *snapshots) create(stage *stage, changelog [16]byte, p *lanePartition) (*state.Snapshot, error) {
	snapshot, err := state.Begin(s.createFile, s.path(stage, p.id), state.Header{
		Topic: stage.changelog, TopicID: changelog, Partition: p.id, Offset: p.logged, Written: time.Now(),
	})
	if err != nil {
		return nil, err
	}
	return snapshot, snapshot.Add(state.Kept, []byte(progressKey), p.appendProgress(nil))
}

// end finishes a snapshot that is whole, and drops any other.
func (s *snapshots) end(path string, snapshot *state.Snapshot, whole bool, err error) {
	defer s.writing.Delete(path)
	if err == nil && !whole {
		snapshot.Abandon()
		return
	}
	if err == nil {
		err = snapshot.Finish()
	}
	if err != nil {
		s.metrics.snapshots.WithLabelValues("failed").Inc()
		s.log.Error("a snapshot was not written; the next start reads more of the changelog", "error", err)
		return
	}
	s.metrics.snapshots.WithLabelValues("written").Inc()
}

// writeSnapshots writes a snapshot of every partition, at the end of the
// worker. w.mu is held.
func (w *worker) writeSnapshots() {
	if w.snapshots == nil {
		return
	}
	w.job.stop()
	w.job = nil
	for _, p := range w.partitions {
		if !p.ready || p.logged <= p.snapshotAt && w.snapshots.has(w.stage, p.id) {
			continue
		}
		path := w.snapshots.path(w.stage, p.id)
		if !w.snapshots.claim(path) {
			continue
		}
		snapshot, err := w.snapshots.create(w.stage, w.changelogID, p)
		for from, done := uint32(0), false; !done && err == nil; {
			from, done = p.store.Scan(from, snapshotStep, func(tier state.Tier, key, value []byte) {
				if err == nil {
					err = snapshot.Add(tier, key, value)
				}
			})
		}
		w.snapshots.end(path, snapshot, true, err)
	}
}

// has reports that there is a file, whole or not.
func (s *snapshots) has(stage *stage, partition int32) bool {
	_, err := os.Stat(s.path(stage, partition))
	return err == nil
}

// openSnapshots takes the directory for the snapshots of a process, which
// belongs to it alone. Where it cannot be written the process goes without.
func openSnapshots(dir string, log *slog.Logger, metrics *Metrics) (s *snapshots, release func(), err error) {
	err = os.MkdirAll(dir, 0o700)
	if err == nil {
		release, err = lockfile.Take(filepath.Join(dir, "lock"))
	}
	switch {
	case errors.Is(err, lockfile.ErrHeld):
		return nil, nil, fmt.Errorf("%s: it belongs to another riskstream on this machine; give each process its own engine.instance and engine.state_dir", filepath.Join(dir, "lock"))
	case err != nil:
		log.Warn("no place for snapshots: a restart reads the whole changelog; set engine.state_dir to a directory that can be written", "error", err)
		return nil, func() {}, nil
	}
	return &snapshots{dir: dir, createFile: state.CreateFile, log: log, metrics: metrics}, release, nil
}
