package bearerredis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
)

var _ introspect.SharedCache = (*Cache)(nil)

// maxValue limits the size of a value in both directions: another writer must
// not be able to fill the memory of the readers.
const maxValue = 1 << 20

var errEmptyKey = errors.New("bearerredis: the key is empty")

// Cache keeps values in Redis. It is safe for concurrent use. Its zero value is
// not usable; see [Client.Cache].
//
// While Redis is unavailable, Get and Set return an error within
// [Config.Timeout]. After a failure most calls fail at once, and one call every
// 500 ms tests whether Redis is available again.
type Cache struct{ client *Client }

// Cache returns the shared cache for introspect.Config.Shared. All caches with
// the same prefix share their values.
func (c *Client) Cache() *Cache { return &Cache{c} }

// Get returns the value of a key, or nil if there is none.
func (c *Cache) Get(ctx context.Context, key string) ([]byte, error) {
	if key == "" {
		return nil, errEmptyKey
	}
	if !c.client.circuit.enter() {
		return nil, errUnavailable
	}
	var stored []byte
	err := c.client.run(ctx, getValue, func(ctx context.Context) (err error) {
		// Unlike GET, GETRANGE limits the size of the reply. It returns the
		// empty string for a missing key.
		stored, err = c.client.redis.GetRange(ctx, c.client.keys.value(key), 0, maxValue+1).Bytes()
		return err
	})
	if err != nil {
		return nil, err
	}
	return parseValue(stored), nil
}

// Set keeps a value for ttl. It does nothing if the key was forgotten and the
// ttl of that call has not passed, or if ttl is under a millisecond. A value of
// more than 1 MiB is an error.
//
// A nil value forgets the key: Set deletes the value, blocks new values for ttl
// and notifies every Watch of every instance. Set tries this even while the
// circuit keeps other calls from Redis, because the caller must learn whether
// other instances were notified.
func (c *Cache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if key == "" {
		return errEmptyKey
	}
	client, keys := c.client, []string{c.client.keys.value(key)}
	if value == nil {
		ms := (max(ttl, 0) + time.Millisecond - 1).Milliseconds()
		return client.run(ctx, forgetValue, func(ctx context.Context) error {
			return client.eval(ctx, forgetScript, keys, ms, client.keys.channel(), key).Err()
		})
	}
	if len(value) > maxValue {
		return fmt.Errorf("bearerredis: the value has %d bytes; want at most %d", len(value), maxValue)
	}
	ms := ttl.Milliseconds()
	if ms <= 0 {
		return nil
	}
	if !client.circuit.enter() {
		return errUnavailable
	}
	return client.run(ctx, setValue, func(ctx context.Context) error {
		return client.eval(ctx, setScript, keys, value, ms).Err()
	})
}
