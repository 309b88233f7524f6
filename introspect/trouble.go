package introspect

import (
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	// After a failed introspection, the token is not introspected again for
	// minTrouble. Each further failure doubles the pause, up to maxTrouble.
	minTrouble = 2 * time.Second
	maxTrouble = 8 * time.Second

	// troubleAge is how long a failure lengthens the pause of the next one.
	troubleAge = time.Minute
)

// trouble is a failure to introspect one token. It says nothing about other tokens.
type trouble struct {
	err   error
	asked time.Time
	pause time.Duration
	until time.Time // when the pause ends
}

// troubles remembers the tokens that could not be introspected, by cache key.
type troubles struct {
	cache *otter.Cache[cacheKey, *trouble]
}

func newTroubles(entries int) troubles {
	return troubles{otter.Must(&otter.Options[cacheKey, *trouble]{MaximumSize: entries})}
}

// get returns the trouble of a token that must not be introspected now, or nil.
func (t troubles) get(key cacheKey, now time.Time) *trouble {
	last, ok := t.cache.GetIfPresent(key)
	if !ok || !now.Before(last.until) {
		return nil
	}
	return last
}

func (t troubles) add(key cacheKey, asked, now time.Time, err error) {
	pause := minTrouble
	if last, ok := t.cache.GetIfPresent(key); ok && now.Sub(last.until) < troubleAge {
		pause = min(2*last.pause, maxTrouble)
	}
	t.cache.Set(key, &trouble{err: err, asked: asked, pause: pause, until: now.Add(pause)})
}

func (t troubles) forget(key cacheKey) {
	if _, ok := t.cache.GetIfPresent(key); ok {
		t.cache.Invalidate(key)
	}
}

func (t troubles) forgetAll() { t.cache.InvalidateAll() }
