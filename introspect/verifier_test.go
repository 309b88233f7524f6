package introspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// elapse lets time pass in a bubble.
func elapse(d time.Duration) { <-time.After(d) }

// codeOf returns the code of an error, "unrecognized", or the text of any other
// error.
func codeOf(err error) string {
	if errors.Is(err, bearer.ErrUnrecognized) {
		return "unrecognized"
	}
	if e, ok := errors.AsType[*bearer.Error](err); ok {
		return string(e.Code)
	}
	return fmt.Sprint(err)
}

// inMemory runs a test with an issuer that serves these clients in memory, in a
// synctest bubble. The bubble fails the test if a goroutine remains.
func inMemory(t *testing.T, clients []bearertest.Client, test func(t *testing.T, issuer *bearertest.Issuer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true, Clients: clients})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			issuer.Client().CloseIdleConnections()
			issuer.Close()
		})
		test(t, issuer)
	})
}

// inBubble is inMemory with a verifier that asks the issuer.
func inBubble(t *testing.T, change func(*introspect.Config), test func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier)) {
	t.Helper()
	inMemory(t, []bearertest.Client{{ID: "api", Secret: "s%:+ é"}}, func(t *testing.T, issuer *bearertest.Issuer) {
		c := introspect.Config{
			Issuer:   issuer.URL(),
			Audience: []string{audience},
			Auth:     introspect.ClientSecretBasic("api", "s%:+ é"),
			Client:   issuer.Client(),
		}
		if change != nil {
			change(&c)
		}
		v, err := introspect.New(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(v.Close)
		test(t, issuer, v)
	})
}

// I9, I11: the members of the answer become the principal.
func TestPrincipal(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		p, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{
			Subject: "auth0|bob", ClientID: "web", Scope: "b a", Audience: []string{"other", audience},
			Claims: map[string]any{"acr": "urn:example:mfa", "auth_time": time.Now().Unix(), "tenant": "t1"},
		}))
		if err != nil {
			t.Fatal(err)
		}
		if p.Issuer != issuer.URL() || p.Subject != "auth0|bob" || p.ClientID != "web" || p.ACR != "urn:example:mfa" ||
			p.Scopes != scope.Of("a", "b") || !p.HasAudience("other") || !p.AuthTime.Equal(time.Unix(time.Now().Unix(), 0)) {
			t.Errorf("%+v", p)
		}
		var own struct {
			Tenant string `json:"tenant"`
		}
		if err := p.Claims(&own); err != nil || own.Tenant != "t1" {
			t.Errorf("claims: %+v, %v", own, err)
		}
	})
}

