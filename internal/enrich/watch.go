package enrich

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
)

// file is one configured file. What it remembers is guarded by
// Enricher.polling.
type file struct {
	kind, path string
	limit      int64 // bytes
	load       loadFunc

	judged  os.FileInfo // the version that was last loaded or refused
	pending os.FileInfo // a new version that was seen once

	built           atomic.Int64
	reloads, errors atomic.Uint64
}

// loadFunc reads a file's content into the tables and returns the time at which
// a database was built. It changes nothing when it fails. A thorough load reads
// every record of a database, which takes seconds for a large one.
type loadFunc func(t *tables, data []byte, thorough bool) (int64, error)

// open loads the file for the first time.
func (f *file) open(t *tables, thorough bool) error {
	data, info, err := f.read()
	if err != nil {
		return err
	}
	f.judged = info
	built, err := f.load(t, data, thorough)
	f.built.Store(built)
	return err
}

// read returns the whole file and which version it is.
func (f *file) read() ([]byte, os.FileInfo, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.kind, err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s: %s is not a regular file", f.kind, f.path)
	}
	r, err := os.Open(f.path)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.kind, err)
	}
	defer r.Close()
	data, err := readAll(r, info.Size(), f.limit)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %s %w", f.kind, f.path, err)
	}
	return data, info, nil
}

func readAll(r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("is %d MiB; at most %d MiB are read", size>>20, limit>>20)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("cannot be read to its end: %w", err)
	}
	return data, nil
}

// poll loads every file that has changed. A new version is loaded when two
// polls have seen it unchanged, so that a copy in progress is left alone, and
// is read whole and checked before it replaces the old one. A version that
// cannot be loaded, and a file that vanished, leave the old one in use; that
// is logged once.
func (e *Enricher) poll() {
	e.polling.Lock()
	defer e.polling.Unlock()
	for _, f := range e.files {
		changed, err := f.changed()
		if changed {
			e.reload(f)
		}
		if err != nil && f.judged != nil {
			f.judged = nil // so that this is said once, and any file there is new
			f.errors.Add(1)
			e.log.Error("a file for enrichment is no longer there; what was read of it stays in use", "kind", f.kind, "error", err)
		}
	}
}

// changed reports whether a new version has settled, or that there is no file.
func (f *file) changed() (bool, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		f.pending = nil
		return false, err
	}
	if sameVersion(info, f.judged) {
		f.pending = nil
		return false, nil
	}
	settled := sameVersion(info, f.pending)
	f.pending = info
	return settled, nil
}

func sameVersion(a, b os.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// reload loads a new version into a copy of the tables and swaps the copy in.
func (e *Enricher) reload(f *file) {
	data, info, err := f.read()
	if err == nil && !sameVersion(info, f.pending) {
		f.pending = info // it is being written after all
		return
	}
	f.judged, f.pending = f.pending, nil
	next := *e.tables.Load()
	next.lists, next.threats, next.leaked = slices.Clone(next.lists), slices.Clone(next.threats), slices.Clone(next.leaked)
	var built int64
	if err == nil {
		built, err = f.load(&next, data, true)
	}
	if err != nil {
		f.errors.Add(1)
		e.log.Error("a changed file for enrichment cannot be used; the version before it stays in use", "kind", f.kind, "path", f.path, "error", err)
		return
	}
	next.sources = newCache[addrKey, facts](sourceSlots)
	e.swap(&next)
	f.built.Store(built)
	f.reloads.Add(1)
	e.log.Info("loaded a changed file for enrichment", "kind", f.kind, "path", f.path)
}
