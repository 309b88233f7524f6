package keysource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/internal/discovery"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
)

const (
	// maxDoubted is how old a discovered jwks_uri may become after a failure
	// that does not show whether the keys have moved.
	maxDoubted = 5 * time.Minute

	minFresh = time.Minute
	maxFresh = 24 * time.Hour
	// defaultFresh is how long a set without Cache-Control is fresh, and so how
	// long a withdrawn key remains accepted. It makes an instance send 12 to 15
	// requests an hour.
	defaultFresh = 5 * time.Minute
)

// delivery is a fetched key set.
type delivery struct {
	set   jose.KeySet
	at    time.Time     // when its request began
	fresh time.Duration // how long it need not be fetched again
	// same means that the set equals the last one, and set is empty.
	same bool
}

// remote fetches an issuer's keys. Source.turn guards it.
type remote struct {
	config     Config
	count      func(func(*Stats))
	discovered *discovery.Cache // caches the jwks_uri
	observed   []Fetch          // of this flight, for OnFetch
}

func newRemote(config Config, count func(func(*Stats))) *remote {
	r := &remote{config: config, count: count}
	r.discovered = discovery.NewCache(discovery.Config{Find: r.discover, MaxStale: config.MaxStale})
	return r
}

// fetch discovers the URL of the keys if necessary, and fetches them.
func (r *remote) fetch(ctx context.Context) (d delivery, err error) {
	uri, err := r.uri(ctx)
	if err != nil {
		return delivery{}, err
	}
	d.at = time.Now()
	defer func() {
		r.observe(ctx, Fetch{URL: uri, Began: d.at, Keys: len(d.set.Keys), Err: err})
	}()
	r.count(func(s *Stats) { s.Fetches++ })
	resp, err := r.config.Client.Get(ctx, uri, fetch.MaxBody)
	if err == nil {
		d.set, err = jose.ParseKeySet(resp.Body)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", fetch.Redact(uri), err)
	} else if len(d.set.Keys) == 0 {
		err = errNoUsable
	}
	if err != nil {
		r.count(func(s *Stats) { s.Failures++ })
		r.doubt(err)
		return d, err
	}
	r.discovered.Trust()
	d.fresh = r.freshness(resp)
	return d, nil
}

// doubt judges by a failed fetch whether the keys may have moved, and if so, when
// the metadata is fetched again.
func (r *remote) doubt(err error) {
	transport := (*fetch.TransportError)(nil)
	status := (*fetch.StatusError)(nil)
	switch {
	case errors.As(err, &status) && status.Status == http.StatusTooManyRequests:
		// The keys are there.
	case errors.As(err, &status) && status.Status >= 500, errors.As(err, &transport):
		// The server is down, or it has moved and left a broken host behind.
		r.discovered.Doubt(maxDoubted)
	default:
		r.discovered.Doubt(0)
	}
}

func (r *remote) uri(ctx context.Context) (string, error) {
	if r.config.JWKSURI != "" {
		return r.config.JWKSURI, nil
	}
	return r.discovered.URL(ctx)
}

// discover finds the jwks_uri in the issuer's metadata.
func (r *remote) discover(ctx context.Context) (string, error) {
	r.count(func(s *Stats) { s.Discoveries++ })
	var m discovery.Metadata
	var err error
	began := time.Now()
	defer func() {
		r.observe(ctx, Fetch{URL: cmp.Or(r.config.MetadataURL, r.config.Issuer), Metadata: true, Began: began, Err: err})
	}()
	if place := r.config.MetadataURL; place != "" {
		m, err = discovery.FindAt(ctx, r.config.Client, place, r.config.Issuer, discovery.JWKSURI)
	} else {
		m, err = discovery.Find(ctx, r.config.Client, r.config.Issuer, discovery.JWKSURI)
	}
	if err != nil {
		r.count(func(s *Stats) { s.DiscoveryFailures++ })
	}
	return m.JWKSURI, err
}

func (r *remote) freshness(resp fetch.Response) time.Duration {
	fresh, ok := fetch.Freshness(resp.Header)
	if !ok {
		fresh = defaultFresh
	}
	fresh = min(max(fresh, minFresh), maxFresh)
	// Half of MaxStale remains for retries if the refresh fails.
	return min(fresh, r.config.MaxStale/2)
}