// I3, I4, I10, I11: the outcome of each answer. An answer that is malformed is
// requested again.
func TestAnswers(t *testing.T) {
	const (
		ok           = "<nil>"
		invalid      = "invalid_token"
		unrecognized = "unrecognized" // 401, unless another verifier recognizes the token
		unavailable  = "unavailable"  // 503
	)
	jkt := map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}
	null := json.RawMessage("null")
	tests := []struct {
		name   string
		claims map[string]any
		want   string
	}{
		{"good", nil, ok},
		{"active false", map[string]any{"active": false}, unrecognized},
		// RFC 7662, Section 2.2: an inactive answer needs no other member.
		{"active false, exp as a string", map[string]any{"active": false, "exp": "1"}, unrecognized},
		{"active as a string", map[string]any{"active": "true"}, unavailable},
		{"active as a number", map[string]any{"active": 1}, unavailable},
		{"no active", map[string]any{"active": nil}, unavailable},
		{"expired", map[string]any{"exp": 1}, invalid},
		{"exp as a string", map[string]any{"exp": "1"}, unavailable},
		{"exp of zero", map[string]any{"exp": 0}, invalid},
		{"no exp", map[string]any{"exp": nil}, ok}, // RFC 7662, Section 2.2: OPTIONAL
		{"not yet valid", map[string]any{"nbf": 4e9}, invalid},
		{"issued in the future", map[string]any{"iat": 4e9}, invalid},
		{"foreign iss", map[string]any{"iss": "https://evil.example.com"}, invalid},
		{"iss with a trailing slash", map[string]any{"iss": "https://issuer.example.com/"}, invalid},
		{"iss as an array", map[string]any{"iss": []string{"https://issuer.example.com"}}, unavailable},
		{"an empty iss", map[string]any{"iss": ""}, unavailable},
		{"no iss", map[string]any{"iss": nil}, ok},
		{"foreign aud", map[string]any{"aud": "https://evil.example.com"}, invalid},
		{"no aud", map[string]any{"aud": nil}, invalid},
		{"an empty aud", map[string]any{"aud": []string{}}, invalid},
		{"aud as a number", map[string]any{"aud": 1}, unavailable},
		{"a refresh token by token_type", map[string]any{"token_type": "refresh_token"}, invalid},
		{"a refresh token by token_use", map[string]any{"token_use": "refresh_token"}, invalid},
		{"an unknown token_type", map[string]any{"token_type": "N_A"}, invalid},
		{"token_type in another case", map[string]any{"token_type": "bearer"}, ok},
		{"token_type access_token", map[string]any{"token_type": "access_token"}, ok},
		{"token_use access", map[string]any{"token_use": "access"}, ok},
		{"token_use access_token", map[string]any{"token_use": "access_token"}, ok},
		{"no token_type", map[string]any{"token_type": nil}, ok},
		{"bound to a key", map[string]any{"cnf": jkt, "token_type": "DPoP"}, ok}, // the guard checks the binding
		{"bound to a key, no token_type", map[string]any{"cnf": jkt, "token_type": nil}, ok},
		{"bound to a key, of type Bearer", map[string]any{"cnf": jkt, "token_type": "Bearer"}, invalid},
		// Reports G4: a token bound to an unknown key cannot be checked.
		{"of type DPoP, no cnf", map[string]any{"token_type": "DPoP"}, invalid},
		{"of type dpop, no cnf", map[string]any{"token_type": "dpop"}, invalid},
		{"of type DPoP, cnf that is null", map[string]any{"token_type": "DPoP", "cnf": null}, invalid},
		{"of type DPoP, cnf without the key", map[string]any{"token_type": "DPoP", "cnf": map[string]string{"kid": "k"}}, invalid},
		{"of type DPoP, bound to a certificate", map[string]any{"token_type": "DPoP", "cnf": map[string]string{"x5t#S256": jkt["jkt"]}}, invalid},
		{"of type PoP, no cnf", map[string]any{"token_type": "PoP"}, invalid},
		{"of type mac, no cnf", map[string]any{"token_type": "mac"}, invalid},
		{"token_type as a number", map[string]any{"token_type": 1}, unavailable},
		{"token_use as an array", map[string]any{"token_use": []string{"access"}}, unavailable},
		{"cnf that is malformed", map[string]any{"cnf": "x"}, unavailable},
		// Reports L1, C18: null counts as absent in any optional member, but
		// not in active.
		{"optional members that are null", map[string]any{
			"acr": null, "auth_time": null, "amr": null, "sub": null, "scope": null, "client_id": null, "username": null, "jti": null,
			"iss": null, "exp": null, "nbf": null, "iat": null, "cnf": null, "token_type": null, "token_use": null,
		}, ok},
		{"active that is null", map[string]any{"active": null}, unavailable},
		{"aud that is null", map[string]any{"aud": null}, invalid},
		// Reports L2, L3, C18: a malformed member that does not protect counts
		// as absent.
		{"scope with two spaces", map[string]any{"scope": " a  b "}, ok},
		{"scope with a tab", map[string]any{"scope": "a\tb"}, ok},
		{"scope as an array", map[string]any{"scope": []string{"a"}}, ok},
		{"scope with a quote", map[string]any{"scope": `a"b`}, ok},
		{"sub as a number", map[string]any{"sub": 1}, ok},
		{"client_id as a number", map[string]any{"client_id": 1}, ok},
		{"acr as an array", map[string]any{"acr": []string{"mfa"}}, ok},
		{"amr as a string", map[string]any{"amr": "pwd"}, ok},
		{"auth_time as a string", map[string]any{"auth_time": "2026-01-01T00:00:00Z"}, ok},
		{"nbf as a string", map[string]any{"nbf": "1"}, unavailable},
		{"iat as a string", map[string]any{"iat": "1"}, unavailable},
		{"auth_time in the future", map[string]any{"auth_time": 4e9}, ok},
	}
	inMemory(t, []bearertest.Client{{ID: "api", Secret: "secret"}}, func(t *testing.T, issuer *bearertest.Issuer) {
		for _, tt := range tests {
			v := newVerifier(t, issuer, func(c *introspect.Config) { c.Client = issuer.Client() })
			before := issuer.Requests(bearertest.IntrospectionEndpoint)
			token := issuer.MintOpaque(bearertest.Token{})
			issuer.OverlayIntrospection(func(_ string, answer map[string]any) map[string]any {
				maps.Copy(answer, tt.claims)
				maps.DeleteFunc(answer, func(_ string, value any) bool { return value == nil })
				return answer
			})
			p, err := v.Verify(t.Context(), token)
			if got := codeOf(err); got != tt.want {
				t.Errorf("%s: %s, want %s (%v)", tt.name, got, tt.want, err)
				continue
			}
			if err == nil && tt.claims["auth_time"] != nil && !p.AuthTime.IsZero() {
				t.Errorf("%s: the auth_time is %v, want none", tt.name, p.AuthTime)
			}
			_, _ = v.Verify(t.Context(), token)
			if n := issuer.Requests(bearertest.IntrospectionEndpoint) - before - int(v.Stats().Probes); n != 1 {
				t.Errorf("%s: %d requests for two uses, want 1", tt.name, n)
			}
			if tt.want != unavailable {
				continue
			}
			// Reports V1: a token that brought no answer is introspected again
			// after a pause.
			issuer.OverlayIntrospection(nil)
			elapse(3 * time.Second)
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Errorf("%s: three seconds later: %v", tt.name, err)
			}
		}
	})
}

