package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

// exchangeAt returns an Exchange at an authority.
func exchangeAt(t *testing.T, a *authority, c client.ExchangeConfig) *client.Exchange {
	t.Helper()
	if c.Endpoint.URL == "" {
		c.Endpoint = a.endpoint()
	}
	if c.Resource == "" {
		c.Resource = stockAPI
	}
	source, err := client.NewExchange(c)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

var readStock = client.ExchangeConfig{Scope: scope.Of("stock:read")}

// RFC 8693: a real guard accepts the exchanged token, which is for its API alone.
func TestExchangeBetweenGuards(t *testing.T) {
	a := newAuthority(t)
	s := newStock(t, a)
	o := newOrders(t, a, s, exchangeAt(t, a, readStock))
	token := a.Mint(bearertest.Token{Scope: "orders:read", Subject: "bob"})
	for range 3 {
		resp, got := o.send(t, "GET", "/items", token)
		if resp.StatusCode != 200 {
			t.Fatal(o.last)
		}
		if got.Subject != "bob" || got.Actor != "orders-api" || got.Scope != "stock:read" || len(got.Audience) != 1 || got.Audience[0] != stockAPI || got.Token == token {
			t.Errorf("%+v", got)
		}
		// The exchanged token is of no use at the API that got it.
		if resp, _ := o.send(t, "GET", "/items", got.Token); resp.StatusCode != 401 {
			t.Errorf("the orders API accepts the stock API's token: %d", resp.StatusCode)
		}
	}
	if n := a.exchanges(); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
	// More scope, because the route requires it.
	if resp, got := o.send(t, "DELETE", "/items", token); resp.StatusCode != 200 || got.Scope != "stock:read stock:write" {
		t.Errorf("%d, %+v, %v", resp.StatusCode, got, o.last)
	}
	// Another user's request never gets bob's token.
	if resp, got := o.send(t, "GET", "/items", a.Mint(bearertest.Token{Subject: "carol"})); resp.StatusCode != 200 || got.Subject != "carol" {
		t.Errorf("%d, %+v", resp.StatusCode, got)
	}
	for _, seen := range s.seen {
		if seen == token {
			t.Error("the stock API saw the token of the orders API")
		}
	}
}

// A Relay hands on what it may, and exchanges the rest, also bound tokens.
func TestRelayOrExchange(t *testing.T) {
	a := newAuthority(t)
	s := newStock(t, a)
	o := newOrders(t, a, s, relay(t, client.RelayConfig{Issuers: []string{a.URL()}, Audience: stockAPI, Exchange: exchangeAt(t, a, readStock)}))
	both := a.Mint(bearertest.Token{Audience: []string{ordersAPI, stockAPI}, Scope: "stock:read"})
	if resp, got := o.send(t, "GET", "/items", both); resp.StatusCode != 200 || got.Token != both || a.exchanges() != 0 {
		t.Errorf("%d, %+v, %d exchanges", resp.StatusCode, got, a.exchanges())
	}
	if resp, got := o.send(t, "DELETE", "/items", both); resp.StatusCode != 200 || got.Token == both || got.Scope != "stock:read stock:write" || a.exchanges() != 1 {
		t.Errorf("%d, %+v, %d exchanges", resp.StatusCode, got, a.exchanges())
	}
	if resp, got := o.send(t, "GET", "/items", a.Mint(bearertest.Token{})); resp.StatusCode != 200 || got.Actor != "orders-api" || a.exchanges() != 2 {
		t.Errorf("%d, %+v, %d exchanges", resp.StatusCode, got, a.exchanges())
	}
	bound := boundRequest(t, a, "/items")
	if resp, got := o.do(t, bound); resp.StatusCode != 200 || got.Actor != "orders-api" || a.exchanges() != 3 {
		t.Errorf("%d, %+v, %d exchanges", resp.StatusCode, got, a.exchanges())
	}
}

// boundRequest is a request with a DPoP-bound token for both APIs.
func boundRequest(t *testing.T, a *authority, path string) *http.Request {
	t.Helper()
	key := newKey(t)
	jkt, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	token := a.Mint(bearertest.Token{Audience: []string{ordersAPI, stockAPI}, Scope: "stock:read", Claims: map[string]any{"cnf": map[string]string{"jkt": jkt}}})
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: "GET", URL: ordersAPI + path, AccessToken: token})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", ordersAPI+path, nil)
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", proof)
	return r
}

