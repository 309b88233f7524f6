package keysource_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/keysource"
)

// peers.md 7c: auth0 refuses known keys after 15 min, and all others never do.
// Checklist 2.6: a document that is not a key set does not replace one.
func TestOutage(t *testing.T) {
	for _, tt := range []struct {
		name string
		down answer
	}{
		{"status 500", answer{status: 500}},
		{"status 429 that asks for an hour", answer{status: 429, header: map[string][]string{"Retry-After": {"3600"}}}},
		{"hanging", hang},
		{"connection refused", answer{err: errors.New("connection refused")}},
		{"HTML", answer{status: 200, body: "<!doctype html><html></html>"}},
		{"truncated", answer{status: 200, body: jwks("a")[:100]}},
		{"duplicate keys members", answer{status: 200, body: `{"keys":[],"keys":[]}`}},
		{"too large", answer{status: 200, body: jwks("a") + strings.Repeat(" ", 1<<20)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer("a")
				up := is.answers[metadataURL]
				var log logged
				s := is.warm(t, func(c *keysource.Config) { c.Logger = log.logger() })
				generation := s.Generation()
				start := time.Now()
				is.all(tt.down)
				var refused time.Duration
				const hours = 25 // until after MaxStale
				for range hours * 60 {
					elapse(time.Minute)
					took, err := timed(s, "a")
					switch elapsed := time.Since(start); {
					case err == nil && took == 0 && refused == 0:
					case !isUnavailable(err) || took > 9*time.Second:
						t.Fatalf("after %v: %v, in %v, want an UnavailableError within 9s", elapsed, err, took)
					case refused == 0:
						refused = elapsed
						if s.Generation() != 0 || s.Ready() == nil {
							t.Error("without keys: a generation, or ready")
						}
					}
				}
				if refused < 24*time.Hour-time.Minute-3*time.Second || refused > 24*time.Hour+10*time.Second {
					t.Errorf("refused after %v, want MaxStale's 24h", refused)
				}
				// One at the start, then at most one a minute.
				if n := log.count("level=WARN"); n < 60 || n > hours*60+10 {
					t.Errorf("%d warnings in %d h, want at most one a minute", n, hours)
				}
				is.set(metadataURL, up)
				is.publish("a")
				back := time.Now()
				for lookup(s, "a") != nil && time.Since(back) < time.Hour {
					elapse(100 * time.Millisecond)
				}
				within := 3 * time.Second
				switch {
				case tt.down.status == 0 && tt.down.err == nil:
					within = 12 * time.Second // the flight that hangs must end first
				case tt.down.header != nil:
					within = 68 * time.Second // reports V7: Retry-After, up to a minute
				}
				if took := time.Since(back); took > within {
					t.Errorf("recovered after %v", took)
				}
				synctest.Wait()
				if s.Generation() != generation {
					t.Errorf("Generation() = %d after the same keys came back, want %d", s.Generation(), generation)
				}
				if n := log.count("level=INFO"); n != 1 {
					t.Errorf("%d notices of recovery, want 1", n)
				}
			})
		})
	}
}

// When the keys become stale, a backoff of a minute ends: the issuer is asked
// every 2 s again.
func TestRecoveryAfterMaxStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t, func(c *keysource.Config) { c.JWKSURI = jwksURL; c.MaxStale = time.Hour })
		last := s.Stats().Fetched
		is.set(jwksURL, answer{status: 500})
		for s.Ready() == nil {
			if fetched := s.Stats().Fetched; fetched.After(last) {
				t.Fatal("fetched during the outage")
			}
			elapse(time.Second)
		}
		if age := time.Since(last); age < time.Hour || age > time.Hour+time.Second {
			t.Errorf("used for %v, want MaxStale's 1h", age)
		}
		before := is.count(jwksURL)
		elapse(time.Minute)
		if n := is.count(jwksURL) - before; n < 28 || n > 50 {
			t.Errorf("%d fetches in a minute without keys, want about one each 2 s", n)
		}
		is.publish("a")
		elapse(3 * time.Second)
		wantFound(t, s, "a")
	})
}

// While keys are usable, a failing issuer is asked about once a minute,
// whatever its Retry-After.
func TestStaleBackoff(t *testing.T) {
	for retryAfter, least := range map[string]int{"": 59, "5": 59, "3600": 53} {
		t.Run(retryAfter, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer("a")
				is.warm(t, func(c *keysource.Config) { c.JWKSURI = jwksURL })
				is.set(jwksURL, answer{status: 503, header: http.Header{"Retry-After": {retryAfter}}})
				elapse(time.Hour)
				before := is.count(jwksURL)
				elapse(time.Hour)
				if n := is.count(jwksURL) - before; n < least || n > 81 {
					t.Errorf("%d fetches in an hour, want %d to 80", n, least+1)
				}
			})
		})
	}
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a", "b")
		is.set(jwksURL, answer{status: 500})
		s := is.source(t)
		elapse(50 * time.Millisecond)
		elapse(70 * time.Millisecond)
		stats := s.Stats()
		want := keysource.Stats{Fetches: 1, Failures: 1, Discoveries: 1, LastError: stats.LastError}
		if stats != want || !strings.Contains(stats.LastError, "500") {
			t.Errorf("Stats() = %+v, want %+v", stats, want)
		}
		is.publish("a", "b")
		elapse(time.Second)
		stats = s.Stats()
		want = keysource.Stats{Fetches: 2, Failures: 1, Discoveries: 1, Keys: 2, Generation: 1, Fetched: stats.Fetched}
		if stats != want || stats.Fetched.IsZero() {
			t.Errorf("Stats() = %+v, want %+v", stats, want)
		}
	})
}

// The log says what fails and what to do, without keys and queries.
func TestLogOfAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer()
		var log logged
		s := is.source(t, func(c *keysource.Config) { c.Logger = log.logger(); c.JWKSURI = jwksURL + "?secret=1" })
		elapse(59 * time.Second)
		wantUnavailable(t, s, "kid-of-a-token")
		synctest.Wait()
		for text, want := range map[string]int{
			"level=WARN": 1, "404 Not Found": 1, "hint=": 1, jwksURL: 1, issuerURL + " ": 1,
			"secret": 0, "kid-of-a-token": 0,
		} {
			if n := log.count(text); n != want {
				t.Errorf("%q is in the log %d times, want %d", text, n, want)
			}
		}
		if t.Failed() {
			t.Log(log.buf.String())
		}
	})
}
