package models_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/internal/keysource"
)

func keyFaults() []fault {
	return []fault{
		{"an outage makes a key unknown", lookups(func(s keySource) keySource { return guessingKeys{s} }), false, 4},
		{"a key is used without end", lookups(func(s keySource) keySource { return &keepingKeys{keySource: s} }), false, 4},
		{"an unknown key never causes a fetch", lookups(func(s keySource) keySource { return idleKeys{s} }), false, 2},
	}
}

// guessingKeys says that a key is unknown when nobody can tell.
type guessingKeys struct{ keySource }

func (s guessingKeys) Lookup(ctx context.Context, q keysource.Query) (keysource.Candidates, error) {
	found, err := s.keySource.Lookup(ctx, q)
	if _, ok := errors.AsType[*keysource.UnavailableError](err); ok {
		return found, keysource.ErrUnknownKey
	}
	return found, err
}

// keepingKeys finds a key that it has found before.
type keepingKeys struct {
	keySource
	mu    sync.Mutex
	found map[string]keysource.Candidates
}

func (s *keepingKeys) At(now time.Time, q keysource.Query) (keysource.Candidates, error) {
	found, err := s.keySource.At(now, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		if s.found == nil {
			s.found = map[string]keysource.Candidates{}
		}
		s.found[q.KeyID] = found
	} else if known, ok := s.found[q.KeyID]; ok {
		return known, nil
	}
	return found, err
}

// idleKeys fetches nothing for an unknown key.
type idleKeys struct{ keySource }

func (s idleKeys) Lookup(_ context.Context, q keysource.Query) (keysource.Candidates, error) {
	return s.At(time.Now(), q)
}