// I5, Part 2.6: whatever fails at the endpoint, no error blames the token,
// nothing is cached, and the log says what to fix.
func TestEndpointFaults(t *testing.T) {
	tests := []struct {
		name  string
		fault bearertest.Fault
		want  string
		log   string
	}{
		{"500", bearertest.Fault{Status: 500}, "unavailable", "check the issuer's health"},
		{"401, our credentials", bearertest.Fault{Status: 401}, "unavailable", "check Config.Auth"},
		{"403, our credentials", bearertest.Fault{Status: 403}, "unavailable", "check Config.Auth"},
		{"404", bearertest.Fault{Status: 404}, "unavailable", "introspection endpoint"},
		{"429", bearertest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, "unavailable", "limits our rate"},
		{"redirect", bearertest.Fault{Status: 307, Header: http.Header{"Location": {"/introspect2"}}}, "unavailable", ""},
		{"hang", bearertest.Fault{Hang: true}, "unavailable", "can be reached"},
		{"drip", bearertest.Fault{Drip: time.Minute}, "unavailable", "can be reached"},
		{"endless", bearertest.Fault{Endless: true}, "unavailable", ""},
		{"1 GiB", bearertest.Fault{Endless: true, Header: http.Header{"Content-Length": {"1073741824"}}}, "unavailable", ""},
		{"HTML", bearertest.Fault{Body: []byte("<!doctype html>")}, "unavailable", ""},
		{"truncated", bearertest.Fault{Body: []byte(`{"active":tr`)}, "unavailable", ""},
		{"null", bearertest.Fault{Body: []byte(`null`)}, "unavailable", ""},
		{"an array", bearertest.Fault{Body: []byte(`[true]`)}, "unavailable", ""},
		{"empty", bearertest.Fault{Body: []byte{}}, "unavailable", ""},
		{"active twice", bearertest.Fault{Body: []byte(`{"active":false,"active":true}`)}, "unavailable", ""},
		{"Active", bearertest.Fault{Body: []byte(`{"Active":true}`)}, "unavailable", "active: it is missing"},
		{"data after the object", bearertest.Fault{Body: []byte(`{"active":true} {}`)}, "unavailable", ""},
		{"unsupported_token_type", bearertest.Fault{Status: 400, Body: []byte(`{"error":"unsupported_token_type"}`)}, "unrecognized", ""},
		{"unsupported_token_type by 500", bearertest.Fault{Status: 500, Body: []byte(`{"error":"unsupported_token_type"}`)}, "unavailable", ""},
		{"unsupported_token_type in another member", bearertest.Fault{Status: 400, Body: []byte(`{"error":"x","error_description":"unsupported_token_type"}`)}, "unavailable", ""},
		{"unsupported_token_type, and data after it", bearertest.Fault{Status: 400, Body: []byte(`{"error":"unsupported_token_type"} {}`)}, "unavailable", ""},
		{"invalid_client by 500", bearertest.Fault{Status: 500, Body: []byte(`{"error":"invalid_client"}`)}, "unavailable", "check the issuer's health"},
		{"invalid_request", bearertest.Fault{Status: 400, Body: []byte(`{"error":"invalid_request"}`)}, "unavailable", ""},
		{"reset, once", bearertest.Fault{Reset: true, Times: 1}, "<nil>", ""},
		{"reset, always", bearertest.Fault{Reset: true}, "unavailable", "can be reached"},
	}
	inMemory(t, []bearertest.Client{{ID: "api", Secret: "secret"}}, func(t *testing.T, issuer *bearertest.Issuer) {
		for _, tt := range tests {
			var log lockedLog
			v := newVerifier(t, issuer, func(c *introspect.Config) {
				c.Client, c.Logger = issuer.Client(), slog.New(slog.NewTextHandler(&log, nil))
			})
			issuer.SetFault(bearertest.IntrospectionEndpoint, tt.fault)
			token := issuer.MintOpaque(bearertest.Token{})
			start := time.Now()
			_, err := v.Verify(t.Context(), token)
			if got := codeOf(err); got != tt.want {
				t.Errorf("%s: %s, want %s (%v)", tt.name, got, tt.want, err)
				continue
			}
			if took := time.Since(start); took > 6*time.Second {
				t.Errorf("%s: it took %v, want at most 6 s", tt.name, took)
			}
			if !strings.Contains(log.String(), tt.log) {
				t.Errorf("%s: no %q in the log: %s", tt.name, tt.log, log.String())
			}
			if strings.Contains(log.String(), token) || strings.Contains(fmt.Sprint(err), token) {
				t.Errorf("%s: the log or the error contains the token", tt.name)
			}
			if tt.want != "unavailable" {
				continue
			}
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
			elapse(time.Minute)
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Errorf("%s: after the fault: %v", tt.name, err)
			}
			v.Close()
		}
	})
}

