package dpop

import (
	"slices"
	"sync"
	"time"
)

// history knows for which seconds, by iat, the store may have forgotten used
// proofs. While the clock only moves forward, proofs from those seconds are too
// old to be accepted. If the clock is set back, they look fresh again, so history
// rejects them. For every proof that history admits, the store still knows
// whether the proof was used.
//
// A second is Unix time, and has the proofs whose iat is that second after
// rounding up. All other times are durations since Checker.began, by
// the monotonic clock.
type history struct {
	mu sync.Mutex

	// remembered has, for each second, the time until which the store remembers
	// all its used proofs.
	remembered map[int64]time.Duration
	expired    time.Duration // the time of the last call of expire

	forgotten []seconds // ascending, with gaps of more than maxGap
}

// seconds is a range of seconds, both ends included.
type seconds struct{ first, last int64 }

const (
	// maxGap is the largest gap between forgotten seconds that is merged with
	// them into one range, to keep history short.
	maxGap = 10

	// maxForgotten is the maximum number of ranges. Beyond it, the two earliest
	// ranges are merged, with all seconds between them.
	maxForgotten = 64
)

// use records that a proof from a second is about to be used and that the store
// will remember it until the given time. It reports whether the store still
// remembers every other used proof from that second.
func (h *history) use(second int64, now, until time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now-h.expired >= time.Second {
		h.expire(now)
	}
	if h.hasForgotten(second) {
		return false
	}
	end, known := h.remembered[second]
	switch {
	case known && end <= now:
		return false
	case !known || until < end: // keep the time at which the store forgets the first proof
		if h.remembered == nil {
			h.remembered = map[int64]time.Duration{}
		}
		h.remembered[second] = until
	}
	return true
}

func (h *history) hasForgotten(second int64) bool {
	_, found := slices.BinarySearchFunc(h.forgotten, second, func(s seconds, second int64) int {
		switch {
		case s.last < second:
			return -1
		case s.first > second:
			return 1
		}
		return 0
	})
	return found
}

// expire moves the seconds whose proofs the store may have forgotten by now
// from remembered to forgotten.
func (h *history) expire(now time.Duration) {
	h.expired = now
	for second, end := range h.remembered {
		if end <= now {
			delete(h.remembered, second)
			h.forget(second)
		}
	}
	for len(h.forgotten) > maxForgotten {
		h.forgotten[1].first = h.forgotten[0].first
		h.forgotten = slices.Delete(h.forgotten, 0, 1)
	}
}

// forget adds one second to forgotten.
func (h *history) forget(second int64) {
	i := 0 // the first range that ends after second, or at most maxGap before it
	for i < len(h.forgotten) && h.forgotten[i].last < second-maxGap {
		i++
	}
	if i == len(h.forgotten) || h.forgotten[i].first > second+maxGap {
		h.forgotten = slices.Insert(h.forgotten, i, seconds{second, second})
		return
	}
	entry := &h.forgotten[i]
	entry.first, entry.last = min(entry.first, second), max(entry.last, second)
	if i+1 < len(h.forgotten) && h.forgotten[i+1].first <= entry.last+maxGap {
		entry.last = h.forgotten[i+1].last
		h.forgotten = slices.Delete(h.forgotten, i+1, i+2)
	}
}
