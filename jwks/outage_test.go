package jwks_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// inBubble runs a test in a synctest bubble, with an issuer in memory and a
// verifier that trusts it. The bubble fails the test if a goroutine remains.
func inBubble(t *testing.T, test func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier)) {
	t.Helper()
	inFaultyBubble(t, func(*bearertest.Issuer) {}, test)
}

// inFaultyBubble is inBubble with faults that exist before the verifier, which
// fetches as soon as it is built.
func inFaultyBubble(t *testing.T, faults func(*bearertest.Issuer), test func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier)) {
	t.Helper()
	t.Parallel() // an issuer's RSA key takes a while
	synctest.Test(t, func(t *testing.T) {
		issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true})
		if err != nil {
			t.Fatal(err)
		}
		defer issuer.Close()
		faults(issuer)
		v, err := jwks.New(jwks.Config{
			Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}},
			Client:  issuer.Client(),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer issuer.Client().CloseIdleConnections()
		defer v.Close()
		test(t, issuer, v)
	})
}

// elapse lets time pass in a bubble.
func elapse(d time.Duration) { <-time.After(d) }

func codeOf(err error) bearer.Code {
	if e, ok := errors.AsType[*bearer.Error](err); ok {
		return e.Code
	}
	return ""
}

// MCP1 and peers 7f: the verifier starts while the issuer is down. It is not
// ready, answers 503 and never 401, and recovers without traffic within 3 s.
func TestStartsWhileTheIssuerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true})
		if err != nil {
			t.Fatal(err)
		}
		defer issuer.Close()
		token := issuer.Mint(bearertest.Token{})
		issuer.Stop()
		v, err := jwks.New(jwks.Config{
			Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}, Client: issuer.Client(),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		h := guarded(t, v)
		for range 60 {
			elapse(time.Second)
			if err := v.Ready(); err == nil {
				t.Fatal("ready without keys")
			}
			w := get(h, token)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" {
				t.Fatalf("without keys: %d %v", w.Code, w.Header())
			}
		}
		if err := issuer.Start(); err != nil {
			t.Fatal(err)
		}
		elapse(3 * time.Second) // no traffic
		if err := v.Ready(); err != nil {
			t.Errorf("3 s after the issuer's return: %v", err)
		}
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("3 s after the issuer's return: %v", err)
		}
		issuer.Client().CloseIdleConnections()
	})
}

// C7, peers 7c: known keys work for MaxStale while the issuer is down, and no
// longer. After that it is an outage.
func TestKnownKeysOutliveTheIssuerForMaxStale(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{})); err != nil {
			t.Fatal(err)
		}
		fetched := v.Stats().Issuers[0].Fetched
		issuer.Stop()
		var until time.Duration
		for time.Since(fetched) < 26*time.Hour { // without keys, the source asks every 2 s
			step := 20 * time.Minute
			if age := time.Since(fetched); age >= 23*time.Hour && age < 25*time.Hour {
				step = time.Minute
			}
			elapse(step)
			_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{}))
			switch {
			case err == nil:
				until = time.Since(fetched)
			case codeOf(err) != bearer.CodeUnavailable:
				t.Fatalf("after %v: %v", time.Since(fetched), err)
			}
		}
		if until > 24*time.Hour || until < 24*time.Hour-2*time.Minute {
			t.Errorf("known keys worked for %v, want 24 h", until)
		}
		if err := issuer.Start(); err != nil {
			t.Fatal(err)
		}
		elapse(3 * time.Second)
		if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{})); err != nil {
			t.Errorf("3 s after the issuer's return: %v", err)
		}
	})
}

