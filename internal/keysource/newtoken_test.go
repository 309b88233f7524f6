package keysource_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/keysource"
)

// Reports V17: an attacker who guesses the ID of the next key does not shut out
// the tokens that it will sign.
func TestMissingIsNoWordOnNewerTokens(t *testing.T) {
	for _, claimed := range []time.Duration{-time.Hour, 0, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			is := newIssuer("a")
			s := is.warm(t)
			q := named("2026-07")
			q.Issued, q.Leeway = time.Now().Add(claimed), 5*time.Second
			if _, err := s.Lookup(t.Context(), q); err != keysource.ErrUnknownKey {
				t.Errorf("the guess: %v, want ErrUnknownKey", err)
			}
			is.publish("a", "2026-07")
			elapse(time.Second)
			wantUnknown(t, s, "2026-07") // without an iat
			q.Issued = time.Now()
			if _, err := s.Lookup(t.Context(), q); err != nil {
				t.Errorf("a new token: %v", err)
			}
		})
	}
}

// Reports V17: each newer token with an unknown key causes one fetch.
func TestMissingFollowsNewerTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		for fetches := 2; fetches <= 3; fetches++ {
			q := named("junk")
			q.Issued, q.Leeway = time.Now(), 5*time.Second
			for range 3 {
				if _, err := s.Lookup(t.Context(), q); err != keysource.ErrUnknownKey {
					t.Errorf("%v, want ErrUnknownKey", err)
				}
			}
			wantCount(t, is, jwksURL, fetches)
			elapse(time.Second)
		}
	})
}

// Reports V17, checklist C7a: while the budget is spent, an unknown key of a
// token that is newer than the keys is unavailable until the next fetch.
func TestUnknownKeyOfANewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t, func(c *keysource.Config) { c.JWKSURI = jwksURL })
		ask := func(kid string, age time.Duration) error {
			q := named(kid)
			q.Issued, q.Leeway = time.Now().Add(-age), 5*time.Second
			_, err := s.Lookup(t.Context(), q)
			return err
		}
		// A fetch that began after the token came is conclusive for it.
		for _, kid := range []string{"junk1", "junk2"} {
			elapse(time.Second)
			for n := range 2 { // once more after the 50 ms of the fetch
				if err := ask(kid, time.Duration(n)*50*time.Millisecond); err != keysource.ErrUnknownKey {
					t.Errorf("after a fetch: %v, want ErrUnknownKey", err)
				}
			}
		}
		// An iat in the future does not count.
		if err := ask("junk2", -24*time.Hour); !isUnavailable(err) {
			t.Errorf("a token of tomorrow: %v, want an UnavailableError", err)
		}
		elapse(2 * time.Second)
		before := is.count(jwksURL)
		for _, kid := range []string{"junk3", "junk1"} { // never looked up, and looked up before
			err := ask(kid, time.Second)
			unavailable, ok := errors.AsType[*keysource.UnavailableError](err)
			if !ok || !unavailable.Suspect {
				t.Fatalf("%s of a new token: %v, want a suspect UnavailableError", kid, err)
			}
			// The first fetch of the burst was 3 s ago.
			if wait := unavailable.RetryAfter; wait < 6*time.Second || wait > 7*time.Second {
				t.Errorf("RetryAfter is %v, want what is left of the budget's 10 s", wait)
			}
			if err := ask(kid, time.Hour); err != keysource.ErrUnknownKey {
				t.Errorf("%s of an old token: %v, want ErrUnknownKey", kid, err)
			}
		}
		wantCount(t, is, jwksURL, before)

		// In an outage no token is suspect.
		elapse(10 * time.Second)
		is.all(answer{status: 500})
		wantUnavailable(t, s, "junk4")
		err := ask("junk5", time.Second)
		if unavailable, ok := errors.AsType[*keysource.UnavailableError](err); !ok || unavailable.Suspect {
			t.Errorf("during an outage: %v, want an UnavailableError that is not suspect", err)
		}
	})
}
