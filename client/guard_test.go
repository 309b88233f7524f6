package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// guarded is an API behind a real guard.
type guarded struct {
	issuer *bearertest.Issuer
	handler
	mu       sync.Mutex
	refusals []bearer.Event
}

type handler struct{ http.Handler }

// newGuarded returns an API whose issuer is in memory or on a socket. change may
// change the configuration of the guard.
func newGuarded(t *testing.T, inMemory bool, change func(*bearer.Config, *bearertest.Issuer)) *guarded {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{
		InMemory: inMemory, Audience: []string{audience}, Clients: []bearertest.Client{{ID: "api", Secret: "secret"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	tokens, err := jwks.New(jwks.Config{
		Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}, Client: issuer.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	g := &guarded{issuer: issuer}
	c := bearer.Config{Verifiers: []bearer.Verifier{tokens}, OnRefusal: func(_ *http.Request, e bearer.Event) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.refusals = append(g.refusals, e)
	}}
	if change != nil {
		change(&c, issuer)
	}
	guard, err := bearer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := bearer.FromContext(r.Context())
		_ = json.NewEncoder(w).Encode(p.Scopes.String())
	})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.All("orders:read"))(ok))
	mux.Handle("POST /orders", bearerhttp.Require(guard, scope.All("orders:write"))(ok))
	mux.Handle("POST /transfers", bearerhttp.Require(guard, scope.All("transfers"), bearer.StepUp{ACR: []string{"mfa"}, MaxAge: 5 * time.Minute})(ok))
	g.handler = handler{mux}
	return g
}

// codes returns the codes of the refusals.
func (g *guarded) codes() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []string
	for _, e := range g.refusals {
		all = append(all, string(e.Code))
	}
	return strings.Join(all, " ")
}

// credentials returns a source of the client's tokens from the issuer.
func (g *guarded) credentials(t *testing.T, c client.ClientCredentialsConfig) *client.ClientCredentials {
	t.Helper()
	c.Endpoint.URL, c.Endpoint.ClientID, c.Endpoint.HTTP = g.issuer.URL()+"/token", "app", g.issuer.Client()
	c.Resource = audience
	source, err := client.NewClientCredentials(c)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// serve serves the API on loopback, and returns its URL.
func (g *guarded) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return server.URL
}

func over(t *testing.T, c client.Config) *client.Transport {
	t.Helper()
	transport, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return transport
}

// introspected makes the guard ask the issuer about each token, so that it notices
// revocation at once.
func introspected(t *testing.T) func(*bearer.Config, *bearertest.Issuer) {
	return func(c *bearer.Config, issuer *bearertest.Issuer) {
		opaque, err := introspect.New(introspect.Config{
			Issuer: issuer.URL(), Auth: introspect.ClientSecretBasic("api", "secret"), Audience: []string{audience}, Client: issuer.Client(),
			MaxAge: -1,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(opaque.Close)
		c.Verifiers = []bearer.Verifier{opaque}
	}
}

// A revoked token is replaced once, for all requests that it was refused for.
func TestGuardRevokedToken(t *testing.T) {
	api := newGuarded(t, false, introspected(t))
	at := api.serve(t)
	source := api.credentials(t, client.ClientCredentialsConfig{
		Scope: scope.Of("orders:read"), Endpoint: client.Endpoint{Params: url.Values{"token_format": {"opaque"}}},
	})
	var seen struct {
		sync.Mutex
		token string
	}
	base := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		seen.Lock()
		seen.token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		seen.Unlock()
		return http.DefaultTransport.RoundTrip(r)
	})
	transport := over(t, client.Config{Tokens: source, Resource: at, Base: base})
	if status, err := do(t, transport, get(t, at+"/orders")); status != 200 {
		t.Fatal(err)
	}
	api.issuer.Revoke(seen.token)
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			resp, err := transport.RoundTrip(get(t, at+"/orders"))
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("%v, %v", resp, err)
				return
			}
			_ = resp.Body.Close()
		})
	}
	calls.Wait()
	if got := api.issuer.Requests(bearertest.TokenEndpoint); got != 2 {
		t.Errorf("%d token requests, want 2", got)
	}

	// The issuer calls no token active: another one does not help, and the error has
	// the request_id of the API's log.
	api.issuer.OverlayIntrospection(func(string, map[string]any) map[string]any { return map[string]any{"active": false} })
	_, refused := do(t, transport, get(t, at+"/orders"))
	last := api.refusals[len(api.refusals)-1]
	if refused == nil || refused.Remedy != client.SignIn || refused.Code != "invalid_token" || refused.RequestID == "" || refused.RequestID != last.RequestID {
		t.Errorf("%+v; the log has %s", refused, last.RequestID)
	}
}

