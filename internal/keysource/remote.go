package keysource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
)

const (
	// maxDiscovered is how long a discovered jwks_uri is believed, and
	// maxDoubted how long after a failure that does not say whether the keys
	// have moved.
	maxDiscovered = 24 * time.Hour
	maxDoubted    = 5 * time.Minute

	minFresh = time.Minute
	maxFresh = 24 * time.Hour
	// defaultFresh is how long a set without Cache-Control is fresh, and so how
	// long a withdrawn key may live on: an instance makes 12 to 15 requests an
	// hour.
	defaultFresh = 5 * time.Minute
)

// delivery is a key set as it was fetched.
type delivery struct {
	set   jose.KeySet
	at    time.Time     // when its request began
	fresh time.Duration // for how long it need not be fetched again
	// same says that the set is the one that was delivered last.
	same bool
}

// remote fetches an issuer's keys. It belongs to the owner goroutine.
type remote struct {
	config     Config
	count      func(func(*Stats))
	discovered string    // empty: to be discovered
	at         time.Time // of the last discovery
	doubted    bool      // the keys may have moved
	last       string    // what was discovered last, whether it is believed or not
}

// fetch finds out where the keys are, if need be, and fetches them.
func (r *remote) fetch(ctx context.Context) (delivery, error) {
	uri, err := r.uri(ctx)
	if err != nil {
		return delivery{}, err
	}
	d := delivery{at: time.Now()}
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
	r.doubted = false
	d.fresh = r.freshness(resp)
	return d, nil
}

// doubt considers that the keys may have moved, so that the metadata must be
// asked again.
func (r *remote) doubt(err error) {
	transport := (*fetch.TransportError)(nil)
	status := (*fetch.StatusError)(nil)
	switch {
	case errors.As(err, &status) && status.Status == http.StatusTooManyRequests:
		// They are there.
	case errors.As(err, &status) && status.Status >= 500, errors.As(err, &transport):
		// They are down, or this is what is left of where they were.
		r.doubted = true
	default:
		r.discovered = ""
	}
}

func (r *remote) uri(ctx context.Context) (string, error) {
	if r.config.JWKSURI != "" {
		return r.config.JWKSURI, nil
	}
	age := time.Since(r.at)
	if r.discovered != "" && age < maxDiscovered && !(r.doubted && age >= maxDoubted) {
		return r.discovered, nil
	}
	r.count(func(s *Stats) { s.Discoveries++ })
	m, err := r.discover(ctx)
	if err != nil {
		r.count(func(s *Stats) { s.DiscoveryFailures++ })
		if r.last != "" && age < maxDiscovered+r.config.MaxStale {
			// The keys may well be where they were.
			return r.last, nil
		}
		return "", err
	}
	r.discovered, r.last, r.at, r.doubted = m.JWKSURI, m.JWKSURI, time.Now(), false
	return r.discovered, nil
}

func (r *remote) discover(ctx context.Context) (Metadata, error) {
	client := r.config.Client
	if place := r.config.MetadataURL; place != "" {
		return discoverAt(ctx, client, place, r.config.Issuer)
	}
	return discover(ctx, client, r.config.Issuer, func(m Metadata) error {
		return checkEndpoint(client, r.config.Issuer, "jwks_uri", m.JWKSURI)
	})
}

func (r *remote) freshness(resp fetch.Response) time.Duration {
	fresh, ok := fetch.Freshness(resp.Header)
	if !ok {
		fresh = defaultFresh
	}
	fresh = min(max(fresh, minFresh), maxFresh)
	// Half of MaxStale is left to find out that a refresh fails.
	return min(fresh, r.config.MaxStale/2)
}
