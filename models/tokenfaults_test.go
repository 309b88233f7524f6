package models_test

import (
	"context"
	"strings"
	"sync/atomic"
	"time"
)

func tokenFaults() []fault {
	return []fault{
		{"a removed entry stays", provenTokens(func(c tokenCache) tokenCache { return keepingTokens{c} }), false, 4},
		{"tokens with the same end are one", provenTokens(func(c tokenCache) tokenCache { return &confusedTokens{tokenCache: c} }), false, 4},
		{"each caller proves the token", provenTokens(func(c tokenCache) tokenCache { return lonelyTokens{c} }), false, 2},
	}
}

// keepingTokens removes nothing.
type keepingTokens struct{ tokenCache }

func (keepingTokens) Remove(*provenEntry) {}

// confusedTokens returns one entry for all tokens that end alike.
type confusedTokens struct {
	tokenCache
	last atomic.Pointer[provenEntry]
}

func (c *confusedTokens) Get(token string, now time.Time) *provenEntry {
	e := c.tokenCache.Get(token, now)
	if e == nil && strings.HasSuffix(token, "-all") {
		return c.last.Load()
	}
	return e
}

func (c *confusedTokens) Do(ctx context.Context, now time.Time, token string, version uint64, prove func() (*provenEntry, error)) (*provenEntry, error) {
	e, err := c.tokenCache.Do(ctx, now, token, version, prove)
	if e != nil && strings.HasSuffix(token, "-all") {
		c.last.Store(e)
	}
	return e, err
}

// lonelyTokens lets nobody wait for another caller's proof.
type lonelyTokens struct{ tokenCache }

func (c lonelyTokens) Do(_ context.Context, now time.Time, token string, _ uint64, prove func() (*provenEntry, error)) (*provenEntry, error) {
	if e := c.Get(token, now); e != nil {
		return e, nil
	}
	return prove()
}
