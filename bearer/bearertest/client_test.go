package bearertest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/jose"
)

func newIssuer(t *testing.T, c bearertest.IssuerConfig) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

// answer is the answer of an endpoint.
type answer struct {
	status int
	header http.Header
	body   string
}

// members returns the JSON object in an answer.
func (a answer) members(t *testing.T) map[string]any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(a.body), &members); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return members
}

func send(t *testing.T, issuer *bearertest.Issuer, method, path string, header http.Header, form url.Values) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, issuer.URL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	maps.Copy(request.Header, header)
	response, err := issuer.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// basic encodes credentials by RFC 6749, Section 2.3.1.
func basic(id, secret string) http.Header {
	return rawBasic(url.QueryEscape(id) + ":" + url.QueryEscape(secret))
}

func rawBasic(credentials string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))}}
}

const (
	oddID     = "a:p%i+ 1/ü"
	oddSecret = "s:e%2Bc+r &t=é"
)

// Checklist I2.
func TestClientAuthenticationBySecret(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{Clients: []bearertest.Client{
		{ID: "api", Secret: "secret"}, {ID: oddID, Secret: oddSecret}, {ID: "no secret"},
	}})
	token := issuer.MintOpaque(bearertest.Token{})
	post := func(id, secret string) url.Values { return url.Values{"client_id": {id}, "client_secret": {secret}} }
	tests := []struct {
		name   string
		header http.Header
		form   url.Values
		status int
		code   string
	}{
		{name: "basic", header: basic("api", "secret"), status: 200},
		{name: "basic, the scheme in lower case", header: http.Header{"Authorization": {strings.Replace(basic("api", "secret").Get("Authorization"), "Basic", "basic", 1)}}, status: 200},
		{name: "basic, odd characters", header: basic(oddID, oddSecret), status: 200},
		{name: "basic, odd characters, not encoded", header: rawBasic(oddID + ":" + oddSecret), status: 401, code: "invalid_client"},
		{name: "basic, and the same client_id", header: basic("api", "secret"), form: url.Values{"client_id": {"api"}}, status: 200},
		{name: "basic, and another client_id", header: basic("api", "secret"), form: url.Values{"client_id": {oddID}}, status: 401, code: "invalid_client"},
		{name: "basic, a wrong secret", header: basic("api", "secret "), status: 401, code: "invalid_client"},
		{name: "basic, another's secret", header: basic("api", oddSecret), status: 401, code: "invalid_client"},
		{name: "basic, an unknown client", header: basic("nobody", "secret"), status: 401, code: "invalid_client"},
		{name: "basic, a client without a secret", header: basic("no secret", ""), status: 401, code: "invalid_client"},
		{name: "basic, garbage", header: http.Header{"Authorization": {"Basic %%%"}}, status: 401, code: "invalid_client"},
		{name: "basic, twice", header: http.Header{"Authorization": slices.Repeat(basic("api", "secret")["Authorization"], 2)}, status: 400, code: "invalid_request"},
		{name: "post", form: post("api", "secret"), status: 200},
		{name: "post, odd characters", form: post(oddID, oddSecret), status: 200},
		{name: "post, a wrong secret", form: post("api", "x"), status: 401, code: "invalid_client"},
		{name: "post, a client without a secret", form: post("no secret", ""), status: 401, code: "invalid_client"},
		{name: "post, a secret without a client", form: url.Values{"client_secret": {"secret"}}, status: 401, code: "invalid_client"},
		{name: "post, twice", form: url.Values{"client_id": {"api"}, "client_secret": {"secret", "secret"}}, status: 400, code: "invalid_request"},
		{name: "basic and post", header: basic("api", "secret"), form: post("api", "secret"), status: 400, code: "invalid_request"},
		{name: "an id alone", form: url.Values{"client_id": {"api"}}, status: 401, code: "invalid_client"},
		{name: "nothing", status: 401, code: "invalid_client"},
		{name: "another scheme", header: http.Header{"Authorization": {"Negotiate x"}}, status: 401, code: "invalid_client"},
	}
	for _, path := range []string{"/introspect", "/revoke"} {
		for _, tt := range tests {
			t.Run(path+" "+tt.name, func(t *testing.T) {
				form := url.Values{"token": {token}}
				maps.Copy(form, tt.form)
				got := send(t, issuer, "POST", path, tt.header, form)
				if got.status != tt.status {
					t.Fatalf("got %d %s, want %d", got.status, got.body, tt.status)
				}
				if tt.code != "" && got.members(t)["error"] != tt.code {
					t.Errorf("got %s, want %s", got.body, tt.code)
				}
				if challenge := got.header.Get("WWW-Authenticate"); strings.HasPrefix(challenge, "Basic ") != (tt.status == 401) {
					t.Errorf("got the challenge %q", challenge)
				}
			})
		}
	}
}

func TestIntrospectionWithoutClients(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	token := issuer.MintOpaque(bearertest.Token{Scope: "introspection"})
	for _, header := range []http.Header{nil, basic("app", ""), {"Authorization": {"Bearer " + token}}} {
		if got := send(t, issuer, "POST", "/introspect", header, url.Values{"token": {token}}); got.status != 401 {
			t.Errorf("%v: got %d %s, want 401", header, got.status, got.body)
		}
	}
}

