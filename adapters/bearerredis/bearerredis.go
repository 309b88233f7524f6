// Package bearerredis is an [introspect.SharedCache] cache in Redis: what one
// instance of a program was told about a token, the others need not ask, and a
// token that one of them forgets is forgotten by all. [Cache.Replays] is a
// [dpop.ReplayStore] beside it: a proof that was used at one instance is refused
// at the others. [Cache.Denials] is a [denylist.List]: a token that is denied at
// one is denied at all.
//
// It speaks to one Redis server, in commands that all versions since 2.6.12 have,
// and stores what it is given: an [introspect.Verifier] hands over encrypted
// values, and keys that are hashes; a proof and what a deny list names are hashes
// too.
package bearerredis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bearerkit/bearerkit/introspect"
)

var _ introspect.SharedCache = (*Cache)(nil)

// present is the first byte of what stands for a value. A key that was
// forgotten has the empty string instead, until the time of that has passed:
// value and tombstone are one key, so that no reader ever sees both, and so
// that one key is all that a script needs.
const present = 'v'

// maxValue bounds what is stored, and what is read: whoever else writes into
// Redis must not fill the memory of those who read.
const maxValue = 1 << 20

var (
	errClosed      = errors.New("bearerredis: closed")
	errEmptyKey    = errors.New("bearerredis: an empty key")
	errOutOfReach  = errors.New("bearerredis: not asked, since Redis was out of reach a moment ago")
	errNotInFormat = errors.New("bearerredis: the server's answer is none that Redis gives")
)

// Cache keeps values in Redis. It is safe for concurrent use. Its zero value is
// not usable; see [New].
//
// While Redis is out of reach, Get or Set returns an error within
// [Config.Timeout], and nearly all calls at once: after a failure one call in
// 500 ms tries whether Redis is back.
type Cache struct {
	client  *redis.Client
	prefix  string
	channel string
	timeout time.Duration
	tries   int
	redact  *strings.Replacer

	circuit   circuit
	commands  journal
	refusals  [kinds]journal // of calls that change something
	watching  journal
	following journal // of a deny list

	perOwner int           // used proofs; negative: any number
	maxStale time.Duration // of a deny list
	leeway   time.Duration // of a deny list
	denials  sync.Once
	list     *Denials // nil until somebody asks for it

	closing sync.Once
	closed  chan struct{}
}

// New returns a cache in the Redis of config. It reports all that is wrong with
// config, and connects to nothing yet.
func New(config Config) (*Cache, error) {
	options, err := config.options()
	if err != nil {
		return nil, err
	}
	logger := config.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	logger = logger.With(slog.String("redis", options.Addr))
	client := redis.NewClient(options)
	c := &Cache{
		client:   client,
		prefix:   config.Prefix,
		channel:  config.Prefix + "forgotten",
		timeout:  config.Timeout,
		perOwner: config.ProofsPerOwner,
		maxStale: config.DenialsMaxStale,
		leeway:   config.DenialsLeeway,
		tries:    client.Options().PoolSize + 1,
		redact:   strings.NewReplacer(),
		circuit:  circuit{began: time.Now()},
		commands: journal{
			logger: logger,
			state:  "Redis is out of reach",
			begins: "; introspection endpoints are asked instead, DPoP proofs are refused, and of a deny list there is no news",
			ends:   "Redis is back",
			hint:   "check that Redis runs, and its address and password",
		},
		watching: journal{
			logger: logger,
			begins: "tokens that other instances forget are not heard of; they live on here until their cache entries expire",
			ends:   "tokens that other instances forget are heard of again",
			hint:   "check that Redis runs, and that its user may subscribe to the channel of the prefix",
		},
		following: journal{
			logger: logger,
			begins: "the deny list in Redis cannot be read; what is known of it is believed for a while, and then requests are answered 503",
			ends:   "the deny list in Redis can be read again",
			hint:   "check what else writes keys of the prefix",
		},
		closed: make(chan struct{}),
	}
	for k, texts := range map[kind]struct{ begins, ends string }{
		keeping:    {"Redis refuses to keep a value", "Redis keeps values again"},
		forgetting: {"Redis refuses to forget a value for all instances", "Redis forgets values for all instances again"},
		burn:       {"Redis refuses to keep a used proof, so that proofs are refused", "Redis keeps used proofs again"},
		change:     {"Redis refuses to change the deny list", "Redis changes the deny list again"},
	} {
		c.refusals[k] = journal{
			logger: logger,
			begins: texts.begins,
			ends:   texts.ends,
			hint:   "see the error, and the log of Redis",
			settle: time.Second,
		}
	}
	if options.Password != "" {
		c.redact = strings.NewReplacer(options.Password, "[password]")
	}
	return c, nil
}

// Close ends all connections. Every later call of Get, Set, Burn and of a deny
// list is an error; a Watch hears of nothing any more, and returns when its
// context is done.
func (c *Cache) Close() error {
	var err error
	c.closing.Do(func() {
		close(c.closed)
		err = c.client.Close()
	})
	c.denials.Do(func() {}) // nobody starts one any more
	if c.list != nil {
		<-c.list.done
	}
	return err
}

func (c *Cache) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// Get returns the value of a key, or nil if there is none.
func (c *Cache) Get(ctx context.Context, key string) ([]byte, error) {
	if key == "" {
		return nil, errEmptyKey
	}
	if !c.circuit.enter() {
		return nil, errOutOfReach
	}
	var kept []byte
	err := c.run(ctx, read, func(ctx context.Context) (err error) {
		// GET without its lack of a limit; of no key it is the empty string.
		kept, err = c.client.GetRange(ctx, c.prefix+key, 0, maxValue+1).Bytes()
		return err
	})
	if err != nil || len(kept) == 0 || kept[0] != present || len(kept) > 1+maxValue {
		return nil, err
	}
	return kept[1:], nil
}

// Set keeps a value for ttl, unless the key was forgotten and the time of that
// has not passed. A value whose ttl is under a millisecond is not kept, and one
// of more than 1 MiB is an error.
//
// A nil value forgets the key: what is kept is dropped, nothing is kept for it
// until ttl has passed, and every Watch of every instance is told. This is tried
// also while other calls are not, since the caller wants to know.
func (c *Cache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if key == "" {
		return errEmptyKey
	}
	if value == nil {
		ms := (max(ttl, 0) + time.Millisecond - 1).Milliseconds()
		return c.run(ctx, forgetting, func(ctx context.Context) error {
			return c.eval(ctx, forget, key, ms, c.channel, key)
		})
	}
	if len(value) > maxValue {
		return fmt.Errorf("bearerredis: a value of %d bytes; want at most %d", len(value), maxValue)
	}
	ms := ttl.Milliseconds()
	if ms <= 0 {
		return nil
	}
	if !c.circuit.enter() {
		return errOutOfReach
	}
	return c.run(ctx, keeping, func(ctx context.Context) error {
		return c.eval(ctx, keep, key, value, ms)
	})
}

// eval runs a script by its hash, and sends it whole to a server that does not
// have it, as one that was restarted.
func (c *Cache) eval(ctx context.Context, s script, key string, args ...any) error {
	return c.evalKeys(ctx, s, []string{c.prefix + key}, args...).Err()
}

func (c *Cache) evalKeys(ctx context.Context, s script, keys []string, args ...any) *redis.Cmd {
	answer := c.client.EvalSha(ctx, s.sha1, keys, args...)
	if redis.HasErrorPrefix(answer.Err(), "NOSCRIPT") {
		answer = c.client.Eval(ctx, s.source, keys, args...)
	}
	return answer
}
