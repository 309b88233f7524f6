package dev

import (
	"crypto/sha256"
	"sync"
	"time"
)

// digest identifies a secret, such as a code or a token. The server keeps no secret
// itself.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// store keeps values until they expire. It is bounded: when it is full, the oldest
// value makes room. It needs no goroutine.
type store[K comparable, V any] struct {
	max int

	mu      sync.Mutex
	entries map[K]stored[V]
	order   []K // as they were put; may name keys that are gone
}

type stored[V any] struct {
	value   V
	expires time.Time
}

func newStore[K comparable, V any](max int) *store[K, V] {
	return &store[K, V]{max: max, entries: map[K]stored[V]{}}
}

// put keeps a value under a new key.
func (s *store[K, V]) put(key K, value V, life time.Duration) { s.add(key, value, life) }

// add keeps a value, unless there is one that has not expired.
func (s *store[K, V]) add(key K, value V, life time.Duration) bool {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.entries[key]; ok {
		if now.Before(old.expires) {
			return false
		}
		s.entries[key] = stored[V]{value, now.Add(life)}
		return true
	}
	if len(s.order) >= 2*s.max {
		s.compact(now)
	}
	for len(s.entries) >= s.max {
		delete(s.entries, s.order[0])
		s.order = s.order[1:]
	}
	s.entries[key] = stored[V]{value, now.Add(life)}
	s.order = append(s.order, key)
	return true
}

// compact forgets values that expired and keys that are gone.
func (s *store[K, V]) compact(now time.Time) {
	kept := make([]K, 0, s.max)
	for _, key := range s.order {
		e, ok := s.entries[key]
		if ok && now.Before(e.expires) {
			kept = append(kept, key)
			continue
		}
		delete(s.entries, key)
	}
	s.order = kept
}

// get returns a value that has not expired.
func (s *store[K, V]) get(key K) (value V, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	if !ok || !time.Now().Before(e.expires) {
		return value, false
	}
	return e.value, true
}

// take returns a value and deletes it, so that one caller alone gets it.
func (s *store[K, V]) take(key K) (value V, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	delete(s.entries, key)
	if !ok || !time.Now().Before(e.expires) {
		return value, false
	}
	return e.value, true
}

// all returns the values that have not expired, in the order in which they were put.
func (s *store[K, V]) all() (values []V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compact(time.Now())
	for _, key := range s.order {
		values = append(values, s.entries[key].value)
	}
	return values
}