// What the client of an API learns if the API that it calls refuses the call.
func TestRefusals(t *testing.T) {
	a := newAuthority(t)
	s := newStock(t, a)
	exchange := exchangeAt(t, a, readStock)
	handed := relay(t, client.RelayConfig{Issuers: []string{a.URL()}, Audience: stockAPI})
	wrongTarget := exchangeAt(t, a, client.ExchangeConfig{Resource: "https://other.example.com"})
	wrongClient := a.endpoint()
	wrongClient.ClientSecret = "other"
	revoked := a.Mint(bearertest.Token{Scope: "orders:read"})
	a.revoke(revoked)
	own, shared := bearertest.Token{Scope: "orders:read"}, bearertest.Token{Audience: []string{ordersAPI, stockAPI}, Scope: "stock:read"}
	tests := []struct {
		name      string
		source    client.Source
		method    string
		path      string
		token     string
		status    int
		challenge []string // parts of it; nil: none
	}{
		{"a session that ended", exchange, "GET", "/items", revoked, 401, []string{`Bearer`, `error="invalid_token"`}},
		{"a scope that clients may request", handed, "DELETE", "/items", a.Mint(shared), 403, []string{`error="insufficient_scope"`, `scope="stock:write"`}},
		{"a scope that they may not", handed, "GET", "/admin", a.Mint(shared), 403, nil},
		{"a scope that the issuer refuses", exchange, "GET", "/admin", a.Mint(own), 403, nil},
		{"step-up", exchange, "GET", "/vault", a.Mint(own), 401, []string{`error="insufficient_user_authentication"`, `acr_values="mfa"`}},
		{"step-up of a token that is handed on", handed, "GET", "/vault", a.Mint(shared), 401, []string{`acr_values="mfa"`}},
		{"an audience that does not fit", handed, "GET", "/items", a.Mint(own), 502, nil},
		{"an unknown target", wrongTarget, "GET", "/items", a.Mint(own), 502, nil},
		{"a wrong client secret", exchangeAt(t, a, client.ExchangeConfig{Endpoint: wrongClient}), "GET", "/items", a.Mint(own), 502, nil},
		{"an anonymous request", exchange, "GET", "/optional/items", "", 401, []string{"Bearer realm"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrders(t, a, s, tt.source)
			resp, _ := o.send(t, tt.method, tt.path, tt.token)
			challenge := strings.Join(resp.Header.Values("WWW-Authenticate"), ", ")
			if resp.StatusCode != tt.status || (challenge == "") != (tt.challenge == nil) {
				t.Errorf("%d, %s; want %d; %v", resp.StatusCode, challenge, tt.status, o.last)
			}
			for _, part := range tt.challenge {
				if !strings.Contains(challenge, part) {
					t.Errorf("challenge %s, want %s", challenge, part)
				}
			}
			if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Retry-After") != "" {
				t.Errorf("%v", resp.Header)
			}
			if tt.token == "" {
				if strings.Contains(challenge, "error=") {
					t.Errorf("an error code without credentials (RFC 6750, Section 3.1): %s", challenge)
				}
				return
			}
			// The log has the cause, and nothing has the token.
			if logged := fmt.Sprint(o.logs); (tt.status != 502) != strings.Contains(logged, "client: ") || strings.Contains(logged, tt.token) {
				t.Errorf("logged %s", logged)
			}
		})
	}
	t.Run("a DPoP client", func(t *testing.T) {
		o := newOrders(t, a, s, exchange)
		resp, _ := o.do(t, boundRequest(t, a, "/vault"))
		list, err := client.ParseChallenges(resp.Header.Values("WWW-Authenticate"))
		if err != nil || resp.StatusCode != 401 || len(list) != 2 {
			t.Fatalf("%d, %v, %v", resp.StatusCode, list, err)
		}
		for _, c := range list { // RFC 9449, Section 7.2: the error is in the challenge of the scheme that was used
			if acr, _ := c.Param("acr_values"); (acr == "mfa") != c.Is("DPoP") {
				t.Errorf("%v", c)
			}
		}
	})
	t.Run("an outage of the issuer", func(t *testing.T) {
		o := newOrders(t, a, s, exchangeAt(t, a, readStock))
		a.SetFault(exchangeEndpoint, bearertest.Fault{Status: 503})
		defer a.SetFault(exchangeEndpoint, bearertest.Fault{})
		resp, _ := o.send(t, "GET", "/items", a.Mint(own))
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || resp.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%d, %v", resp.StatusCode, resp.Header)
		}
	})
	t.Run("an API that cannot be reached", func(t *testing.T) {
		gone := httptest.NewServer(nil)
		gone.Close()
		o := newOrders(t, a, &stock{url: gone.URL}, exchange)
		if resp, _ := o.send(t, "GET", "/items", a.Mint(own)); resp.StatusCode != 502 {
			t.Errorf("%d", resp.StatusCode)
		}
	})
}

