package bearerredis

import (
	"errors"
	"log/slog"
	"runtime"
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

// Client connects the instances of a program through Redis. [Client.Cache],
// [Client.Replays] and [Client.Denials] share its prefix, timeout, connections
// and log. It is safe for concurrent use. Its zero value is not usable; see
// [New].
type Client struct {
	redis   redis.UniversalClient
	cluster *redis.ClusterClient // the same client, or nil if Redis is no Cluster
	watched *sentinels           // nil without Sentinel
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
	topology, err := config.complete()
	if err != nil {
		return nil, err
	}
	logger := config.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	options := newOptions(config, topology)
	if options.PoolSize == 0 {
		options.PoolSize = 10 * runtime.GOMAXPROCS(0)
	}
	c := &Client{
		keys:           keyspace(config.Prefix),
		timeout:        config.Timeout,
		tries:          options.PoolSize + 1,
		secrets:        secrets(options.Password, topology.sentinelPassword),
		circuit:        circuit{began: time.Now()},
		logs:           newJournals(logger.With(slog.String("redis", topology.String()))),
		proofsPerOwner: config.ProofsPerOwner,
		maxStale:       config.DenialsMaxStale,
		leeway:         config.DenialsLeeway,
		closed:         make(chan struct{}),
	}
	switch {
	case topology.cluster:
		c.cluster = redis.NewClusterClient(clusterOptions(options, topology.addrs))
		c.redis = c.cluster
		c.logs.outage.settle = 2 * time.Second
	case topology.master != "":
		c.watched = newSentinels(options, topology)
		c.redis = redis.NewClient(c.watched.masterOptions(options))
	default:
		c.redis = redis.NewClient(options)
	}
	return c, nil
}

// secrets returns a replacer of passwords.
func secrets(passwords ...string) *strings.Replacer {
	var pairs []string
	for _, password := range passwords {
		if password != "" {
			pairs = append(pairs, password, "[password]")
		}
	}
	return strings.NewReplacer(pairs...)
}

// Close closes all connections and stops the goroutines that the client
// started. After Close, the methods of the cache, the replay store and the deny
// list return errors. A running Watch receives nothing more and returns when its
// context is done.
func (c *Client) Close() error {
	var err error
	c.closing.Do(func() {
		close(c.closed)
		err = c.redis.Close()
		if c.watched != nil {
			c.watched.close()
		}
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
