package keysource_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/keysource"
)

// retryAfter returns the RetryAfter of an error.
func retryAfter(t *testing.T, err error) time.Duration {
	t.Helper()
	unavailable, ok := errors.AsType[*keysource.UnavailableError](err)
	if !ok {
		t.Fatalf("%v is no UnavailableError", err)
	}
	return unavailable.RetryAfter
}

// Reports V7: without keys a Retry-After is respected, however many lookups
// there are, and passed on to clients. It does not cause another discovery.
func TestRetryAfterWithoutKeys(t *testing.T) {
	for _, tt := range []struct {
		status     int
		retryAfter time.Duration
		least      time.Duration // least time to the next request
	}{
		{429, time.Minute, time.Minute},
		{503, time.Minute, time.Minute},
		{429, 20 * time.Second, 20 * time.Second},
		{429, time.Hour, time.Minute}, // the maximum
	} {
		t.Run(fmt.Sprint(tt.status, " for ", tt.retryAfter), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer()
				is.set(jwksURL, answer{status: tt.status, header: http.Header{"Retry-After": {fmt.Sprint(tt.retryAfter.Seconds())}}})
				s := is.source(t)
				elapse(time.Second)
				for at := time.Now(); ; elapse(500 * time.Millisecond) {
					wait := retryAfter(t, lookup(s, "a"))
					passed := time.Since(at)
					if is.count(jwksURL) == 2 {
						if passed < tt.least-time.Second || passed > tt.least*9/8+time.Second {
							t.Errorf("asked again after %v; want %v", passed, tt.least)
						}
						break
					}
					if left := tt.least - passed; wait < left-time.Second || wait > tt.least*9/8 {
						t.Fatalf("after %v clients are told to wait for %v; want %v", passed, wait, left)
					}
				}
				elapse(4 * time.Minute)
				wantCount(t, is, metadataURL, 1)
				is.publish("a")
				elapse(tt.least * 9 / 8)
				wantFound(t, s, "a")
			})
		})
	}
}

// Reports V7: a Retry-After of the metadata is respected too, even if a later
// URL responds without one.
func TestRetryAfterOfMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		is.set(metadataURL, answer{status: 429, header: http.Header{"Retry-After": {"30"}}})
		s := is.source(t)
		for range 58 {
			elapse(500 * time.Millisecond)
			wantUnavailable(t, s, "a")
		}
		wantCount(t, is, metadataURL, 1)
		wantCount(t, is, issuerURL+"/.well-known/openid-configuration", 1)
		if wait := retryAfter(t, s.Ready()); wait > 5*time.Second {
			t.Errorf("after 29 s of 30 s clients are told to wait for %v", wait)
		}
	})
}

// Reports V7: with usable keys too, lookups of unknown keys respect the
// Retry-After.
func TestRetryAfterWithKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		is.set(jwksURL, answer{status: 429, header: http.Header{"Retry-After": {"40"}}})
		wantUnavailable(t, s, "junk")
		before := is.count(jwksURL)
		for i := range 39 {
			elapse(time.Second)
			wantUnavailable(t, s, fmt.Sprint("junk", i))
			wantFound(t, s, "a")
		}
		wantCount(t, is, jwksURL, before)
	})
}

// Reports V7: a server that is down or limits the rate has not moved, so its
// metadata is not fetched again at once. If the server says that the keys are
// gone, the metadata is fetched again at once.
func TestMetadataAreAskedAgain(t *testing.T) {
	for _, tt := range []struct {
		name string
		keys answer
		most int // requests for metadata in an hour
	}{
		{"429", answer{status: 429}, 1},
		{"503", answer{status: 503}, 13},
		{"500", answer{status: 500}, 13},
		{"connection refused", answer{err: errors.New("connection refused")}, 13},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer()
				is.set(jwksURL, tt.keys)
				is.source(t)
				elapse(4 * time.Minute)
				wantCount(t, is, metadataURL, 1)
				elapse(56 * time.Minute)
				if n := is.count(metadataURL); n > tt.most || tt.most > 1 && n < 8 {
					t.Errorf("%d requests for metadata in an hour; want at most %d", n, tt.most)
				}
			})
		})
	}
}

// Reports V8: an issuer that is down is asked quickly at first and then ever
// more slowly, and its recovery is still noticed soon.
func TestLongOutageWithoutTraffic(t *testing.T) {
	for _, tt := range []struct {
		down     time.Duration
		requests int           // the maximum
		back     time.Duration // time to recover without lookups
	}{
		{10 * time.Second, 12, 3 * time.Second},
		{5 * time.Minute, 220, 3 * time.Second},
		{time.Hour, 700, 27 * time.Second},
		{72 * time.Hour, 11_000, 30 * time.Second},
	} {
		t.Run(tt.down.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer("a")
				refused := answer{err: errors.New("connection refused")}
				up := is.answers[metadataURL]
				is.all(refused)
				s := is.source(t)
				elapse(tt.down)
				if n := is.count(metadataURL); n > tt.requests || n < tt.requests*7/10 {
					t.Errorf("%d requests in %v; want at most %d, and not much fewer", n, tt.down, tt.requests)
				}
				is.set(metadataURL, up)
				is.publish("a")
				elapse(tt.back)
				synctest.Wait()
				if err := s.Ready(); err != nil {
					t.Errorf("%v after its return: %v", tt.back, err)
				}
			})
		})
	}
}

// Reports V8: a lookup fetches at once, however long the issuer has been down,
// but no more often than the budget allows.
func TestLongOutageWithTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		is.set(jwksURL, answer{status: 500})
		s := is.source(t, func(c *keysource.Config) { c.JWKSURI = jwksURL })
		elapse(24 * time.Hour)
		before := is.count(jwksURL)
		for range 6000 {
			elapse(100 * time.Millisecond)
			wantUnavailable(t, s, "a")
		}
		// The budget of 10 s allows 60 fetches and the burst, and the
		// background makes some more.
		if n := is.count(jwksURL) - before; n < 60 || n > 90 {
			t.Errorf("%d requests in 10 min of traffic; want 60 to 90", n)
		}
		elapse(25 * time.Second) // the budget is full again
		is.publish("a")
		err := lookup(s, "a")
		if err != nil { // a fetch of the background failed less than 2 s ago, or is under way
			wait := retryAfter(t, err)
			if wait > 2*time.Second {
				t.Errorf("clients are told to wait for %v; want at most 2 s", wait)
			}
			elapse(wait)
			err = lookup(s, "a")
		}
		if err != nil {
			t.Errorf("soon after its return: %v", err)
		}
	})
}

// When the keys become stale, retries are quick again, since from then on every
// request fails.
func TestQuickOnceKeysMayNotBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t, func(c *keysource.Config) { c.JWKSURI = jwksURL })
		is.set(jwksURL, answer{status: 500})
		for s.Ready() == nil {
			elapse(time.Minute)
		}
		is.publish("a")
		elapse(3 * time.Second)
		wantFound(t, s, "a")
	})
}

// An outage after a recovery is a new one, with quick retries.
func TestQuickAgainAfterARecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer()
		s := is.source(t, func(c *keysource.Config) { c.JWKSURI = jwksURL })
		elapse(time.Minute)
		is.publish("a")
		elapse(10 * time.Hour)
		wantFound(t, s, "a")
		is.publish() // all keys are withdrawn
		elapse(6 * time.Minute)
		is.publish("a")
		elapse(3 * time.Second)
		wantFound(t, s, "a")
	})
}
