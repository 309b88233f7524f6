package interop_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-oauth2/oauth2/v4"
	"github.com/go-oauth2/oauth2/v4/generates"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"
	"github.com/go-oauth2/oauth2/v4/server"
	"github.com/go-oauth2/oauth2/v4/store"
)

const goOAuth2Audience = "https://api.example.com/orders"

var (
	goOAuth2Machine = oauthClient{id: "machine", secret: "machine-secret"}
	goOAuth2Web     = oauthClient{id: "web", secret: "web-secret", redirectURI: "http://127.0.0.1/callback"}
	goOAuth2API     = oauthClient{id: "api", secret: "api-secret"}
)

// goOAuth2 is an authorization server of github.com/go-oauth2/oauth2 on loopback.
// The library has endpoints for authorization and tokens only. Metadata, keys,
// introspection and revocation are handlers of this file, as its users write them.
type goOAuth2 struct {
	issuer  string
	manager *manage.Manager
	key     jose.JSONWebKey
}

// newGoOAuth2 starts a server whose client credentials tokens live for the given
// time. generate returns what makes the access tokens; nil is the library's
// default, which makes opaque ones.
func newGoOAuth2(t *testing.T, lifetime time.Duration, generate func(*goOAuth2) oauth2.AccessGenerate) *goOAuth2 {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &goOAuth2{manager: manage.NewDefaultManager(), key: jose.JSONWebKey{Key: key, KeyID: "key", Algorithm: "ES256", Use: "sig"}}
	clients := store.NewClientStore()
	for _, c := range []oauthClient{goOAuth2Machine, goOAuth2Web} {
		if err := clients.Set(c.id, &models.Client{ID: c.id, Secret: c.secret, Domain: "http://127.0.0.1"}); err != nil {
			t.Fatal(err)
		}
	}
	s.manager.MapClientStorage(clients)
	s.manager.MustTokenStorage(store.NewMemoryTokenStore())
	s.manager.SetClientTokenCfg(&manage.Config{AccessTokenExp: lifetime})
	if generate != nil {
		s.manager.MapAccessGenerate(generate(s))
	}
	provider := server.NewDefaultServer(s.manager)
	provider.SetClientInfoHandler(server.ClientBasicHandler)
	provider.SetUserAuthorizationHandler(func(http.ResponseWriter, *http.Request) (string, error) { return "alice", nil })
	running := httptest.NewServer(s.routes(provider))
	t.Cleanup(running.Close)
	s.issuer = running.URL
	return s
}

func (s *goOAuth2) routes(provider *server.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth", func(w http.ResponseWriter, r *http.Request) {
		if err := provider.HandleAuthorizeRequest(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) { _ = provider.HandleTokenRequest(w, r) })
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"issuer": s.issuer, "jwks_uri": s.issuer + "/jwks", "introspection_endpoint": s.issuer + "/introspect"})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{s.key.Public()}})
	})
	mux.HandleFunc("POST /introspect", s.introspect)
	mux.HandleFunc("POST /revoke", func(_ http.ResponseWriter, r *http.Request) {
		_ = s.manager.RemoveAccessToken(r.Context(), r.FormValue("token"))
	})
	return mux
}

// introspect answers as RFC 7662, Section 2.2 says. LoadAccessToken finds access
// tokens only, so a refresh token is inactive. The library knows no audience: every
// token is for the one API of this server.
func (s *goOAuth2) introspect(w http.ResponseWriter, r *http.Request) {
	if id, secret, _ := r.BasicAuth(); id != goOAuth2API.id || secret != goOAuth2API.secret {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	token, err := s.manager.LoadAccessToken(r.Context(), r.FormValue("token"))
	if err != nil {
		writeJSON(w, map[string]any{"active": false})
		return
	}
	answer := map[string]any{
		"active": true, "token_type": "Bearer", "client_id": token.GetClientID(), "scope": token.GetScope(), "aud": goOAuth2Audience,
		"iat": token.GetAccessCreateAt().Unix(), "exp": token.GetAccessCreateAt().Add(token.GetAccessExpiresIn()).Unix(),
	}
	if user := token.GetUserID(); user != "" {
		answer["sub"] = user
	}
	writeJSON(w, answer)
}

// rfc9068 makes access tokens as RFC 9068 defines them. The library's own
// generates.JWTAccessGenerate makes JWTs without iss, client_id and scope, whose aud
// is the client.
type rfc9068 struct {
	*goOAuth2
	secret []byte // nil: ES256 with the server's key, else HS256
}

func (g rfc9068) Token(ctx context.Context, data *oauth2.GenerateBasic, refresh bool) (access, refreshToken string, err error) {
	_, refreshToken, err = generates.NewAccessGenerate().Token(ctx, data, refresh)
	if err != nil {
		return "", "", err
	}
	key := jose.SigningKey{Algorithm: jose.ES256, Key: g.key}
	if g.secret != nil {
		key = jose.SigningKey{Algorithm: jose.HS256, Key: g.secret}
	}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		return "", "", err
	}
	issued := data.TokenInfo.GetAccessCreateAt()
	claims := map[string]any{
		"iss": g.issuer, "sub": data.UserID, "client_id": data.Client.GetID(), "aud": data.Request.FormValue("resource"),
		"scope": data.TokenInfo.GetScope(), "jti": rand.Text(),
		"iat": issued.Unix(), "exp": issued.Add(data.TokenInfo.GetAccessExpiresIn()).Unix(),
	}
	if data.UserID == "" {
		claims["sub"] = data.Client.GetID() // RFC 9068, Section 2.2
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", "", err
	}
	access, err = signed.CompactSerialize()
	return access, refreshToken, err
}

func (s *goOAuth2) clientCredentials(t *testing.T, resource, scope string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}, "resource": {resource}}
	return goOAuth2Machine.requestTokens(t, s.issuer+"/token", form, nil).Access
}

func (s *goOAuth2) codeFlow(t *testing.T, scope string) tokens {
	t.Helper()
	params := url.Values{"scope": {scope}, "resource": {goOAuth2Audience}}
	return goOAuth2Web.codeFlow(t, s.issuer+"/auth", s.issuer+"/token", params, nil)
}

func (s *goOAuth2) refresh(t *testing.T, token string) tokens {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "resource": {goOAuth2Audience}}
	return goOAuth2Web.requestTokens(t, s.issuer+"/token", form, nil)
}
