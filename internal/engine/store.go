package engine

import (
	"bytes"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/scoring"
)

// subject is everything that the lane remembers of one subject. It has a fixed
// size and no pointers; its open contributions are in a slab of their own,
// since most subjects have none.
type subject struct {
	score  scoring.State
	memory detectors.Memory
	seen   window

	key          keyRef
	hash         uint64
	bucket       uint32 // next subject with the same hash
	newer, older uint32 // by when they were last seen
	open         uint32 // first open contribution
}

// openNode is one open contribution in a subject's list.
type openNode struct {
	contribution scoring.Contribution
	next         uint32
}

// store is the state of the subjects of one partition. One goroutine owns it.
type store struct {
	subjects slab[subject]
	open     slab[openNode]
	keys     arena
	index    map[uint64]uint32
	newest   uint32
	oldest   uint32
	limit    int    // most subjects held
	evicted  uint64 // subjects forgotten because of the limit
}

func newStore(limit int) *store {
	return &store{index: make(map[uint64]uint32), limit: limit}
}

// find returns the subject with this key, making it when it is new, and marks
// it as the most recently seen. At the limit the subject that was not seen for
// longest is forgotten.
func (s *store) find(key []byte) *subject {
	hash := xxhash.Sum64(key)
	for i := s.index[hash]; i != 0; i = s.subjects.at(i).bucket {
		sub := s.subjects.at(i)
		if bytes.Equal(s.keys.get(sub.key), key) {
			s.unlink(sub)
			s.pushNewest(i, sub)
			return sub
		}
	}
	if s.subjects.len() >= s.limit {
		s.evict()
	}
	i := s.subjects.alloc()
	sub := s.subjects.at(i)
	sub.hash, sub.key = hash, s.keys.add(key)
	sub.bucket = s.index[hash]
	s.index[hash] = i
	s.pushNewest(i, sub)
	return sub
}

func (s *store) pushNewest(i uint32, sub *subject) {
	sub.older, sub.newer = s.newest, 0
	if s.newest != 0 {
		s.subjects.at(s.newest).newer = i
	} else {
		s.oldest = i
	}
	s.newest = i
}

func (s *store) unlink(sub *subject) {
	if sub.newer != 0 {
		s.subjects.at(sub.newer).older = sub.older
	} else {
		s.newest = sub.older
	}
	if sub.older != 0 {
		s.subjects.at(sub.older).newer = sub.newer
	} else {
		s.oldest = sub.newer
	}
}

func (s *store) evict() {
	i := s.oldest
	sub := s.subjects.at(i)
	s.unlink(sub)
	s.unindex(i, sub)
	s.setOpen(sub, nil)
	s.keys.drop(sub.key)
	s.subjects.release(i)
	s.evicted++
	if s.keys.sparse() {
		s.compactKeys()
	}
}

func (s *store) unindex(i uint32, sub *subject) {
	if s.index[sub.hash] == i {
		if sub.bucket == 0 {
			delete(s.index, sub.hash)
		} else {
			s.index[sub.hash] = sub.bucket
		}
		return
	}
	for j := s.index[sub.hash]; j != 0; {
		other := s.subjects.at(j)
		if other.bucket == i {
			other.bucket = sub.bucket
			return
		}
		j = other.bucket
	}
}

func (s *store) compactKeys() {
	fresh := arena{buf: make([]byte, 0, len(s.keys.buf)-s.keys.wasted)}
	for i := s.newest; i != 0; {
		sub := s.subjects.at(i)
		sub.key = fresh.add(s.keys.get(sub.key))
		i = sub.older
	}
	s.keys = fresh
}

// appendOpen appends the subject's open contributions to out in their order.
func (s *store) appendOpen(sub *subject, out []scoring.Contribution) []scoring.Contribution {
	for i := sub.open; i != 0; {
		node := s.open.at(i)
		out = append(out, node.contribution)
		i = node.next
	}
	return out
}

// setOpen replaces the subject's open contributions.
func (s *store) setOpen(sub *subject, open []scoring.Contribution) {
	link := &sub.open
	for k := range open {
		if *link == 0 {
			*link = s.open.alloc()
		}
		node := s.open.at(*link)
		node.contribution = open[k]
		link = &node.next
	}
	rest := *link
	*link = 0
	for rest != 0 {
		next := s.open.at(rest).next
		s.open.release(rest)
		rest = next
	}
}

// bytes estimates the memory that the store holds.
func (s *store) bytes() int {
	const indexEntry = 24 // a map entry with its share of empty slots
	chunk := 1 << chunkBits
	return len(s.subjects.chunks)*chunk*int(unsafe.Sizeof(subject{})) +
		len(s.open.chunks)*chunk*int(unsafe.Sizeof(openNode{})) +
		cap(s.keys.buf) + len(s.index)*indexEntry
}
