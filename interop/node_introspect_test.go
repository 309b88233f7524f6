package interop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

var nodeResourceServer = oauthClient{id: "resource-server", secret: "resource-server-secret"}

const nodeOpaque = "opaque" // the resource with opaque tokens

func nodeAsks(o *nodeOP) introspect.Config {
	return introspect.Config{
		Issuer:   o.issuer,
		Auth:     introspect.ClientSecretBasic(nodeResourceServer.id, nodeResourceServer.secret),
		Audience: []string{nodeAPIs + nodeOpaque},
		Leeway:   -1,
	}
}

func TestNodeIntrospection(t *testing.T) {
	t.Parallel()
	o := sharedNodeOP(t)
	keyed := nodeAsks(o)
	keyed.Auth = introspect.PrivateKeyJWT(nodeResourceServer.id+"-key", o.key)
	signed, keyedSigned := nodeAsks(o), keyed
	signed.Signed = &introspect.Signed{Audience: nodeResourceServer.id}
	keyedSigned.Signed = &introspect.Signed{Audience: nodeResourceServer.id + "-key", Algorithms: []string{"ES256"}}
	given := nodeAsks(o)
	given.Endpoint = o.endpoint("/token/introspection")
	posted := nodeAsks(o)
	posted.Auth = introspect.ClientSecretPost(nodeResourceServer.id, nodeResourceServer.secret)
	for _, tt := range []struct {
		name   string
		config introspect.Config
	}{
		{"client_secret_basic", nodeAsks(o)},
		{"client_secret_basic, endpoint given", given},
		{"client_secret_basic, signed answers", signed},
		{"client_secret_post", posted},
		{"private_key_jwt", keyed},
		{"private_key_jwt, signed answers", keyedSigned},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newOpaqueAPI(t, tt.config)
			machine := o.clientCredentials(t, nodeOpaque, "orders:read", nil).Access
			got := a.accepts(t, "/orders", machine)
			if got.Issuer != o.issuer || got.ClientID != nodeMachine.id || got.Scopes != "orders:read" ||
				!slices.Equal(got.Audience, []string{nodeAPIs + nodeOpaque}) {
				t.Errorf("principal %+v", got)
			}
			user := o.codeFlow(t, nodeNative("ES256"), nodeOpaque, "openid offline_access orders:read")
			if got := a.accepts(t, "/orders", user.Access); got.Subject != "alice" || got.ClientID != "native-ES256" || got.Client {
				t.Errorf("principal %+v", got)
			}
			a.wantsScope(t, o.clientCredentials(t, nodeOpaque, "orders:write orders:readall", nil).Access)
			a.checkRequests(t, 3)

			// The OP reports a refresh token as active; only the audience is missing.
			if user.Refresh == "" {
				t.Fatal("no refresh token")
			}
			a.refuses(t, user.Refresh, "aud")
			a.refuses(t, o.clientCredentials(t, "", "", nil).Access, "aud")
			a.refuses(t, o.clientCredentials(t, nodeOpaque+"/60", "orders:read", nil).Access, "aud")
			a.refuses(t, "unknown", "active")
			a.refuses(t, o.clientCredentials(t, "ES256", "orders:read", nil).Access, "form")
			proof := http.Header{"Dpop": {o.dpopProof(t)}}
			a.refuses(t, o.clientCredentials(t, nodeOpaque, "orders:read", proof).Access, "cnf")

			nodeResourceServer.revoke(t, o.endpoint("/token/revocation"), machine)
			a.accepts(t, "/orders", machine) // the answer is still cached
			if err := a.opaque.Forget(t.Context(), machine); err != nil {
				t.Fatal(err)
			}
			a.refuses(t, machine, "active")
		})
	}
}

func TestNodeIntrospectionRevocationIsSeen(t *testing.T) {
	t.Parallel()
	o := sharedNodeOP(t)
	c := nodeAsks(o)
	c.MaxAge = 500 * time.Millisecond
	a := newOpaqueAPI(t, c)
	token := o.clientCredentials(t, nodeOpaque, "orders:read", nil).Access
	a.accepts(t, "/orders", token)
	nodeResourceServer.revoke(t, o.endpoint("/token/revocation"), token)
	<-time.After(c.MaxAge)
	a.refuses(t, token, "active")
}

// A cached answer expires at the token's exp, although the OP called it active.
func TestNodeIntrospectionExpires(t *testing.T) {
	t.Parallel()
	o := sharedNodeOP(t)
	c := nodeAsks(o)
	c.Audience = []string{nodeAPIs + nodeOpaque + "/2"}
	a := newOpaqueAPI(t, c)
	token := o.clientCredentials(t, nodeOpaque+"/2", "orders:read", nil).Access
	a.accepts(t, "/orders", token)
	eventually(t, 5*time.Second, "the token is refused", func() bool { return a.get(t, "/orders", token).status != 200 })
	if got := a.get(t, "/orders", token); got.status != 401 {
		t.Errorf("%d; want 401", got.status)
	}
}

