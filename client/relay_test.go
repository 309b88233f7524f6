package client_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

func asError(t *testing.T, err error) *client.Error {
	t.Helper()
	refused, ok := errors.AsType[*client.Error](err)
	if !ok {
		t.Fatalf("%T %v, want a *client.Error", err, err)
	}
	return refused
}

func relay(t *testing.T, c client.RelayConfig) *client.Relay {
	t.Helper()
	s, err := client.NewRelay(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Checklist 2.8, RFC 9700, Section 2.3: a token reaches only an API that it was meant
// for. The called API never sees any other token.
func TestRelay(t *testing.T) {
	a := newAuthority(t)
	s := newStock(t, a)
	o := newOrders(t, a, s, relay(t, client.RelayConfig{Issuers: []string{a.URL()}, Audience: stockAPI}))
	tests := []struct {
		name  string
		token bearertest.Token
		fault string // empty: handed on
	}{
		{"for both APIs", bearertest.Token{Audience: []string{ordersAPI, stockAPI}}, ""},
		{"for this API only", bearertest.Token{}, `for the audience ["https://orders.example.com"], want "https://stock.example.com"`},
		{"a slash at the end", bearertest.Token{Audience: []string{ordersAPI, stockAPI + "/"}}, "the audience"},
		{"another case", bearertest.Token{Audience: []string{ordersAPI, "https://Stock.example.com"}}, "the audience"},
		{"another case of the scheme", bearertest.Token{Audience: []string{ordersAPI, "HTTPS://stock.example.com"}}, "the audience"},
		{"userinfo", bearertest.Token{Audience: []string{ordersAPI, "https://a@stock.example.com"}}, "the audience"},
		{"the default port", bearertest.Token{Audience: []string{ordersAPI, stockAPI + ":443"}}, "the audience"},
		{"a longer host", bearertest.Token{Audience: []string{ordersAPI, stockAPI + ".evil.example"}}, "the audience"},
		{"a path", bearertest.Token{Audience: []string{ordersAPI, stockAPI + "/items"}}, "the audience"},
		{"a space", bearertest.Token{Audience: []string{ordersAPI, stockAPI + " "}}, "the audience"},
		{"both in one string", bearertest.Token{Audience: []string{ordersAPI, ordersAPI + " " + stockAPI}}, "the audience"},
		{"the URL of the socket", bearertest.Token{Audience: []string{ordersAPI, s.url}}, "the audience"},
		{"many audiences", bearertest.Token{Audience: append(strings.Split(strings.Repeat("x ", 20), " "), ordersAPI)}, "and 14 more"},
		{"eight audiences", bearertest.Token{Audience: []string{"1", "2", "3", "4", "5", "6", "7", ordersAPI}}, `"7" "https://orders.example.com"], want`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.token.Scope = "stock:read"
			token, before := a.Mint(tt.token), s.requests()
			resp, got := o.send(t, "GET", "/items", token)
			if tt.fault == "" {
				if resp.StatusCode != 200 || got.Token != token || got.Subject != "alice" {
					t.Errorf("%d, %+v", resp.StatusCode, got)
				}
				return
			}
			e := o.refusal(t)
			if n := strings.Count(e.Error(), `"x"`); n > 8 {
				t.Errorf("the error lists %d audiences: %v", n, e)
			}
			if e.Remedy != client.FixRequest || !strings.Contains(e.Error(), tt.fault) || !strings.Contains(e.Error(), "RelayConfig.Exchange") || strings.Contains(e.Error(), token) {
				t.Errorf("%v, want %s", e, tt.fault)
			}
			if resp.StatusCode != 502 || s.requests() != before {
				t.Errorf("%d, and the called API saw %d requests", resp.StatusCode, s.requests()-before)
			}
		})
	}
}

// A bound token is never handed on: only the caller can make proofs for it.
func TestRelayBoundToken(t *testing.T) {
	a := newAuthority(t)
	s := newStock(t, a)
	o := newOrders(t, a, s, relay(t, client.RelayConfig{Issuers: []string{a.URL()}, Audience: stockAPI}))
	key := newKey(t)
	jkt, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	token := a.Mint(bearertest.Token{Audience: []string{ordersAPI, stockAPI}, Scope: "stock:read", Claims: map[string]any{"cnf": map[string]string{"jkt": jkt}}})
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: "GET", URL: ordersAPI + "/items", AccessToken: token})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", ordersAPI+"/items", nil)
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", proof)
	resp, _ := o.do(t, r)
	if e := o.refusal(t); e.Remedy != client.FixRequest || !strings.Contains(e.Error(), "bound to a key") || s.requests() != 0 {
		t.Errorf("%d, %v; the called API saw %d requests", resp.StatusCode, e, s.requests())
	}
}