// I6, I7: 64 concurrent callers make one request, and 10,000 within MaxAge make
// one for each token. An answer is used for MaxAge, but never beyond exp.
func TestCacheCounts(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Delay: 50 * time.Millisecond})
		token := issuer.MintOpaque(bearertest.Token{})
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != 1 {
			t.Fatalf("64 callers made %d requests, want 1", n)
		}
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
		tokens := make([]string, 100)
		for i := range tokens {
			tokens[i] = issuer.MintOpaque(bearertest.Token{})
		}
		for i := range 10_000 {
			if _, err := v.Verify(t.Context(), tokens[i%100]); err != nil {
				t.Fatal(err)
			}
		}
		if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != 101 {
			t.Errorf("10,000 uses of 100 tokens made %d requests, want 100", n-1)
		}
	})
}

func TestCacheTimes(t *testing.T) {
	tests := []struct {
		name   string
		change func(*introspect.Config)
		token  bearertest.Token
		revoke time.Duration // when the token is revoked
		until  time.Duration // the token must be refused from then on
		atMost int           // requests until then
	}{
		{"MaxAge", nil, bearertest.Token{}, time.Second, 46 * time.Second, 3},
		{"MaxAge of 10 s", func(c *introspect.Config) { c.MaxAge = 10 * time.Second }, bearertest.Token{}, time.Second, 10 * time.Second, 3},
		{"none", func(c *introspect.Config) { c.MaxAge = -1 }, bearertest.Token{}, 5 * time.Second, 5 * time.Second, 100},
		// An answer never outlives exp, whatever the settings.
		{"exp", func(c *introspect.Config) { c.MaxAge = time.Hour }, bearertest.Token{TTL: 20 * time.Second}, time.Hour, 25 * time.Second, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, tt.change, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
				token := issuer.MintOpaque(tt.token)
				start := time.Now()
				for range 600 {
					if _, err := v.Verify(t.Context(), token); err != nil {
						break
					}
					if time.Since(start) >= tt.revoke {
						issuer.Revoke(token)
					}
					elapse(100 * time.Millisecond)
				}
				if lived := time.Since(start); lived > tt.until+200*time.Millisecond {
					t.Errorf("accepted for %v, want %v at most", lived, tt.until)
				}
				if n := issuer.Requests(bearertest.IntrospectionEndpoint); n > tt.atMost {
					t.Errorf("%d requests, want %d at most", n, tt.atMost)
				}
			})
		})
	}
}

