package keysource

import (
	"math/rand/v2"
	"time"
)

// burst is how many fetches requests may cause at once: one for a rotation and
// one for the next, or for junk that came first.
const burst = 2

// budget is a token bucket of fetches.
type budget struct {
	every  time.Duration // one token comes
	tokens int
	filled time.Time // when the last token came
}

func newBudget(every time.Duration, now time.Time) budget {
	return budget{every: every, tokens: burst, filled: now}
}

// take reports whether there is a token at now, and takes it.
func (b *budget) take(now time.Time) bool {
	if n := now.Sub(b.filled) / b.every; n > 0 {
		b.tokens = int(min(burst, time.Duration(b.tokens)+n))
		b.filled = b.filled.Add(n * b.every)
	}
	if b.tokens == 0 {
		return false
	}
	if b.tokens == burst {
		// A full bucket has not been saving for the next token.
		b.filled = now
	}
	b.tokens--
	return true
}

// next returns when there is a token again: at now, or later.
func (b *budget) next(now time.Time) time.Time {
	if at := b.filled.Add(b.every); b.tokens == 0 && at.After(now) {
		return at
	}
	return now
}

// jitter returns d less up to a quarter, so that many programs that were
// started together do not ask together.
func jitter(d time.Duration) time.Duration {
	return d - rand.N(d/4+1)
}
