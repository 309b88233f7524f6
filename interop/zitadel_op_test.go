package interop_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	zitadel "github.com/zitadel/oidc/v3/pkg/client"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// zitadelOP is the example OP of github.com/zitadel/oidc on loopback. Its storage
// is modified: the kind of access token, its lifetime and scope claim, and the
// keys.
type zitadelOP struct {
	issuer, addr string
	handler      http.Handler
	store        *zitadelStorage
	server       *httptest.Server
	assertionKey []byte // PEM, of the service user
}

const (
	zitadelService    = storage.ServiceUserID
	zitadelServiceKey = storage.ServiceUserKeyID
)

var (
	zitadelNative = oauthClient{id: "native", redirectURI: "http://localhost/auth/callback"}
	zitadelWeb    = oauthClient{id: "web", secret: "secret", redirectURI: "http://localhost:9999/auth/callback"}
	zitadelOpaque = oauthClient{id: "opaque", secret: "secret", redirectURI: "http://localhost:9999/auth/callback"}
	zitadelM2M    = oauthClient{id: "sid1", secret: "verysecret"}
)

// zitadelServiceUserKey returns the key of the service user, which is the same at all
// OPs: under the race detector, a new one takes a while.
var zitadelServiceUserKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// newZitadelOP starts an OP. An empty issuer is the URL where it listens. With
// another issuer the OP is an impostor.
func newZitadelOP(t *testing.T, issuer, slash string, keys ...zitadelKey) *zitadelOP {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &zitadelOP{issuer: issuer, addr: listener.Addr().String()}
	if issuer == "" {
		o.issuer = "http://" + o.addr + slash
	}
	serviceKey, err := zitadelServiceUserKey()
	if err != nil {
		t.Fatal(err)
	}
	o.assertionKey = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(serviceKey)})
	o.store = &zitadelStorage{
		Storage: storage.NewStorageWithClients(storage.NewUserStore(o.issuer), map[string]*storage.Client{
			"native": storage.NativeClient(zitadelNative.id),
			"web":    storage.WebClient(zitadelWeb.id, zitadelWeb.secret),
			"opaque": storage.WebClient(zitadelOpaque.id, zitadelOpaque.secret),
		}),
		serviceKey: &serviceKey.PublicKey,
		keys:       keys,
	}
	o.handler = exampleop.SetupServer(o.issuer, o.store, nil, false)
	o.serve(listener)
	t.Cleanup(func() { o.server.Close() })
	return o
}

func (o *zitadelOP) serve(listener net.Listener) {
	o.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: o.handler}}
	o.server.Start()
}

// stop closes the listener and every connection.
func (o *zitadelOP) stop() { o.server.Close() }

// restart starts the OP at its previous address.
func (o *zitadelOP) restart(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		t.Fatal(err)
	}
	o.serve(listener)
}

func (o *zitadelOP) endpoint(path string) string { return "http://" + o.addr + path }

// login fills in the OP's login form.
func (o *zitadelOP) login(_ int, form url.Values) {
	u, _ := url.Parse(o.issuer)
	form.Set("username", "test-user@"+u.Hostname())
	form.Set("password", "verysecure")
}

func (o *zitadelOP) codeFlow(t *testing.T, c oauthClient, scope string) tokens {
	t.Helper()
	params := url.Values{"scope": {scope}, "nonce": {rand.Text()}}
	return c.codeFlow(t, o.endpoint("/auth"), o.endpoint("/oauth/token"), params, o.login)
}

// implicit runs response_type=id_token without the nonce that OpenID Connect Core,
// Section 3.2.2.1 requires. This OP accepts that.
func (o *zitadelOP) implicit(t *testing.T, c oauthClient, scope string) (idToken string) {
	t.Helper()
	params := url.Values{"scope": {scope}, "response_type": {"id_token"}}
	return c.authorize(t, o.endpoint("/auth"), params, o.login).Get("id_token")
}

func (o *zitadelOP) refresh(t *testing.T, c oauthClient, token string) tokens {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	return c.requestTokens(t, o.endpoint("/oauth/token"), form, nil)
}

func (o *zitadelOP) clientCredentials(t *testing.T, scope string) tokens {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	return zitadelM2M.requestTokens(t, o.endpoint("/oauth/token"), form, nil)
}