// The answer "not active" is cached for 10 s.
func TestNegativeAnswersEnd(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		token := issuer.MintOpaque(bearertest.Token{})
		issuer.OverlayIntrospection(func(string, map[string]any) map[string]any { return map[string]any{"active": false} })
		for range 90 {
			if _, err := v.Verify(t.Context(), token); codeOf(err) != "unrecognized" {
				t.Fatal(err)
			}
			elapse(100 * time.Millisecond)
		}
		if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != 1 {
			t.Errorf("%d requests in 9 s, want 1", n)
		}
		issuer.OverlayIntrospection(nil)
		elapse(time.Second)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("after 10 s: %v", err)
		}
	})
}

// A token in use is renewed in the background: no caller waits.
func TestHotTokensAreRenewedAhead(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		token := issuer.MintOpaque(bearertest.Token{TTL: 24 * time.Hour})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Delay: time.Second})
		for range 600 {
			elapse(time.Second)
			start := time.Now()
			if _, err := v.Verify(t.Context(), token); err != nil || time.Since(start) > 0 {
				t.Fatalf("%v after %v", err, time.Since(start))
			}
		}
		if n := issuer.Requests(bearertest.IntrospectionEndpoint); n < 10 || n > 16 {
			t.Errorf("%d requests in 10 min, want about one in 45 s", n)
		}
	})
}

// Without ServeStale an outage shows after MaxAge. With it, it shows that much
// later, but never beyond exp.
func TestServeStale(t *testing.T) {
	tests := []struct {
		name   string
		stale  time.Duration
		ttl    time.Duration
		wanted time.Duration
	}{
		{"none", 0, time.Hour, time.Minute},
		{"10 min", 10 * time.Minute, time.Hour, 11 * time.Minute},
		{"not beyond exp", 10 * time.Minute, 3 * time.Minute, 3 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(c *introspect.Config) { c.ServeStale = tt.stale }, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
				token := issuer.MintOpaque(bearertest.Token{TTL: tt.ttl})
				start := time.Now()
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Fatal(err)
				}
				issuer.Stop()
				var lived time.Duration
				for range 20 * 60 {
					elapse(time.Second)
					_, err := v.Verify(t.Context(), token)
					if err == nil {
						lived = time.Since(start)
					} else if codeOf(err) != "unavailable" {
						t.Fatal(err)
					}
				}
				if lived > tt.wanted || lived < tt.wanted-3*time.Second {
					t.Errorf("believed for %v, want %v", lived, tt.wanted)
				}
			})
		})
	}
}

// A caller that gives up does not end the request for the others.
func TestFirstCallerGoesAway(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Delay: time.Second})
		token := issuer.MintOpaque(bearertest.Token{})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := v.Verify(ctx, token); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller that went away: %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// A JWT is not introspected unless Config.JWTs is set. Nor is any token that a
// lenient server could accept as a JWT.
func TestJWTsAreNotSent(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		jwt := issuer.Mint(bearertest.Token{})
		header, rest, _ := strings.Cut(jwt, ".")
		for _, token := range []string{
			jwt, jwt[:len(jwt)-4] + "AAAA", "eyJhbGciOiJub25lIn0..", jwt[:len(jwt)-1] + "!",
			jwt + "=", jwt + ".", jwt + "~",
			"eyJhbGciOiJub25lIn1." + rest, // trailing bits that are not zero
		} {
			if _, err := v.Verify(t.Context(), token); codeOf(err) != "unrecognized" {
				t.Errorf("%.20s…: %v", token, err)
			}
		}
		if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != 0 {
			t.Errorf("%d requests", n)
		}
		if _, err := v.TakingJWTs().Verify(t.Context(), jwt); err != nil {
			t.Errorf("TakingJWTs: %v", err)
		}
		for i, token := range []string{"a.b.c", header + ".a.b.c.d", "v4.local.eyJhbGciOiJub25lIn0", header} {
			if _, err := v.Verify(t.Context(), token); codeOf(err) != "unrecognized" || issuer.Requests(bearertest.IntrospectionEndpoint) != 2+i {
				t.Errorf("%s is opaque: %v", token, err)
			}
		}
	})
}

