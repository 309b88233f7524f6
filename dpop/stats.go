package dpop

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/counters"
)

// Stats are counters since [New], for metrics.
type Stats struct {
	// Checked counts the requests that were judged, whatever came of it.
	Checked uint64

	// Refusals counts those whose proof was refused, by the check that failed:
	// "htu", "iat", "nonce", "replay" and so on.
	Refusals map[string]uint64

	Replays uint64 // refused for a proof that was used before
	Full    uint64 // answered "cannot tell": the replay store was full
	Quota   uint64 // the same, for the share of one key, or of whom the token is for
	Failed  uint64 // the same, since the replay store failed, or the clock was set back
}

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

// Stats returns the counters as they are now.
func (c *Checker) Stats() Stats {
	s := Stats{
		Checked: c.tally.checked.Load(), Full: c.tally.full.Load(),
		Quota: c.tally.quota.Load(), Failed: c.tally.failed.Load(),
		Refusals: c.tally.refusals.Snapshot(),
	}
	s.Replays = s.Refusals["replay"]
	return s
}

// journal tells the log that proofs cannot be burnt, at most once a minute for
// each cause.
type journal struct {
	logger                    *slog.Logger
	full, quota, failed, back lastTold
}

func (j *journal) unburnt(jkt string, err error) {
	switch {
	case errors.Is(err, ErrFull):
		if j.full.due() {
			j.logger.Error("the replay store is full; proofs are refused until used ones expire")
		}
	case errors.Is(err, ErrQuota):
		if j.quota.due() {
			j.logger.Warn("a key, user or client has reached its quota in the replay store; its new proofs are refused until used ones expire",
				slog.String("jkt", jkt[:min(len(jkt), 11)]))
		}
	default:
		if j.failed.due() {
			j.logger.Error("the replay store fails; no proof is accepted", slog.String("error", err.Error()))
		}
	}
}

func (j *journal) setBack() {
	if j.back.due() {
		j.logger.Error("the clock was set back; refusing proofs from times for which used proofs have been forgotten")
	}
}

// lastTold is when the log was told of something.
type lastTold struct{ at atomic.Pointer[time.Time] }

// due counts running time: a clock that was ahead once must not silence the log.
func (l *lastTold) due() bool {
	now, last := time.Now(), l.at.Load()
	return (last == nil || now.Sub(*last) >= time.Minute) && l.at.CompareAndSwap(last, &now)
}
