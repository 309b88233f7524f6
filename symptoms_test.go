package bearerkit_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// Names at the issuers.
const (
	keycloakURL = "https://sso.example.com/realms/shop"
	entraTenant = "6babcaad-604b-40ac-a9d7-9fd97c0b779f"
	entraURL    = "https://login.microsoftonline.com/" + entraTenant + "/v2.0"
	entraURLv1  = "https://sts.windows.net/" + entraTenant + "/"
	entraApp    = "ef1da9d4-ff77-4c3e-a005-840c3f830745"
	graph       = "00000003-0000-0000-c000-000000000000" // Microsoft Graph
	auth0URL    = "https://acme.eu.auth0.com/"
	cognitoURL  = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example"
	cognitoApp  = "1example23456789"
)

// symptoms returns the symptoms of docs/troubleshooting.md, in its order.
func symptoms() []symptom {
	all := append(audienceSymptoms(), kindSymptoms()...)
	all = append(all, issuerSymptoms()...)
	all = append(all, entraSymptoms()...)
	all = append(all, keySymptoms()...)
	all = append(all, clockSymptoms()...)
	all = append(all, permissionSymptoms()...)
	all = append(all, wireSymptoms()...)
	return append(all, answerSymptoms()...)
}

// one returns a configuration with one issuer, whose keys are those of the kit's
// issuer.
func (k *symptomKit) one(url, audience string, profile jwks.Profile) jwks.Config {
	return jwks.Config{Issuers: []jwks.Issuer{{
		URL: url, Audience: []string{audience}, Profile: profile, Keys: jwks.KeysFromJWKS(k.KeySet()),
	}}}
}

// by mints a token with another iss than the kit's issuer.
func (k *symptomKit) by(iss string, t bearertest.Token) string {
	if t.Claims == nil {
		t.Claims = map[string]any{}
	}
	t.Claims["iss"] = iss
	return k.Mint(t)
}

// keycloak returns an exchange with an API of the realm shop. Its audience is
// orders-api.
func (k *symptomKit) keycloak(t bearertest.Token) exchange {
	t.Shape = bearertest.Keycloak
	if t.Audience == nil {
		t.Audience = []string{"orders-api"}
	}
	return exchange{tokens: k.one(keycloakURL, "orders-api", jwks.Keycloak()), token: k.by(keycloakURL, t)}
}

// entra returns an exchange with an API that accepts the tokens of url, and a token
// of iss.
func (k *symptomKit) entra(url, iss string, t bearertest.Token) exchange {
	t.Shape = bearertest.EntraID
	if strings.HasPrefix(iss, "https://sts.windows.net/") {
		t.Shape = bearertest.EntraIDv1
	}
	if t.Audience == nil {
		t.Audience = []string{entraApp}
	}
	return exchange{tokens: k.one(url, entraApp, jwks.EntraID()), token: k.by(iss, t)}
}

// own returns an exchange with an API that accepts the tokens of the kit's issuer,
// which follow RFC 9068.
func (k *symptomKit) own(t bearertest.Token) exchange {
	return exchange{tokens: k.one(k.URL(), audience, jwks.Profile{}), token: k.Mint(t)}
}

func audienceSymptoms() []symptom {
	slash := func(audiences ...string) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			x := k.own(bearertest.Token{Audience: []string{audience + "/"}})
			x.tokens.Issuers[0].Audience = audiences
			return x
		}
	}
	return []symptom{
		{"aud-slash", "aud", 401, slash(audience), slash(audience, audience+"/")},
		{"aud-account", "aud", 401,
			func(k *symptomKit) exchange { return k.keycloak(bearertest.Token{Audience: []string{"account"}}) },
			func(k *symptomKit) exchange {
				return k.keycloak(bearertest.Token{Audience: []string{"account", "orders-api"}})
			}},
		{"aud-entra", "aud", 401,
			func(k *symptomKit) exchange {
				return k.entra(entraURLv1, entraURLv1, bearertest.Token{Audience: []string{"api://" + entraApp}})
			},
			func(k *symptomKit) exchange {
				x := k.entra(entraURLv1, entraURLv1, bearertest.Token{Audience: []string{"api://" + entraApp}})
				x.tokens.Issuers[0].Audience = []string{"api://" + entraApp}
				return x
			}},
	}
}

