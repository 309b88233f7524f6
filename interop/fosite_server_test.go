package interop_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v3" // fosite needs a key of this version
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
)

const fositeAudience = "https://api.example.com/orders"

var (
	fositeMachine = oauthClient{id: "machine", secret: "machine-secret"}
	fositeBrief   = oauthClient{id: "brief", secret: "brief-secret"} // its tokens live for two seconds
	fositeWeb     = oauthClient{id: "web", secret: "web-secret", redirectURI: "http://127.0.0.1/callback"}
	fositeAPI     = oauthClient{id: "api", secret: "api-secret"}
)

// fositeServer is an authorization server of github.com/ory/fosite on loopback. The
// library leaves the endpoints and the claims to its user: these are like those of
// Ory Hydra, which is built on it. Every user is alice, who consents to everything.
type fositeServer struct {
	issuer   string
	provider fosite.OAuth2Provider
	key      *jose.JSONWebKey
}

// newFosite starts a server whose access tokens are JWTs or opaque. If
// refreshInactive is set, it does not call refresh tokens active.
func newFosite(t *testing.T, jwts, refreshInactive bool) *fositeServer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &fositeServer{key: &jose.JSONWebKey{Key: key, KeyID: "key", Algorithm: "RS256", Use: "sig"}}
	server := httptest.NewServer(s.routes())
	t.Cleanup(server.Close)
	s.issuer = server.URL
	config := &fosite.Config{
		GlobalSecret:                  []byte(rand.Text() + rand.Text()),
		AccessTokenLifespan:           5 * time.Minute,
		IDTokenIssuer:                 s.issuer,
		AccessTokenIssuer:             s.issuer,
		TokenURL:                      s.issuer + "/token",
		HashCost:                      4,
		EnforcePKCE:                   true,
		DisableRefreshTokenValidation: refreshInactive,
	}
	s.provider = newFositeProvider(t, config, s.key, jwts)
	return s
}

func newFositeProvider(t *testing.T, config *fosite.Config, key *jose.JSONWebKey, jwts bool) fosite.OAuth2Provider {
	t.Helper()
	signingKey := func(context.Context) (any, error) { return key, nil }
	opaque := compose.NewOAuth2HMACStrategy(config)
	strategy := &compose.CommonStrategy{
		CoreStrategy:               opaque,
		OpenIDConnectTokenStrategy: compose.NewOpenIDConnectStrategy(signingKey, config),
		Signer:                     &jwt.DefaultSigner{GetPrivateKey: signingKey},
	}
	if jwts {
		strategy.CoreStrategy = compose.NewOAuth2JWTStrategy(signingKey, opaque, config)
	}
	store := storage.NewMemoryStore()
	for _, c := range []oauthClient{fositeMachine, fositeBrief, fositeWeb, fositeAPI} {
		hash, err := (&fosite.BCrypt{Config: config}).Hash(t.Context(), []byte(c.secret))
		if err != nil {
			t.Fatal(err)
		}
		client := &fosite.DefaultClient{
			ID:            c.id,
			Secret:        hash,
			RedirectURIs:  []string{c.redirectURI},
			GrantTypes:    []string{"client_credentials", "authorization_code", "refresh_token"},
			ResponseTypes: []string{"code"},
			Scopes:        []string{"openid", "offline", "orders:read", "orders:write"},
			Audience:      []string{fositeAudience, fositeAudience + "/other"},
		}
		store.Clients[c.id] = client
		if c.id == fositeBrief.id {
			lifespan := 2 * time.Second
			store.Clients[c.id] = &fosite.DefaultClientWithCustomTokenLifespans{
				DefaultClient:  client,
				TokenLifespans: &fosite.ClientLifespanConfig{ClientCredentialsGrantAccessTokenLifespan: &lifespan},
			}
		}
	}
	return compose.Compose(config, store, strategy,
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2ClientCredentialsGrantFactory,
		compose.OAuth2RefreshTokenGrantFactory, compose.OpenIDConnectExplicitFactory,
		compose.OpenIDConnectRefreshFactory, compose.OAuth2TokenIntrospectionFactory,
		compose.OAuth2TokenRevocationFactory, compose.OAuth2PKCEFactory)
}

