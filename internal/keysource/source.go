// Package keysource holds the signing keys of one issuer: it finds them,
// keeps them fresh, and answers for a token's key ID with keys, with "no such
// key", or with "cannot tell".
//
// What is fetched, and when, is decided in one place, [Source.judge], so that
// a token's sender can cause a fetch only out of a budget, and nobody who asks
// for a known key ever waits or locks.
package keysource

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
)

const (
	// fetchTime is what metadata and keys may take together, and what a waiter
	// waits in all, whatever it joins.
	fetchTime = 9 * time.Second

	// maxWaiting is how many may wait at a time. Each holds a token of up to
	// bearer.Config.MaxTokenBytes, and the sender of unknown key IDs chooses how
	// many come while the issuer hangs.
	maxWaiting = 4096

	defaultRefreshBudget = 10 * time.Second
	defaultMaxStale      = 24 * time.Hour
)

// Config says whose keys a [Source] holds, and how.
type Config struct {
	// Issuer is the issuer's identifier, and a name in errors and logs, as it
	// is: the caller has checked it. Where nothing else says where the keys
	// are, it is a URL and the start of discovery. Required for discovery and
	// with MetadataURL.
	Issuer string
	// JWKSURI is where the key set is. Empty: the issuer's metadata says it.
	JWKSURI string
	// MetadataURL is where the issuer's metadata are. Empty: the issuer says it.
	MetadataURL string
	// File is the path of a file with a JWK set or PEM, which is read again
	// every 2 s. Keys without an ID answer for any key ID then. Empty: the keys
	// are fetched.
	File string
	// Client sends the requests, and its rule for http holds. nil:
	// fetch.New(nil, InsecureHTTP).
	Client *fetch.Client
	// InsecureHTTP is the rule for http of a nil Client.
	InsecureHTTP bool
	// RefreshBudget is the least time between fetches that unknown keys cause,
	// after a burst of two. Zero or less: 10 s.
	RefreshBudget time.Duration
	// MaxStale is how long after it was fetched a key may be used at most,
	// whatever happens. Zero or less: 24 h.
	MaxStale time.Duration
	// Logger is told of failed fetches and skipped keys. nil: nobody is.
	Logger *slog.Logger
}

// Source is the source of one issuer's keys. It is safe for concurrent use.
// Use [New] or [Static].
type Source struct {
	config  Config
	static  bool
	origin  origin  // belongs to the owner goroutine
	journal journal // belongs to the owner goroutine
	// set is the newest set, replaced as a whole; nil before the first.
	set atomic.Pointer[keySet]
	// waiting counts those who wait for a flight.
	waiting atomic.Int64

	// wake tells the owner goroutine that a flight or a schedule is new.
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}

	// All below belongs to those who miss, and to the owner goroutine.
	mu      sync.Mutex
	closed  bool
	flight  *flight   // the fetch that is asked for or under way
	due     time.Time // of the next fetch in the background
	failed  failure   // of the last fetch; its zero: it succeeded, or none was
	lacking time.Time // since when there are no keys, by a fetch; zero: there are
	budget  budget
	missing missing
	stats   Stats
}

// Stats are the counters of a [Source].
type Stats struct {
	// Fetches counts the requests for the key set, Failures those that brought
	// no usable key.
	Fetches, Failures uint64
	// Discoveries counts the searches for the issuer's metadata, of one to
	// three requests each, DiscoveryFailures those that found none.
	Discoveries, DiscoveryFailures uint64
	// Keys is the number of keys at hand, Fetched the time of their request;
	// both are zero when none may be used.
	Keys    int
	Fetched time.Time
	// Generation is [Source.Generation].
	Generation uint64
	// LastError is why the last fetch failed; empty if it did not.
	LastError string
}

