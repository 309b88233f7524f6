package bearertest_test

import (
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/jose"
)

var apiClient = bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: "secret"}, {ID: "b", Secret: "secret"}}}

func introspect(t *testing.T, issuer *bearertest.Issuer, token string) map[string]any {
	t.Helper()
	got := send(t, issuer, "POST", "/introspect", basic("api", "secret"), url.Values{"token": {token}})
	if got.status != 200 || got.header.Get("Content-Type") != "application/json" || got.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %v %s", got.status, got.header, got.body)
	}
	return got.members(t)
}

var inactive = map[string]any{"active": false}

// Checklist I1.
func TestInvalidIntrospectionRequests(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	for _, path := range []string{"/introspect", "/revoke"} {
		for _, tt := range []struct {
			name, method, query string
			header              http.Header
			form                url.Values
			status              int
		}{
			{name: "GET", method: "GET", query: "?token=x", status: 405},
			{name: "PUT", method: "PUT", form: url.Values{"token": {"x"}}, status: 405},
			{name: "no token", method: "POST", status: 400},
			{name: "an empty token", method: "POST", form: url.Values{"token": {""}}, status: 400},
			{name: "two tokens", method: "POST", form: url.Values{"token": {"x", "y"}}, status: 400},
			{name: "a token in the query", method: "POST", query: "?token=x", status: 400},
			{name: "not a form", method: "POST", header: http.Header{"Content-Type": {"application/json"}}, form: url.Values{"token": {"x"}}, status: 400},
			{name: "too large", method: "POST", form: url.Values{"token": {strings.Repeat("x", 65<<10)}}, status: 413},
		} {
			t.Run(path+" "+tt.name, func(t *testing.T) {
				header := basic("api", "secret")
				maps.Copy(header, tt.header)
				got := send(t, issuer, tt.method, path+tt.query, header, tt.form)
				if got.status != tt.status {
					t.Fatalf("got %d %s, want %d", got.status, got.body, tt.status)
				}
				if tt.status == 413 {
					return
				}
				if code := got.members(t)["error"]; code != "invalid_request" {
					t.Errorf("got %v", code)
				}
				if allow := got.header.Get("Allow"); (allow == "POST") != (tt.status == 405) {
					t.Errorf("Allow is %q", allow)
				}
			})
		}
	}
}

