package keysource_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/keysource"
)

// peers.md 7a: 1,000 concurrent lookups make one metadata and one JWKS request.
func TestColdHerd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.source(t)
		start := time.Now()
		for i, err := range herd(t.Context(), s, 1000, always("a")) {
			if err != nil {
				t.Fatalf("lookup %d: %v", i, err)
			}
		}
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("took %v, want two answers' 100ms", took)
		}
		wantCount(t, is, metadataURL, 1)
		wantCount(t, is, jwksURL, 1)
	})
}

// peers.md 7a2: auth0 makes 100 fetches, the last after 5 s, and answers all
// but one with 401.
func TestColdHerdWhileTheEndpointFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer()
		is.set(jwksURL, answer{status: 500})
		s := is.source(t, func(c *keysource.Config) { c.JWKSURI = jwksURL })
		start := time.Now()
		for i, err := range herd(t.Context(), s, 100, always("a")) {
			if !isUnavailable(err) {
				t.Fatalf("lookup %d: %v, want an UnavailableError", i, err)
			}
		}
		if took := time.Since(start); took != 50*time.Millisecond {
			t.Errorf("took %v, want one answer's 50ms", took)
		}
		// During the backoff a lookup fails at once and fetches nothing.
		if took, err := timed(s, "a"); !isUnavailable(err) || took != 0 {
			t.Errorf("while backing off: %v after %v, want an UnavailableError at once", err, took)
		}
		wantCount(t, is, jwksURL, 1)
	})
}

// peers.md 7d: in zitadel and jwx2, all waiters fail when the first caller
// gives up.
func TestFirstCallerCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		is.delay = 150 * time.Millisecond
		s := is.source(t)
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := s.Lookup(ctx, named("a"))
			first <- err
		}()
		time.AfterFunc(100*time.Millisecond, cancel)
		for i, err := range herd(t.Context(), s, 50, always("a")) {
			if err != nil {
				t.Errorf("waiter %d: %v", i, err)
			}
		}
		if err := <-first; !errors.Is(err, context.Canceled) || isUnavailable(err) {
			t.Errorf("the cancelled lookup: %v, want context.Canceled", err)
		}
		wantCount(t, is, jwksURL, 1)
	})
}

// A waiter respects its own deadline, and an outage is never a context error.
func TestWaiterDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer()
		is.all(hang)
		s := is.source(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Lookup(ctx, named("a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a deadline of 1 s: %v, want context.DeadlineExceeded", err)
		}
		err := lookup(s, "a")
		if !isUnavailable(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("without a deadline: %v, want an UnavailableError that is no context error", err)
		}
	})
}

// Checklist 2.4, SS #18196: the endpoint hangs, and there is no set. A waiter
// that joins a flight late waits at most 9 s in all.
func TestColdHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer()
		is.all(hang)
		s := is.source(t)
		for range 30 {
			if took, err := timed(s, "a"); !isUnavailable(err) || took > 9*time.Second {
				t.Errorf("%v after %v, want an UnavailableError within 9s", err, took)
			}
			elapse(700 * time.Millisecond)
		}
	})
}

// peers.md 7f: after the endpoint is back, keyfunc needs 4 min, jwx2 14 min,
// and gin-jwt 59 min.
func TestStartWhileTheIssuerIsDown(t *testing.T) {
	for _, tt := range []struct {
		name string
		down answer
		back time.Duration
	}{
		{"status 500", answer{status: 500}, 3 * time.Second},
		// Reports V7: a Retry-After is respected for at most a minute.
		{"status 503 that asks for an hour", answer{status: 503, header: map[string][]string{"Retry-After": {"3600"}}}, 68 * time.Second},
		{"connection refused", answer{err: errors.New("connection refused")}, 3 * time.Second},
		{"HTML", answer{status: 200, body: "<html>"}, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer()
				is.all(tt.down)
				s := is.source(t)
				if err := s.Ready(); !isUnavailable(err) {
					t.Errorf("before the first fetch: Ready() = %v, want an UnavailableError", err)
				}
				for range 120 {
					elapse(time.Second)
					wantUnavailable(t, s, "a")
					if err := s.Ready(); !isUnavailable(err) {
						t.Errorf("Ready() = %v, want an UnavailableError", err)
					}
				}
				up := newIssuer("a")
				is.set(metadataURL, up.answers[metadataURL])
				is.publish("a")
				elapse(tt.back) // without a lookup
				synctest.Wait()
				if err := s.Ready(); err != nil {
					t.Errorf("%v after recovery: Ready() = %v, want nil", tt.back, err)
				}
				wantFound(t, s, "a")
			})
		})
	}
}

// Checklist C7a, 2.6: a valid set without a usable key is an outage, not 401,
// and it replaces the previous set.
func TestNoUsableKey(t *testing.T) {
	for _, tt := range []struct{ name, doc string }{
		{"empty", `{"keys":[]}`},
		{"symmetric", `{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}`},
		{"foreign", `{"keys":[{"kty":"AKP","kid":"a","alg":"ML-DSA-44","pub":"AA"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer("a")
				s := is.warm(t)
				is.set(jwksURL, answer{status: 200, body: tt.doc})
				wantUnavailable(t, s, "b") // fetches
				wantUnavailable(t, s, "a")
				if err := s.Ready(); !isUnavailable(err) || !strings.Contains(err.Error(), "no usable key") {
					t.Errorf("Ready() = %v, want an UnavailableError about no usable key", err)
				}
				if got := s.Generation(); got != 0 {
					t.Errorf("Generation() = %d, want 0", got)
				}
				is.publish("a")
				elapse(3 * time.Second)
				wantFound(t, s, "a")
				if got := s.Generation(); got != 3 {
					t.Errorf("Generation() = %d, want 3", got)
				}
			})
		})
	}
}

// Checklist K6: one unsupported key does not invalidate the set, and is logged
// once.
func TestSkippedKeysAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		is := newIssuer()
		foreign := strings.Replace(jwks("a"), "[", `[{"kty":"AKP","kid":"pq","alg":"ML-DSA-44","pub":"AA"},`, 1)
		is.set(jwksURL, answer{status: 200, body: foreign})
		s := is.warm(t, func(c *keysource.Config) { c.Logger = log.logger() })
		elapse(6 * time.Hour)
		wantFound(t, s, "a")
		if n := is.count(jwksURL); n < 6*12 {
			t.Errorf("%d fetches in 6 h, want at least 72", n)
		}
		if n := log.count("kid=pq"); n != 1 {
			t.Errorf("the skipped key is logged %d times, want once:\n%s", n, log.buf.String())
		}
	})
}