// An expired JWT, whose expiry the client does not know.
func TestGuardExpiredToken(t *testing.T) {
	api := newGuarded(t, false, nil)
	at := api.serve(t)
	good := api.credentials(t, client.ClientCredentialsConfig{Scope: scope.Of("orders:read")})
	expired := api.credentials(t, client.ClientCredentialsConfig{
		Scope: scope.Of("orders:read"), Endpoint: client.Endpoint{Params: url.Values{"valid_for": {"-1m"}}},
	})
	source := &switching{sources: []client.Source{expired, good}}
	if status, err := do(t, over(t, client.Config{Tokens: source, Resource: at}), get(t, at+"/orders")); status != 200 || api.codes() != "invalid_token" {
		t.Errorf("%d, %v; the API refused %s", status, err, api.codes())
	}
}

// More scope: the union of what the token had and what the route needs.
func TestGuardMoreScope(t *testing.T) {
	api := newGuarded(t, false, nil)
	at := api.serve(t)
	transport := over(t, client.Config{Tokens: api.credentials(t, client.ClientCredentialsConfig{Scope: scope.Of("orders:read")}), Resource: at})
	for _, method := range []string{"GET", "POST", "GET", "POST"} {
		if status, err := do(t, transport, request(t, method, at+"/orders", strings.NewReader("{}"))); status != 200 {
			t.Errorf("%s: %v", method, err)
		}
	}
	if got := api.issuer.Requests(bearertest.TokenEndpoint); got != 2 || api.codes() != "insufficient_scope" {
		t.Errorf("%d token requests, the API refused %s", got, api.codes())
	}
}

// switching uses the next source for each token.
type switching struct {
	counter
	sources []client.Source
}

func (s *switching) Token(ctx context.Context, want client.Want) (*oauth2.Token, error) {
	if _, err := s.counter.Token(ctx, want); err != nil {
		return nil, err
	}
	s.mu.Lock()
	next := s.sources[min(len(s.wants), len(s.sources))-1]
	s.mu.Unlock()
	want.StepUp = nil // the source of the kit takes it by a parameter
	return next.Token(ctx, want)
}

