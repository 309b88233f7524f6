package bearerredis

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = time.Second

	// silence is how long a subscription may say nothing before it is asked
	// for a sign of life, and how long it then has for that.
	silence = time.Second
)

// Watch calls forgotten with each key that any instance forgets, until ctx is
// done; only then it returns. It calls forgotten with the empty string whenever
// its subscription is established: the first time too, since nothing was heard
// before, and each time after the connection was lost, which it notices within
// two seconds. It has one connection of its own. Calls do not overlap, and while
// one takes its time, no other key is heard of.
func (c *Cache) Watch(ctx context.Context, forgotten func(key string)) {
	backoff := firstBackoff
	for ctx.Err() == nil {
		heard, err := c.listen(ctx, forgotten)
		if heard {
			backoff = firstBackoff
		}
		if ctx.Err() != nil {
			return
		}
		if c.isClosed() {
			<-ctx.Done()
			return
		}
		c.watching.failed(c.explain(err), reasonOf(err))
		wait := time.NewTimer(backoff)
		select {
		case <-wait.C:
		case <-ctx.Done():
		case <-c.closed:
		}
		wait.Stop()
		backoff = min(2*backoff, lastBackoff)
	}
}

// retry closes the circuit if Redis is back, so that no caller has to find out.
// That it takes a subscription is not enough: it does so while it is loading its
// data, too.
func (c *Cache) retry(ctx context.Context) {
	if c.circuit.isOpen() {
		_ = c.run(ctx, read, func(ctx context.Context) error { // the log is told
			return c.client.GetRange(ctx, c.prefix, 0, 0).Err()
		})
	}
}

// listen is one subscription, from its beginning to its end. It reports whether
// it was established.
func (c *Cache) listen(ctx context.Context, forgotten func(key string)) (heard bool, err error) {
	subscription := c.client.Subscribe(ctx) // to nothing yet, so this connects to nothing
	defer subscription.Close()
	defer context.AfterFunc(ctx, func() { subscription.Close() })() // a read heeds no context
	if err := subscription.Subscribe(ctx, c.channel); err != nil {
		return false, err
	}
	asked := false
	for {
		var message any
		err := attempt(ctx, func(ctx context.Context) (err error) { // a panic of forgotten is the caller's
			message, err = subscription.ReceiveTimeout(ctx, silence)
			return err
		})
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() && !asked {
			if err := subscription.Ping(ctx); err != nil {
				return heard, err
			}
			asked = true
			continue
		}
		if err != nil {
			return heard, err
		}
		asked = false
		switch m := message.(type) {
		case *redis.Subscription:
			heard = true
			c.watching.ended()
			c.retry(ctx)
			forgotten("")
		case *redis.Message:
			forgotten(m.Payload)
		}
	}
}
