package interop_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const stockAudience = "https://stock.example.com"

// GetPrivateClaimsFromTokenExchangeRequest implements op.TokenExchangeStorage. The
// example's own puts neither the scope nor the actor into exchanged access tokens.
func (s *zitadelStorage) GetPrivateClaimsFromTokenExchangeRequest(_ context.Context, r op.TokenExchangeRequest) (map[string]any, error) {
	claims := zitadelRoles(r.GetScopes())
	claims["scope"] = strings.Join(r.GetScopes(), " ")
	if actor := r.GetExchangeActor(); actor != "" {
		claims["act"] = map[string]string{"sub": actor}
	}
	return claims, nil
}

// front is an API that calls another one for its own clients.
type front struct {
	url    string
	last   atomic.Pointer[error]
	inside atomic.Pointer[string] // the token that the called API got
}

// newFront returns an API for the tokens of the OP's client web. It passes GET
// /orders on to the called API, with tokens of the source.
func newFront(t *testing.T, o *zitadelOP, called string, source client.Source) *front {
	t.Helper()
	f := new(front)
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: o.issuer, Audience: []string{zitadelWeb.id}, Profile: jwks.Zitadel()}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}})
	if err != nil {
		t.Fatal(err)
	}
	refusals, err := client.NewRefusals(guard, scope.Set{})
	if err != nil {
		t.Fatal(err)
	}
	transport, err := client.New(client.Config{Tokens: source, Resource: called, Base: spy{&f.inside}, MaxWait: -1})
	if err != nil {
		t.Fatal(err)
	}
	inner := &http.Client{Transport: transport}
	server := httptest.NewServer(bearerhttp.Require(guard, scope.None)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, called+"/orders", nil)
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := inner.Do(req)
		f.last.Store(&err)
		if err != nil {
			refusals.Answer(w, r, err)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	})))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// spy notes the token of each request.
type spy struct{ token *atomic.Pointer[string] }

func (s spy) RoundTrip(r *http.Request) (*http.Response, error) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.token.Store(&token)
	return http.DefaultTransport.RoundTrip(r)
}

func (f *front) get(t *testing.T, token string) (status int, h http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// RFC 8693 with the OP of zitadel: the called API accepts the exchanged token, which
// is for that API, has fewer scopes and names the actor.
func TestZitadelTokenExchange(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	stock := zitadelAPI(t, o, jwks.Zitadel(), stockAudience)
	web := client.Endpoint{URL: o.endpoint("/oauth/token"), Issuer: o.issuer, ClientID: zitadelWeb.id, ClientSecret: zitadelWeb.secret}
	actor, err := client.NewClientCredentials(client.ClientCredentialsConfig{
		Endpoint: client.Endpoint{URL: web.URL, ClientID: zitadelM2M.id, ClientSecret: zitadelM2M.secret}, Scope: scope.Of("orders:read"),
	})
	if err != nil {
		t.Fatal(err)
	}
	exchange := func(change func(*client.ExchangeConfig)) *client.Exchange {
		t.Helper()
		c := client.ExchangeConfig{Endpoint: web, Audience: []string{stockAudience}, Resource: stockAudience, Scope: scope.Of("orders:read"), Actor: actor}
		if change != nil {
			change(&c)
		}
		source, err := client.NewExchange(c)
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	user := o.codeFlow(t, zitadelWeb, "openid profile orders:read orders:write")
	stock.refuses(t, user.Access, "aud")

	f := newFront(t, o, stock.url, exchange(nil))
	for range 2 {
		if status, _ := f.get(t, user.Access); status != 200 {
			t.Fatalf("%d: %v", status, *f.last.Load())
		}
	}
	exchanged := *f.inside.Load()
	t.Logf("%v %v", headerOf(exchanged), claimsOf(exchanged))
	got := stock.accepts(t, "/orders", exchanged)
	if got.Subject != "id1" || got.ClientID != "web" || !slices.Equal(got.Audience, []string{stockAudience}) || got.Scopes != "orders:read" {
		t.Errorf("%+v", got)
	}
	if act, _ := claimsOf(exchanged)["act"].(map[string]any); act["sub"] != zitadelM2M.id {
		t.Errorf("act %v, want the subject %s", act, zitadelM2M.id)
	}
	if status, _ := f.get(t, exchanged); status != 401 {
		t.Errorf("the front API accepts the called API's token: %d", status)
	}

	relayed, err := client.NewRelay(client.RelayConfig{Issuers: []string{o.issuer}, Audience: stockAudience})
	if err != nil {
		t.Fatal(err)
	}
	withoutScope := exchange(func(c *client.ExchangeConfig) { c.Scope = scope.Of("openid") })
	for _, tt := range []struct {
		name   string
		source client.Source
		status int
		remedy client.Remedy // empty: none
	}{
		{"the API asks for the scope", withoutScope, 200, ""},
		{"the token may not be handed on", relayed, 502, client.FixRequest},
		{"another audience", exchange(func(c *client.ExchangeConfig) { c.Audience = []string{"other"} }), 502, client.SignIn},
		{"a wrong secret", exchange(func(c *client.ExchangeConfig) { c.Endpoint.ClientSecret = "wrong" }), 502, client.FixRequest},
		{"an actor that the OP does not know", exchange(func(c *client.ExchangeConfig) { c.Actor = client.FromTokenSource(staticToken("forged")) }), 401, client.SignIn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFront(t, o, stock.url, tt.source)
			status, _ := f.get(t, user.Access)
			err := *f.last.Load()
			refused, _ := errors.AsType[*client.Error](err)
			if status != tt.status || (refused == nil) != (tt.remedy == "") || refused != nil && refused.Remedy != tt.remedy {
				t.Errorf("%d, %v; want %d, %s", status, err, tt.status, tt.remedy)
			}
		})
	}
}

// An outage of the OP is 503, and the front API recovers.
func TestZitadelTokenExchangeOutage(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	stock := zitadelAPI(t, o, jwks.Zitadel(), stockAudience)
	source, err := client.NewExchange(client.ExchangeConfig{
		Endpoint: client.Endpoint{URL: o.endpoint("/oauth/token"), Issuer: o.issuer, ClientID: zitadelWeb.id, ClientSecret: zitadelWeb.secret},
		Audience: []string{stockAudience}, Scope: scope.Of("orders:read"),
	})
	if err != nil {
		t.Fatal(err)
	}
	f := newFront(t, o, stock.url, source)
	first, second := o.codeFlow(t, zitadelWeb, "openid").Access, o.codeFlow(t, zitadelWeb, "openid profile").Access
	if status, _ := f.get(t, first); status != 200 {
		t.Fatalf("%d: %v", status, *f.last.Load())
	}
	o.stop()
	if status, _ := f.get(t, first); status != 200 {
		t.Errorf("a cached token: %d, %v", status, *f.last.Load())
	}
	if status, h := f.get(t, second); status != 503 || h.Get("Retry-After") == "" || h.Get("WWW-Authenticate") != "" {
		t.Errorf("%d, %v, %v", status, h, *f.last.Load())
	}
	o.restart(t)
	eventually(t, 5*time.Second, "the exchange works again", func() bool {
		status, _ := f.get(t, second)
		return status == 200
	})
}

func staticToken(token string) oauth2.TokenSource {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
}
