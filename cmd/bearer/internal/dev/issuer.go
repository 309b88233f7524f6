package dev

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
)

// How many values an issuer keeps, and how long.
const (
	maxValues     = 10_000
	maxRegistered = 1_000

	codeLife         = time.Minute // RFC 6749, Section 4.1.2, recommends at most ten
	formLife         = 10 * time.Minute
	deviceLife       = 10 * time.Minute
	sessionLife      = 8 * time.Hour
	registrationLife = 30 * 24 * time.Hour
	hintLife         = 24 * time.Hour // of ID tokens, as hints for the end of a session
)

// issuer is one authorization server.
type issuer struct {
	server *Server
	config Issuer
	url    string
	kit    *bearertest.Issuer
	nonces *dpop.Nonces // nil: not required

	registered *store[string, *Client]
	forms      *store[digest, form]
	sessions   *store[digest, *session] // by cookie
	codes      *store[digest, *code]
	devices    *store[digest, *device]
	userCodes  *store[string, *device]
	refreshes  *store[digest, *refresh]
	issued     *store[digest, *token]
	proofs     *store[digest, struct{}] // that were used

	mu          sync.Mutex
	state       string     // see trigger.go
	generations [][]string // the IDs of published keys, the oldest first; nil: one generation
}

// session is a user's session in a browser.
type session struct {
	id   string // sid
	user *User
	at   time.Time // of the sign-in
	acr  string

	mu      sync.Mutex
	clients map[string]bool // that got tokens in the session, by ID
	ended   bool
}

// grant is what a user or a client allowed. All tokens of it end with it.
type grant struct {
	client    *Client
	user      *User    // nil: the client's own
	session   *session // nil: none
	scope     string
	resources []string // RFC 8707
	authTime  time.Time
	acr       string
	nonce     string                 // of the ID token
	jkt       atomic.Pointer[string] // the key to which a public client's refresh tokens are bound
	revoked   atomic.Bool
}

func newIssuer(s *Server, c Issuer) (*issuer, error) {
	i := &issuer{
		server: s, config: c, url: s.config.URL + c.Path, state: stateUp,
		registered: newStore[string, *Client](maxRegistered),
		forms:      newStore[digest, form](maxValues),
		sessions:   newStore[digest, *session](maxValues),
		codes:      newStore[digest, *code](maxValues),
		devices:    newStore[digest, *device](maxValues),
		userCodes:  newStore[string, *device](maxValues),
		refreshes:  newStore[digest, *refresh](maxValues),
		issued:     newStore[digest, *token](maxValues),
		proofs:     newStore[digest, struct{}](maxValues),
	}
	var err error
	if i.kit, err = bearertest.NewIssuer(bearertest.IssuerConfig{URL: i.url, Audience: c.Audience}); err != nil {
		return nil, fmt.Errorf("dev: %w", err)
	}
	if c.Nonces {
		if i.nonces, err = dpop.NewNonces(dpop.NoncesConfig{}); err != nil {
			return nil, fmt.Errorf("dev: %w", err)
		}
	}
	return i, nil
}

// The names of endpoints that a bearertest.Issuer does not have.
const (
	authorizationEndpoint bearertest.Endpoint = "authorization"
	signInEndpoint        bearertest.Endpoint = "sign-in"
	deviceEndpoint        bearertest.Endpoint = "device_authorization"
	devicePageEndpoint    bearertest.Endpoint = "device"
	registrationEndpoint  bearertest.Endpoint = "registration"
	userinfoEndpoint      bearertest.Endpoint = "userinfo"
	endSessionEndpoint    bearertest.Endpoint = "end_session"
)

// endpoints are all endpoints.
var endpoints = []bearertest.Endpoint{
	bearertest.OAuthMetadata, bearertest.OIDCMetadata, bearertest.JWKS, bearertest.TokenEndpoint,
	bearertest.IntrospectionEndpoint, bearertest.RevocationEndpoint, authorizationEndpoint, signInEndpoint,
	deviceEndpoint, devicePageEndpoint, registrationEndpoint, userinfoEndpoint, endSessionEndpoint,
}

// handlers returns the handlers of the issuer's endpoints, by path.
func (i *issuer) handlers() (map[string]http.Handler, error) {
	userinfo, err := i.userinfo()
	if err != nil {
		return nil, fmt.Errorf("dev: %w", err)
	}
	const oauth, oidc = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	path := i.config.Path
	handlers := map[string]http.Handler{
		path + "/jwks": forPages(i.kit), // it has its faults itself
	}
	add := func(e bearertest.Endpoint, path string, h http.Handler, wrap func(http.Handler) http.Handler) {
		h = i.kit.WithFaults(e, h)
		if wrap != nil {
			h = wrap(h)
		}
		handlers[path] = h
	}
	add(bearertest.OAuthMetadata, oauth+path, http.HandlerFunc(i.metadata), forPages) // RFC 8414, Section 3.1
	add(bearertest.OIDCMetadata, path+oidc, http.HandlerFunc(i.metadata), forPages)   // OpenID Connect Discovery, Section 4
	if path != "" {
		add(bearertest.OIDCMetadata, oidc+path, http.HandlerFunc(i.metadata), forPages) // RFC 8414, Section 5
	}
	add(bearertest.TokenEndpoint, path+"/token", i.tokenHandler(), forPages)
	add(registrationEndpoint, path+"/register", http.HandlerFunc(i.register), forPages)
	add(userinfoEndpoint, path+"/userinfo", userinfo, forPages)
	add(deviceEndpoint, path+"/device_authorization", endpoint(i.startDevice), forPages)
	add(bearertest.RevocationEndpoint, path+"/revoke", endpoint(i.revoke), forPages)
	add(bearertest.IntrospectionEndpoint, path+"/introspect", endpoint(i.introspect), nil)
	add(authorizationEndpoint, path+"/authorize", http.HandlerFunc(i.authorize), nil)
	add(signInEndpoint, path+"/sign-in", http.HandlerFunc(i.signIn), nil)
	add(devicePageEndpoint, path+"/device", http.HandlerFunc(i.devicePage), nil)
	add(endSessionEndpoint, path+"/end_session", http.HandlerFunc(i.endSession), nil)
	return handlers, nil
}

// cookiePath is the path of the issuer's cookies.
func (i *issuer) cookiePath() string { return i.config.Path + "/" }

// forPages lets pages of loopback origins use an endpoint: browser clients under
// development. Pages of other origins could otherwise get tokens for APIs under
// development.
func forPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !isLoopbackOrigin(origin) {
			if r.Method == http.MethodOptions && origin != "" {
				http.Error(w, "Only pages of loopback origins may use this server.", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce, Retry-After")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", strings.Join([]string{
				"Authorization", "Content-Type", "DPoP", "MCP-Protocol-Version"}, ", "))
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
