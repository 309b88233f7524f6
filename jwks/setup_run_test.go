package jwks_test

import (
	"log"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// setups are the configurations of the docs by shape.
func setups() map[bearertest.Shape]jwks.Issuer {
	return map[bearertest.Shape]jwks.Issuer{
		bearertest.Keycloak: keycloak(), bearertest.EntraID: entraID(), bearertest.EntraIDv1: entraIDv1(), bearertest.Auth0: auth0(),
		bearertest.Okta: okta(), bearertest.Cognito: cognito(), bearertest.AzureADB2C: azureADB2C(), bearertest.Firebase: firebase(),
		bearertest.Zitadel: zitadel(), bearertest.Hydra: hydra(), bearertest.Duende: duende(), bearertest.Spring: spring(),
		bearertest.Glewlwyd: glewlwyd(), bearertest.PingFederate: pingFederate(), bearertest.ADFS: adfs(), bearertest.Google: google(),
		bearertest.GitHubActions: gitHubActions(), bearertest.Kubernetes: kubernetes(), bearertest.SPIFFE: spiffe(),
		bearertest.GoogleIAP: googleIAP(), bearertest.CloudflareAccess: cloudflareAccess(),
	}
}

// asSetUp returns a token of a shape as the issuer of a configuration sends it to
// the API.
func asSetUp(s bearertest.Shape, c jwks.Issuer) bearertest.Token {
	token := bearertest.Token{
		Shape: s, Audience: c.Audience[:1], Scope: "orders:read", Roles: []string{"admin"}, Claims: map[string]any{"iss": c.URL},
	}
	if s == bearertest.GitHubActions { // the subject of a repository created since July 2026
		token.Subject = "repo:acme@9919/shop@74:ref:refs/heads/main"
	}
	return token
}

// Each configuration of the docs is accepted by New, and accepts the tokens of its
// issuer, with its iss and its audience. It refuses tokens of another audience,
// tokens of another tenant, and for workloads, those of strangers.
func TestSetups(t *testing.T) {
	all := setups()
	if got, want := slices.Sorted(maps.Keys(all)), bearertest.Shapes()[1:]; !slices.Equal(got, want) {
		t.Fatalf("configurations of %q; want %q", got, want)
	}
	kit := newIssuer(t, bearertest.IssuerConfig{InMemory: true})
	for s, c := range all {
		newVerifier(t, jwks.Config{Issuers: []jwks.Issuer{c}, Client: kit.Client()}) // as it stands
		c.Keys = jwks.KeysFromJWKS(kit.KeySet())
		v := newVerifier(t, jwks.Config{Issuers: []jwks.Issuer{c}})
		token := asSetUp(s, c)
		p, err := v.Verify(t.Context(), kit.Mint(token))
		if err != nil || p.Issuer != c.URL {
			t.Errorf("%q: %v", s, err)
			continue
		}
		check := func(name, check string, change func(*bearertest.Token)) {
			other := asSetUp(s, c)
			change(&other)
			if e := refusedWith(second(v.Verify(t.Context(), kit.Mint(other)))); e == nil || e.Check != check {
				t.Errorf("%q, %s: %v; want a refusal by %s", s, name, e, check)
			}
		}
		audience := "aud"
		if s == bearertest.Cognito {
			audience = "client_id"
		}
		check("another audience", audience, func(o *bearertest.Token) { o.Audience = []string{"other"} })
		check("another tenant", "iss", func(o *bearertest.Token) { o.Claims["iss"] = c.URL + "x" })
		if len(c.Profile.Subjects) > 0 {
			check("a stranger", "sub", func(o *bearertest.Token) { o.Subject = c.Profile.Subjects[0][:6] + ":stranger/other" })
		}
	}
}

func second(_ *bearer.Principal, err error) error { return err }

// newShop returns an API whose tokens one issuer issues. docs/five-minutes.md
// contains it.
func newShop(issuer jwks.Issuer, read scope.Rule) (api http.Handler, tokens *jwks.Verifier, err error) {
	tokens, err = jwks.New(jwks.Config{Issuers: []jwks.Issuer{issuer}, Logger: slog.Default()})
	if err != nil {
		return nil, nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Logger: slog.Default()})
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", bearerhttp.Require(guard, read)(http.HandlerFunc(listOrders)))
	mux.Handle("GET /admin", bearerhttp.Require(guard, scope.None, bearer.Role("admin"))(http.HandlerFunc(listOrders)))
	return mux, tokens, nil
}

