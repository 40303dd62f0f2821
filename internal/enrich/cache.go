package enrich

import "sync/atomic"

// cache is a direct-mapped cache: bounded, without locks, safe for concurrent
// use. It may forget anything at any time, so only values that can be computed
// again belong in it.
type cache[K comparable, V any] struct {
	slots []atomic.Pointer[slot[K, V]]
}

type slot[K comparable, V any] struct {
	key   K
	value V
}

// newCache makes a cache; size must be a power of two.
func newCache[K comparable, V any](size int) *cache[K, V] {
	return &cache[K, V]{make([]atomic.Pointer[slot[K, V]], size)}
}

// get returns the value of a key, or nil. The value is shared: read only.
func (c *cache[K, V]) get(hash uint64, key K) *V {
	s := c.slots[hash&uint64(len(c.slots)-1)].Load()
	if s == nil || s.key != key {
		return nil
	}
	return &s.value
}

// put remembers a value and returns it in its place in the cache.
func (c *cache[K, V]) put(hash uint64, key K, value V) *V {
	s := &slot[K, V]{key, value}
	c.slots[hash&uint64(len(c.slots)-1)].Store(s)
	return &s.value
}
