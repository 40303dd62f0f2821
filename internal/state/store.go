// Package state holds the encoded state of many keys in memory that has no
// pointers, so that the garbage collector has nothing to scan however many keys
// there are. Its memory is bounded: what was not seen for longest is forgotten.
// What happens since the last Commit is a transaction: it can be listed for a
// changelog and undone. Snapshot files keep a state across restarts.
//
// Keys and values are opaque bytes. One goroutine owns a Store.
package state

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/cespare/xxhash/v2"
)

// Tier says how an entry is held when memory is short.
type Tier uint8

const (
	Kept      Tier = iota // ordinary: may fill the whole limit
	Probation             // not yet proven to be worth keeping: at most 1/8 of the limit
	Timetable             // convenient, but can be left out: at most 1/8 of the limit
	tiers     = 3
)

// MaxEntry is the most bytes that a key and its value have together: a block of
// the largest class, with lengths that fit in 16 bits.
const MaxEntry = math.MaxUint16

// ErrTooLarge is the error of an entry above MaxEntry.
var ErrTooLarge = errors.New("key and value are too large together")

// overhead is what an entry costs beside its block: itself, the block's owner,
// and its share of the index (a map slot of 17 bytes, two thirds full).
const overhead = int(unsafe.Sizeof(entry{})) + 4 + 26

// entry is where one key's state is. In a transaction a key that is gone keeps
// its entry, without a block, until Commit.
type entry struct {
	block        uint32 // its key and value, one after the other
	bucket       uint32 // next entry with the same hash
	newer, older uint32 // in its tier, by when they were last seen
	record       uint32 // 1 + place in the journal when the transaction touched it
	keyLen       uint16
	valueLen     uint16 // 0: gone
	tier         Tier
	_            [4]byte // of 32 bytes an entry is in one line of the processor's cache
}

func (e *entry) held() bool { return e.valueLen > 0 }

func (e *entry) class() int { return classOf(int(e.keyLen) + int(e.valueLen)) }

func (e *entry) cost() int { return classSize(e.class()) + overhead }

// Store is the state of many keys. The limit is on what the keys that are held
// cost. Beside it there are the transaction's old values, the gaps between
// blocks, which Commit keeps below a sixteenth and one chunk per class of size,
// and entries and index, which stay as large as their largest number of keys.
type Store struct {
	entries slab
	blocks  blocks
	index   map[uint64]uint32 // by hash, the first entry of the bucket
	lists   [tiers]list
	journal journal
	limit   int
	refused uint64
	mask    uint64 // of hashes; tests narrow it to make keys collide
}

// New makes a Store that holds at most limit bytes.
func New(limit int) *Store {
	return &Store{index: make(map[uint64]uint32), blocks: newBlocks(), limit: limit, mask: math.MaxUint64}
}

// Len is how many keys are held.
func (s *Store) Len() int {
	n := 0
	for t := range s.lists {
		n += s.lists[t].count
	}
	return n
}

// Bytes is what the keys that are held cost, in bytes of memory. It is at most
// the limit, except that one entry is held however small the limit is.
func (s *Store) Bytes() int {
	n := 0
	for t := range s.lists {
		n += s.lists[t].bytes
	}
	return n
}

// Count is how many keys of the tier are held.
func (s *Store) Count(tier Tier) int { return s.lists[tier].count }

// Evicted is how often a key of the tier was forgotten for want of memory. It
// also counts what a Rollback brought back.
func (s *Store) Evicted(tier Tier) uint64 { return s.lists[tier].evicted }

// Refused is how many entries were above MaxEntry.
func (s *Store) Refused() uint64 { return s.refused }

// Get returns the key's value and makes the key the most recently seen of its
// tier. The value aliases the store: it stays as it is until this key changes,
// or is evicted, or something changes after a Commit.
func (s *Store) Get(key []byte) (value []byte, ok bool) {
	i := s.find(s.hash(key), key)
	if i == 0 {
		return nil, false
	}
	e := s.entries.at(i)
	if !e.held() {
		return nil, false
	}
	if s.lists[e.tier].newest != i {
		s.unlink(e)
		s.link(i, e)
	}
	return s.value(e), true
}

// Put copies the value to the key and makes the key the most recently seen of
// its tier. Others may be evicted for it: first of the same tier while it is
// above its share, then of Kept while the whole is above the limit. An empty
// value deletes the key. With an error nothing has changed.
func (s *Store) Put(tier Tier, key, value []byte) error {
	return s.put(tier, key, value, true)
}

