package bearer

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// FailureLimit refuses bursts of failures by client address, so that guessing
// is not free: an address that has sent too many bad tokens or proofs is
// answered 429 with Retry-After (RFC 6585, Section 4), before its tokens are
// looked at. Requests without credentials are answered as ever, and neither an
// expired token nor a missing scope counts as a failure.
//
// Only a token in the Authorization field counts. With [Config.FormBodyTokens] or
// [Config.InsecureQueryTokens] a foreign page can make its visitors' browsers send
// bad tokens, and must not get them refused; so guesses in those ways are not
// limited. An address over its limit is refused whatever way its token comes. For
// the same reason CORS must not allow the Authorization field to every origin.
//
// All who share an address share its fate: the users of one office, or of one
// mobile network. Each instance of a program counts for itself. Requests that
// are judged at the same time may fail beyond the limit together.
type FailureLimit struct {
	// Burst is how many failures an address may cause at once. Default: 100.
	Burst int

	// Every is how long it takes to regain one of them. Default: 1 s.
	Every time.Duration

	// Addresses is how many addresses are remembered at the same time, at
	// some 100 bytes each; beyond that those with the fewest failures are
	// forgotten. An IPv6 address stands for its /64, which is what one client
	// has. Default: 65,536.
	Addresses int

	// TrustedProxy reports whether the peer of a connection is a proxy whose
	// X-Forwarded-For field is believed: the client is the last address there
	// that is no trusted proxy, of the last 16. Default: no peer is, and the
	// client is the peer. Behind a proxy that is not trusted all clients are
	// one, and one of them can shut all others out.
	TrustedProxy func(peer netip.Addr) bool
}

func (l *FailureLimit) validate() error {
	var errs []error
	for _, bound := range [...]struct {
		name string
		n    int64
	}{{"Burst", int64(l.Burst)}, {"Every", int64(l.Every)}, {"Addresses", int64(l.Addresses)}} {
		if bound.n < 0 {
			errs = append(errs, fmt.Errorf("%s is negative; there must be a bound, zero is the default", bound.name))
		}
	}
	if len(errs) == 0 && cmp.Or(l.Every, defaultEvery) > maxRegain/time.Duration(cmp.Or(l.Burst, defaultBurst)) {
		errs = append(errs, fmt.Errorf("Burst and Every: it would take more than %v to regain all", maxRegain))
	}
	return errors.Join(errs...)
}

const (
	defaultBurst = 100
	defaultEvery = time.Second

	maxRegain = 365 * 24 * time.Hour
	maxHops   = 16
)

// failures counts failures by address: of each it keeps the time at which all
// of them will be regained.
type failures struct {
	every, most  time.Duration // most is how far ahead that time may be
	addresses    int
	trustedProxy func(netip.Addr) bool
	began        time.Time

	any     atomic.Bool // whether there may be one, so that nobody locks for none
	mu      sync.Mutex
	regains map[netip.Addr]time.Duration // since began
}

func newFailures(l *FailureLimit) *failures {
	if l == nil {
		return nil
	}
	every := cmp.Or(l.Every, defaultEvery)
	return &failures{
		every:        every,
		most:         time.Duration(cmp.Or(l.Burst, defaultBurst)-1) * every,
		addresses:    cmp.Or(l.Addresses, 1<<16),
		trustedProxy: l.TrustedProxy,
		began:        time.Now(),
		regains:      make(map[netip.Addr]time.Duration),
	}
}

// check refuses an address that has failed too often.
func (f *failures) check(r *http.Request) *Error {
	if f == nil || !f.any.Load() {
		return nil
	}
	client := f.client(r)
	f.mu.Lock()
	wait := f.regains[client] - time.Since(f.began) - f.most
	f.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return &Error{
		Code: CodeTooManyFailures, Check: "failures",
		Expected: "fewer from " + client.String() + " (Config.FailureLimit)", Got: "too many",
		RetryAfter: wait,
	}
}

// count counts a refusal, if it is one of a guess that the client made itself.
func (f *failures) count(r *http.Request, c *credentials, e *Error) {
	if f == nil || e == nil || !e.isGuess() || c.forgeable() {
		return
	}
	client := f.client(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Since(f.began)
	regained, known := f.regains[client]
	if !known {
		f.makeRoom(now)
	}
	f.regains[client] = max(regained, now) + f.every
	f.any.Store(true)
}

// isGuess reports whether a refusal may be that of a guessed credential.
func (e *Error) isGuess() bool {
	switch e.Code {
	case CodeInvalidDPoPProof:
		return true
	case CodeInvalidToken:
		return !e.Expired
	case CodeUnavailable:
		return e.Suspect
	}
	return false
}

// makeRoom forgets an address if there are too many: of some that come up at
// random those that have regained all, or else the one that has the least to
// regain. It looks at few, so that no flood makes it slow.
func (f *failures) makeRoom(now time.Duration) {
	if len(f.regains) < f.addresses {
		return
	}
	var least netip.Addr
	seen := 0
	for address, regained := range f.regains {
		if regained <= now {
			delete(f.regains, address)
		} else if !least.IsValid() || regained < f.regains[least] {
			least = address
		}
		if seen++; seen == 16 {
			break
		}
	}
	if len(f.regains) >= f.addresses {
		delete(f.regains, least)
	}
}

// client returns the address that is counted for. All whose address cannot be
// read count as one.
func (f *failures) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	client := peer.Addr().Unmap()
	hops := 0
	for hop := range forwardedFor(r.Header["X-Forwarded-For"]) {
		if hops++; hops > maxHops || f.trustedProxy == nil || !f.trustedProxy(client) {
			break
		}
		next, err := netip.ParseAddr(hop)
		if withPort, portErr := netip.ParseAddrPort(hop); portErr == nil { // as some write it
			next, err = withPort.Addr(), nil
		}
		if err != nil {
			break // the proxy that wrote it is the last who can be named
		}
		client = next.Unmap()
	}
	if client = client.WithZone(""); client.Is6() {
		prefix, err := client.Prefix(64)
		if err == nil {
			client = prefix.Addr()
		}
	}
	return client
}

// forwardedFor yields the addresses of a field, the last one first.
func forwardedFor(lines []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range slices.Backward(lines) {
			for line != "" {
				comma := strings.LastIndexByte(line, ',')
				if !yield(strings.TrimSpace(line[comma+1:])) {
					return
				}
				line = line[:max(comma, 0)]
			}
		}
	}
}
