package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/tokencache"
)

const (
	// unknownLife is how long a token is used again if neither it nor the request's
	// token says when it expires.
	unknownLife = time.Minute

	// maxRest bounds how long the Retry-After of an endpoint holds up exchanges.
	maxRest = 30 * time.Second
)

// exchangeKey identifies an exchange: the SHA-256 of the request's token, the
// resource and the scopes. The cache does not contain the request's token.
type exchangeKey [sha256.Size]byte

func exchangeKeyOf(token, resource, scopes string) exchangeKey {
	h := sha256.New()
	for _, part := range []string{token, resource, scopes} {
		sum := sha256.Sum256([]byte(part)) // of a fixed length, so that parts do not run together
		h.Write(sum[:])
	}
	return exchangeKey(h.Sum(nil))
}

// exchanged holds exchanged tokens, and lets requests that need the same exchange
// share one.
type exchanged struct {
	mu      sync.Mutex
	tokens  *tokencache.Cache[outcome] // nil: none
	flights map[exchangeKey]*exchangeFlight
	down    outcome   // the last outage
	worked  time.Time // when the endpoint last issued a token
}

// outcome is the result of an exchange: a token or an error.
type outcome struct {
	token    *oauth2.Token
	err      error
	replaced bool // the token replaced a refused one
	since    time.Time
	until    time.Time
}

func newExchanged(entries, bytes int) *exchanged {
	c := &exchanged{flights: map[exchangeKey]*exchangeFlight{}}
	if entries > 0 && bytes > 0 {
		c.tokens = tokencache.New(tokencache.Config[outcome]{
			Entries: entries, Bytes: bytes, Rejected: errors.New("no exchange is rejected by the cache"),
			Version: func(*outcome, time.Time) uint64 { return 0 },
		})
	}
	return c
}

// exchangeFlight is an exchange that is under way. It runs until all requests that
// wait for it are gone.
type exchangeFlight struct {
	done     chan struct{}
	cancel   context.CancelFunc
	waiting  int  // guarded by exchanged.mu
	replaces bool // a refused token
	began    time.Time
	result   outcome
}

// exchanging marks the context of an exchange.
type exchanging struct{ cache *exchanged }

// get returns the token of an exchange: a cached one, unless that is the refused one,
// or that of exchange.
func (c *exchanged) get(ctx context.Context, key exchangeKey, refused string, exchange func(context.Context) (*oauth2.Token, error)) (*oauth2.Token, error) {
	if ctx.Value(exchanging{c}) != nil {
		return nil, errOwnRequest
	}
	f, known := c.board(ctx, key, refused, exchange)
	if f != nil {
		select {
		case <-f.done:
			known = f.result
		case <-ctx.Done():
			c.leave(f, key)
			return nil, context.Cause(ctx)
		}
	}
	if known.err != nil {
		return nil, known.err
	}
	if known.token.AccessToken == refused {
		return nil, errUseless // the server issued the same token again
	}
	token := *known.token
	return &token, nil
}

// board returns the flight to wait for, or what is known already.
func (c *exchanged) board(ctx context.Context, key exchangeKey, refused string, exchange func(context.Context) (*oauth2.Token, error)) (*exchangeFlight, outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	replaces := false
	if e := c.tokens.Get(string(key[:]), now); e != nil {
		switch known := e.Value; {
		case !now.Before(known.until):
		case known.err != nil || known.token.AccessToken != refused:
			return nil, known
		case known.replaced && now.Sub(known.since) < settle:
			return nil, outcome{err: errUseless}
		default:
			replaces = true
		}
		c.tokens.Remove(e)
	}
	f := c.flights[key]
	if f == nil {
		if now.Before(c.down.until) {
			return nil, c.down
		}
		detached, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), exchanging{c}, true))
		f = &exchangeFlight{done: make(chan struct{}), cancel: cancel, replaces: replaces, began: now}
		c.flights[key] = f
		go c.fly(detached, f, key, exchange)
	}
	f.waiting++
	return f, outcome{}
}

// fly exchanges the token and stores the outcome.
func (c *exchanged) fly(ctx context.Context, f *exchangeFlight, key exchangeKey, exchange func(context.Context) (*oauth2.Token, error)) {
	defer f.cancel()
	token, err := calmly(ctx, exchange)
	now := time.Now()
	o := outcome{token: token, err: err, replaced: f.replaces, since: now, until: now.Add(rest)}
	if err == nil {
		o.until = now.Add(unknownLife)
		if !token.Expiry.IsZero() {
			o.until = token.Expiry.Add(-min(early, max(token.Expiry.Sub(now), 0)/10))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.worked = now
	}
	if c.flights[key] == f {
		delete(c.flights, key)
		c.keep(key, o, f.began)
	}
	f.result = o
	close(f.done)
}

// keep stores the outcome of an exchange that began at a time. An outage answers all
// requests for a while. A failure is not an outage if the endpoint has issued a token
// since then: its cause may be the one token.
func (c *exchanged) keep(key exchangeKey, o outcome, began time.Time) {
	now := o.since
	if isOutage(o.err) && c.worked.Before(began) {
		if own, ok := errors.AsType[*sourceError](o.err); ok {
			o.until = now.Add(min(max(own.retryAfter, rest), maxRest))
		}
		c.down = o
		return
	}
	weight := 512
	if o.token != nil {
		weight += len(o.token.AccessToken)
	}
	_, _ = c.tokens.Do(context.Background(), now, string(key[:]), 0, func() (*tokencache.Entry[outcome], error) {
		return &tokencache.Entry[outcome]{Value: o, Sum: tokencache.SumOf(string(key[:])), Weight: weight, Expires: o.until.UnixNano()}, nil
	})
}

// leave ends the flight if nobody else waits for it.
func (c *exchanged) leave(f *exchangeFlight, key exchangeKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.cancel()
		if c.flights[key] == f {
			delete(c.flights, key)
		}
	}
}

// calmly calls exchange. A panic of the caller's RoundTripper in this goroutine
// would end the program.
func calmly(ctx context.Context, exchange func(context.Context) (*oauth2.Token, error)) (token *oauth2.Token, err error) {
	defer func() {
		if r := recover(); r != nil {
			token, err = nil, &sourceError{remedy: FixRequest, text: fmt.Sprintf("the token exchange panicked with a %T", r)}
		}
	}()
	return exchange(ctx)
}
