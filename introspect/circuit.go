package introspect

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// tripAfter failures in a row open the circuit.
	tripAfter = 5
	minOpen   = time.Second
	maxOpen   = 10 * time.Second
	// maxRetryAfter bounds what the endpoint may ask us to wait.
	maxRetryAfter = time.Minute

	// queueFactor times the slots may wait for one, for queueTime.
	queueFactor = 4
	queueTime   = 500 * time.Millisecond
)

var (
	errOpen = errors.New("the endpoint failed several times in a row and is left alone for a moment")
	errBusy = errors.New("too many requests to the endpoint are under way (Config.MaxConcurrent)")
)

// circuit bounds the requests to the endpoint, and leaves it alone for a while
// when it fails, or as long as it asks for. After that one request tries
// whether it is back.
type circuit struct {
	slots chan struct{}
	queue chan struct{}

	mu       sync.Mutex
	failures int       // in a row
	until    time.Time // open until then, for failures
	asked    time.Time // and until then, by Retry-After
	probing  bool      // one request is trying
}

func newCircuit(slots int) *circuit {
	return &circuit{slots: make(chan struct{}, slots), queue: make(chan struct{}, slots*queueFactor)}
}

// state returns how long the circuit stays open, zero if it is closed.
func (c *circuit) state() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wait()
}

func (c *circuit) wait() time.Duration {
	switch remaining := max(time.Until(c.until), time.Until(c.asked)); {
	case c.failures < tripAfter && remaining <= 0:
		return 0
	case remaining > 0:
		return remaining
	case c.probing:
		return minOpen
	}
	return 0
}

// enter waits for a slot, if eager not at all. Whoever has entered leaves, and
// says whether it was the one that tries.
func (c *circuit) enter(ctx context.Context, eager bool) (probe bool, err error) {
	c.mu.Lock()
	if c.wait() > 0 {
		c.mu.Unlock()
		return false, errOpen
	}
	if probe = c.failures >= tripAfter; probe {
		c.probing = true
	}
	c.mu.Unlock()
	err = c.slot(ctx, eager)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil && probe:
		c.probing = false
	case err == nil && !probe && c.wait() > 0:
		// It was opened while this one waited.
		<-c.slots
		err = errOpen
	}
	return probe, err
}

func (c *circuit) slot(ctx context.Context, eager bool) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	if eager {
		return errBusy
	}
	select {
	case c.queue <- struct{}{}:
		defer func() { <-c.queue }()
	default:
		return errBusy
	}
	timer := time.NewTimer(queueTime)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return errBusy
	case <-ctx.Done():
		return errBusy
	}
}

// leave gives the slot back and tells how it went. retryAfter is what the
// endpoint asked for, and no answer to another request takes it back.
func (c *circuit) leave(probe, failed bool, retryAfter time.Duration) {
	<-c.slots
	c.mu.Lock()
	defer c.mu.Unlock()
	if probe {
		c.probing = false
	}
	now := time.Now()
	if asked := now.Add(min(retryAfter, maxRetryAfter)); retryAfter > 0 && asked.After(c.asked) {
		c.asked = asked
	}
	switch {
	case !failed:
		c.failures, c.until = 0, time.Time{}
	case c.failures < tripAfter || probe:
		// Those that were under way when it opened tell nothing new.
		if c.failures++; c.failures >= tripAfter {
			c.until = now.Add(min(minOpen<<min(c.failures-tripAfter, 4), maxOpen))
		}
	}
}
