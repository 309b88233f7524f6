package bearerredis

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	errClosed      = errors.New("bearerredis: the client is closed")
	errUnavailable = errors.New("bearerredis: Redis failed less than 500 ms ago and was not asked")
	errProtocol    = errors.New("bearerredis: the server's reply is not a valid Redis reply")
)

// Client connects the instances of a program through one Redis. [Client.Cache],
// [Client.Replays] and [Client.Denials] share its prefix, timeout, connections
// and log. It is safe for concurrent use. Its zero value is not usable; see
// [New].
type Client struct {
	redis   *redis.Client
	keys    keyspace
	timeout time.Duration
	tries   int
	secrets *strings.Replacer

	circuit circuit
	logs    *journals

	proofsPerOwner int // negative: unlimited
	maxStale       time.Duration
	leeway         time.Duration
	denialsOnce    sync.Once
	denials        *Denials // nil until the first call of Denials

	closing sync.Once
	closed  chan struct{}
}

// New returns a client of the Redis that config names. New reports all mistakes
// in config at once and does not connect: Redis may start later.
func New(config Config) (*Client, error) {
	address, err := config.complete()
	if err != nil {
		return nil, err
	}
	logger := config.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	options := newOptions(config, address)
	client := redis.NewClient(options)
	c := &Client{
		redis:          client,
		keys:           keyspace(config.Prefix),
		timeout:        config.Timeout,
		tries:          client.Options().PoolSize + 1,
		secrets:        strings.NewReplacer(),
		circuit:        circuit{began: time.Now()},
		logs:           newJournals(logger.With(slog.String("redis", options.Addr))),
		proofsPerOwner: config.ProofsPerOwner,
		maxStale:       config.DenialsMaxStale,
		leeway:         config.DenialsLeeway,
		closed:         make(chan struct{}),
	}
	if options.Password != "" {
		c.secrets = strings.NewReplacer(options.Password, "[password]")
	}
	return c, nil
}

// Close closes all connections and stops the goroutine that [Client.Denials]
// started. After Close, the methods of the cache, the replay store and the deny
// list return errors. A running Watch receives nothing more and returns when its
// context is done.
func (c *Client) Close() error {
	var err error
	c.closing.Do(func() {
		close(c.closed)
		err = c.redis.Close()
	})
	c.denialsOnce.Do(func() {}) // a later call of Denials must not start a goroutine
	if c.denials != nil {
		<-c.denials.done
	}
	return err
}

func (c *Client) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}