// Step-up by a source that can log the person in again.
func TestGuardStepUp(t *testing.T) {
	api := newGuarded(t, false, nil)
	at := api.serve(t)
	plain := api.credentials(t, client.ClientCredentialsConfig{})
	mfa := api.credentials(t, client.ClientCredentialsConfig{Endpoint: client.Endpoint{Params: url.Values{"acr": {"mfa"}, "auth_age": {"1"}}}})
	source := &switching{sources: []client.Source{plain, plain, mfa}}
	transport := over(t, client.Config{Tokens: source, Resource: at})
	if status, err := do(t, transport, request(t, "POST", at+"/transfers", strings.NewReader("{}"))); status != 200 {
		t.Fatal(err)
	}
	if got, want := source.asked(), `refused= scope=""; refused= scope="transfers"; refused= scope="transfers" step-up=[mfa]/5m0s`; got != want {
		t.Errorf("%s, want %s", got, want)
	}

	// A client of its own cannot step up, and says who can.
	_, refused := do(t, over(t, client.Config{Tokens: plain, Resource: at}), request(t, "POST", at+"/transfers", strings.NewReader("{}")))
	if refused == nil || refused.Remedy != client.StepUpLogin || refused.StepUp == nil || fmt.Sprint(*refused.StepUp) != "{[mfa] 5m0s}" {
		t.Errorf("%+v", refused)
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// RFC 9449, Sections 7 to 9: bound tokens, required nonces, and nonces that change.
func TestGuardDPoP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newGuarded(t, true, func(c *bearer.Config, _ *bearertest.Issuer) {
			nonces, err := dpop.NewNonces(dpop.NoncesConfig{Rotate: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			if c.Proofs, err = dpop.New(dpop.Config{Origin: audience, Nonces: nonces}); err != nil {
				t.Fatal(err)
			}
			c.ProofsRequired = true
		})
		key := newKey(t)
		source := api.credentials(t, client.ClientCredentialsConfig{Scope: scope.Of("orders:read"), Endpoint: client.Endpoint{Key: key}})
		transport := newTransport(t, inMemory(api), client.Config{Tokens: source, Key: key})
		send := func(r *http.Request) {
			t.Helper()
			if status, err := do(t, transport, r); status != 200 {
				t.Errorf("%v", err)
			}
		}
		send(get(t, orders+"?page=2"))
		if got := api.codes(); got != "use_dpop_nonce" {
			t.Errorf("first request: %s", got)
		}
		for range 5 { // the API sends its nonce with each answer
			time.Sleep(50 * time.Second)
			send(get(t, orders))
		}
		if got := api.codes(); got != "use_dpop_nonce" {
			t.Errorf("with a nonce: %s", got)
		}
		time.Sleep(10 * time.Minute)
		send(request(t, "POST", orders, strings.NewReader("{}"))) // a new nonce and more scope
		if got := api.codes(); got != "use_dpop_nonce use_dpop_nonce insufficient_scope" {
			t.Errorf("after a while: %s", got)
		}

		// A client without a key is told what it lacks.
		plain := api.credentials(t, client.ClientCredentialsConfig{Scope: scope.Of("orders:read")})
		_, refused := do(t, newTransport(t, inMemory(api), client.Config{Tokens: plain}), get(t, orders))
		if refused == nil || refused.Remedy != client.FixRequest || !strings.Contains(refused.Error(), "set Config.Key") {
			t.Errorf("%v", refused)
		}
		// A token for another key: the API wants another token.
		foreign := newTransport(t, inMemory(api), client.Config{Tokens: source, Key: newKey(t)})
		if _, refused := do(t, foreign, get(t, orders)); refused == nil || refused.Code != "invalid_token" || refused.Remedy != client.SignIn {
			t.Errorf("%v", refused)
		}
	})
}

// An outage at the API's issuer: the token is kept, and the request waits once.
func TestGuardUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newGuarded(t, true, introspected(t))
		source := api.credentials(t, client.ClientCredentialsConfig{
			Scope: scope.Of("orders:read"), Endpoint: client.Endpoint{Params: url.Values{"token_format": {"opaque"}}},
		})
		transport := newTransport(t, inMemory(api), client.Config{Tokens: source})
		api.issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500})
		time.AfterFunc(time.Second, func() { api.issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{}) })
		began := time.Now()
		status, refused := do(t, transport, get(t, orders))
		if took := time.Since(began); status != 200 || took < time.Second || took > 10*time.Second {
			t.Errorf("%d, %v after %v", status, refused, took)
		}
		api.issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500})
		_, refused = do(t, transport, get(t, orders))
		if refused == nil || refused.Remedy != client.Unavailable || refused.Status != 503 || refused.RetryAfter == 0 || refused.RequestID == "" {
			t.Errorf("%+v", refused)
		}
		if got := api.issuer.Requests(bearertest.TokenEndpoint); got != 1 {
			t.Errorf("%d token requests, want 1", got)
		}
	})
}