// After Forget the next use is introspected, and no earlier answer is cached.
func TestForget(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		token := issuer.MintOpaque(bearertest.Token{})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		issuer.Revoke(token)
		if err := v.Forget(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), token); codeOf(err) != "unrecognized" {
			t.Errorf("after Forget: %v", err)
		}

		// An answer is under way while the token is revoked.
		second := issuer.MintOpaque(bearertest.Token{})
		release := make(chan struct{})
		issuer.OverlayIntrospection(func(_ string, answer map[string]any) map[string]any { <-release; return answer })
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = v.Verify(t.Context(), second) })
		synctest.Wait()
		issuer.Revoke(second)
		if err := v.Forget(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		close(release)
		wg.Wait()
		if _, err := v.Verify(t.Context(), second); codeOf(err) != "unrecognized" {
			t.Errorf("an answer from before Forget is kept: %v", err)
		}
	})
}

// Reports G7: anyone can compute the other valid encoding of an ECDSA
// signature. Forget discards both, whichever was revoked.
func TestForgetTwin(t *testing.T) {
	issuer := newIssuer(t)
	if _, err := issuer.AddKey("ES256"); err != nil {
		t.Fatal(err)
	}
	var revoked atomic.Bool
	shared := newMemory()
	v := asking(t, func(string) (int, http.Header) {
		if revoked.Load() {
			return 400, nil // the endpoint rejects the token
		}
		return 200, nil
	}, func(c *introspect.Config) { c.JWTs, c.Shared = true, shared })
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		token := issuer.Sign("ES256", []byte(`{"alg":"ES256"}`), fmt.Append(nil, `{"n":`, order[0], `}`))
		twin, ok := jose.Twin(token)
		if !ok {
			t.Fatal("no twin")
		}
		both := [2]string{token, twin}
		revoked.Store(false)
		for _, token := range both {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
		revoked.Store(true)
		if _, err := v.Verify(t.Context(), both[order[1]]); err != nil {
			t.Fatalf("before Forget: %v; the test shows nothing", err)
		}
		if err := v.Forget(t.Context(), both[order[0]]); err != nil {
			t.Fatal(err)
		}
		for i, token := range both {
			if _, err := v.Verify(t.Context(), token); codeOf(err) != "unavailable" {
				t.Errorf("%d forgotten, %d: %v", order[0], i, err)
			}
		}
	}
}

// A token that is forgotten during its introspection is not served stale.
func TestForgottenIsNotServedStale(t *testing.T) {
	stale := func(c *introspect.Config) { c.ServeStale = time.Hour }
	inBubble(t, stale, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		token := issuer.MintOpaque(bearertest.Token{})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		elapse(2 * time.Minute)
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Hang: true})
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := v.Verify(t.Context(), token); codeOf(err) != "unavailable" {
				t.Errorf("4 s after Forget: %v", err)
			}
		})
		elapse(time.Second)
		if err := v.Forget(t.Context(), token); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
}

// A question that Close ends does not count as a failure of the endpoint.
func TestCloseIsNoOutage(t *testing.T) {
	var log lockedLog
	logged := func(c *introspect.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }
	inBubble(t, logged, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Hang: true})
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := v.Verify(t.Context(), "token"); codeOf(err) != "unavailable" {
				t.Error(err)
			}
		})
		synctest.Wait()
		v.Close()
		wg.Wait()
		if log.String() != "" {
			t.Errorf("logged: %s", log.String())
		}
	})
}

// After Close cached answers are used, and no request is sent.
// A caller that has gone says nothing about the endpoint: the error is that of its
// context, and not an outage.
func TestCallerThatHasGone(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := v.Verify(ctx, issuer.MintOpaque(bearertest.Token{})); err != context.DeadlineExceeded {
			t.Errorf("%v, want the error of the context", err)
		}
	})
}

func TestClose(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		token := issuer.MintOpaque(bearertest.Token{})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		v.Close()
		v.Close()
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("what is kept: %v", err)
		}
		if _, err := v.Verify(t.Context(), "another"); codeOf(err) != "unavailable" {
			t.Errorf("another: %v", err)
		}
	})
}