// Peers section 2: 20 requests with a newly rotated key share one fetch and are
// all accepted. The withdrawn key is refused from then on.
func TestRotation(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		old := issuer.Mint(bearertest.Token{})
		if _, err := v.Verify(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		before := issuer.Requests(bearertest.JWKS)
		if _, err := issuer.Rotate("ES256"); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 20 {
			token := issuer.Mint(bearertest.Token{})
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := issuer.Requests(bearertest.JWKS) - before; n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
		if _, err := v.Verify(t.Context(), old); codeOf(err) != bearer.CodeInvalidToken {
			t.Errorf("the withdrawn key: %v", err)
		}
	})
}

// A withdrawn key stops working at the next scheduled refresh, without traffic.
func TestWithdrawnKeyStopsAtTheNextRefresh(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		kid, err := issuer.AddKey("ES256")
		if err != nil {
			t.Fatal(err)
		}
		token := issuer.Mint(bearertest.Token{})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		issuer.Withdraw(kid)
		elapse(5 * time.Minute) // checklist C20: the default interval
		if _, err := v.Verify(t.Context(), token); codeOf(err) != bearer.CodeInvalidToken {
			t.Errorf("5 min after it was withdrawn: %v", err)
		}
	})
}

// Part 2.4: unknown kids cause fewer than 10 fetches, never delay good tokens,
// and a new key that appears meanwhile is accepted within the budget. The junk
// is older than the keys; TestNewKeysDuringAFlood covers newer junk.
func TestFloodOfUnknownKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		good := issuer.Mint(bearertest.Token{})
		if _, err := v.Verify(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		before := issuer.Requests(bearertest.JWKS)
		junk := func(n int) string {
			return issuer.Mint(bearertest.Token{
				Header: map[string]any{"kid": "junk-" + strings.Repeat("x", n%100) + time.Now().String()},
				Claims: map[string]any{"iat": time.Now().Add(-time.Hour).Unix()},
			})
		}
		for n := range 10_000 {
			if _, err := v.Verify(t.Context(), junk(n)); codeOf(err) != bearer.CodeInvalidToken {
				t.Fatalf("junk %d: %v", n, err)
			}
			if n%100 == 0 {
				start := time.Now()
				if _, err := v.Verify(t.Context(), good); err != nil || time.Since(start) > 0 {
					t.Fatalf("a good token amid junk: %v after %v", err, time.Since(start))
				}
			}
		}
		if n := issuer.Requests(bearertest.JWKS) - before; n >= 10 {
			t.Errorf("10,000 unknown kids caused %d fetches", n)
		}
		if _, err := issuer.AddKey("ES256"); err != nil {
			t.Fatal(err)
		}
		fresh := issuer.Mint(bearertest.Token{})
		start := time.Now()
		for n := 0; ; n++ {
			if _, err := v.Verify(t.Context(), fresh); err == nil {
				break
			}
			if time.Since(start) > 10*time.Second {
				t.Fatal("the new key is not found within the budget")
			}
			_, _ = v.Verify(t.Context(), junk(n))
			elapse(100 * time.Millisecond)
		}
	})
}

// Peers 7d: if the first request ends, the fetch goes on for the others. The
// first request gets its own context error, which is not an outage.
func TestFirstCallerGoesAway(t *testing.T) {
	inFaultyBubble(t, func(issuer *bearertest.Issuer) {
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Delay: 300 * time.Millisecond})
	}, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		token := issuer.Mint(bearertest.Token{})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := v.Verify(ctx, token); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller that went away: %v", err)
			}
		})
		for range 50 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Error(err)
				}
			})
		}
		elapse(100 * time.Millisecond)
		cancel()
		wg.Wait()
		if n := issuer.Requests(bearertest.JWKS); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

