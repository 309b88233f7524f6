package keysource

import (
	"context"
	"fmt"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
)

const (
	// maxOrigin is how long a discovered jwks_uri is believed.
	maxOrigin = 24 * time.Hour

	minFresh     = time.Minute
	maxFresh     = 24 * time.Hour
	defaultFresh = 15 * time.Minute
)

// origin is where an issuer's keys come from. It belongs to the owner
// goroutine.
type origin struct {
	config     Config
	count      func(func(*Stats))
	discovered string // empty: to be discovered
	at         time.Time
	last       string // what was discovered last, whether it is believed or not
}

// delivery is a key set as it was fetched.
type delivery struct {
	set   jose.KeySet
	at    time.Time     // when its request began
	fresh time.Duration // for how long it need not be fetched again
}

// fetch finds out where the keys are, if need be, and fetches them.
func (o *origin) fetch(ctx context.Context) (delivery, error) {
	uri, err := o.uri(ctx)
	if err != nil {
		return delivery{}, err
	}
	d := delivery{at: time.Now()}
	o.count(func(s *Stats) { s.Fetches++ })
	resp, err := o.config.Client.Get(ctx, uri, fetch.MaxBody)
	if err == nil {
		d.set, err = jose.ParseKeySet(resp.Body)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", fetch.Redact(uri), err)
	} else if len(d.set.Keys) == 0 {
		err = errNoUsable
	}
	if err != nil {
		o.count(func(s *Stats) { s.Failures++ })
		// The keys may have moved: the metadata is asked again next time.
		o.discovered = ""
		return d, err
	}
	d.fresh = o.freshness(resp)
	return d, nil
}

func (o *origin) uri(ctx context.Context) (string, error) {
	if o.config.JWKSURI != "" {
		return o.config.JWKSURI, nil
	}
	if o.discovered != "" && time.Since(o.at) < maxOrigin {
		return o.discovered, nil
	}
	o.count(func(s *Stats) { s.Discoveries++ })
	m, err := discover(ctx, o.config.Client, o.config.Issuer, func(m Metadata) error {
		return checkEndpoint(o.config.Client, o.config.Issuer, "jwks_uri", m.JWKSURI)
	})
	if err != nil {
		o.count(func(s *Stats) { s.DiscoveryFailures++ })
		if o.last != "" && time.Since(o.at) < maxOrigin+o.config.MaxStale {
			// The keys may well be where they were.
			return o.last, nil
		}
		return "", err
	}
	o.discovered, o.last, o.at = m.JWKSURI, m.JWKSURI, time.Now()
	return o.discovered, nil
}

func (o *origin) freshness(resp fetch.Response) time.Duration {
	fresh, ok := fetch.Freshness(resp.Header)
	if !ok {
		fresh = defaultFresh
	}
	fresh = min(max(fresh, minFresh), maxFresh)
	// Half of MaxStale is left to find out that a refresh fails.
	return min(fresh, o.config.MaxStale/2)
}
