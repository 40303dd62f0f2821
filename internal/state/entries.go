package state

// slab holds the entries in chunks, by number. Number 0 is never given out: it
// means "none". A number stays an entry's for as long as its key is known.
type slab struct {
	chunks [][]entry
	free   []uint32
	last   uint32 // highest number that was given out
}

const slabBits = 10

// at stays valid: chunks never move.
func (s *slab) at(i uint32) *entry {
	return &s.chunks[i>>slabBits][i&(1<<slabBits-1)]
}

// alloc gives the number of a zero entry.
func (s *slab) alloc() uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	s.last++
	if int(s.last>>slabBits) >= len(s.chunks) {
		s.chunks = append(s.chunks, make([]entry, 1<<slabBits))
	}
	return s.last
}

// release clears the entry and takes its number back.
func (s *slab) release(i uint32) {
	*s.at(i) = entry{}
	s.free = append(s.free, i)
}

// add makes an entry that is gone, in its bucket.
func (s *Store) add(hash uint64) uint32 {
	i := s.entries.alloc()
	e := s.entries.at(i)
	e.bucket = s.index[hash]
	s.index[hash] = i
	return i
}

// forget takes an entry that is gone, of a key with this hash, out of its bucket.
func (s *Store) forget(i uint32, hash uint64) {
	e := s.entries.at(i)
	first := s.index[hash]
	switch {
	case first != i:
		before := s.entries.at(first)
		for before.bucket != i {
			before = s.entries.at(before.bucket)
		}
		before.bucket = e.bucket
	case e.bucket != 0:
		s.index[hash] = e.bucket
	default:
		delete(s.index, hash)
	}
	s.entries.release(i)
}

// list is the entries of one tier that are held, by when they were last seen.
type list struct {
	newest, oldest uint32
	count          int
	bytes          int
	evicted        uint64
}

// link makes an entry the newest of its tier.
func (s *Store) link(i uint32, e *entry) {
	l := &s.lists[e.tier]
	e.older, e.newer = l.newest, 0
	if l.newest != 0 {
		s.entries.at(l.newest).newer = i
	} else {
		l.oldest = i
	}
	l.newest = i
	l.count++
	l.bytes += e.cost()
}

func (s *Store) unlink(e *entry) {
	l := &s.lists[e.tier]
	if e.newer != 0 {
		s.entries.at(e.newer).older = e.older
	} else {
		l.newest = e.older
	}
	if e.older != 0 {
		s.entries.at(e.older).newer = e.newer
	} else {
		l.oldest = e.newer
	}
	l.count--
	l.bytes -= e.cost()
}
