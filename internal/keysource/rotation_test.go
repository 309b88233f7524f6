package keysource_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/keysource"
)

// peers.md, "40 concurrent requests with a fresh key": keyfunc refuses 39.
func TestRotationHerd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		is.publish("a", "b")
		for i, err := range herd(t.Context(), s, 20, always("b")) {
			if err != nil {
				t.Errorf("lookup %d: %v", i, err)
			}
		}
		wantCount(t, is, jwksURL, 2)
		wantCount(t, is, metadataURL, 1)
	})
}

// peers.md 7e: a rotation without overlap, and a second one 30 s later. For the
// second, keyfunc needs 4m30s, and libraries with a fixed refresh 15 to 60 min.
func TestRotationTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		for _, kid := range []string{"b", "c"} {
			is.publish(kid)
			if err := lookup(s, kid); err != nil {
				t.Errorf("the new key %q: %v", kid, err)
			}
			elapse(30 * time.Second)
		}
		wantUnknown(t, s, "a")
		wantUnknown(t, s, "b")
	})
}

// A flight that had begun before the lookup may have missed the key, so a
// second flight is made.
func TestKeyPublishedDuringAFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t, func(c *keysource.Config) { c.JWKSURI = jwksURL })
		is.delay = time.Second
		go func() { _ = lookup(s, "junk") }()
		elapse(999 * time.Millisecond)
		// The response under way was made before the key existed.
		time.AfterFunc(500*time.Millisecond, func() { is.publish("a", "b") })
		if err := lookup(s, "b"); err != nil {
			t.Errorf("a key that came after the flight began: %v", err)
		}
		wantCount(t, is, jwksURL, 3)
	})
}

// peers.md 7e, last column: go-oidc and zitadel accept a withdrawn key for more
// than 48 h.
func TestWithdrawnKey(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header string
		min    time.Duration // the earliest refusal
		max    time.Duration // the latest refusal
	}{
		{"no header", "", 4*time.Minute - 5*time.Second, 5 * time.Minute}, // checklist C20
		{"max-age", "max-age=3600", 47 * time.Minute, time.Hour},
		{"max-age of a second", "max-age=1", 45 * time.Second, time.Minute},
		{"no-store", "no-store", 45 * time.Second, time.Minute},
		{"max-age of a year", "max-age=31536000", 9 * time.Hour, 12 * time.Hour}, // MaxStale/2
		{"junk", "max-age=soon", 4*time.Minute - 5*time.Second, 5 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer()
				header := http.Header{}
				if tt.header != "" {
					header.Set("Cache-Control", tt.header)
				}
				is.set(jwksURL, answer{status: 200, body: jwks("a", "b"), header: header})
				s := is.source(t)
				if err := lookup(s, "a"); err != nil {
					t.Fatal(err)
				}
				generation := s.Generation()
				start := time.Now()
				is.set(jwksURL, answer{status: 200, body: jwks("b"), header: header})
				for lookup(s, "a") == nil && time.Since(start) < 48*time.Hour {
					elapse(time.Second)
				}
				if took := time.Since(start); took < tt.min || took > tt.max+2*time.Second {
					t.Errorf("refused after %v, want %v to %v", took, tt.min, tt.max)
				}
				if got := s.Generation(); got != generation+1 {
					t.Errorf("Generation() = %d, want %d", got, generation+1)
				}
			})
		})
	}
}

// The generation changes when the keys change, and not with each fetch.
func TestGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a", "b")
		s := is.source(t)
		if got := s.Generation(); got != 0 {
			t.Errorf("without a set: Generation() = %d, want 0", got)
		}
		_ = lookup(s, "a")
		is.publish("b", "a") // the order does not matter
		elapse(time.Hour)
		if got := s.Generation(); got != 1 {
			t.Errorf("after refreshes: Generation() = %d, want 1", got)
		}
		// Another key with the same ID.
		is.set(jwksURL, answer{status: 200, body: `{"keys":[` + jwkAs("other", "a") + `]}`})
		elapse(time.Hour)
		if got := s.Generation(); got != 2 {
			t.Errorf("after a key was replaced under its ID: Generation() = %d, want 2", got)
		}
	})
}