func kindSymptoms() []symptom {
	return []symptom{
		{"id-token", "kind", 401,
			func(k *symptomKit) exchange {
				return k.keycloak(bearertest.Token{Kind: bearertest.IDToken, ClientID: "orders-api"})
			},
			func(k *symptomKit) exchange { return k.keycloak(bearertest.Token{}) }},
		{"typ", "typ", 401,
			func(k *symptomKit) exchange {
				x := k.keycloak(bearertest.Token{})
				x.tokens.Issuers[0].Profile = jwks.Profile{}
				return x
			},
			func(k *symptomKit) exchange { return k.keycloak(bearertest.Token{}) }},
		{"opaque", "form", 401,
			func(k *symptomKit) exchange {
				x := k.own(bearertest.Token{})
				x.token = k.MintOpaque(bearertest.Token{})
				return x
			},
			func(k *symptomKit) exchange {
				return exchange{guard: k.introspected("orders-api"), token: k.MintOpaque(bearertest.Token{})}
			}},
		{"encrypted", "form", 401,
			func(k *symptomKit) exchange {
				x := k.own(bearertest.Token{})
				header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"dir","enc":"A256GCM","iss":"https://acme.eu.auth0.com/"}`))
				x.token = header + "..c3ludGhldGlj.c3ludGhldGlj.c3ludGhldGlj"
				return x
			}, func(k *symptomKit) exchange { return k.own(bearertest.Token{}) }},
		{"inactive", "active", 401,
			func(k *symptomKit) exchange {
				// Like Keycloak, which compares iss with the name by which it is asked.
				k.OverlayIntrospection(func(string, map[string]any) map[string]any { return map[string]any{"active": false} })
				return exchange{guard: k.introspected("orders-api"), token: k.MintOpaque(bearertest.Token{})}
			},
			func(k *symptomKit) exchange {
				k.OverlayIntrospection(nil)
				return exchange{guard: k.introspected("orders-api"), token: k.MintOpaque(bearertest.Token{})}
			}},
		{"alg", "alg", 401,
			func(k *symptomKit) exchange {
				x := k.own(bearertest.Token{})
				x.token = secretly(x.token)
				return x
			},
			func(k *symptomKit) exchange { return k.own(bearertest.Token{Algorithm: "RS256"}) }},
	}
}

// introspected returns a guard that asks the kit's issuer about tokens.
func (k *symptomKit) introspected(client string) bearer.Config {
	k.Helper()
	tokens, err := introspect.New(introspect.Config{
		Issuer: k.URL(), Auth: introspect.ClientSecretBasic(client, "secret"), Audience: []string{audience},
	})
	if err != nil {
		k.Fatal(err)
	}
	k.Cleanup(tokens.Close)
	return bearer.Config{Verifiers: []bearer.Verifier{tokens}}
}

// secretly signs the claims of a token with HS256 and a shared secret.
func secretly(token string) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"at+jwt","alg":"HS256"}`)) + "." + strings.Split(token, ".")[1]
	mac := hmac.New(sha256.New, []byte("a secret of the API and the issuer"))
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func issuerSymptoms() []symptom {
	auth0 := func(url string) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			return exchange{
				tokens: k.one(url, audience, jwks.Auth0()),
				token:  k.by(auth0URL, bearertest.Token{Shape: bearertest.Auth0}),
			}
		}
	}
	const inside, outside = "http://keycloak:8080/realms/shop", "http://localhost:8080/realms/shop"
	docker := func(reached bool, change func(*jwks.Issuer)) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			issuer := dockerIssuer()
			change(&issuer)
			return exchange{
				tokens: jwks.Config{Client: k.container(reached), Issuers: []jwks.Issuer{issuer}},
				token:  k.by(outside, bearertest.Token{Shape: bearertest.Keycloak, Audience: []string{"orders-api"}}),
			}
		}
	}
	mended := docker(true, func(*jwks.Issuer) {})
	return []symptom{
		{"iss-slash", "iss", 401, auth0(strings.TrimSuffix(auth0URL, "/")), auth0(auth0URL)},
		{"docker-iss", "iss", 401, docker(true, func(i *jwks.Issuer) { i.URL = inside }), mended},
		{"docker-keys", "keys", 503, docker(false, func(i *jwks.Issuer) { i.Keys = jwks.KeySource{} }), mended},
		{"certificate", "keys", 503,
			func(k *symptomKit) exchange { return k.privately(false) },
			func(k *symptomKit) exchange { return k.privately(true) }},
	}
}

