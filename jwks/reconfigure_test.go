package jwks_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

func accept(t *testing.T, v *jwks.Verifier, token string) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("refused: %v", err)
	}
}

func unrecognized(t *testing.T, v *jwks.Verifier, token string) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token); !errors.Is(err, bearer.ErrUnrecognized) {
		t.Errorf("%v, want unrecognized", err)
	}
}

func unavailable(t *testing.T, v *jwks.Verifier, token string) *bearer.Error {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	e, ok := errors.AsType[*bearer.Error](err)
	if !ok || e.Code != bearer.CodeUnavailable {
		t.Fatalf("%v, want 503", err)
	}
	return e
}

func reconfigure(t *testing.T, v *jwks.Verifier, c jwks.Config) {
	t.Helper()
	if err := v.Reconfigure(c); err != nil {
		t.Fatal(err)
	}
}

// An issuer that stays keeps its keys and its cached tokens. The tokens of one
// that goes are refused, cached ones too, and its keys are fetched no more.
func TestReconfigureReplacesTheIssuers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c := jwks.Config{Client: f.client, Issuers: f.issuers("stays", "goes")}
		v := newVerifier(t, c)
		stays, goes, comes := f.token("stays", "1"), f.token("goes", "1"), f.token("comes", "1")
		accept(t, v, stays)
		accept(t, v, goes)
		unrecognized(t, v, comes)
		asked, signatures := f.requests("stays"), v.Stats().Signatures

		c.Issuers = f.issuers("comes", "stays")
		reconfigure(t, v, c)
		unrecognized(t, v, goes)
		unrecognized(t, v, f.token("goes", "2"))
		accept(t, v, comes)
		accept(t, v, stays)
		if n := v.Stats().Signatures - signatures; n != 1 {
			t.Errorf("%d signatures were checked, want that of the new issuer's token", n)
		}
		if n := f.requests("stays") - asked; n != 0 {
			t.Errorf("%d requests for keys that stay", n)
		}
		if err := v.Ready(f.url("goes")); err == nil {
			t.Error("the removed issuer is ready")
		}
		asked = f.requests("goes")
		elapse(time.Hour)
		if n := f.requests("goes") - asked; n != 0 {
			t.Errorf("%d requests to the removed issuer", n)
		}
		if f.requests("stays") < 10 {
			t.Error("the keys that stay are not refreshed")
		}
	})
}

// Keys stay while other settings of their issuer change. The cached tokens of the
// old settings do not count.
func TestReconfigureKeepsTheKeysOfAChangedIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c := jwks.Config{Client: f.client, Issuers: f.issuers("a")}
		v := newVerifier(t, c)
		token := f.token("a", "1")
		accept(t, v, token)
		asked := f.requests("a")
		for _, tt := range []struct {
			change  func(*jwks.Config)
			check   string // empty: accepted
			fetches bool
		}{
			{func(c *jwks.Config) { c.Issuers[0].Audience = []string{"other"} }, "aud", false},
			{func(c *jwks.Config) { c.Issuers[0].Audience = []string{audience, "other"} }, "", false},
			{func(c *jwks.Config) { c.Issuers[0].Algorithms = []string{"RS256"} }, "alg", false},
			{func(c *jwks.Config) { c.Issuers[0].Algorithms = nil; c.Issuers[0].Profile = jwks.Keycloak() }, "kind", false},
			{func(c *jwks.Config) { c.Issuers[0].Profile = jwks.Profile{}; c.Leeway = time.Second }, "", false},
			{func(c *jwks.Config) { c.CacheEntries = -1 }, "", false},
			{func(c *jwks.Config) { c.MaxStale = time.Hour }, "", true},
			{func(c *jwks.Config) { c.Issuers[0].Client = &http.Client{Transport: f} }, "", true},
			{func(c *jwks.Config) { c.Issuers[0].Keys = jwks.KeysFromURL(f.url("b") + "/keys") }, "signature", false},
		} {
			tt.change(&c)
			reconfigure(t, v, c)
			_, err := v.Verify(t.Context(), token)
			if e, _ := errors.AsType[*bearer.Error](err); tt.check == "" && err != nil || tt.check != "" && (e == nil || e.Check != tt.check) {
				t.Errorf("%v, want %q", err, tt.check)
			}
			now := f.requests("a")
			if (now != asked) != tt.fetches {
				t.Errorf("%d requests", now-asked)
			}
			asked = now
		}
	})
}

// Cached tokens stay if nothing changes, whatever profiles the issuers have.
func TestReconfigureKeepsTokensOfSeveralProfiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		config := func() jwks.Config {
			c := jwks.Config{Client: f.client, Issuers: f.issuers("a", "b", "c")}
			c.Issuers[0].Profile = jwks.Profile{Required: []string{"sub"}}
			c.Issuers[1].Profile = jwks.Profile{Required: []string{"jti"}}
			return c
		}
		v := newVerifier(t, config())
		tokens := []string{f.token("a", "1"), f.token("b", "1"), f.token("c", "1")}
		for range 2 {
			for _, token := range tokens {
				accept(t, v, token)
			}
			reconfigure(t, v, config())
		}
		if n := v.Stats().Signatures; n != 3 {
			t.Errorf("%d signature checks, want one for each token", n)
		}
	})
}