func (s *fositeServer) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{
			"issuer": s.issuer, "jwks_uri": s.issuer + "/jwks", "token_endpoint": s.issuer + "/token",
			"authorization_endpoint": s.issuer + "/auth", "introspection_endpoint": s.issuer + "/introspect",
			"revocation_endpoint": s.issuer + "/revoke",
		})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{s.key.Public()}})
	})
	mux.HandleFunc("GET /auth", s.authorize)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.provider.NewIntrospectionRequest(r.Context(), r, s.session("", ""))
		if err != nil {
			s.provider.WriteIntrospectionError(r.Context(), w, err)
			return
		}
		s.provider.WriteIntrospectionResponse(r.Context(), w, answer)
	})
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		s.provider.WriteRevocationResponse(r.Context(), w, s.provider.NewRevocationRequest(r.Context(), r))
	})
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (s *fositeServer) authorize(w http.ResponseWriter, r *http.Request) {
	request, err := s.provider.NewAuthorizeRequest(r.Context(), r)
	if err != nil {
		s.provider.WriteAuthorizeError(r.Context(), w, request, err)
		return
	}
	grantAll(request)
	response, err := s.provider.NewAuthorizeResponse(r.Context(), request, s.session("alice", request.GetClient().GetID()))
	if err != nil {
		s.provider.WriteAuthorizeError(r.Context(), w, request, err)
		return
	}
	s.provider.WriteAuthorizeResponse(r.Context(), w, request, response)
}

func (s *fositeServer) token(w http.ResponseWriter, r *http.Request) {
	client, _, _ := r.BasicAuth()
	request, err := s.provider.NewAccessRequest(r.Context(), r, s.session(client, client))
	if err != nil {
		s.provider.WriteAccessError(r.Context(), w, request, err)
		return
	}
	if request.GetGrantTypes().ExactOne("client_credentials") {
		grantAll(request)
	}
	response, err := s.provider.NewAccessResponse(r.Context(), request)
	if err != nil {
		s.provider.WriteAccessError(r.Context(), w, request, err)
		return
	}
	s.provider.WriteAccessResponse(r.Context(), w, request, response)
}

func grantAll(request fosite.Requester) {
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	for _, audience := range request.GetRequestedAudience() {
		request.GrantAudience(audience)
	}
}

func (s *fositeServer) session(subject, client string) *fositeSession {
	now := time.Now()
	return &fositeSession{
		DefaultSession: &openid.DefaultSession{
			Subject: subject,
			Claims:  &jwt.IDTokenClaims{Subject: subject, RequestedAt: now, AuthTime: now},
			Headers: &jwt.Headers{Extra: map[string]any{"kid": s.key.KeyID}},
		},
		issuer: s.issuer, client: client, kid: s.key.KeyID,
	}
}

// fositeSession is the state of a grant. Like Hydra's, it adds client_id, nbf and
// ext to access tokens, and iss to introspection answers.
type fositeSession struct {
	*openid.DefaultSession
	issuer, client, kid string
}

func (s *fositeSession) Clone() fosite.Session {
	copied := *s
	copied.DefaultSession = s.DefaultSession.Clone().(*openid.DefaultSession)
	return &copied
}

func (s *fositeSession) GetJWTClaims() jwt.JWTClaimsContainer {
	now := time.Now()
	return &jwt.JWTClaims{
		Subject: s.Subject, IssuedAt: now, NotBefore: now,
		Extra: map[string]any{"client_id": s.client, "ext": s.ext()},
	}
}

func (s *fositeSession) GetJWTHeader() *jwt.Headers {
	return &jwt.Headers{Extra: map[string]any{"kid": s.kid}}
}

func (s *fositeSession) GetExtraClaims() map[string]any {
	return map[string]any{"iss": s.issuer, "ext": s.ext()}
}

func (s *fositeSession) ext() map[string]any {
	if s.Subject != "alice" {
		return map[string]any{}
	}
	return map[string]any{"roles": []string{"admin"}}
}