// RFC 8705, Section 3: such a token has the type Bearer, and is bound nevertheless.
func TestRelayCertificateBoundToken(t *testing.T) {
	certificate := &x509.Certificate{Raw: []byte("a certificate")}
	sum := sha256.Sum256(certificate.Raw)
	p := alice.WithAudience(ordersAPI, stockAPI)
	p.Confirmation.X5TS256 = base64.RawURLEncoding.EncodeToString(sum[:])
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearertest.Principals{"inbound": p}}, Certificates: new(bearer.Certificates)})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", ordersAPI, nil)
	r.Header.Set("Authorization", "Bearer inbound")
	r.TLS = &tls.ConnectionState{HandshakeComplete: true, PeerCertificates: []*x509.Certificate{certificate}}
	r, ok := guard.MustRoute(bearer.RouteConfig{Rule: scope.None}).Admit(httptest.NewRecorder(), r)
	if !ok {
		t.Fatal("the guard refuses the token")
	}
	token, err := relay(t, client.RelayConfig{Issuers: []string{alice.Issuer}}).Token(r.Context(), client.Want{Resource: stockAPI})
	if err == nil || !strings.Contains(err.Error(), "bound to a key or certificate") {
		t.Errorf("%v, %v", token, err)
	}
}

// What a Relay asks of the context, the issuer and the want.
func TestRelayToken(t *testing.T) {
	good := bearer.Principal{Issuer: "https://login.example.com", Subject: "alice", Scopes: scope.Of("stock:read")}.WithAudience(ordersAPI, stockAPI)
	other, hour := good, good
	other.Issuer = "https://other.example.com"
	hour.Expires = time.Now().Add(time.Hour)
	unbound := good
	unbound.Issuer = "https://login.example.com/"
	ctx := admit(t, good, "token-1")
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &good, nil })}})
	if err != nil {
		t.Fatal(err)
	}
	inner := httptest.NewRequestWithContext(ctx, "GET", ordersAPI, nil)
	inner, ok := guard.MustRoute(bearer.RouteConfig{Rule: scope.None, Optional: true}).Admit(httptest.NewRecorder(), inner)
	if !ok {
		t.Fatal("the inner guard refuses an anonymous request")
	}
	tests := []struct {
		name   string
		ctx    context.Context
		want   client.Want
		remedy client.Remedy // empty: handed on
		is     error
	}{
		{"good", ctx, client.Want{}, "", nil},
		{"expires in an hour", admit(t, hour, "token-1"), client.Want{}, "", nil},
		{"a scope that it has", ctx, client.Want{Scope: scope.Of("stock:read")}, "", nil},
		{"work that goes on after the request", context.WithoutCancel(ctx), client.Want{}, "", nil},
		{"another scope", ctx, client.Want{Scope: scope.Of("stock:write")}, client.AskForScope, client.ErrNoMoreScope},
		{"refused", ctx, client.Want{Refused: "token-1"}, client.SignIn, client.ErrNoFreshToken},
		{"step-up", ctx, client.Want{StepUp: &client.StepUp{}}, client.StepUpLogin, client.ErrNoStepUp},
		{"another issuer", admit(t, other, "token-1"), client.Want{}, client.FixRequest, nil},
		{"a look-alike issuer", admit(t, unbound, "token-1"), client.Want{}, client.FixRequest, nil},
		{"no request", t.Context(), client.Want{}, client.SignIn, client.ErrNoSubject},
		{"a principal without a token", bearer.NewContext(t.Context(), good), client.Want{}, client.SignIn, client.ErrNoSubject},
		{"another principal in an admitted request", bearer.NewContext(ctx, good), client.Want{}, client.SignIn, client.ErrNoSubject},
		{"anonymous at an inner guard", inner.Context(), client.Want{}, client.SignIn, client.ErrNoSubject},
	}
	source := relay(t, client.RelayConfig{Issuers: []string{"https://login.example.com"}})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Resource = stockAPI
			token, err := source.Token(tt.ctx, tt.want)
			if tt.remedy == "" {
				if err != nil || token.AccessToken != "token-1" || token.TokenType != "Bearer" {
					t.Errorf("%v, %v", token, err)
				}
				return
			}
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) {
				t.Fatalf("%v, %v; want %v", token, err, tt.is)
			}
			// The Transport says what can be done, and asks only once.
			api := &fakeAPI{answer: nil}
			_, e := do(t, newTransport(t, api, client.Config{Tokens: fixedWant{source, tt.want}, Resource: stockAPI}), get(t, stockAPI).WithContext(tt.ctx))
			if e == nil || e.Remedy != tt.remedy || len(api.seen) != 0 {
				t.Errorf("%v, want %s", e, tt.remedy)
			}
		})
	}
}