// The answer to each error. The principal has the scope stock:read.
func TestAnswer(t *testing.T) {
	p := alice
	p.Scopes = scope.Of("stock:read")
	verifier := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &p, nil })
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{verifier}})
	if err != nil {
		t.Fatal(err)
	}
	refusals, err := client.NewRefusals(guard, scope.Of("stock:read", "stock:write"))
	if err != nil {
		t.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	cause := errors.New("token-1")
	tests := []struct {
		name   string
		err    error
		status int
		header string // Retry-After, or a part of the challenge
	}{
		{"another error", errors.New("x"), 502, ""},
		{"no token", &client.Error{Remedy: client.SignIn, Err: cause}, 401, "invalid_token"},
		{"no token and no cause", &client.Error{Remedy: client.SignIn}, 401, "invalid_token"},
		{"refused, and the issuer refuses an exchange", &client.Error{Remedy: client.SignIn, Status: 401, Err: cause}, 401, "invalid_token"},
		{"two exchanged tokens refused", &client.Error{Remedy: client.SignIn, Status: 401}, 502, ""},
		{"the context was lost", &client.Error{Remedy: client.SignIn, Err: fmt.Errorf("x: %w", client.ErrNoSubject)}, 502, ""},
		{"step-up with an age", &client.Error{Remedy: client.StepUpLogin, StepUp: &client.StepUp{MaxAge: time.Minute}}, 401, `max_age="60"`},
		{"step-up, at once", &client.Error{Remedy: client.StepUpLogin, StepUp: &client.StepUp{}}, 401, `max_age="1"`},
		{"step-up without a value", &client.Error{Remedy: client.StepUpLogin, StepUp: &client.StepUp{MaxAge: -1}}, 403, ""},
		{"step-up that the issuer asks for", &client.Error{Remedy: client.StepUpLogin}, 403, ""},
		{"step-up with a forged value", &client.Error{Remedy: client.StepUpLogin, StepUp: &client.StepUp{ACRValues: []string{`x", scope="y`}, MaxAge: -1}}, 403, ""},
		{"more scope", &client.Error{Remedy: client.AskForScope, Scope: scope.Of("stock:write", "secret")}, 403, `scope="stock:write"`},
		{"a scope that the token has", &client.Error{Remedy: client.AskForScope, Scope: scope.Of("stock:read")}, 403, ""},
		{"a scope of others", &client.Error{Remedy: client.AskForScope, Scope: scope.Of("secret")}, 403, ""},
		{"an outage", &client.Error{Remedy: client.Unavailable}, 503, "1"},
		{"an outage with a time", &client.Error{Remedy: client.Unavailable, RetryAfter: 1500 * time.Millisecond}, 503, "2"},
		{"too many requests", &client.Error{Remedy: client.Wait, Status: 429, RetryAfter: time.Minute}, 503, "60"},
		{"a mistake", &client.Error{Remedy: client.FixRequest}, 502, ""},
		{"a body", &client.Error{Remedy: client.SendAgain}, 502, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", ordersAPI, nil)
			r.Header.Set("Authorization", "Bearer inbound")
			r, ok := route.Admit(httptest.NewRecorder(), r)
			if !ok {
				t.Fatal("refused")
			}
			recorder := httptest.NewRecorder()
			refusals.Answer(recorder, r, fmt.Errorf("wrapped: %w", tt.err))
			h := recorder.Result().Header
			challenge := h.Get("WWW-Authenticate")
			if recorder.Code != tt.status || (tt.header == "") != (challenge == "" && h.Get("Retry-After") == "") || !strings.Contains(challenge+h.Get("Retry-After"), tt.header) {
				t.Errorf("%d, %v; want %d, %s", recorder.Code, h, tt.status, tt.header)
			}
			if strings.Contains(recorder.Body.String(), "refused the call") != (tt.status == 502) {
				t.Errorf("%d: the body is %s", recorder.Code, recorder.Body)
			}
			if text := fmt.Sprint(recorder.Body, h); strings.Contains(text, "secret") || strings.Contains(text, "token-1") || strings.Contains(text, `scope="y`) {
				t.Errorf("the client learns %s", text)
			}
		})
	}
}