// assertion signs a service user's assertion for the token endpoint (RFC 7523) with
// the OP's own client library.
func (o *zitadelOP) assertion(t *testing.T) string {
	t.Helper()
	signer, err := zitadel.NewSignerFromPrivateKeyByte(o.assertionKey, zitadelServiceKey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := zitadel.SignedJWTProfileAssertion(zitadelService, []string{o.issuer}, time.Minute, signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (o *zitadelOP) jwtProfile(t *testing.T, scope string) tokens {
	t.Helper()
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
		"assertion":  {o.assertion(t)}, "scope": {scope},
	}
	return oauthClient{}.requestTokens(t, o.endpoint("/oauth/token"), form, nil)
}

// exchange runs a token exchange (RFC 8693).
func (o *zitadelOP) exchange(t *testing.T, c oauthClient, access, want string) tokens {
	t.Helper()
	return c.requestTokens(t, o.endpoint("/oauth/token"), url.Values{
		"grant_type":           {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token":        {access},
		"subject_token_type":   {"urn:ietf:params:oauth:token-type:access_token"},
		"requested_token_type": {want},
		"scope":                {"openid"},
	}, nil)
}

// userinfo sends a token to the OP's own protected resource.
func (o *zitadelOP) userinfo(t *testing.T, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.endpoint("/userinfo"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// zitadelStorage is the example's storage, but with JWT access tokens for all
// clients except one.
type zitadelStorage struct {
	*storage.Storage
	serviceKey *rsa.PublicKey

	mu       sync.Mutex
	lifetime time.Duration // of access tokens; zero: the example's 5 minutes
	keys     []zitadelKey  // the first signs, all are published; none: the example's
	sendAud  bool          // in introspection answers, where the example has none
}

func (s *zitadelStorage) setLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

func (s *zitadelStorage) setSendAud() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendAud = true
}

func (s *zitadelStorage) SetIntrospectionFromToken(ctx context.Context, answer *oidc.IntrospectionResponse, tokenID, subject, clientID string) error {
	err := s.Storage.SetIntrospectionFromToken(ctx, answer, tokenID, subject, clientID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.sendAud {
		answer.Audience = []string{answer.ClientID} // as in its JWTs
	}
	if err == nil {
		answer.Claims = zitadelRoles(answer.Scope)
	}
	return err
}

// rotate makes the OP sign with the first key and publish all of them.
func (s *zitadelStorage) rotate(keys ...zitadelKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

func (s *zitadelStorage) current() []zitadelKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys
}

func (s *zitadelStorage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.Storage.GetClientByClientID(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case id == zitadelOpaque.id:
		return apiClient{c}, nil
	}
	return jwtClient{apiClient{c}}, nil
}

func (s *zitadelStorage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	c, err := s.Storage.ClientCredentials(ctx, id, secret)
	if err != nil {
		return nil, err
	}
	return jwtClient{apiClient{c}}, nil
}

// JWTProfileTokenType implements op.JWTProfileTokenStorage.
func (s *zitadelStorage) JWTProfileTokenType(context.Context, op.TokenRequest) (op.AccessTokenType, error) {
	return op.AccessTokenTypeJWT, nil
}

func (s *zitadelStorage) ValidateJWTProfileScopes(_ context.Context, _ string, scopes []string) ([]string, error) {
	return scopes, nil
}

// GetPrivateClaimsFromRequest implements op.CanGetPrivateClaimsFromRequest.
// Without it, the OP's JWT access tokens have no scope claim at all.
func (s *zitadelStorage) GetPrivateClaimsFromRequest(_ context.Context, _ op.TokenRequest, scopes []string) (map[string]any, error) {
	if len(scopes) == 0 {
		return nil, nil
	}
	claims := zitadelRoles(scopes)
	claims["scope"] = strings.Join(scopes, " ")
	return claims, nil
}

func (s *zitadelStorage) CreateAccessToken(ctx context.Context, r op.TokenRequest) (string, time.Time, error) {
	id, expires, err := s.Storage.CreateAccessToken(ctx, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lifetime != 0 {
		expires = time.Now().Add(s.lifetime)
	}
	return id, expires, err
}

func (s *zitadelStorage) GetKeyByIDAndClientID(_ context.Context, keyID, _ string) (*jose.JSONWebKey, error) {
	return &jose.JSONWebKey{KeyID: keyID, Use: "sig", Key: s.serviceKey}, nil
}

func (s *zitadelStorage) SigningKey(ctx context.Context) (op.SigningKey, error) {
	if keys := s.current(); len(keys) > 0 {
		return keys[0], nil
	}
	return s.Storage.SigningKey(ctx)
}

func (s *zitadelStorage) KeySet(ctx context.Context) ([]op.Key, error) {
	keys := s.current()
	if len(keys) == 0 {
		return s.Storage.KeySet(ctx)
	}
	published := make([]op.Key, len(keys))
	for i, k := range keys {
		published[i] = publishedKey{k}
	}
	return published, nil
}

// apiClient is a client that may request the scopes of the API, and roles.
type apiClient struct{ op.Client }

func (apiClient) IsScopeAllowed(scope string) bool {
	return strings.HasPrefix(scope, "orders:") || strings.HasPrefix(scope, zitadelRoleScope)
}

// jwtClient is an apiClient that gets JWT access tokens.
type jwtClient struct{ apiClient }

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// zitadelKey is a signing key of the OP.
type zitadelKey struct {
	id  string
	alg jose.SignatureAlgorithm
	key crypto.Signer
}

func (k zitadelKey) SignatureAlgorithm() jose.SignatureAlgorithm { return k.alg }
func (k zitadelKey) Key() any                                    { return k.key }
func (k zitadelKey) ID() string                                  { return k.id }

type publishedKey struct{ k zitadelKey }

func (p publishedKey) ID() string                         { return p.k.id }
func (p publishedKey) Algorithm() jose.SignatureAlgorithm { return p.k.alg }
func (p publishedKey) Use() string                        { return "sig" }
func (p publishedKey) Key() any                           { return p.k.key.Public() }

func newZitadelKey(t *testing.T, id string, alg jose.SignatureAlgorithm) zitadelKey {
	t.Helper()
	k := zitadelKey{id: id, alg: alg}
	var err error
	switch alg {
	case jose.ES256:
		k.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, k.key, err = ed25519.GenerateKey(rand.Reader)
	default:
		k.key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}