// fixedWant asks a source for one want.
type fixedWant struct {
	*client.Relay
	want client.Want
}

func (s fixedWant) Token(ctx context.Context, _ client.Want) (*oauth2.Token, error) {
	return s.Relay.Token(ctx, s.want)
}

// A token that expires while the handler runs is neither handed on nor exchanged.
func TestSubjectExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bearer.Principal{Issuer: "https://login.example.com", Expires: time.Now().Add(time.Minute)}.WithAudience(stockAPI)
		ctx := admit(t, p, "token-1")
		server := &server{answer: exchanged("Bearer", 3600)}
		exchange := newExchange(t, server, client.ExchangeConfig{})
		handed := relay(t, client.RelayConfig{Issuers: []string{"https://login.example.com"}, Exchange: exchange})
		for _, source := range []client.Source{handed, exchange} {
			token, err := source.Token(ctx, client.Want{Resource: stockAPI})
			if err != nil || !token.Expiry.Equal(p.Expires) {
				t.Errorf("%T: %v, %v; want a token until %v", source, token, err, p.Expires)
			}
		}
		time.Sleep(time.Minute)
		for _, source := range []client.Source{handed, exchange} {
			if token, err := source.Token(ctx, client.Want{Resource: stockAPI}); err == nil || !strings.Contains(err.Error(), "has expired") {
				t.Errorf("%T: %v, %v", source, token, err)
			}
		}
		if len(server.forms) != 1 {
			t.Errorf("%d exchanges, want 1", len(server.forms))
		}
	})
}

// All mistakes at once.
func TestMistakesOfRelays(t *testing.T) {
	bound, err := client.NewExchange(client.ExchangeConfig{Endpoint: client.Endpoint{URL: tokenURL, ClientID: "app", Issuer: "x", Key: newKey(t)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		build func() error
		want  []string
	}{
		{func() error { _, err := client.NewRelay(client.RelayConfig{Exchange: bound}); return err }, []string{"Issuers is empty", "Exchange has a Key"}},
		{func() error { _, err := client.NewRelay(client.RelayConfig{Issuers: []string{""}}); return err }, []string{"empty string"}},
		{func() error {
			_, err := client.NewExchange(client.ExchangeConfig{Audience: []string{""}, Resource: "x", OmitResource: true, Actor: relay(t, client.RelayConfig{Issuers: []string{"x"}})})
			return err
		}, []string{"Endpoint.URL", "Endpoint.ClientID", "Issuers and Endpoint.Issuer are empty", "Audience contains", "both set", "Actor is a source"}},
		{func() error { _, err := client.NewExchange(client.ExchangeConfig{Issuers: []string{""}}); return err }, []string{"Issuers contains"}},
		{func() error { _, err := client.NewRefusals(nil, scope.Set{}); return err }, []string{"without a guard"}},
	} {
		err := tt.build()
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant %q", err, want)
			}
		}
	}
}

// Nested guards with different tokens: the token and the principal are those of the
// innermost guard, so that no audience is checked for another token.
func TestRelayBehindNestedGuards(t *testing.T) {
	forBoth := bearer.Principal{Issuer: alice.Issuer, Subject: "alice"}.WithAudience(ordersAPI, stockAPI)
	verifier := bearertest.Principals{"for-both": forBoth, "for-orders": alice}
	admitBy := func(r *http.Request, source bearer.TokenSource) *http.Request {
		t.Helper()
		guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{verifier}, Sources: []bearer.TokenSource{source}})
		if err != nil {
			t.Fatal(err)
		}
		next, ok := guard.MustRoute(bearer.RouteConfig{Rule: scope.None}).Admit(httptest.NewRecorder(), r)
		if !ok {
			t.Fatal("refused")
		}
		return next
	}
	source := relay(t, client.RelayConfig{Issuers: []string{alice.Issuer}})
	for _, tt := range []struct {
		outer, inner string
		ok           bool
	}{{"for-both", "for-orders", false}, {"for-orders", "for-both", true}} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", ordersAPI, nil)
		r.Header.Set("Authorization", "Bearer "+tt.outer)
		r.Header.Set("X-Token", tt.inner)
		r = admitBy(admitBy(r, bearer.FromAuthorization()), bearer.FromHeader("X-Token"))
		token, err := source.Token(r.Context(), client.Want{Resource: stockAPI})
		if (err == nil) != tt.ok || tt.ok && token.AccessToken != tt.inner {
			t.Errorf("%s in %s: %v, %v", tt.inner, tt.outer, token, err)
		}
	}
}
