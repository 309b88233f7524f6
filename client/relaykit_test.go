package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// The identifiers of the API that is called first, and of the one that it calls.
const (
	ordersAPI = "https://orders.example.com"
	stockAPI  = "https://stock.example.com"
)

// authority is an issuer whose token endpoint exchanges tokens (RFC 8693).
type authority struct {
	*bearertest.Issuer
	verifier *jwks.Verifier // of tokens for the orders API

	mu      sync.Mutex
	forms   []map[string]string
	revoked map[string]bool
}

// newAuthority serves an issuer on loopback.
func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{revoked: map[string]bool{}}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{URL: server.URL, Audience: []string{ordersAPI}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	a.Issuer = issuer
	mux.Handle("/", issuer)
	mux.Handle("POST /exchange", issuer.WithFaults(exchangeEndpoint, http.HandlerFunc(a.exchange)))
	a.verifier = a.trust(t, ordersAPI)
	return a
}

const exchangeEndpoint bearertest.Endpoint = "exchange"

// trust returns a verifier of the authority's tokens for an audience.
func (a *authority) trust(t *testing.T, audience string) *jwks.Verifier {
	t.Helper()
	v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: a.URL(), Audience: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// exchange issues a token for the resource, on behalf of the subject. It grants the
// scopes of the stock API to every user of the orders API.
func (a *authority) exchange(w http.ResponseWriter, r *http.Request) {
	refuse := func(code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "no"})
	}
	form := map[string]string{}
	_ = r.ParseForm()
	for name, values := range r.PostForm {
		form[name] = strings.Join(values, "|")
	}
	a.mu.Lock()
	a.forms = append(a.forms, form)
	revoked := a.revoked[form["subject_token"]]
	a.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	p, err := a.verifier.Verify(r.Context(), form["subject_token"])
	switch {
	case id != "orders-api" || secret != "secret":
		refuse("invalid_client")
	case form["grant_type"] != "urn:ietf:params:oauth:grant-type:token-exchange" ||
		form["subject_token_type"] != "urn:ietf:params:oauth:token-type:access_token" ||
		form["requested_token_type"] != "urn:ietf:params:oauth:token-type:access_token" || err != nil || revoked:
		refuse("invalid_request")
	case form["resource"] != stockAPI:
		refuse("invalid_target")
	case strings.Contains(form["scope"], "admin"):
		refuse("invalid_scope")
	default:
		token := a.Mint(bearertest.Token{Subject: p.Subject, ClientID: id, Audience: []string{stockAPI}, Scope: form["scope"], Claims: map[string]any{"act": map[string]string{"sub": id}}})
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"access_token": token, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer", "expires_in": 3600, "scope": form["scope"],
		})
	}
}

func (a *authority) revoke(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoked[token] = true
}

func (a *authority) exchanges() int { return a.Requests(exchangeEndpoint) }

// endpoint is the client that the orders API is at the authority.
func (a *authority) endpoint() client.Endpoint {
	return client.Endpoint{URL: a.URL() + "/exchange", Issuer: a.URL(), ClientID: "orders-api", ClientSecret: "secret"}
}

// called is what the stock API saw of a request.
type called struct {
	Token, Subject, Scope string
	Audience              []string
	Actor                 string
}

// stock is the API that is called.
type stock struct {
	url  string
	mu   sync.Mutex
	seen []string // the tokens of all requests, also of refused ones
}

// newStock serves an API on loopback that trusts the authority.
func newStock(t *testing.T, a *authority) *stock {
	t.Helper()
	s := new(stock)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{a.trust(t, stockAPI)}})
	if err != nil {
		t.Fatal(err)
	}
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := bearer.FromContext(r.Context())
		claims, err := bearer.ClaimsOf[struct {
			Act struct {
				Sub string `json:"sub"`
			} `json:"act"`
		}](r.Context())
		if err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(called{strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), p.Subject, p.Scopes.String(), p.Audience(), claims.Act.Sub})
	})
	mux := http.NewServeMux()
	mux.Handle("GET /items", bearerhttp.Require(guard, scope.All("stock:read"))(ok))
	mux.Handle("DELETE /items", bearerhttp.Require(guard, scope.All("stock:write"))(ok))
	mux.Handle("GET /admin", bearerhttp.Require(guard, scope.All("admin"))(ok))
	mux.Handle("GET /vault", bearerhttp.Require(guard, scope.None, bearer.StepUp{ACR: []string{"mfa"}})(ok))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		s.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *stock) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

// ordersServer is the API that calls the stock API for its own clients.
type ordersServer struct {
	http.Handler
	guard *bearer.Guard

	mu   sync.Mutex
	last error // of the last call
	logs []bearer.Event
}

// newOrders returns an API that passes requests on to the stock API, by a source.
func newOrders(t *testing.T, a *authority, s *stock, source client.Source) *ordersServer {
	t.Helper()
	o := new(ordersServer)
	proofs, err := dpop.New(dpop.Config{Origin: ordersAPI})
	if err != nil {
		t.Fatal(err)
	}
	o.guard, err = bearer.New(bearer.Config{Verifiers: []bearer.Verifier{a.verifier}, Proofs: proofs, OnRefusal: func(_ *http.Request, e bearer.Event) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.logs = append(o.logs, e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	transport, err := client.New(client.Config{Tokens: source, Resource: s.url})
	if err != nil {
		t.Fatal(err)
	}
	refusals, err := client.NewRefusals(o.guard, scope.Of("orders:read", "stock:write"))
	if err != nil {
		t.Fatal(err)
	}
	stockClient := &http.Client{Transport: transport}
	pass := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got called
		err := call(r.Context(), stockClient, r.Method, s.url+r.URL.Path, &got)
		o.mu.Lock()
		o.last = err
		o.mu.Unlock()
		if err != nil {
			refusals.Answer(w, r, err)
			return
		}
		_ = json.NewEncoder(w).Encode(got)
	})
	optional, err := o.guard.Route(bearer.RouteConfig{Rule: scope.None, Optional: true})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", bearerhttp.Require(o.guard, scope.None)(pass))
	mux.Handle("/optional/items", http.StripPrefix("/optional", bearerhttp.Protect(optional)(pass)))
	o.Handler = mux
	return o
}

func call(ctx context.Context, c *http.Client, method, url string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}

// send sends a request of a client to the orders API.
func (o *ordersServer) send(t *testing.T, method, path, token string) (*http.Response, called) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, ordersAPI+path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return o.do(t, r)
}

func (o *ordersServer) do(t *testing.T, r *http.Request) (*http.Response, called) {
	t.Helper()
	recorder := httptest.NewRecorder()
	o.ServeHTTP(recorder, r)
	var got called
	if recorder.Code == http.StatusOK {
		if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
	}
	return recorder.Result(), got
}

// refusal is the error of the last call.
func (o *ordersServer) refusal(t *testing.T) *client.Error {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	return asError(t, o.last)
}

// admit returns the context of a request with a token that a guard admitted for p.
func admit(t testing.TB, p bearer.Principal, token string) context.Context {
	t.Helper()
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		return &p, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", ordersAPI, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	admitted, ok := guard.MustRoute(bearer.RouteConfig{Rule: scope.None}).Admit(httptest.NewRecorder(), r)
	if !ok {
		t.Fatal("the guard refuses the token")
	}
	return admitted.Context()
}