// dockerIssuer returns the issuer that docs/troubleshooting.md configures.
func dockerIssuer() jwks.Issuer {
	return jwks.Issuer{
		URL:               "http://localhost:8080/realms/shop", // what Keycloak calls itself
		Keys:              jwks.KeysFromURL("http://keycloak:8080/realms/shop/protocol/openid-connect/certs"),
		InsecureAllowHTTP: true, // keycloak is no loopback host
		Audience:          []string{"orders-api"},
		Profile:           jwks.Keycloak(),
	}
}

// container returns the client of an API in a container: it reaches the issuer by
// the name keycloak, if at all, and nothing at localhost.
func (k *symptomKit) container(reached bool) *http.Client {
	k.Helper()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.Fatal(err)
	}
	address := closed.Addr().String()
	closed.Close()
	if reached {
		keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(k.KeySet()) }))
		k.Cleanup(keys.Close)
		address = keys.Listener.Addr().String()
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	k.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// privately returns an exchange with an issuer whose certificate is of a private
// authority.
func (k *symptomKit) privately(trusted bool) exchange {
	issuer := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(k.KeySet()) }))
	issuer.Config.ErrorLog = quiet()
	issuer.StartTLS()
	k.Cleanup(issuer.Close)
	x := k.own(bearertest.Token{})
	x.tokens.Issuers[0].Keys = jwks.KeysFromURL(issuer.URL + "/jwks")
	if trusted {
		x.tokens.Issuers[0].Client = issuer.Client()
	}
	return x
}

func entraSymptoms() []symptom {
	return []symptom{
		{"entra-v1", "iss", 401,
			func(k *symptomKit) exchange { return k.entra(entraURL, entraURLv1, bearertest.Token{}) },
			func(k *symptomKit) exchange { return k.entra(entraURL, entraURL, bearertest.Token{}) }},
		{"entra-graph", "signature", 401,
			func(k *symptomKit) exchange {
				x := k.entra(entraURLv1, entraURLv1, bearertest.Token{})
				x.token = k.forGraph()
				return x
			},
			func(k *symptomKit) exchange { return k.entra(entraURLv1, entraURLv1, bearertest.Token{}) }},
		{"entra-common", "iss", 401,
			func(k *symptomKit) exchange {
				return k.entra("https://login.microsoftonline.com/common/v2.0", entraURL, bearertest.Token{})
			},
			func(k *symptomKit) exchange {
				x := k.entra(entraURL, entraURL, bearertest.Token{})
				issuer := x.tokens.Issuers[0]
				x.tokens = jwks.Config{Resolve: func(_ context.Context, iss string) (jwks.Issuer, error) {
					if iss != entraURL { // stands for a table of tenants
						return jwks.Issuer{}, bearer.ErrUnrecognized
					}
					return issuer, nil
				}}
				return x
			}},
	}
}

// forGraph returns a token as Entra ID gives it for Microsoft Graph: the header
// that was signed had the SHA-256 of the nonce.
func (k *symptomKit) forGraph() string {
	const nonce = "bm9uY2Ugb2YgR3JhcGg"
	sum := sha256.Sum256([]byte(nonce))
	hashed := base64.RawURLEncoding.EncodeToString(sum[:])
	signed := k.by(entraURLv1, bearertest.Token{
		Shape: bearertest.EntraIDv1, Audience: []string{graph}, Header: map[string]any{"nonce": hashed},
	})
	header, rest, _ := strings.Cut(signed, ".")
	plain, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		k.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(plain), hashed, nonce, 1))) + "." + rest
}

