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

	// silence is how long a subscription may receive nothing before Watch sends
	// a PING, and how long Watch then waits for the reply.
	silence = time.Second
)

var errMoved = errors.New("another node of the Cluster has the channel now")

// Watch calls forgotten with each key that any instance forgets. It returns only
// when ctx is done. It uses a separate connection.
//
// Watch calls forgotten with the empty string, which stands for all keys, each
// time it has subscribed: at the start and after each lost connection, because
// it may have missed keys before. It notices a lost connection within two
// seconds. Calls of forgotten do not overlap, and a slow call delays the next.
func (c *Cache) Watch(ctx context.Context, forgotten func(key string)) {
	backoff := firstBackoff
	for ctx.Err() == nil {
		subscribed, err := c.listen(ctx, forgotten)
		if subscribed {
			backoff = firstBackoff
		}
		if ctx.Err() != nil {
			return
		}
		if c.client.isClosed() {
			<-ctx.Done()
			return
		}
		c.client.refresh(ctx)
		c.client.logs.watch.failed(c.client.explain(err), reasonOf(err))
		wait := time.NewTimer(backoff)
		select {
		case <-wait.C:
		case <-ctx.Done():
		case <-c.client.closed:
		}
		wait.Stop()
		backoff = min(2*backoff, lastBackoff)
	}
}

// listen runs one subscription until it ends. It reports whether it was
// established.
func (c *Cache) listen(ctx context.Context, forgotten func(key string)) (subscribed bool, err error) {
	subscription := c.client.redis.Subscribe(ctx) // to no channel yet, so this does not connect
	defer subscription.Close()
	defer context.AfterFunc(ctx, func() { subscription.Close() })() // reads ignore the context
	if err := subscription.Subscribe(ctx, c.client.keys.channel()); err != nil {
		return false, err
	}
	node, pinged := c.client.channelNode(ctx), false
	for {
		var message any
		err := attempt(ctx, func(ctx context.Context) (err error) { // not around forgotten: its panics are the caller's
			message, err = subscription.ReceiveTimeout(ctx, silence)
			return err
		})
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() && !pinged {
			if now := c.client.channelNode(ctx); now != node {
				return subscribed, errMoved
			}
			if err := subscription.Ping(ctx); err != nil {
				return subscribed, err
			}
			pinged = true
			continue
		}
		if err != nil {
			return subscribed, err
		}
		pinged = false
		switch m := message.(type) {
		case *redis.Subscription:
			subscribed = true
			c.client.logs.watch.recovered()
			c.probe(ctx)
			forgotten("")
		case *redis.Message:
			forgotten(m.Payload)
		}
	}
}

// channelNode returns the node of a Cluster at which this instance subscribes, or
// nil if Redis is no Cluster. A node that was replaced may still be alive, and
// would receive no messages.
func (c *Client) channelNode(ctx context.Context) *redis.Client {
	if c.cluster == nil {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	node, err := c.cluster.MasterForKey(bounded, c.keys.channel())
	if err != nil {
		return nil
	}
	return node
}

// probe closes the circuit if Redis is available again, so that no request has to
// test it. A subscription alone proves nothing: Redis accepts it while it is still
// loading its data.
func (c *Cache) probe(ctx context.Context) {
	if c.client.circuit.isOpen() {
		_ = c.client.run(ctx, getValue, func(ctx context.Context) error { // run logs the error
			return c.client.redis.GetRange(ctx, c.client.keys.value(""), 0, 0).Err()
		})
	}
}
