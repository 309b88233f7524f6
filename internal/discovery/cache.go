package discovery

import (
	"context"
	"sync"
	"time"
)

// maxAge is how long a discovered URL is fresh.
const maxAge = 24 * time.Hour

// Config configures a [Cache].
type Config struct {
	// Find discovers the URL. One call is made at a time. Required.
	Find func(ctx context.Context) (string, error)

	// MaxStale is how long a URL may be used after its 24 hours if discovery
	// fails. Zero: not at all.
	MaxStale time.Duration

	// Background runs work on another goroutine, and reports whether it did.
	// No caller then waits for a discovery while an old URL may be used. Nil:
	// a caller that finds the URL no longer fresh waits for the discovery.
	Background func(work func(context.Context)) bool

	// Pause is the time between a failed discovery of a known URL and the next
	// attempt. Zero: the next caller repeats the discovery.
	Pause time.Duration
}

// Cache finds an endpoint's URL when it is first needed and keeps it. A URL is
// fresh for 24 hours, unless [Cache.Doubt] shortens that. While discovery fails, a
// URL that is no longer fresh may be used for at most [Config.MaxStale]. A Cache
// is safe for concurrent use. Use [NewCache].
type Cache struct {
	config Config

	// turn holds an element while Find runs. Unlike a mutex, a channel lets a
	// caller give up.
	turn chan struct{}

	mu    sync.Mutex
	url   string    // empty before the first discovery
	at    time.Time // when url was discovered
	until time.Time // url is fresh until then
}

// NewCache returns an empty Cache. It makes no request.
func NewCache(config Config) *Cache {
	return &Cache{config: config, turn: make(chan struct{}, 1)}
}

// URL returns the endpoint's URL. It calls Find if no URL is known, and waits
// for a call of Find that another caller began. The error is that of Find or
// of ctx.
func (c *Cache) URL(ctx context.Context) (string, error) {
	known, fresh := c.known(time.Now())
	switch {
	case fresh:
		return known, nil
	case known != "" && c.config.Background != nil:
		c.refresh()
		return known, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if u, fresh := c.known(time.Now()); fresh { // another caller discovered it
		return u, nil
	}
	found, err := c.discover(ctx)
	if err != nil && known != "" {
		return known, nil // the endpoint has probably not moved
	}
	return found, err
}

// Doubt says that the endpoint may have moved. Its URL is then fresh only until
// it is age old.
func (c *Cache) Doubt(age time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if doubted := c.at.Add(age); doubted.Before(c.until) {
		c.until = doubted
	}
}

// Trust says that a request to the URL succeeded. It revokes every Doubt since the
// discovery, except Doubt(0).
func (c *Cache) Trust() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.until.After(c.at) {
		c.until = c.at.Add(maxAge)
	}
}

// known returns the URL, or the empty string if there is no URL that may still be
// used. It also reports whether the URL is fresh.
func (c *Cache) known(now time.Time) (u string, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.url == "" || now.Sub(c.at) >= maxAge+c.config.MaxStale {
		return "", false
	}
	return c.url, now.Before(c.until)
}

// refresh discovers the URL in the background, unless a discovery is under way.
func (c *Cache) refresh() {
	select {
	case c.turn <- struct{}{}:
	default:
		return
	}
	started := c.config.Background(func(ctx context.Context) {
		defer func() { <-c.turn }()
		_, _ = c.discover(ctx) // an error shows when the endpoint fails
	})
	if !started {
		<-c.turn
	}
}

// discover calls Find. The caller has the turn.
func (c *Cache) discover(ctx context.Context) (string, error) {
	found, err := c.config.Find(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if err != nil {
		if c.config.Pause > 0 {
			c.until = now.Add(c.config.Pause)
		}
		return "", err
	}
	c.url, c.at, c.until = found, now, now.Add(maxAge)
	return found, nil
}
