package jwks_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// unknownKid returns a token that names a key the issuer does not have.
func unknownKid(issuer *bearertest.Issuer, kid string, issued time.Time) string {
	return issuer.Mint(bearertest.Token{
		Scope:  "orders:read",
		Header: map[string]any{"kid": kid}, Claims: map[string]any{"iat": issued.Unix()},
	})
}

// Reports V17, checklist C7a: while the budget allows no fetch, nobody can
// judge a token that has an unknown kid and is newer than the keys. Its client
// learns when to retry. An older token is invalid.
func TestNewTokenWithUnknownKid(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		var log bytes.Buffer
		guard, err := bearer.New(bearer.Config{
			Verifiers: []bearer.Verifier{v}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			RequestID: func(*http.Request) string { return "id-1" },
		})
		if err != nil {
			t.Fatal(err)
		}
		route := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, ok := route.Admit(w, r); ok {
				w.WriteHeader(http.StatusOK)
			}
		})
		if w := get(h, issuer.Mint(bearertest.Token{Scope: "orders:read"})); w.Code != http.StatusOK {
			t.Fatalf("a good token: %d", w.Code)
		}
		elapse(time.Minute)
		old := time.Now().Add(-2 * time.Minute)
		for n := range 2 { // the burst
			if w := get(h, unknownKid(issuer, fmt.Sprint("junk", n), old)); w.Code != http.StatusUnauthorized {
				t.Fatalf("junk: %d", w.Code)
			}
		}
		fetched := time.Now()
		before := issuer.Requests(bearertest.JWKS)

		elapse(3 * time.Second)
		// The issuer rotates, and the budget allows no fetch for another 7 s.
		if _, err := issuer.Rotate("ES256"); err != nil {
			t.Fatal(err)
		}
		rotated := issuer.Mint(bearertest.Token{Scope: "orders:read"})
		log.Reset()
		w := get(h, rotated)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "7" || len(w.Header().Values("WWW-Authenticate")) > 0 {
			t.Errorf("a token of the new key: %d %v; want 503 with Retry-After: 7 and no challenge", w.Code, w.Header())
		}
		const body = `{"status":503,"error_description":"The access token cannot be checked at the moment.","request_id":"id-1"}` + "\n"
		if got := w.Body.String(); got != body {
			t.Errorf("body %s; want %s", got, body)
		}
		for _, part := range []string{"status=503", "code=unavailable", "check=keys", "the token's iat is later than the last fetch", "request_id=id-1"} {
			if !strings.Contains(log.String(), part) {
				t.Errorf("%q is not in the log: %s", part, log.String())
			}
		}
		if strings.Contains(log.String(), rotated) {
			t.Error("the token is in the log")
		}
		for _, tt := range []struct {
			name   string
			issued time.Time
			status int
		}{
			{"newer than the keys", time.Now(), 503},
			{"newer by the leeway of 5 s", fetched.Add(-4 * time.Second), 503},
			{"older", fetched.Add(-5 * time.Second), 401},
			{"much older", fetched.Add(-time.Hour), 401},
		} {
			if w := get(h, unknownKid(issuer, "junk "+tt.name, tt.issued)); w.Code != tt.status {
				t.Errorf("a token that is %s: %d; want %d", tt.name, w.Code, tt.status)
			}
		}
		for _, iat := range []any{nil, "now", true, -1, 1e300} {
			token := issuer.Mint(bearertest.Token{Header: map[string]any{"kid": "junk"}, Claims: map[string]any{"iat": iat}})
			if w := get(h, token); w.Code != http.StatusUnauthorized {
				t.Errorf("iat %v: %d; want 401", iat, w.Code)
			}
		}
		if n := issuer.Requests(bearertest.JWKS) - before; n != 0 {
			t.Errorf("%d fetches in excess of the budget", n)
		}
		elapse(7 * time.Second)
		if w := get(h, rotated); w.Code != http.StatusOK {
			t.Errorf("after the Retry-After: %d; want 200", w.Code)
		}
	})
}

// Reports V17: a token that nobody can judge counts against the FailureLimit,
// as a refused one does, so that the limit stops a sender of junk.
func TestNewTokensWithUnknownKidsCountAsFailures(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		guard, err := bearer.New(bearer.Config{
			Verifiers: []bearer.Verifier{v}, FailureLimit: &bearer.FailureLimit{Burst: 10, Every: time.Minute},
		})
		if err != nil {
			t.Fatal(err)
		}
		route := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { route.Admit(w, r) })
		counts := map[int]int{}
		for n := range 20 {
			counts[get(h, unknownKid(issuer, fmt.Sprint("junk", n), time.Now())).Code]++
		}
		if counts[429] != 10 || counts[503] == 0 || counts[401]+counts[503] != 10 {
			t.Errorf("20 tokens with unknown kids: %v; want 10 that are refused, some of them 503, and 10 that are 429", counts)
		}
	})
}

// Reports V17: junk with unknown kids arrives 16 times a second at three
// instances, during four rotations in two minutes. No token of a new key is
// called invalid, and each is accepted when its client retries.
func TestNewKeysDuringAFlood(t *testing.T) {
	inBubble(t, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier) {
		instances := []http.Handler{guarded(t, v)}
		for range 2 {
			more, err := jwks.New(jwks.Config{
				Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}, Client: issuer.Client(),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer more.Close()
			instances = append(instances, guarded(t, more))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				// Half of the junk claims to be new.
				issued := time.Now().Add(-time.Duration(n%2) * time.Hour)
				get(instances[n%3], unknownKid(issuer, fmt.Sprint("junk", n), issued))
				elapse(time.Second / 16)
			}
		})
		for range 4 {
			elapse(30 * time.Second)
			if _, err := issuer.Rotate("ES256"); err != nil {
				t.Fatal(err)
			}
			for n, h := range instances {
				token, start := issuer.Mint(bearertest.Token{Scope: "orders:read"}), time.Now()
				for {
					w := get(h, token)
					if w.Code == http.StatusOK {
						break
					}
					wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
					if w.Code != http.StatusServiceUnavailable || err != nil || wait < 1 || wait > 10 {
						t.Errorf("instance %d, a token of the new key: %d, Retry-After %q; want 503 and at most 10", n, w.Code, w.Header().Get("Retry-After"))
						break
					}
					elapse(time.Duration(wait) * time.Second)
				}
				if took := time.Since(start); took > 11*time.Second {
					t.Errorf("instance %d: accepted after %v; want the budget's 10 s", n, took)
				}
			}
		}
		cancel()
		wg.Wait()
	})
}