// A discovered jwks_uri is used for 24 h. After a failed fetch it is discovered
// again, since the keys may have moved.
func TestJWKSURIMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		elapse(23 * time.Hour)
		wantCount(t, is, metadataURL, 1)
		elapse(2 * time.Hour)
		wantCount(t, is, metadataURL, 2)

		moved := issuerURL + "/moved"
		is.set(moved, answer{status: 200, body: jwks("b")})
		is.set(metadataURL, answer{status: 200, body: fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuerURL, moved)})
		is.set(jwksURL, answer{status: 404})
		wantUnavailable(t, s, "b")
		if err := lookup(s, "b"); err != nil {
			t.Errorf("after the keys moved: %v", err)
		}
	})
}

// If only the metadata is unavailable, keys are fetched from their last URL,
// for as long as stale keys may be used.
func TestKeysAreFoundWhereTheyWere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		is.set(metadataURL, answer{status: 500})
		is.set(jwksURL, answer{status: 500})
		wantUnavailable(t, s, "b") // after the failed fetch the URL is discovered again
		is.set(jwksURL, answer{status: 200, body: jwks("a", "b")})
		elapse(40 * time.Hour)
		if err := lookup(s, "b"); err != nil {
			t.Errorf("without metadata for 40 h: %v", err)
		}
		elapse(48 * time.Hour)
		wantUnavailable(t, s, "b")
	})
}

// Reports V14: the number of keys to try for a token is bounded, and Total is
// the number of all matching keys.
func TestCandidatesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct{ keys, tried int }{{1, 1}, {9, 9}, {32, 32}, {33, 32}, {200, 32}} {
			is := newIssuer()
			var doc []string
			for i := range tt.keys {
				doc = append(doc, jwkAs(fmt.Sprint(i), "same"))
			}
			is.set(jwksURL, answer{status: 200, body: `{"keys":[` + strings.Join(doc, ",") + `]}`})
			s := is.warm(t)
			for _, q := range []keysource.Query{named("same"), nameless} {
				c, err := s.Lookup(t.Context(), q)
				if err != nil || len(c.Keys) != tt.tried || c.Total != tt.keys {
					t.Errorf("%d keys, kid %t: %d of %d are tried, %v; want %d", tt.keys, q.HasKeyID, len(c.Keys), c.Total, err, tt.tried)
				}
			}
		}
	})
}

func TestClose(t *testing.T) {
	// A bubble fails if a goroutine remains, so nothing leaks.
	for _, tt := range []struct {
		name   string
		answer answer
		wait   time.Duration
	}{
		{"at once", hang, 0},
		{"during a flight", hang, time.Second},
		{"while backing off", answer{status: 500}, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer()
				is.all(tt.answer)
				s := is.source(t)
				elapse(tt.wait)
				waiting := make(chan error, 1)
				go func() { waiting <- lookup(s, "a") }()
				synctest.Wait()
				start := time.Now()
				s.Close()
				s.Close()
				if took := time.Since(start); took != 0 {
					t.Errorf("Close took %v, want no time", took)
				}
				if err := <-waiting; !isUnavailable(err) {
					t.Errorf("who waits: %v, want an UnavailableError", err)
				}
				if took, err := timed(s, "a"); !isUnavailable(err) || took != 0 {
					t.Errorf("after Close: %v after %v, want an UnavailableError at once", err, took)
				}
			})
		})
	}
}

// After Close known keys are found, and nothing is fetched.
func TestCloseWithKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t, func(c *keysource.Config) { c.MaxStale = time.Hour })
		s.Close()
		wantFound(t, s, "a")
		wantUnavailable(t, s, "b")
		elapse(2 * time.Hour)
		wantUnavailable(t, s, "a")
		wantCount(t, is, jwksURL, 1)
	})
}
