package jwks

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/setting"
)

// resolver finds the issuers that Config.Issuers does not list, by calling
// Config.Resolve. It belongs to one snapshot: the next configuration asks again.
//
// Anybody can send tokens with any iss. So only a good token protects its issuer
// from eviction, the issuers without one are few, and whatever else an iss may
// cause is bounded: calls of Resolve, remembered answers, and first fetches.
type resolver struct {
	verifier  *Verifier
	snapshot  *snapshot
	config    Config
	newcomers lane
	returning lane // for issuers in parked, which junk must not delay
	waiting   atomic.Int64

	// limited returns the context of a call of Resolve; cancel ends all of them.
	limited func() (context.Context, context.CancelFunc)
	cancel  context.CancelFunc

	mu      sync.Mutex
	ended   bool
	live    map[string]*issuer     // by iss: what Resolve has approved
	proven  int                    // how many in live have proven a token
	parked  map[string]*issuer     // what the last configuration's Resolve had approved
	flights map[string]*resolution // by iss: calls of Resolve
	answers answers
	admits  admissions
	told    map[string]bool // the issuers whose mistakes were logged
	sweeper *time.Timer     // closes idle issuers; nil before start
}

// approval is what a resolver knows about an issuer that Resolve approved.
type approval struct {
	since  time.Time
	used   atomic.Int64 // about when the last good token came, in nanoseconds since 1970; 0: never
	proven atomic.Bool  // a good token came; changes under resolver.mu
}

// resolveCounters count over all configurations of a verifier. A call that is under
// way is only in calls, so none of them ever falls.
type resolveCounters struct{ calls, answered, failures atomic.Uint64 }

const (
	// maxUnproven bounds the live issuers without a good token, and so their
	// first fetches at a time.
	maxUnproven = 64

	// admitEvery is the mean time between first fetches after a burst of
	// admitBurst.
	admitEvery = 10 * time.Millisecond
	admitBurst = 200

	// maxCalls bounds the calls of Resolve at a time in one lane, and maxQueued
	// those that wait for that.
	maxCalls  = 32
	maxQueued = 1024

	// maxWaiting bounds the calls of Verify that wait for Resolve. Each holds a
	// token.
	maxWaiting = 4096
)

// lane limits calls of Resolve at a time.
type lane chan struct{}

// admissions limits the first fetches of issuers.
type admissions struct {
	left   int
	filled time.Time
}

func (a *admissions) take(now time.Time) bool {
	if n := now.Sub(a.filled) / admitEvery; n > 0 {
		a.left = int(min(admitBurst, time.Duration(a.left)+n))
		a.filled = a.filled.Add(n * admitEvery)
	}
	if a.left == 0 {
		return false
	}
	a.left--
	return true
}

func newResolver(v *Verifier, s *snapshot, c Config) *resolver {
	c.MaxResolved = setting.OrDefault(c.MaxResolved, defaultMaxResolved)
	c.ResolvedIdle = setting.OrDefault(c.ResolvedIdle, defaultResolvedIdle)
	c.Issuers = nil // compiled before
	c.UnknownFor = setting.OrDefault(c.UnknownFor, defaultUnknownFor)
	ctx, cancel := context.WithCancel(context.Background())
	return &resolver{
		verifier: v, snapshot: s, config: c, cancel: cancel,
		limited:   func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, resolveTime) },
		newcomers: make(lane, maxCalls), returning: make(lane, maxCalls),
		live: make(map[string]*issuer), parked: make(map[string]*issuer), flights: make(map[string]*resolution),
		answers: newAnswers(), admits: admissions{left: admitBurst, filled: time.Now()}, told: make(map[string]bool),
	}
}

// isResolvable reports whether Resolve may be asked for an iss, which may come
// from anybody.
func isResolvable(iss string) bool {
	return len(iss) <= maxIssuerName && fetch.CheckIdentifier(iss) == nil
}

// find returns a live issuer, or nil.
func (r *resolver) find(iss string) *issuer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live[iss]
}

// count returns how many issuers are live, and how many are remembered as unknown.
func (r *resolver) count() (live, unknown int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.live), r.answers.unknown(time.Now())
}

// touch notes that a good token of the issuer came. It is exact to a second.
func (i *issuer) touch(now time.Time) {
	at := now.UnixNano()
	if since := at - i.approval.used.Load(); since >= int64(time.Second) || since < 0 {
		i.approval.used.Store(at)
		i.source.Touch()
	}
}

// promote notes that a token of the issuer is good.
func (r *resolver) promote(i *issuer, now time.Time) {
	i.touch(now)
	if i.approval.proven.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended && r.live[i.url] == i && !i.approval.proven.Load() {
		r.makeRoom()
		i.approval.proven.Store(true)
		r.proven++
	}
}

// makeRoom evicts the proven issuer whose last good token is oldest, if there is no
// room for another proven one. The caller holds r.mu.
func (r *resolver) makeRoom() {
	if r.proven < r.config.MaxResolved {
		return
	}
	var oldest *issuer
	for _, i := range r.live {
		if i.approval.proven.Load() && (oldest == nil || i.approval.used.Load() < oldest.approval.used.Load()) {
			oldest = i
		}
	}
	r.drop(oldest)
}

// makeRoomUnproven is [resolver.makeRoom] for issuers without a good token. An
// issuer whose first fetch is under way is not evicted, so there may be no room.
func (r *resolver) makeRoomUnproven() bool {
	if len(r.live)-r.proven < maxUnproven {
		return true
	}
	var evicted *issuer
	for _, i := range r.live {
		if !i.approval.proven.Load() && (evicted == nil || i.approval.since.Before(evicted.approval.since)) && !i.source.Fetching() {
			evicted = i
		}
	}
	if evicted == nil {
		return false
	}
	r.drop(evicted)
	return true
}

// drop removes a live issuer. The caller holds r.mu.
func (r *resolver) drop(i *issuer) {
	i.gone.Store(true)
	delete(r.live, i.url)
	if i.approval.proven.Load() {
		r.proven--
	}
	r.shut(i)
}

// shut closes the keys of an issuer that r has removed from its maps. No request
// waits for that: a fetch may be under way. The caller holds r.mu, and r has not
// ended, so [Verifier.Close] waits for shut.
func (r *resolver) shut(i *issuer) {
	r.verifier.resolving.Go(func() { r.verifier.shut(i) })
}