func listOrders(http.ResponseWriter, *http.Request) {}

// Several issuers need one verifier.
func Example_severalIssuers() {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{keycloak(), gitHubActions()}, Logger: slog.Default()})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
}

// The five configurations of docs/five-minutes.md, in the API of that
// page: scopes and roles open its routes, and an ID token opens none.
func TestFiveMinutes(t *testing.T) {
	kit := newIssuer(t, bearertest.IssuerConfig{InMemory: true})
	rules := map[bearertest.Shape]string{
		bearertest.Keycloak: "orders:read", bearertest.EntraID: "orders:read", bearertest.Auth0: "orders:read",
		bearertest.Okta: "orders:read", bearertest.Cognito: "orders-api/orders:read",
	}
	for s, read := range rules {
		c := setups()[s]
		c.Keys = jwks.KeysFromJWKS(kit.KeySet())
		api, tokens, err := newShop(c, scope.All(read))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tokens.Close)
		for _, tt := range []struct {
			name, path string
			change     func(*bearertest.Token)
			want       int
		}{
			{"a scope", "/orders", func(o *bearertest.Token) { o.Scope = read }, 200},
			{"a role", "/admin", func(*bearertest.Token) {}, 200},
			{"no scope", "/orders", func(o *bearertest.Token) { o.Scope = "other" }, 403},
			{"no role", "/admin", func(o *bearertest.Token) { o.Roles = []string{"buyer"} }, 403},
			{"an ID token", "/orders", func(o *bearertest.Token) { o.Kind = bearertest.IDToken }, 401},
			{"another API", "/orders", func(o *bearertest.Token) { o.Audience = []string{"other"} }, 401},
			{"expired", "/orders", func(o *bearertest.Token) { o.TTL = -60e9 }, 401},
		} {
			token := asSetUp(s, c)
			tt.change(&token)
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, tt.path, nil)
			r.Header.Set("Authorization", "Bearer "+kit.Mint(token))
			api.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("%q, %s: %d, want %d", s, tt.name, w.Code, tt.want)
			}
		}
	}
}

// The token of docs/five-minutes.md.
func TestTokenOfFiveMinutes(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{InMemory: true, Audience: []string{"api"}})
	token := issuer.Mint(bearertest.Token{Shape: bearertest.Keycloak, Subject: "alice", Scope: "orders:read", Roles: []string{"admin"}})
	p, err := byProfile(t, issuer, jwks.Keycloak()).Verify(t.Context(), token)
	if err != nil || p.Subject != "alice" || p.Scopes != scope.Of("orders:read") || !p.HasRole("admin") {
		t.Errorf("%v, %v", p, err)
	}
}

// Every block of Go code on the pages about issuers' set-up is in these tests.
func TestSetupsOfTheDocs(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tested strings.Builder
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tested.WriteString(spaced(string(source)))
	}
	for page, least := range map[string]int{"issuer-setup.md": 17, "five-minutes.md": 6} {
		text, err := os.ReadFile(filepath.Join("..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(string(text), "```go\n")[1:]
		if len(blocks) < least {
			t.Errorf("docs/%s has %d blocks of Go code; want at least %d", page, len(blocks), least)
		}
		for _, rest := range blocks {
			block, _, _ := strings.Cut(rest, "```")
			if !strings.Contains(tested.String(), spaced(block)) {
				t.Errorf("no test contains this code of docs/%s:\n%s", page, block)
			}
		}
	}
}
