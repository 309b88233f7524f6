package dpop

import (
	"slices"
	"sync"
	"time"
)

// history knows of which seconds (by their iat) proofs were used that the store
// no longer remembers. While time only goes forward, all of those are too old to
// be accepted. When the clock is set back they are not, and history refuses
// them: what it lets pass, the store remembers if it was ever used.
//
// All times but the seconds are monotonic, counted from one moment.
type history struct {
	mu sync.Mutex

	// remembered has, by second, until when the store remembers every proof of
	// that second that was used.
	remembered map[int64]time.Duration
	moved      time.Duration // when those that had ended were moved last

	forgotten []seconds // ascending, with gaps of more than maxGap
}

// seconds are those from first to last.
type seconds struct{ first, last int64 }

const (
	// maxGap is how many seconds without a used proof are taken for part of the
	// seconds around them, so that history stays short.
	maxGap = 10

	// maxForgotten bounds history further: beyond it the two earliest entries
	// become one, with all seconds between them.
	maxForgotten = 64
)

// use notes that a proof of a second is about to be used, which the store will
// remember until the given time. It reports whether the store still remembers
// every other proof of that second that was used.
func (h *history) use(second int64, now, until time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now-h.moved >= time.Second {
		h.move(now)
	}
	if h.hasForgotten(second) {
		return false
	}
	end, known := h.remembered[second]
	switch {
	case known && end <= now:
		return false
	case !known || until < end: // the first that the store forgets counts
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

// move moves what the store forgets by now from remembered to forgotten.
func (h *history) move(now time.Duration) {
	h.moved = now
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
	i := 0 // of the first entry that ends after the second, or close before it
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