func TestNodeIntrospectionOfOurselves(t *testing.T) {
	t.Parallel()
	other, _, err := newClientKey()
	if err != nil {
		t.Fatal(err)
	}
	o := sharedNodeOP(t)
	token := o.clientCredentials(t, nodeOpaque, "orders:read", nil).Access
	for _, tt := range []struct {
		name string
		auth introspect.Auth
	}{
		{"another secret", introspect.ClientSecretBasic(nodeResourceServer.id, "another-secret")},
		{"an unknown client", introspect.ClientSecretBasic("unknown", "another-secret")},
		{"another key", introspect.PrivateKeyJWT(nodeResourceServer.id+"-key", other)},
		{"a client without a key", introspect.PrivateKeyJWT(nodeResourceServer.id, o.key)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := nodeAsks(o)
			c.Auth = tt.auth
			newOpaqueAPI(t, c).refusesOurs(t, token, "another-secret")
		})
	}
	t.Run("signed answers for another client", func(t *testing.T) {
		c := nodeAsks(o)
		c.Signed = &introspect.Signed{Audience: "another"}
		newOpaqueAPI(t, c).unavailable(t, token)
	})
	t.Run("signed answers with another algorithm", func(t *testing.T) {
		c := nodeAsks(o)
		c.Signed = &introspect.Signed{Audience: nodeResourceServer.id, Algorithms: []string{"ES256"}}
		newOpaqueAPI(t, c).unavailable(t, token)
	})
}

// A signed introspection response is not accepted as an access token.
func TestNodeSignedAnswerIsNoToken(t *testing.T) {
	t.Parallel()
	o := sharedNodeOP(t)
	token := o.clientCredentials(t, nodeOpaque, "orders:read", nil).Access
	recorded := new(recorder)
	c := nodeAsks(o)
	c.Signed = &introspect.Signed{Audience: nodeResourceServer.id}
	c.Client = &http.Client{Transport: recorded}
	newOpaqueAPI(t, c).accepts(t, "/orders", token)
	answer := recorded.last()
	t.Logf("%v %v", headerOf(answer), claimsOf(answer))
	for name, profile := range map[string]jwks.Profile{"RFC 9068": {}, "permissive": permissiveProfile()} {
		a := newAPI(t, jwks.Config{Issuers: []jwks.Issuer{{URL: o.issuer, Audience: []string{nodeResourceServer.id}, Profile: profile}}})
		if got := a.get(t, "/me", answer); got.status != 401 {
			t.Errorf("%s: %d; want 401", name, got.status)
		}
	}
}

// The OP does not introspect JWTs. Its answer unsupported_token_type does not count
// as an outage.
func TestNodeJWTsAskedAbout(t *testing.T) {
	t.Parallel()
	o := sharedNodeOP(t)
	a := &api{events: make(map[string]bearer.Event)}
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: o.issuer, Audience: []string{nodeAPIs + "ES256"}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	opaque, err := introspect.New(nodeAsks(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opaque.Close)
	a.serve(t, bearer.Both(tokens, opaque.TakingJWTs()), opaque)
	a.refuses(t, o.clientCredentials(t, "ES256", "orders:read", nil).Access, "active")
	a.accepts(t, "/orders", o.clientCredentials(t, nodeOpaque, "orders:read", nil).Access)

	mixed := &api{events: make(map[string]bearer.Event)}
	mixed.serve(t, tokens, opaque)
	asked := opaque.Stats().Requests
	mixed.accepts(t, "/orders", o.clientCredentials(t, "ES256", "orders:read", nil).Access)
	if got := opaque.Stats().Requests; got != asked {
		t.Errorf("%d requests for a JWT that the API verifies itself", got-asked)
	}
}

func TestNodeIntrospectionStopsAndComesBack(t *testing.T) {
	t.Parallel()
	o := newNodeOP(t, "", "", "old")
	c := nodeAsks(o)
	a := newOpaqueAPI(t, c)
	known := o.clientCredentials(t, nodeOpaque, "orders:read", nil).Access
	unknown := o.clientCredentials(t, nodeOpaque, "orders:read", nil).Access
	a.accepts(t, "/orders", known)
	o.process.stop()
	a.accepts(t, "/orders", known)
	a.unavailable(t, unknown)
	back := newNodeOP(t, o.addr, "", "new")
	token := back.clientCredentials(t, nodeOpaque, "orders:read", nil).Access
	eventually(t, 15*time.Second, "a new token is accepted", func() bool { return a.get(t, "/orders", token).status == 200 })
	a.refuses(t, unknown, "active") // the OP has forgotten it
}

// newClientKey returns a client's private key as PEM, and the public key as a JWK.
func newClientKey() (private []byte, public string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, "", err
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, "", err
	}
	jwk, err := json.Marshal(map[string]any{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]),
		"y": base64.RawURLEncoding.EncodeToString(point[33:]),
	})
	if err != nil {
		return nil, "", err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), string(jwk), nil
}