func keySymptoms() []symptom {
	return []symptom{
		{"kid", "kid", 401,
			func(k *symptomKit) exchange {
				other := newSymptomKit(k.T)
				x := k.keycloak(bearertest.Token{})
				x.token = other.by(keycloakURL, bearertest.Token{
					Shape: bearertest.Keycloak, Audience: []string{"orders-api"}, Header: map[string]any{"kid": "2019-07"},
				})
				return x
			},
			func(k *symptomKit) exchange { return k.keycloak(bearertest.Token{}) }},
	}
}

func clockSymptoms() []symptom {
	ahead := func(leeway time.Duration) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			later := time.Now().Add(90 * time.Second).Unix()
			x := k.own(bearertest.Token{Claims: map[string]any{"iat": later, "exp": later + 3600}})
			x.tokens.Leeway = leeway
			return x
		}
	}
	return []symptom{
		{"iat", "iat", 401, ahead(0), ahead(2 * time.Minute)},
		{"exp", "exp", 401,
			func(k *symptomKit) exchange { return k.own(bearertest.Token{TTL: -time.Minute}) },
			func(k *symptomKit) exchange { return k.own(bearertest.Token{}) }},
	}
}

func permissionSymptoms() []symptom {
	rule := bearer.RouteConfig{Rule: scope.All("orders:read")}
	either := bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{
		bearer.AnyOf(bearer.Scope(scope.All("orders:read")), bearer.Role("orders:read")),
	}}
	entra := func(route bearer.RouteConfig) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			x := k.entra(entraURL, entraURL, bearertest.Token{ForClient: true, Roles: []string{"orders:read"}})
			x.route = route
			return x
		}
	}
	auth0 := func(route bearer.RouteConfig) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			return exchange{
				tokens: k.one(auth0URL, audience, jwks.Auth0()), route: route,
				token: k.by(auth0URL, bearertest.Token{Shape: bearertest.Auth0, Scope: "openid profile", Roles: []string{"orders:read"}}),
			}
		}
	}
	cognito := func(route bearer.RouteConfig) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			return exchange{
				tokens: k.one(cognitoURL, cognitoApp, jwks.Cognito()), route: route,
				token: k.by(cognitoURL, bearertest.Token{Shape: bearertest.Cognito, ClientID: cognitoApp, Scope: "orders-api/orders:read"}),
			}
		}
	}
	keycloak := func(pointers ...string) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			x := k.keycloak(bearertest.Token{Roles: []string{"offline_access"}, Claims: map[string]any{
				"resource_access": map[string]any{"orders-api": map[string]any{"roles": []string{"admin"}}},
			}})
			profile := &x.tokens.Issuers[0].Profile
			profile.Roles = append(profile.Roles, pointers...)
			x.route = bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Role("admin")}}
			return x
		}
	}
	return []symptom{
		{"scope-roles", "scope", 403, entra(rule), entra(either)},
		{"scope-permissions", "scope", 403, auth0(rule), auth0(either)},
		{"scope-prefix", "scope", 403, cognito(rule), cognito(bearer.RouteConfig{Rule: scope.All("orders-api/orders:read")})},
		{"roles-nested", "role", 403, keycloak(), keycloak("/resource_access/orders-api/roles")},
	}
}