// A hanging endpoint never delays a request whose key is known. It delays
// others for at most 10 s, and tells them to retry later.
func TestHangingKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		known := issuer.Mint(bearertest.Token{})
		if _, err := v.Verify(t.Context(), known); err != nil {
			t.Fatal(err)
		}
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Hang: true})
		if _, err := issuer.AddKey("ES256"); err != nil {
			t.Fatal(err)
		}
		unknown := issuer.Mint(bearertest.Token{})
		var wg sync.WaitGroup
		wg.Go(func() {
			start := time.Now()
			_, err := v.Verify(t.Context(), unknown)
			if codeOf(err) != bearer.CodeUnavailable || time.Since(start) > 10*time.Second {
				t.Errorf("an unknown key: %v after %v", err, time.Since(start))
			}
		})
		synctest.Wait()
		start := time.Now()
		if _, err := v.Verify(t.Context(), known); err != nil || time.Since(start) > 0 {
			t.Errorf("a known key: %v after %v", err, time.Since(start))
		}
		wg.Wait()
	})
}

// CVE-2026-31837, C7a: whatever the endpoint sends in place of keys, no token
// is accepted and none is called invalid.
func TestGarbageInPlaceOfKeys(t *testing.T) {
	faults := map[string]bearertest.Fault{
		"500":            {Status: 500},
		"404":            {Status: 404},
		"HTML":           {Body: []byte("<!doctype html>")},
		"empty":          {Body: []byte{}},
		"empty set":      {Body: []byte(`{"keys":[]}`)},
		"no keys":        {Body: []byte(`{}`)},
		"truncated":      {Body: []byte(`{"keys":[{"kty":"EC"`)},
		"foreign keys":   {Body: []byte(`{"keys":[{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"},{"kty":"oct","k":"AAAA"}]}`)},
		"redirect":       {Status: 302, Header: http.Header{"Location": {"https://evil.example.com/jwks"}}},
		"endless":        {Endless: true},
		"one byte a day": {Drip: 24 * time.Hour},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			inFaultyBubble(t, func(issuer *bearertest.Issuer) {
				issuer.SetFault(bearertest.JWKS, fault)
			}, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
				start := time.Now()
				_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{}))
				if codeOf(err) != bearer.CodeUnavailable || time.Since(start) > 10*time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				if v.Ready() == nil {
					t.Error("ready")
				}
			})
		})
	}
}

// T3: metadata of another issuer are not used.
func TestMetadataOfAnotherIssuer(t *testing.T) {
	inFaultyBubble(t, func(issuer *bearertest.Issuer) {
		for _, e := range []bearertest.Endpoint{bearertest.OAuthMetadata, bearertest.OIDCMetadata} {
			issuer.SetFault(e, bearertest.Fault{
				Body: []byte(`{"issuer":"` + issuer.URL() + `/","jwks_uri":"` + issuer.URL() + `/jwks"}`),
			})
		}
	}, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{}))
		if codeOf(err) != bearer.CodeUnavailable || issuer.Requests(bearertest.JWKS) != 0 {
			t.Errorf("%v, %d fetches of keys", err, issuer.Requests(bearertest.JWKS))
		}
	})
}

// T1: RFC 8414 and OpenID Connect Discovery each work alone, also with a path.
func TestDiscovery(t *testing.T) {
	for _, path := range []string{"", "/tenant/1"} {
		for _, missing := range []bearertest.Endpoint{bearertest.OAuthMetadata, bearertest.OIDCMetadata} {
			issuer := newIssuer(t, bearertest.IssuerConfig{Path: path})
			issuer.SetFault(missing, bearertest.Fault{Status: http.StatusNotFound})
			v := trusting(t, issuer, nil)
			if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{})); err != nil {
				t.Errorf("path %q without %s: %v", path, missing, err)
			}
		}
	}
}

// Peers 7a: 1,000 concurrent requests to a verifier without keys cause one
// request for metadata and one for keys.
func TestColdHerd(t *testing.T) {
	inFaultyBubble(t, func(issuer *bearertest.Issuer) {
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Delay: 50 * time.Millisecond})
	}, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		token := issuer.Mint(bearertest.Token{})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		metadata := issuer.Requests(bearertest.OAuthMetadata) + issuer.Requests(bearertest.OIDCMetadata)
		if keys := issuer.Requests(bearertest.JWKS); metadata != 1 || keys != 1 {
			t.Errorf("%d requests for metadata and %d for keys, want 1 and 1", metadata, keys)
		}
	})
}