// Delete forgets the key.
func (s *Store) Delete(key []byte) {
	if i := s.find(s.hash(key), key); i != 0 && s.entries.at(i).held() {
		s.remove(i, true)
	}
}

// Load is Put while a state is restored: it is no part of a transaction, so
// Changes does not list what it puts and evicts, and it must not be called
// inside one.
func (s *Store) Load(tier Tier, key, value []byte) error {
	if len(s.journal.records) > 0 {
		panic("state: Load inside a transaction")
	}
	err := s.put(tier, key, value, false)
	s.tidy()
	return err
}

func (s *Store) put(tier Tier, key, value []byte, journaled bool) error {
	if len(key)+len(value) > MaxEntry {
		s.refused++
		return fmt.Errorf("%w: %d and %d bytes, of at most %d", ErrTooLarge, len(key), len(value), MaxEntry)
	}
	hash := s.hash(key)
	i := s.find(hash, key)
	if len(value) == 0 {
		if i != 0 && s.entries.at(i).held() {
			s.remove(i, journaled)
		}
		return nil
	}
	if i == 0 {
		i = s.add(hash)
	}
	if journaled {
		s.touch(i, key)
	}
	s.write(i, tier, key, value)
	s.makeRoom(i, journaled)
	return nil
}

// write gives an entry a value and makes it the newest of the tier. Nothing is
// released before all is copied, since key and value may alias the store.
func (s *Store) write(i uint32, tier Tier, key, value []byte) {
	e := s.entries.at(i)
	class := classOf(len(key) + len(value))
	block, old, oldClass := e.block, uint32(0), -1
	if e.held() {
		s.unlink(e)
		old, oldClass = e.block, e.class()
	}
	if oldClass != class {
		block = s.blocks.alloc(class, i)
		copy(s.blocks.at(class, block), key)
	}
	copy(s.blocks.at(class, block)[len(key):], value)
	if oldClass >= 0 && oldClass != class {
		s.blocks.release(oldClass, old)
	}
	e.block, e.tier = block, tier
	e.keyLen, e.valueLen = uint16(len(key)), uint16(len(value))
	s.link(i, e)
}

// clear takes an entry's value. What is left is an entry that is gone.
func (s *Store) clear(i uint32) {
	e := s.entries.at(i)
	s.unlink(e)
	s.blocks.release(e.class(), e.block)
	e.block, e.keyLen, e.valueLen = 0, 0, 0
}

// remove makes the key gone: at once, or for the transaction.
func (s *Store) remove(i uint32, journaled bool) {
	key := s.key(s.entries.at(i))
	if journaled {
		s.touch(i, key)
		s.clear(i)
		return
	}
	hash := s.hash(key)
	s.clear(i)
	s.forget(i, hash)
}

// makeRoom evicts until the store is within its limits, but never the entry
// that was just written, which is the newest of its tier.
func (s *Store) makeRoom(written uint32, journaled bool) {
	tier := s.entries.at(written).tier
	for s.lists[tier].bytes > s.quota(tier) && s.lists[tier].oldest != written {
		s.evict(tier, journaled)
	}
	for tier = 0; tier < tiers && s.Bytes() > s.limit; {
		if oldest := s.lists[tier].oldest; oldest == 0 || oldest == written {
			tier++
			continue
		}
		s.evict(tier, journaled)
	}
}

func (s *Store) quota(tier Tier) int {
	if tier == Kept {
		return s.limit
	}
	return s.limit / 8
}

func (s *Store) evict(tier Tier, journaled bool) {
	s.lists[tier].evicted++
	s.remove(s.lists[tier].oldest, journaled)
}

func (s *Store) hash(key []byte) uint64 { return xxhash.Sum64(key) & s.mask }

// find returns the key's entry, which may be gone, or 0.
func (s *Store) find(hash uint64, key []byte) uint32 {
	i := s.index[hash]
	for i != 0 {
		e := s.entries.at(i)
		if bytes.Equal(s.key(e), key) {
			break
		}
		i = e.bucket
	}
	return i
}

func (s *Store) key(e *entry) []byte {
	if !e.held() {
		return s.journal.key(e.record)
	}
	return s.blocks.at(e.class(), e.block)[:e.keyLen]
}

// value ends at its capacity, so that appending to it cannot write to the store.
func (s *Store) value(e *entry) []byte {
	end := int(e.keyLen) + int(e.valueLen)
	return s.blocks.at(e.class(), e.block)[e.keyLen:end:end]
}

// tidy closes gaps between blocks.
func (s *Store) tidy() {
	s.blocks.tidy(func(owner, block uint32) { s.entries.at(owner).block = block })
}