func TestIntrospectionOfActiveTokens(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	now := float64(time.Now().Unix())
	for kind, mint := range map[string]func(bearertest.Token) string{"JWT": issuer.Mint, "opaque": issuer.MintOpaque} {
		t.Run(kind, func(t *testing.T) {
			got := introspect(t, issuer, mint(bearertest.Token{
				Subject: "bob", ClientID: "web", Audience: []string{"https://a.example.com", "https://b.example.com"},
				Scope: "a b", TTL: time.Minute, Claims: map[string]any{
					"acr": "mfa", "auth_time": 7, "jti": "j", "cnf": map[string]any{"jkt": "x"}, "roles": []string{"r"},
				},
			}))
			iat, _ := got["iat"].(float64)
			if iat < now || iat > now+10 {
				t.Errorf("iat is %v, the time is %v", got["iat"], now)
			}
			want := map[string]any{
				"active": true, "token_type": "DPoP", "iss": issuer.URL(), "sub": "bob", "client_id": "web",
				"aud": []any{"https://a.example.com", "https://b.example.com"}, "scope": "a b", "jti": "j",
				"iat": iat, "exp": iat + 60, "acr": "mfa", "auth_time": 7.0,
				"cnf": map[string]any{"jkt": "x"}, "roles": []any{"r"},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			if got := introspect(t, issuer, mint(bearertest.Token{Claims: map[string]any{"cnf": map[string]any{"x5t#S256": "x"}}})); got["token_type"] != "Bearer" {
				t.Errorf("a token bound to a certificate: token_type is %v", got["token_type"])
			}
			liar := mint(bearertest.Token{Claims: map[string]any{
				"active": "true", "token_type": "refresh_token", "exp": jsontext.Value("1e400"),
				"aud": nil, "iat": nil, "jti": nil, "iss": issuer.URL(),
			}})
			lie := send(t, issuer, "POST", "/introspect", basic("api", "secret"), url.Values{"token": {liar}}).body
			if want := `{"active":"true","client_id":"app","exp":1e400,"iss":"` + issuer.URL() +
				`","sub":"alice","token_type":"refresh_token"}` + "\n"; lie != want {
				t.Errorf("a token whose claims replace the answer's own:\ngot  %swant %s", lie, want)
			}
		})
	}
}

// Checklist I4.
func TestIntrospectionOfInactiveTokens(t *testing.T) {
	issuer, other := newIssuer(t, apiClient), newIssuer(t, apiClient)
	kid, err := issuer.AddKey("ES384")
	if err != nil {
		t.Fatal(err)
	}
	withdrawn := issuer.Mint(bearertest.Token{Algorithm: "ES384"})
	issuer.Withdraw(kid)
	good := issuer.Mint(bearertest.Token{})
	tests := map[string]string{
		"unknown":                    "opaque_x",
		"another issuer's":           other.MintOpaque(bearertest.Token{}),
		"another issuer's JWT":       other.Mint(bearertest.Token{}),
		"another iss":                issuer.Mint(bearertest.Token{Claims: map[string]any{"iss": other.URL()}}),
		"expired":                    issuer.MintOpaque(bearertest.Token{TTL: -time.Second}),
		"an expired JWT":             issuer.Mint(bearertest.Token{TTL: -time.Second}),
		"not yet":                    issuer.MintOpaque(bearertest.Token{Claims: map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}}),
		"a key that is withdrawn":    withdrawn,
		"a signature cut short":      good[:len(good)-4],
		"a payload that is not JSON": issuer.Sign("ES256", []byte(`{"alg":"ES256"}`), []byte("x")),
		"a payload that is null":     issuer.Sign("ES256", []byte(`{"alg":"ES256"}`), []byte("null")),
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			if got := introspect(t, issuer, token); !reflect.DeepEqual(got, inactive) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := apiClient
		c.InMemory = true
		issuer := newIssuer(t, c)
		defer issuer.Client().CloseIdleConnections()
		token := issuer.MintOpaque(bearertest.Token{TTL: time.Minute})
		<-time.After(59 * time.Second)
		if got := introspect(t, issuer, token); got["active"] != true {
			t.Errorf("before exp: got %v", got)
		}
		<-time.After(time.Second)
		if got := introspect(t, issuer, token); !reflect.DeepEqual(got, inactive) {
			t.Errorf("at exp: got %v", got)
		}
	})
}