func wireSymptoms() []symptom {
	proxied := func(change func(*httputil.ProxyRequest)) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			x := k.own(bearertest.Token{})
			x.front = k.proxy(change)
			return x
		}
	}
	withField := func(text string) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			x := k.own(bearertest.Token{})
			x.field, x.token = http.Header{"Authorization": {fmt.Sprintf(text, x.token)}}, ""
			return x
		}
	}
	preflight := func(front func(http.Handler) http.Handler) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			x := k.own(bearertest.Token{})
			x.token, x.method, x.front = "", http.MethodOptions, front
			x.field = http.Header{
				"Origin": {"https://app.example.com"}, "Access-Control-Request-Method": {"GET"},
				"Access-Control-Request-Headers": {"authorization"},
			}
			return x
		}
	}
	return []symptom{
		{"proxy", "credentials", 401,
			proxied(func(r *httputil.ProxyRequest) { r.Out.Header.Del("Authorization") }), proxied(func(*httputil.ProxyRequest) {})},
		{"proxy-htu", "htu", 401,
			func(k *symptomKit) exchange { return k.boundBehindProxy("http://127.0.0.1:8080") },
			func(k *symptomKit) exchange { return k.boundBehindProxy(audience) }},
		{"preflight", "credentials", 401, preflight(nil), preflight(answersPreflights)},
		{"scheme", "credentials", 401, withField("%s"), withField("Bearer %s")},
		{"quotes", "token", 400, withField(`Bearer "%s"`), withField("Bearer %s")},
		{"length", `"token length"`, 431,
			func(k *symptomKit) exchange { return k.own(manyGroups()) },
			func(k *symptomKit) exchange {
				x := k.own(manyGroups())
				x.guard.MaxTokenBytes = 32 << 10
				return x
			}},
	}
}

// proxy returns a reverse proxy in front of an API, which it changes requests to.
func (k *symptomKit) proxy(change func(*httputil.ProxyRequest)) func(http.Handler) http.Handler {
	return func(api http.Handler) http.Handler {
		server := httptest.NewServer(api)
		k.Cleanup(server.Close)
		target, err := url.Parse(server.URL)
		if err != nil {
			k.Fatal(err)
		}
		return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			change(r)
		}}
	}
}

// boundBehindProxy returns an exchange with a proof for the URL that clients use,
// with an API that takes origin for its own.
func (k *symptomKit) boundBehindProxy(origin string) exchange {
	c := newCheckPage(k.T)
	jkt, err := dpop.Thumbprint(c.key.Public())
	if err != nil {
		k.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{Origin: origin})
	if err != nil {
		k.Fatal(err)
	}
	x := k.own(bearertest.Token{Claims: map[string]any{"cnf": map[string]any{"jkt": jkt}}})
	x.field = http.Header{
		"Authorization": {"DPoP " + x.token},
		"Dpop":          {c.forgeProof(c.key, x.token, nil, map[string]any{"htu": audience + "/orders"})},
	}
	x.token, x.guard.Proofs = "", proofs
	x.front = k.proxy(func(*httputil.ProxyRequest) {})
	return x
}

// answersPreflights stands for CORS middleware.
func answersPreflights(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			return
		}
		api.ServeHTTP(w, r)
	})
}

// manyGroups is the token of a user in 400 groups.
func manyGroups() bearertest.Token {
	groups := make([]string, 400)
	for n := range groups {
		groups[n] = fmt.Sprintf("7f3f2f0e-2d0b-4a54-9a3c-%012d", n)
	}
	return bearertest.Token{Claims: map[string]any{"groups": groups}}
}

func answerSymptoms() []symptom {
	users := func(id string, r bearer.Requirement) func(*symptomKit) exchange {
		return func(k *symptomKit) exchange {
			x := k.own(bearertest.Token{})
			x.path, x.route.Requirements = "/users/"+id, []bearer.Requirement{r}
			return x
		}
	}
	own := bearer.SubjectInPath("id")
	return []symptom{
		{"answer-401", "credentials", 401,
			func(k *symptomKit) exchange {
				x := k.own(bearertest.Token{})
				x.token = ""
				return x
			},
			func(k *symptomKit) exchange { return k.own(bearertest.Token{}) }},
		{"answer-403", `"subject in path"`, 403, users("bob", own), users("alice", own)},
		{"answer-404", `"subject in path"`, 404, users("bob", bearer.Hidden(own)), users("alice", bearer.Hidden(own))},
	}
}
