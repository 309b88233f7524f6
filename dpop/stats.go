package dpop

import (
	"errors"
	"sync/atomic"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/counters"
)

// Stats holds the counters of a [Checker] since [New], for metrics.
type Stats struct {
	// Checked counts the requests whose proof was checked, whatever the result.
	Checked uint64

	// Refusals counts the refused proofs by the check that failed: "htu",
	// "iat", "nonce", "replay" and so on.
	Refusals map[string]uint64

	Replays uint64 // proofs refused because they were used before; part of Refusals
	Full    uint64 // proofs answered 503 because the replay store was full
	Quota   uint64 // proofs answered 503 because a key or owner had reached its quota
	Failed  uint64 // proofs answered 503 because the replay store failed or the clock was set back
}

// tally counts what Stats returns.
type tally struct {
	checked, full, quota, failed atomic.Uint64
	refusals                     counters.ByName // by the check that failed
}

func (t *tally) refused(err *bearer.Error) {
	switch {
	case err.Code == bearer.CodeCanceled:
	case errors.Is(err, ErrFull):
		t.full.Add(1)
	case errors.Is(err, ErrQuota):
		t.quota.Add(1)
	case err.Code == bearer.CodeUnavailable:
		t.failed.Add(1)
	default:
		t.refusals.Add(err.Check)
	}
}

// Stats returns the current counters. The caller owns the map.
func (c *Checker) Stats() Stats {
	s := Stats{
		Checked: c.tally.checked.Load(), Full: c.tally.full.Load(),
		Quota: c.tally.quota.Load(), Failed: c.tally.failed.Load(),
		Refusals: c.tally.refusals.Snapshot(),
	}
	s.Replays = s.Refusals["replay"]
	return s
}