// A mistake of the program is no fault of an anonymous client.
func TestAnswerToAnonymousRequest(t *testing.T) {
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearertest.Principals{}}})
	if err != nil {
		t.Fatal(err)
	}
	refusals, err := client.NewRefusals(guard, scope.Set{})
	if err != nil {
		t.Fatal(err)
	}
	for remedy, status := range map[client.Remedy]int{client.FixRequest: 502, client.Unavailable: 503, client.SignIn: 401} {
		recorder := httptest.NewRecorder()
		refusals.Answer(recorder, httptest.NewRequestWithContext(t.Context(), "GET", ordersAPI, nil), &client.Error{Remedy: remedy, Err: client.ErrNoSubject})
		if recorder.Code != status {
			t.Errorf("%s: %d, want %d", remedy, recorder.Code, status)
		}
	}
}

// The guard judges the token again if the call took long. The proof counts as used
// only after the cause of the refusal (C21), so the answer stays the same.
func TestAnswerAfterAWhile(t *testing.T) {
	for _, wait := range []time.Duration{0, 9 * time.Second, 11 * time.Second, 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			key := newKey(t)
			p := alice
			var err error
			if p.Confirmation.JKT, err = dpop.Thumbprint(key.Public()); err != nil {
				t.Fatal(err)
			}
			proofs, err := dpop.New(dpop.Config{Origin: ordersAPI})
			if err != nil {
				t.Fatal(err)
			}
			guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearertest.Principals{"inbound": p}}, Proofs: proofs})
			if err != nil {
				t.Fatal(err)
			}
			refusals, err := client.NewRefusals(guard, scope.Set{})
			if err != nil {
				t.Fatal(err)
			}
			proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: "GET", URL: ordersAPI, AccessToken: "inbound"})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), "GET", ordersAPI, nil)
			r.Header.Set("Authorization", "DPoP inbound")
			r.Header.Set("DPoP", proof)
			r, ok := guard.MustRoute(bearer.RouteConfig{Rule: scope.None}).Admit(httptest.NewRecorder(), r)
			if !ok {
				t.Fatal("refused")
			}
			time.Sleep(wait)
			recorder := httptest.NewRecorder()
			refusals.Answer(recorder, r, &client.Error{Remedy: client.StepUpLogin, StepUp: &client.StepUp{ACRValues: []string{"mfa"}, MaxAge: -1}})
			if got := fmt.Sprint(recorder.Result().Header.Values("WWW-Authenticate")); recorder.Code != 401 || !strings.Contains(got, `error="insufficient_user_authentication"`) {
				t.Errorf("after %v: %d %s", wait, recorder.Code, got)
			}
		})
	}
}
