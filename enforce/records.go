package enforce

import (
	"hash/maphash"
	"sync"
	"unique"

	"github.com/riskstream/riskstream/event"
)

// shardCount spreads the locks, so that requests on many cores do not meet at
// one.
const shardCount = 64

// records holds the newest score of each entity, by the record key.
type records struct {
	seed   maphash.Seed
	shards [shardCount]shard
}

type shard struct {
	mu    sync.RWMutex
	byKey map[string]*record
	_     [32]byte // keeps the locks of two shards out of one cache line
}

// record is one entity's score. It never changes once it is in the table.
type record struct {
	score event.Score
	from  *partition
}

func (r *records) init() {
	r.seed = maphash.MakeSeed()
	for i := range r.shards {
		r.shards[i].byKey = make(map[string]*record)
	}
}

// get looks up kind + tenant + "/" + id.
func (r *records) get(kind, tenant, id string) *record {
	var space [160]byte
	key := append(space[:0], kind...)
	key = append(key, tenant...)
	key = append(key, '/')
	key = append(key, id...)
	s := &r.shards[maphash.Bytes(r.seed, key)%shardCount]
	s.mu.RLock()
	rec := s.byKey[string(key)]
	s.mu.RUnlock()
	return rec
}

// put takes a score in, unless the table has a newer one. It reports whether
// it did.
func (r *records) put(score event.Score, from *partition) bool {
	intern(&score)
	s := r.shard(score.Entity)
	s.mu.Lock()
	defer s.mu.Unlock()
	if held := s.byKey[score.Entity]; held != nil && !newer(&score, &held.score) {
		return false
	}
	s.byKey[score.Entity] = &record{score, from}
	return true
}

// newer reports whether a record that comes after another in the topic also is
// the newer one. It may not be: after a crash riskstream publishes records
// again, oldest first. Versions tell: they grow with each event, and a fall has
// the version of what it falls from. Only when a subject's state had to be
// rebuilt from a shorter history do versions start again lower; then an event's
// later time tells.
func newer(score, held *event.Score) bool {
	if score.Version == held.Version {
		return score.AsOf >= held.AsOf
	}
	rebuilt := score.Event.ID != "" && score.AsOf > held.AsOf
	return score.Version > held.Version || rebuilt
}

// remove forgets an entity whose record has ended.
func (r *records) remove(key string) {
	s := r.shard(key)
	s.mu.Lock()
	delete(s.byKey, key)
	s.mu.Unlock()
}

// sweep forgets the records that have nothing left to say at now: the entity
// has lapsed to no risk and its evidence has cleared.
func (r *records) sweep(now event.Time) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for key, rec := range s.byKey {
			if spent(&rec.score, now) {
				delete(s.byKey, key)
			}
		}
		s.mu.Unlock()
	}
}

func spent(s *event.Score, now event.Time) bool {
	level, decision := inForce(s, now)
	if level != event.None || decision != event.Allow {
		return false
	}
	for i := range s.Reasons {
		if clears := s.Reasons[i].ClearsAt; clears == 0 || clears > now {
			return false
		}
	}
	return true
}

func (r *records) len() int {
	n := 0
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.RLock()
		n += len(s.byKey)
		s.mu.RUnlock()
	}
	return n
}

func (r *records) shard(key string) *shard {
	return &r.shards[maphash.String(r.seed, key)%shardCount]
}

// intern shares the strings of which all records hold the same few.
func intern(s *event.Score) {
	for _, text := range []*string{&s.Tenant, &s.Weights, &s.Config} {
		*text = unique.Make(*text).Value()
	}
	for i := range s.Reasons {
		c := &s.Reasons[i]
		c.Detection = unique.Make(c.Detection).Value()
		c.Group = unique.Make(c.Group).Value()
		c.CoveredBy = unique.Make(c.CoveredBy).Value()
	}
}