// A key is found for a token without kid. If the key is new, a fetch from the
// same budget finds it.
func TestTokensWithoutKid(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		without := bearertest.Token{Header: map[string]any{"kid": nil}}
		if _, err := v.Verify(t.Context(), issuer.Mint(without)); err != nil {
			t.Fatal(err)
		}
		if _, err := issuer.Rotate("ES256"); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), issuer.Mint(without)); err != nil {
			t.Errorf("after the rotation: %v", err)
		}
		before := issuer.Requests(bearertest.JWKS)
		without.Claims = map[string]any{"iat": time.Now().Add(-time.Hour).Unix()}
		for range 1000 {
			forged := issuer.Mint(without)
			forged = forged[:len(forged)-4] + "AAAA"
			if _, err := v.Verify(t.Context(), forged); codeOf(err) != bearer.CodeInvalidToken {
				t.Fatal(err)
			}
		}
		if n := issuer.Requests(bearertest.JWKS) - before; n > 2 {
			t.Errorf("1,000 forged tokens without kid caused %d fetches", n)
		}
	})
}

// Peers section 2: a bad signature under a known kid never causes a fetch.
func TestForgedUnderKnownKidFetchesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		token := issuer.Mint(bearertest.Token{})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		before := issuer.Requests(bearertest.JWKS)
		for range 1000 {
			if _, err := v.Verify(t.Context(), token[:len(token)-4]+"AAAA"); codeOf(err) != bearer.CodeInvalidToken {
				t.Fatal(err)
			}
		}
		if n := issuer.Requests(bearertest.JWKS) - before; n != 0 {
			t.Errorf("%d fetches", n)
		}
		if n := v.Stats().Refusals["signature"]; n != 1000 {
			t.Errorf("%d refusals are counted for the signature, want 1000", n)
		}
	})
}

// After Close, known keys still serve, and nothing is fetched.
func TestClose(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		token := issuer.Mint(bearertest.Token{})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		v.Close()
		v.Close()
		if _, err := issuer.Rotate("ES256"); err != nil {
			t.Fatal(err)
		}
		before := issuer.Requests(bearertest.JWKS)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("a known key: %v", err)
		}
		if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{})); codeOf(err) != bearer.CodeUnavailable {
			t.Errorf("an unknown key: %v", err)
		}
		if n := issuer.Requests(bearertest.JWKS) - before; n != 0 {
			t.Errorf("%d fetches after Close", n)
		}
	})
}

// Reports L5: a byte order mark before metadata or keys is ignored (RFC 8259,
// Section 8.1). Before a token it is not.
func TestByteOrderMark(t *testing.T) {
	inFaultyBubble(t, func(issuer *bearertest.Issuer) {
		metadata := `{"issuer":"` + issuer.URL() + `","jwks_uri":"` + issuer.URL() + `/jwks"}`
		issuer.SetFault(bearertest.OAuthMetadata, bearertest.Fault{Body: []byte("\ufeff" + metadata)})
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: append([]byte("\ufeff"), issuer.KeySet()...)})
	}, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		token := issuer.Mint(bearertest.Token{})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
		if _, err := v.Verify(t.Context(), "\ufeff"+token); !errors.Is(err, bearer.ErrUnrecognized) {
			t.Errorf("a token with a byte order mark: %v", err)
		}
		given, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
			URL: issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromJWKS(append([]byte("\ufeff"), issuer.KeySet()...)),
		}}})
		if err != nil {
			t.Fatal(err)
		}
		defer given.Close()
		if _, err := given.Verify(t.Context(), token); err != nil {
			t.Errorf("KeysFromJWKS: %v", err)
		}
	})
}
