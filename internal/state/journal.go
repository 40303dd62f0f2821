package state

// journal is what the transaction changed: for each key that it touched, the
// value at the last Commit. Its memory is used again by the next transaction.
type journal struct {
	records []record
	bytes   []byte // the records' keys and old values
}

// record is one key that the transaction touched.
type record struct {
	at       int // its key in bytes, with the old value behind it
	entry    uint32
	keyLen   uint16
	valueLen uint16 // 0: there was none
	tier     Tier
}

// journalBytes and journalRecords are kept however small transactions are.
const (
	journalBytes   = 1 << 20
	journalRecords = 1 << 12
)

// key is the key of an entry's record.
func (j *journal) key(number uint32) []byte {
	return j.recordKey(&j.records[number-1])
}

func (j *journal) recordKey(r *record) []byte {
	end := r.at + int(r.keyLen)
	return j.bytes[r.at:end:end]
}

func (j *journal) oldValue(r *record) []byte {
	start := r.at + int(r.keyLen)
	end := start + int(r.valueLen)
	return j.bytes[start:end:end]
}

// reset begins an empty journal. What a large transaction needed is given back
// by and by.
func (j *journal) reset() {
	j.bytes = emptied(j.bytes, journalBytes)
	j.records = emptied(j.records, journalRecords)
}

func emptied[T any](s []T, keep int) []T {
	if cap(s) > keep && len(s) < cap(s)/4 {
		return make([]T, 0, cap(s)/2)
	}
	return s[:0]
}

// touch notes an entry's value before the transaction first changes it.
func (s *Store) touch(i uint32, key []byte) {
	e := s.entries.at(i)
	if e.record != 0 {
		return
	}
	j := &s.journal
	j.records = append(j.records, record{
		at: len(j.bytes), entry: i, keyLen: uint16(len(key)), valueLen: e.valueLen, tier: e.tier,
	})
	j.bytes = append(j.bytes, key...)
	if e.held() {
		j.bytes = append(j.bytes, s.value(e)...)
	}
	e.record = uint32(len(j.records))
}

// Changes yields each key that was put, deleted or evicted since the last Commit
// or Rollback once, in the order in which they were first touched, with the
// value that it has now; nil is a key that is gone. Key and value alias the
// store: they stay as they are until the next Put, Delete, Load or Rollback,
// also over a Commit.
func (s *Store) Changes(yield func(key, value []byte)) {
	for k := range s.journal.records {
		r := &s.journal.records[k]
		var value []byte
		if e := s.entries.at(r.entry); e.held() {
			value = s.value(e)
		}
		yield(s.journal.recordKey(r), value)
	}
}

// Commit ends the transaction: what it changed stays.
func (s *Store) Commit() {
	for k := range s.journal.records {
		r := &s.journal.records[k]
		e := s.entries.at(r.entry)
		e.record = 0
		if !e.held() {
			s.forget(r.entry, s.hash(s.journal.recordKey(r)))
		}
	}
	s.journal.reset()
	s.tidy()
}

// Rollback ends the transaction: every key has the value and the tier again that
// it had at the last Commit, and the keys that it touched are the most recently
// seen.
func (s *Store) Rollback() {
	for k := range s.journal.records {
		r := &s.journal.records[k]
		e := s.entries.at(r.entry)
		if e.held() {
			s.clear(r.entry)
		}
		e.record = 0
		if r.valueLen == 0 {
			s.forget(r.entry, s.hash(s.journal.recordKey(r)))
			continue
		}
		s.write(r.entry, r.tier, s.journal.recordKey(r), s.journal.oldValue(r))
	}
	s.journal.reset()
	s.tidy()
}
