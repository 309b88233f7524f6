package keysource

import "time"

// burst is how many fetches requests may cause at once. If junk has spent the
// first, the second is left for a key rotation.
const burst = 2

// budget is a token bucket that limits fetches.
type budget struct {
	every  time.Duration // the time in which one token is added
	tokens int
	filled time.Time // when the last token was added
}

func newBudget(every time.Duration, now time.Time) budget {
	return budget{every: every, tokens: burst, filled: now}
}

// take takes a token, and reports whether there was one.
func (b *budget) take(now time.Time) bool {
	if n := now.Sub(b.filled) / b.every; n > 0 {
		b.tokens = int(min(burst, time.Duration(b.tokens)+n))
		b.filled = b.filled.Add(n * b.every)
	}
	if b.tokens == 0 {
		return false
	}
	if b.tokens == burst {
		// A full bucket has not accumulated time for the next token.
		b.filled = now
	}
	b.tokens--
	return true
}

// next returns when a token is available: now or later.
func (b *budget) next(now time.Time) time.Time {
	if at := b.filled.Add(b.every); b.tokens == 0 && at.After(now) {
		return at
	}
	return now
}

// jitter returns d reduced by up to a quarter, so that programs that were started
// together do not send their requests together.
func jitter(d time.Duration, random func(n time.Duration) time.Duration) time.Duration {
	return d - random(d/4+1)
}
