package state

import "iter"

// Scan yields the committed state of up to n places, from the place from, which
// is 0 at first and then what the last call returned as next, until done. The
// store may change between calls: a key that was there at the first call and
// was not gone at a Commit since then is seen once, with its value of then or of
// a later Commit. Inside a transaction Scan sees what there was before it. Key
// and value alias the store until the next change.
func (s *Store) Scan(from uint32, n int, yield func(tier Tier, key, value []byte)) (next uint32, done bool) {
	last := s.entries.last
	for i := max(from, 1); i <= last; i++ {
		if n--; n < 0 {
			return i, false
		}
		e := s.entries.at(i)
		switch {
		case e.record != 0:
			r := &s.journal.records[e.record-1]
			if r.valueLen > 0 {
				yield(r.tier, s.journal.recordKey(r), s.journal.oldValue(r))
			}
		case e.held():
			yield(e.tier, s.key(e), s.value(e))
		}
	}
	return last + 1, true
}

// All yields every key that is held, with its value, in no order. Both alias the
// store, which must not change meanwhile.
func (s *Store) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for i := uint32(1); i <= s.entries.last; i++ {
			if e := s.entries.at(i); e.held() && !yield(s.key(e), s.value(e)) {
				return
			}
		}
	}
}