// Checklist I12.
func TestSignedIntrospection(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	set, err := jose.ParseKeySet(issuer.KeySet())
	if err != nil {
		t.Fatal(err)
	}
	signed := func(token string, accept ...string) string {
		header := basic("api", "secret")
		header["Accept"] = accept
		got := send(t, issuer, "POST", "/introspect", header, url.Values{"token": {token}})
		if got.status != 200 || got.header.Get("Content-Type") != "application/token-introspection+jwt" {
			t.Fatalf("%q: got %d %v", accept, got.status, got.header)
		}
		return got.body
	}
	token := issuer.MintOpaque(bearertest.Token{Subject: "bob"})
	for _, accept := range [][]string{
		{"application/token-introspection+jwt"},
		{"application/json, Application/Token-Introspection+JWT;q=0.5"},
		{"application/json", "application/token-introspection+jwt"},
	} {
		signed(token, accept...)
	}
	for _, tt := range []struct {
		token  string
		active bool
	}{{token, true}, {"unknown", false}} {
		answer := signed(tt.token, "application/token-introspection+jwt")
		jws, err := jose.Parse(answer)
		if err != nil {
			t.Fatal(err)
		}
		if jws.Header.Type != "token-introspection+jwt" || !slices.ContainsFunc(set.Keys, func(k *jose.Key) bool {
			id, _ := k.ID()
			return id == jws.Header.KeyID && k.Verify(jose.RS256, jws.SigningInput, jws.Signature) == nil
		}) {
			t.Errorf("got the header %+v, or no key verifies it", jws.Header)
		}
		var claims struct {
			Issuer        string         `json:"iss"`
			Audience      string         `json:"aud"`
			IssuedAt      int64          `json:"iat"`
			Introspection map[string]any `json:"token_introspection"`
			Unknown       map[string]any `json:",unknown"`
		}
		if err := json.Unmarshal(jws.Payload, &claims); err != nil {
			t.Fatal(err)
		}
		if claims.Issuer != issuer.URL() || claims.Audience != "api" || claims.IssuedAt == 0 || len(claims.Unknown) != 0 {
			t.Errorf("got the claims %+v", claims)
		}
		if want := introspect(t, issuer, tt.token); claims.Introspection["active"] != tt.active || !reflect.DeepEqual(claims.Introspection, want) {
			t.Errorf("got %v, want %v", claims.Introspection, want)
		}
		if got := introspect(t, issuer, answer); !reflect.DeepEqual(got, inactive) {
			t.Errorf("a signed answer as a token: got %v", got)
		}
	}
}

func TestOverlayIntrospection(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	token := issuer.MintOpaque(bearertest.Token{Scope: "a"})
	issuer.OverlayIntrospection(func(client string, answer map[string]any) map[string]any {
		if answer["scope"] != "a" {
			t.Errorf("the overlay is given %v", answer)
		}
		if client == "b" {
			return inactive
		}
		answer["active"], answer["iss"] = nil, "https://evil.example.com"
		return answer
	})
	got := introspect(t, issuer, token)
	if active, sent := got["active"]; !sent || active != nil || got["iss"] != "https://evil.example.com" {
		t.Errorf("got %v", got)
	}
	if got := send(t, issuer, "POST", "/introspect", basic("b", "secret"), url.Values{"token": {token}}); got.body != "{\"active\":false}\n" {
		t.Errorf("another client: got %s", got.body)
	}
	issuer.OverlayIntrospection(func(string, map[string]any) map[string]any { return map[string]any{"active": make(chan int)} })
	for _, accept := range []string{"", "application/token-introspection+jwt"} {
		header := basic("api", "secret")
		header.Set("Accept", accept)
		if got := send(t, issuer, "POST", "/introspect", header, url.Values{"token": {token}}); got.status != 500 {
			t.Errorf("what cannot be sent: got %d %s", got.status, got.body)
		}
	}
	issuer.OverlayIntrospection(nil)
	if got := introspect(t, issuer, token); got["active"] != true {
		t.Errorf("taken away: got %v", got)
	}
}

func TestIntrospectionMetadata(t *testing.T) {
	c := apiClient
	c.Path = "/tenant"
	issuer := newIssuer(t, c)
	got := send(t, issuer, "GET", "/.well-known/openid-configuration", nil, nil).members(t)
	for name, want := range map[string]any{
		"introspection_endpoint":                        issuer.URL() + "/introspect",
		"introspection_endpoint_auth_methods_supported": []any{"client_secret_basic", "client_secret_post", "private_key_jwt", "Bearer"},
		"introspection_signing_alg_values_supported":    []any{"RS256"},
		"revocation_endpoint":                           issuer.URL() + "/revoke",
		"revocation_endpoint_auth_methods_supported":    []any{"client_secret_basic", "client_secret_post", "private_key_jwt"},
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	for _, name := range []string{"introspection", "revocation"} {
		algorithms, _ := got[name+"_endpoint_auth_signing_alg_values_supported"].([]any)
		if !slices.Contains(algorithms, any("ES256")) || slices.Contains(algorithms, any("none")) {
			t.Errorf("%s: assertions by %v", name, algorithms)
		}
	}
}