func TestClientAuthenticationByToken(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api"}}})
	good := bearertest.Token{ClientID: "api", Scope: "a introspection"}
	revoked := issuer.MintOpaque(good)
	issuer.Revoke(revoked)
	tests := []struct {
		name, token string
		status      int
	}{
		{"a JWT", issuer.Mint(good), 200},
		{"an opaque token", issuer.MintOpaque(good), 200},
		{"another scope", issuer.Mint(bearertest.Token{ClientID: "api", Scope: "introspections"}), 401},
		{"another client", issuer.Mint(bearertest.Token{ClientID: "app", Scope: "introspection"}), 401},
		{"expired", issuer.Mint(bearertest.Token{ClientID: "api", Scope: "introspection", TTL: -time.Second}), 401},
		{"revoked", revoked, 401},
		{"garbage", "garbage", 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := send(t, issuer, "POST", "/introspect", http.Header{"Authorization": {"Bearer " + tt.token}}, url.Values{"token": {"x"}})
			if got.status != tt.status {
				t.Fatalf("got %d %s, want %d", got.status, got.body, tt.status)
			}
			if challenge := got.header.Get("WWW-Authenticate"); got.status == 401 && challenge != `Bearer realm="bearertest", error="invalid_token"` {
				t.Errorf("got the challenge %q", challenge)
			}
		})
	}
}

func TestClientAuthenticationByAssertion(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := newIssuer(t, bearertest.IssuerConfig{Path: "/tenant", Clients: []bearertest.Client{
		{ID: "api", PublicKey: private.Public()}, {ID: "other", Secret: "secret"},
	}})
	const kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	type members = map[string]any
	tests := []struct {
		name   string
		key    crypto.Signer // default: the client's
		header members
		claims members
		form   url.Values
		status int
	}{
		{name: "good", status: 200},
		{name: "for the endpoint", claims: members{"aud": issuer.URL() + "/introspect"}, status: 200},
		{name: "a list of audiences", claims: members{"aud": []string{"x", issuer.URL()}}, status: 200},
		{name: "typ client-authentication+jwt", header: members{"typ": "client-authentication+jwt"}, status: 200},
		{name: "no typ", header: members{"typ": nil}, status: 200},
		{name: "a client_id besides", form: url.Values{"client_id": {"api"}}, status: 200},
		{name: "another client_id", form: url.Values{"client_id": {"other"}}, status: 401},
		{name: "a foreign key", key: foreign, status: 401},
		{name: "alg none", header: members{"alg": "none"}, status: 401},
		{name: "typ of an access token", header: members{"typ": "at+jwt"}, status: 401},
		{name: "an unknown client", claims: members{"iss": "nobody", "sub": "nobody"}, status: 401},
		{name: "a client without a key", claims: members{"iss": "other", "sub": "other"}, status: 401},
		{name: "sub is another", claims: members{"sub": "other"}, status: 401},
		{name: "no iss", claims: members{"iss": nil}, status: 401},
		{name: "for another endpoint", claims: members{"aud": issuer.URL() + "/revoke"}, status: 401},
		{name: "for another issuer", claims: members{"aud": "https://evil.example.com"}, status: 401},
		{name: "no aud", claims: members{"aud": nil}, status: 401},
		{name: "aud is a number", claims: members{"aud": 1}, status: 401},
		{name: "expired", claims: members{"exp": in(0)}, status: 401},
		{name: "exp is far ahead", claims: members{"exp": in(6 * time.Minute)}, status: 401},
		{name: "exp is a string", claims: members{"exp": "1"}, status: 401},
		{name: "no exp", claims: members{"exp": nil}, status: 401},
		{name: "not yet", claims: members{"nbf": in(time.Minute)}, status: 401},
		{name: "no jti", claims: members{"jti": nil}, status: 401},
		{name: "another type of assertion", form: url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}}, status: 401},
		{name: "garbage", form: url.Values{"client_assertion": {"garbage"}}, status: 401},
		{name: "and a secret", form: url.Values{"client_secret": {"secret"}}, status: 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.key == nil {
				tt.key = private
			}
			assertion := assertionOf(t, tt.key, tt.header, overlaid(members{
				"iss": "api", "sub": "api", "aud": issuer.URL(), "exp": in(5 * time.Minute), "jti": rand.Text(),
			}, tt.claims))
			form := url.Values{"token": {"x"}, "client_assertion_type": {kind}, "client_assertion": {assertion}}
			maps.Copy(form, tt.form)
			if got := send(t, issuer, "POST", "/introspect", nil, form); got.status != tt.status {
				t.Fatalf("got %d %s, want %d", got.status, got.body, tt.status)
			}
			if tt.status != 200 {
				return
			}
			if got := send(t, issuer, "POST", "/introspect", nil, form); got.status != 401 {
				t.Errorf("replayed: got %d %s, want 401", got.status, got.body)
			}
		})
	}
}

func assertionOf(t *testing.T, key crypto.Signer, header, claims map[string]any) string {
	t.Helper()
	protected, err := json.Marshal(overlaid(map[string]any{"typ": "JWT", "alg": "ES256"}, header))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := jose.Sign(key, jose.ES256, protected, payload)
	if err != nil {
		t.Fatal(err)
	}
	return assertion
}

// overlaid returns members with those of over; a nil value removes a member.
func overlaid(members, over map[string]any) map[string]any {
	maps.Copy(members, over)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	return members
}

func TestInvalidClients(t *testing.T) {
	_, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{
		{}, {ID: "a"}, {ID: "a", PublicKey: "no key"},
	}})
	for _, want := range []string{"Clients[0] has no ID", `"a" twice`, "Clients[2].PublicKey"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}
