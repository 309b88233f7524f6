package models_test

import (
	"context"
	"crypto/sha256"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/dpop"
)

func replayFaults() []fault {
	return []fault{
		{"a proof is forgotten early", replaysInMemory(func(s memoryReplays) memoryReplays { return earlyReplays{s} }), false, 4},
		{"an owner has no quota", replaysInMemory(func(s memoryReplays) memoryReplays { return ownerlessReplays{s} }), false, 4},
		{"a proof is fresh twice", replaysInMemory(func(s memoryReplays) memoryReplays { return &racingReplays{memoryReplays: s} }), true, 2},
	}
}

// earlyReplays forgets a proof half a minute early.
type earlyReplays struct{ memoryReplays }

func (s earlyReplays) Burn(ctx context.Context, p dpop.UsedProof) (bool, error) {
	p.Until = p.Until.Add(-30 * time.Second)
	return s.memoryReplays.Burn(ctx, p)
}

// ownerlessReplays counts no proof for its owner.
type ownerlessReplays struct{ memoryReplays }

func (s ownerlessReplays) Burn(ctx context.Context, p dpop.UsedProof) (bool, error) {
	p.Owner = [sha256.Size]byte{}
	return s.memoryReplays.Burn(ctx, p)
}

// racingReplays takes every proof for fresh that is used during another call.
type racingReplays struct {
	memoryReplays
	calls atomic.Int32
}

func (s *racingReplays) Burn(ctx context.Context, p dpop.UsedProof) (bool, error) {
	if alone(&s.calls) {
		return s.memoryReplays.Burn(ctx, p)
	}
	return true, nil
}