// New returns a source and starts the goroutine that keeps its keys fresh,
// until [Source.Close]. It makes no request itself, since the issuer may be
// down, but it reads a file, so that its keys are at hand at once.
func New(config Config) *Source {
	if config.Client == nil {
		config.Client = fetch.New(nil, config.InsecureHTTP)
	}
	if config.RefreshBudget <= 0 {
		config.RefreshBudget = defaultRefreshBudget
	}
	if config.MaxStale <= 0 {
		config.MaxStale = defaultMaxStale
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	now := time.Now()
	ctx, stop := context.WithCancel(context.Background())
	s := &Source{
		config:  config,
		wake:    make(chan struct{}, 1),
		stop:    stop,
		done:    make(chan struct{}),
		due:     now,
		budget:  newBudget(config.RefreshBudget, now),
		missing: newMissing(config.RefreshBudget),
		journal: journal{config: config},
	}
	if config.File != "" {
		s.origin = &file{path: config.File, count: s.count}
		d, err := s.fly(ctx)
		s.land(newFlight(), d, err)
	} else {
		s.origin = newRemote(config, s.count)
	}
	go s.own(ctx)
	return s
}

// Static returns a source of keys that never change. Keys without an ID, as
// PEM files give them, answer for any key ID. There is nothing to close.
func Static(keys []*jose.Key) *Source {
	s := &Source{static: true}
	set := newKeySet(jose.KeySet{Keys: keys}, true)
	set.generation = 1
	s.set.Store(set)
	return s
}

// Lookup returns the keys that may have signed a token. A key that is at hand
// is returned without waiting or locking; otherwise see [Source.Search].
//
// The error is [ErrUnknownKey], [ErrKeyAlgorithm], an [*UnavailableError], or
// wraps the error of ctx.
func (s *Source) Lookup(ctx context.Context, q Query) (Candidates, error) {
	c, err := s.At(time.Now(), q)
	if err == ErrUnknownKey {
		return s.Search(ctx, q)
	}
	return c, err
}

// At is [Source.Lookup] among the keys that are at hand at now. It never waits,
// locks or allocates. After [ErrUnknownKey] [Source.Search] knows more.
func (s *Source) At(now time.Time, q Query) (Candidates, error) {
	if set := s.set.Load(); set.usable(now) {
		return set.find(q)
	}
	return Candidates{}, ErrUnknownKey
}

// Missed is for a token without a key ID, whose signature no key of the given
// generation proved: the right key may be a new one. It asks for a fetch, from
// the budget of unknown keys, and returns keys as [Source.Lookup] does only if
// they are of a newer generation; [ErrUnknownKey] if there is none.
func (s *Source) Missed(ctx context.Context, generation uint64, q Query) (Candidates, error) {
	q.after = generation
	return s.Search(ctx, q)
}

// Generation returns a number that is another for every set whose keys differ
// from those of the one before, and zero while no key may be used, so that
// what was proven under generation n stands exactly while Generation returns
// n. It never locks.
func (s *Source) Generation() uint64 { return s.GenerationAt(time.Now()) }

// GenerationAt is [Source.Generation] for who knows what time it is now.
func (s *Source) GenerationAt(now time.Time) uint64 {
	if set := s.set.Load(); set.usable(now) {
		return set.generation
	}
	return 0
}

// Ready returns nil if keys are at hand that may be used now, and an
// [*UnavailableError] otherwise. It never waits for a fetch.
func (s *Source) Ready() error {
	now := time.Now()
	if s.set.Load().usable(now) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unavailable(now, nil)
}

// Stats returns the counters as they are now.
func (s *Source) Stats() Stats {
	s.mu.Lock()
	stats := s.stats
	if s.failed.err != nil {
		stats.LastError = s.failed.err.Error()
	}
	s.mu.Unlock()
	if set := s.set.Load(); set.usable(time.Now()) {
		stats.Keys, stats.Fetched, stats.Generation = len(set.keys), set.fetched, set.generation
	}
	return stats
}

// Close ends the goroutine and a fetch under way, and waits for both. Keys at
// hand still answer, as long as they may be used; nothing is fetched any more.
// Close may be called more than once.
func (s *Source) Close() {
	if s.static {
		return
	}
	s.stop()
	<-s.done
	s.config.Client.CloseIdleConnections()
}
