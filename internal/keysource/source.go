// Package keysource holds the signing keys of one issuer. It fetches them, keeps
// them fresh, and looks them up by a token's key ID. A lookup returns keys, "no
// such key", or "unavailable".
//
// One function, Source.judge, decides when to fetch. The sender of a token can
// cause a fetch only within a budget, and the lookup of a known key neither
// waits nor locks.
package keysource

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
)

const (
	// fetchTime bounds the discovery and the fetch of the keys together. It
	// also bounds how long a lookup waits, for one flight or for two.
	fetchTime = 9 * time.Second

	// maxWaiting bounds the lookups that wait at a time. Each holds a token of
	// up to bearer.Config.MaxTokenBytes, and while the issuer hangs an attacker
	// chooses how many lookups of unknown key IDs there are.
	maxWaiting = 4096
)

// The defaults of [Config], whose fields name them.
const (
	DefaultRefreshBudget = 10 * time.Second
	DefaultMaxStale      = 24 * time.Hour
)

// Source holds the keys of one issuer. It is safe for concurrent use. Use [New]
// or [Static].
type Source struct {
	config    Config
	ownClient bool // nobody else uses config.Client
	static    bool

	// turn is held during a flight. It guards journal and what fetch uses.
	turn    sync.Mutex
	fetch   func() (delivery, error) // until the source is closed
	report  func()                   // calls OnFetch after a flight; guarded by turn
	journal journal

	// set is the newest set, and nil before the first. It is replaced as a
	// whole.
	set atomic.Pointer[keySet]
	// fresh is when lookups begin to wait for a refresh; see overdue.
	fresh atomic.Pointer[time.Time]
	// waiting counts the lookups that wait for a flight.
	waiting atomic.Int64

	stop    context.CancelFunc // ends the flight under way
	flights sync.WaitGroup     // the goroutines of flights; there is no other

	// mu guards the fields below, which no lookup of a known key needs.
	mu      sync.Mutex
	closed  bool
	flight  *flight     // under way; nil: none
	due     time.Time   // when the background fetches next
	timer   *time.Timer // calls wake when a flight is due; nil: it never ran
	armed   bool        // with OnDemand: Touch has set the timer
	failed  failure     // of the last fetch; zero if it succeeded or there was none
	lacking time.Time   // when the last usable key was lost; zero if there is one
	budget  budget
	missing missing
	stats   Stats
}

// Stats are the counters of a [Source].
type Stats struct {
	// Fetches counts the requests for the key set, and Failures those without
	// a usable key in the response.
	Fetches, Failures uint64
	// Discoveries counts the searches for the issuer's metadata, which make one
	// to three requests each. DiscoveryFailures counts those that failed.
	Discoveries, DiscoveryFailures uint64
	// Keys is the number of usable keys, and Fetched is when their request
	// began. Both are zero if no key is usable.
	Keys    int
	Fetched time.Time
	// Generation is [Source.Generation].
	Generation uint64
	// LastError is the error of the last fetch. It is empty if the fetch
	// succeeded.
	LastError string
}

// New returns a Source that keeps its keys fresh until [Source.Close]. It has a
// goroutine only during a fetch. New does not wait for the first fetch, since the
// issuer may be down. It reads [Config.File], so that the keys of a file are usable
// at once.
func New(config Config) *Source {
	ownClient := config.Client == nil
	if ownClient {
		config.Client = fetch.New(nil, config.InsecureHTTP)
	}
	if config.RefreshBudget <= 0 {
		config.RefreshBudget = DefaultRefreshBudget
	}
	if config.MaxStale <= 0 {
		config.MaxStale = DefaultMaxStale
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Random == nil {
		config.Random = rand.N[time.Duration]
	}
	now := time.Now()
	ctx, stop := context.WithCancel(context.Background())
	s := &Source{
		config:    config,
		ownClient: ownClient,
		stop:      stop,
		due:       now.Add(config.Delay),
		budget:    newBudget(config.RefreshBudget, now),
		missing:   newMissing(config.RefreshBudget),
		journal:   journal{config: config},
	}
	overHTTP := newRemote(config, s.count)
	var from origin = overHTTP
	if config.File != "" {
		from = &file{path: config.File, count: s.count}
	}
	s.fetch = func() (delivery, error) { return fetchBy(ctx, from) }
	s.report = overHTTP.report
	s.begin()
	return s
}

// begin makes the first flight, or sets the timer for it.
func (s *Source) begin() {
	s.mu.Lock()
	switch {
	case s.config.File != "":
		f := newFlight()
		s.flight = f
		s.mu.Unlock()
		s.fly(f)
		return
	case s.config.OnDemand:
		s.request()
	default:
		s.setTimer(s.config.Delay)
	}
	s.mu.Unlock()
}

// Static returns a Source of keys that never change. Keys without an ID, such as
// those of PEM files, match any key ID. It need not be closed.
func Static(keys []*jose.Key) *Source {
	s := &Source{static: true}
	set := newKeySet(jose.KeySet{Keys: keys}, true)
	set.generation = 1
	s.set.Store(set)
	return s
}

// Lookup returns the keys that may have signed a token. It returns a known key
// without waiting or locking, and calls [Source.Search] for an unknown one.
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

// At is [Source.Lookup] among the keys that are usable at the time now. It never
// waits, locks or allocates. After [ErrUnknownKey], call [Source.Search].
func (s *Source) At(now time.Time, q Query) (Candidates, error) {
	if set := s.current(now); set != nil {
		return set.find(q)
	}
	return Candidates{}, ErrUnknownKey
}

// Missed looks for newer keys for a token without a key ID whose signature no key
// of the given generation verified. It requests a fetch from the budget of
// unknown keys. It returns keys as [Source.Lookup] does if their generation is
// newer, and [ErrUnknownKey] otherwise.
func (s *Source) Missed(ctx context.Context, generation uint64, q Query) (Candidates, error) {
	q.after = generation
	return s.Search(ctx, q)
}

// Generation returns a number that changes whenever the keys change. It is zero
// while no key is usable or a lookup would wait for a refresh. A signature that was
// verified under generation n is valid while Generation returns n. It never locks.
func (s *Source) Generation() uint64 { return s.GenerationAt(time.Now()) }

// GenerationAt is [Source.Generation] for a caller that already has the time.
func (s *Source) GenerationAt(now time.Time) uint64 {
	if set := s.current(now); set != nil {
		return set.generation
	}
	return 0
}

// Ready returns nil if a key is usable now, and an [*UnavailableError] otherwise.
// It never waits for a fetch.
func (s *Source) Ready() error {
	now := time.Now()
	if s.set.Load().usable(now) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unavailable(now, nil)
}

// Stats returns the current counters.
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

// Close ends the fetch under way and waits until its goroutine has ended. Nothing
// is fetched afterwards. Lookups of known keys still succeed until the keys are
// stale. Close may be called more than once.
func (s *Source) Close() {
	if s.static {
		return
	}
	s.mu.Lock()
	s.closed = true
	s.fresh.Store(nil) // the keys at hand are the last
	s.stopTimer()
	s.mu.Unlock()
	s.stop()
	s.flights.Wait()
	if s.ownClient {
		s.config.Client.CloseIdleConnections()
	}
}