// Issuer.RequireKeyID holds at once, also for cached tokens.
func TestReconfigureRequiresKeyID(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{InMemory: true})
	token := issuer.Mint(bearertest.Token{Header: map[string]any{"kid": nil}})
	c := jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromJWKS(issuer.KeySet())}}}
	v := newVerifier(t, c)
	accept(t, v, token)
	c.Issuers[0].RequireKeyID = true
	reconfigure(t, v, c)
	if _, err := v.Verify(t.Context(), token); refusedWith(err) == nil || refusedWith(err).Check != "kid" {
		t.Errorf("%v, want a refusal by kid", err)
	}
}

// Keys that stay while their issuer's settings change are still refreshed.
func TestReconfigureGoesOnRefreshingKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c := jwks.Config{Client: f.client, Issuers: f.issuers("a")}
		v := newVerifier(t, c)
		accept(t, v, f.token("a", "1"))
		c.Issuers[0].Audience = []string{audience, "other"}
		reconfigure(t, v, c)
		asked := f.requests("a")
		elapse(time.Hour)
		if n := f.requests("a") - asked; n < 4 {
			t.Errorf("%d requests in an hour", n)
		}
	})
}

// The keys of a configuration are replaced with it: a token of the old ones is
// refused, a cached one too. Equal keys change nothing.
func TestReconfigureReplacesGivenKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c := jwks.Config{Client: f.client, Issuers: f.issuers("a")}
		c.Issuers[0].Keys = f.given("a")
		v := newVerifier(t, c)
		token := f.token("a", "1")
		accept(t, v, token)
		signatures := v.Stats().Signatures
		c.Client = &http.Client{Transport: f} // which fetches no keys
		c.Issuers[0].Keys = f.given("a")
		reconfigure(t, v, c)
		accept(t, v, token)
		if n := v.Stats().Signatures - signatures; n != 0 {
			t.Errorf("%d signatures were checked again", n)
		}
		f.withdraw("a")
		c.Issuers[0].Keys = f.given("a")
		reconfigure(t, v, c)
		for _, token := range []string{token, f.token("a", "2")} {
			if _, err := v.Verify(t.Context(), token); refusedWith(err) == nil || refusedWith(err).Check != "signature" {
				t.Errorf("%v, want a refusal by signature", err)
			}
		}
		if n := f.requests(""); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// A mistake changes nothing, and all mistakes are reported.
func TestReconfigureReportsAllMistakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		v := newVerifier(t, jwks.Config{Client: f.client, Issuers: f.issuers("a")})
		token := f.token("a", "1")
		accept(t, v, token)
		err := v.Reconfigure(jwks.Config{
			Leeway: time.Hour, MaxResolved: -1, ResolvedIdle: -1, UnknownFor: -1,
			Issuers: []jwks.Issuer{{URL: f.url("b")}, {URL: "http://x", Audience: []string{audience}, Profile: jwks.Profile{Kind: "typ"}}},
		})
		if err == nil {
			t.Fatal("no error")
		}
		for _, want := range []string{
			"Config.Leeway", "Config.MaxResolved", "Config.ResolvedIdle", "Config.UnknownFor",
			"Issuers[0]: Audience", "Issuers[1]: URL", "Profile.Kind",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("no %q in %v", want, err)
			}
		}
		accept(t, v, token)
		accept(t, v, f.token("a", "2"))
		if err := v.Reconfigure(jwks.Config{}); err == nil {
			t.Error("no issuers and no Resolve: no error")
		}
		v.Close()
		if err := v.Reconfigure(jwks.Config{Client: f.client, Issuers: f.issuers("a")}); err == nil {
			t.Error("no error after Close")
		}
	})
}

// A call of Verify that waits for keys judges by the configuration of its end.
func TestReconfigureReachesWaitingCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.setHang(true)
		c := jwks.Config{Client: f.client, Issuers: f.issuers("goes", "stays")}
		v := newVerifier(t, c)
		begin := time.Now()
		verify := func(name string) chan error {
			done := make(chan error, 1)
			go func() {
				_, err := v.Verify(context.Background(), f.token(name, "1"))
				done <- err
			}()
			return done
		}
		goes := verify("goes")
		synctest.Wait()
		c.Issuers = f.issuers("stays", "comes")
		reconfigure(t, v, c)
		if err := <-goes; !errors.Is(err, bearer.ErrUnrecognized) {
			t.Errorf("%v, want unrecognized", err)
		}
		if time.Since(begin) > time.Second {
			t.Errorf("answered after %v", time.Since(begin))
		}
		comes := verify("comes")
		synctest.Wait()
		f.setHang(false)
		c.Issuers[1].Client = &http.Client{Transport: f} // fetches anew
		reconfigure(t, v, c)
		if err := <-comes; err != nil {
			t.Error(err)
		}
	})
}

// An issuer's own client fetches its keys, and nobody else's.
func TestIssuerHasItsOwnClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		var own atomic.Int64
		issuers := f.issuers("own", "shared")
		issuers[0].Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			own.Add(1)
			if strings.Contains(r.URL.Path, "shared") {
				t.Errorf("fetched %s", r.URL)
			}
			return f.RoundTrip(r)
		})}
		v := newVerifier(t, jwks.Config{Client: f.client, Issuers: issuers})
		accept(t, v, f.token("own", "1"))
		accept(t, v, f.token("shared", "1"))
		if own.Load() != 2 {
			t.Errorf("%d requests, want metadata and keys", own.Load())
		}
	})
}
