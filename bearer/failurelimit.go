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

// FailureLimit limits how many bad tokens and proofs a client address may send,
// which makes guessing expensive. The guard answers 429 with Retry-After (RFC
// 6585, Section 4) to an address over its limit, before it inspects the token. It
// answers requests without credentials as usual. An expired token and a missing
// scope are not failures. The zero value uses the defaults below.
//
// Only a token in the Authorization field counts, so Sources must include it. A foreign page can make its
// visitors' browsers send bad tokens to the other sources of [Config.Sources]. If
// these counted, the page could lock its visitors out, so guesses sent this way
// are not limited. For the same reason, CORS must not allow the Authorization field
// to every origin. An address over its limit is refused wherever its token is.
//
// Clients that share an address share its limit, such as the users of one office
// or of one mobile network. Each instance of a program counts separately.
// Requests that are judged concurrently may together exceed the limit.
type FailureLimit struct {
	// Burst is how many failures an address may cause at once. Default: 100.
	Burst int

	// Every is how long it takes to regain one failure. Default: 1 s.
	Every time.Duration

	// MaxAddresses is the maximum number of addresses that the guard remembers, at
	// about 100 bytes each. Beyond it the guard evicts addresses with few
	// failures. An IPv6 address stands for its /64, which one client usually
	// controls. Default: 65,536.
	MaxAddresses int

	// TrustedProxy reports whether the peer of a connection is a proxy whose
	// X-Forwarded-For field the guard trusts. The client is then the last
	// address in the field that is not a trusted proxy, among the last 16.
	// Default: no peer is trusted, and the client is the peer. Behind an
	// untrusted proxy, or on a Unix socket, all clients share one address, and
	// one client can lock all others out.
	TrustedProxy func(peer netip.Addr) bool
}

func (l *FailureLimit) validate() error {
	var errs []error
	for _, bound := range [...]struct {
		name string
		n    int64
	}{{"Burst", int64(l.Burst)}, {"Every", int64(l.Every)}, {"MaxAddresses", int64(l.MaxAddresses)}} {
		if bound.n < 0 {
			errs = append(errs, fmt.Errorf("%s is negative; want a positive value, or zero for the default", bound.name))
		}
	}
	if len(errs) == 0 && cmp.Or(l.Every, defaultEvery) > maxRegain/time.Duration(cmp.Or(l.Burst, defaultBurst)) {
		errs = append(errs, fmt.Errorf("Burst and Every: regaining all failures takes more than %v; reduce one of them", maxRegain))
	}
	return errors.Join(errs...)
}

const (
	defaultBurst     = 100
	defaultEvery     = time.Second
	defaultAddresses = 1 << 16

	maxRegain = 365 * 24 * time.Hour
	maxHops   = 16 // the maximum number of X-Forwarded-For addresses to read
)

// failures counts failures by address. For each address it stores the time at
// which the address will have regained all its failures.
type failures struct {
	every, most  time.Duration // most is how far ahead that time may be
	addresses    int
	trustedProxy func(netip.Addr) bool
	began        time.Time

	any     atomic.Bool // set by the first failure; until then, check takes no lock
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
		addresses:    cmp.Or(l.MaxAddresses, defaultAddresses),
		trustedProxy: l.TrustedProxy,
		began:        time.Now(),
		regains:      make(map[netip.Addr]time.Duration),
	}
}

// check refuses an address that is over its limit.
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

// count counts a refusal if the client may have guessed the credentials. It
// ignores credentials that a foreign page can forge.
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

// isGuess reports whether the refused credentials may be guessed.
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

// makeRoom evicts an address if there are too many. Among 16 random addresses it
// evicts those that have regained all their failures, or else the one with the
// least to regain. It examines only 16, so that a flood cannot slow it down.
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

// client returns the address that a request counts for. Requests whose address is
// unknown share the zero address.
func (f *failures) client(r *http.Request) netip.Addr {
	client, ok := peerOf(r)
	if !ok {
		return netip.Addr{}
	}
	hops := 0
	for hop := range forwardedFor(r.Header["X-Forwarded-For"]) {
		if hops++; hops > maxHops || f.trustedProxy == nil || !f.trustedProxy(client) {
			break
		}
		next, err := netip.ParseAddr(hop)
		if withPort, portErr := netip.ParseAddrPort(hop); portErr == nil { // some proxies add the port
			next, err = withPort.Addr(), nil
		}
		if err != nil {
			break // the proxy that wrote the entry is the last known address
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

// forwardedFor yields the addresses in a field, last one first.
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
