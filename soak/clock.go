package main

import (
	"context"
	"time"

	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

// slack is what a busy machine may add to any documented time.
const slack = 1500 * time.Millisecond

// The documented times after which an answer must be the usual one again.
const (
	// keyWithin: a new key is fetched as soon as the refresh budget allows, and so
	// is a set that lacks a withdrawn key (docs/issuers.md).
	keyWithin = instance.RefreshBudget + slack
	// withdrawnWithin: a token of a withdrawn key is "cannot tell" while its iat
	// plus the leeway of 5 s is later than the last fetch.
	withdrawnWithin = 5*time.Second + keyWithin
	// hangWithin: a request waits at most 9 s for keys, and so does the fetch that
	// had begun before the issuer was well again.
	hangWithin = 9*time.Second + keyWithin
	// noKeysWithin: without keys the issuer is asked every 2 s.
	noKeysWithin = 2*time.Second + slack
	// askedWithin: a token that could not be introspected is introspected again
	// after at most 8 s, by a question of at most AskTimeout (docs/opaque-tokens.md).
	askedWithin = 8*time.Second + instance.AskTimeout + slack
	// ageWithin and negativeWithin: how long an answer is believed.
	ageWithin      = instance.MaxAge + slack
	negativeWithin = instance.NegativeAge + slack
	// deniedWithin: an entry of the deny list reaches all instances within a second.
	deniedWithin = time.Second + slack
	// redisWithin: proofs are accepted as soon as Redis is there again.
	redisWithin = slack
	// listWithin: a lost connection to the deny list is noticed within 2 s, and
	// replaced within a second.
	listWithin = 3*time.Second + slack
	// unreplicated: a failover may lose the changes of the last second.
	unreplicated = time.Second
)

// pause waits for d, and reports whether ctx allowed it.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
