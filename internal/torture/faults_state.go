//go:build unix

package torture

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// fillDisk stops an engine when its disk is full, so that it cannot write the
// snapshots that it ends with: it must end well all the same, and start from
// those it wrote before.
func fillDisk(r *Run) {
	e := r.anyEngine()
	r.writeSnapshots(e, func() {})
	r.sleep(2 * time.Second)
	f := &fault{what: "full disk of " + e.Name + ", stopped and started again", hit: r.owned(e), at: time.Now(), within: sameIdentity}
	r.must(e.LimitFiles(4096))
	r.must(e.Stop())
	f.healed = time.Now()
	r.must(e.Start())
	r.waitReady(e)
	r.done(f)
}

// damageSnapshot kills an engine, damages its snapshots in one of several
// ways, and starts it again.
func damageSnapshot(r *Run) {
	e := r.anyEngine()
	r.damages++
	kind := []string{"flipped bytes in", "truncated", "deleted", "put back old"}[(r.Seed+uint64(r.damages))%4]
	old := e.path("old-state")
	if kind == "put back old" {
		r.writeSnapshots(e, func() {
			r.must(os.RemoveAll(old))
			r.must(os.CopyFS(old, os.DirFS(e.StateDir())))
		})
		r.sleep(2 * time.Second)
	}
	r.writeSnapshots(e, func() {})
	r.sleep(2 * time.Second)
	f := &fault{what: "kill -9 of " + e.Name + ", " + kind + " snapshots", hit: r.owned(e), at: time.Now(), within: takeover}
	r.must(e.Kill())
	if kind == "put back old" {
		r.must(os.RemoveAll(e.StateDir()))
		r.must(os.Rename(old, e.StateDir()))
	} else {
		r.must(r.damage(e.StateDir(), kind))
	}
	f.healed = time.Now()
	r.must(e.Start())
	r.waitReady(e)
	r.done(f)
}

// writeSnapshots has an engine write snapshots of what it holds, as it does
// when it is stopped, and starts it again. What is to be done with them is done
// before: an engine that runs replaces its snapshots.
func (r *Run) writeSnapshots(e *Engine, whileStopped func()) {
	r.t.Helper()
	r.noteEvictions(e)
	r.must(e.Stop())
	files := 0
	r.must(eachFile(e.StateDir(), func(string) error { files++; return nil }))
	r.expect(files > 0, "engine %s has left no snapshot when it was stopped", e.Name)
	whileStopped()
	r.must(e.Start())
	r.waitReady(e)
}

func (r *Run) damage(dir, kind string) error {
	return eachFile(dir, func(path string) error {
		if kind == "deleted" {
			return os.Remove(path)
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) == 0 {
			return err
		}
		if kind == "truncated" {
			return os.Truncate(path, r.draw.Int64N(int64(len(data))))
		}
		for range 3 {
			data[r.draw.IntN(len(data))] ^= byte(1 + r.draw.IntN(255))
		}
		return os.WriteFile(path, data, 0o644)
	})
}

func eachFile(dir string, do func(path string) error) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return do(path)
	})
}

// comeFromPreviousVersion leaves what a version without changelog and
// snapshots has left: risk.events and committed offsets.
func comeFromPreviousVersion(r *Run) {
	f := &fault{what: "restart on what the previous version has left", at: time.Now(), within: takeover}
	engines := r.running()
	for _, e := range engines {
		r.noteEvictions(e)
		r.must(e.Stop())
		r.must(os.RemoveAll(e.StateDir()))
		r.must(os.Mkdir(e.StateDir(), 0o755))
	}
	for _, changelog := range []string{"risk.state", "risk.source_state"} {
		if topic := r.kafka.TopicPrefix + changelog; r.exists(topic) {
			_, err := r.admin.DeleteTopic(r.ctx, topic)
			r.must(err)
		}
	}
	r.fallsMayRepeat = true
	f.healed = time.Now()
	for _, e := range engines {
		r.must(e.Start())
	}
	r.waitReady(engines...)
	r.done(f)
}
