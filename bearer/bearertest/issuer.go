package bearertest

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// The defaults of IssuerConfig.
const (
	defaultAddr     = "127.0.0.1:0"
	defaultAudience = "https://api.example.com"
)

// IssuerConfig configures an [Issuer]. All fields are optional.
type IssuerConfig struct {
	// Addr is the loopback address to listen on. Default: 127.0.0.1:0, a free
	// port.
	Addr string

	// Path is the path of the issuer's URL. It begins with a slash. Default: no
	// path.
	Path string

	// Audience is the default aud of tokens. Default: https://api.example.com.
	Audience []string

	// Clients may introspect and revoke tokens. Default: no client may.
	Clients []Client

	// URL is the issuer's URL if the caller serves the Issuer, which is an
	// http.Handler: several issuers on one address, for example, or an issuer
	// beside a page for sign-in. It is an http URL on a loopback host. The caller's
	// server must pass the paths below URL, and those of the metadata (RFC 8414,
	// Section 3.1), to the Issuer. Addr and Path are not used then. Default: the
	// Issuer listens on Addr.
	URL string

	// InMemory serves over connections in memory instead of a socket. Only
	// [Issuer.Client] reaches such an issuer. Use it in synctest bubbles. The URL
	// is https://issuer.example.com, although there is no TLS.
	InMemory bool
}

// Issuer is an authorization server for tests. It publishes metadata (RFC 8414
// and OpenID Connect Discovery) and keys, mints any token, introspects tokens
// (RFC 7662, RFC 9701), revokes them (RFC 7009), and fails on demand. It answers
// only requests whose Host is this machine (see [LocalOnly]), and sends no CORS
// fields, so that pages cannot read its answers. Create one with [NewIssuer]. An
// Issuer is safe for concurrent use.
type Issuer struct {
	url      string
	path     string
	addr     string
	audience []string
	clients  map[string]*client
	memory   *memoryListener
	client   *http.Client

	serving   sync.Once
	endpoints http.Handler // of ServeHTTP

	mu         sync.Mutex
	server     *http.Server // nil: down
	served     chan struct{}
	closed     bool
	keys       []*key
	minted     int // number of keys created
	faults     map[Endpoint]Fault
	requests   map[Endpoint]int
	released   chan struct{}     // closed, and replaced, to end the requests that a fault holds
	opaque     map[digest][]byte // the claims of each opaque token
	answers    map[digest][]byte // what introspection answers, byte for byte
	published  [][]byte          // JWKs besides those of keys
	revoked    map[digest]bool
	assertions map[assertionID]bool // used assertions and proofs
	overlay    func(client string, answer map[string]any) map[string]any
}

// memoryHost is the host of an issuer in memory.
const memoryHost = "issuer.example.com"

// NewIssuer starts an issuer with one key for each family of algorithms. Call
// [Issuer.Close] when done.
func NewIssuer(c IssuerConfig) (*Issuer, error) {
	c.Addr = cmp.Or(c.Addr, defaultAddr)
	if c.Audience == nil {
		c.Audience = []string{defaultAudience}
	}
	clients, err := newClients(c.Clients)
	if err != nil {
		return nil, err
	}
	i := &Issuer{
		path:       strings.TrimSuffix(c.Path, "/"),
		addr:       c.Addr,
		audience:   c.Audience,
		clients:    clients,
		faults:     map[Endpoint]Fault{},
		requests:   map[Endpoint]int{},
		released:   make(chan struct{}),
		opaque:     map[digest][]byte{},
		answers:    map[digest][]byte{},
		revoked:    map[digest]bool{},
		assertions: map[assertionID]bool{},
	}
	if c.URL != "" {
		if err := i.serveAt(c.URL); err != nil {
			return nil, err
		}
	}
	if i.path != "" && i.path[0] != '/' {
		return nil, fmt.Errorf("bearertest: IssuerConfig.Path %q does not begin with a slash", c.Path)
	}
	for _, algorithm := range []string{"RS256", "ES256", "ES384", "ES512", "EdDSA"} {
		if _, err := i.AddKey(algorithm); err != nil {
			return nil, err
		}
	}
	if c.InMemory {
		i.memory = newMemoryListener()
		i.client = i.memory.client()
		i.url = "https://" + memoryHost + i.path
	} else {
		i.client = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	if c.URL == "" {
		if err := i.Start(); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// URL returns the issuer identifier, the iss of the issuer's tokens.
func (i *Issuer) URL() string { return i.url }

// Client returns an HTTP client that reaches the issuer, even an issuer in memory.
func (i *Issuer) Client() *http.Client { return i.client }

// Start restarts the issuer at the same address after [Issuer.Stop]. It does
// nothing if the issuer is running.
func (i *Issuer) Start() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.closed:
		return errors.New("bearertest: the issuer is closed")
	case i.server != nil:
		return nil
	case i.addr == "":
		return errors.New("bearertest: an issuer with IssuerConfig.URL does not serve itself")
	}
	var listener net.Listener = i.memory
	if i.memory == nil {
		tcp, err := net.Listen("tcp", i.addr)
		if err != nil {
			return fmt.Errorf("bearertest: %w", err)
		}
		if addr, ok := tcp.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
			_ = tcp.Close()
			return fmt.Errorf("bearertest: IssuerConfig.Addr %q: want a loopback address, since an Issuer gives a token to any client", i.addr)
		}
		listener = tcp
		i.addr = tcp.Addr().String()
		if i.url == "" { // set once, since it is read without a lock
			i.url = "http://" + i.addr + i.path
		}
	} else {
		i.memory.open()
	}
	i.server = &http.Server{Handler: i.handler(), ReadHeaderTimeout: 10 * time.Second}
	i.served = make(chan struct{})
	i.released = make(chan struct{})
	go func(server *http.Server, served chan struct{}) {
		defer close(served)
		_ = server.Serve(listener) // returns when Stop closes the server
	}(i.server, i.served)
	return nil
}

// Stop stops the issuer: it refuses new connections and breaks existing ones.
func (i *Issuer) Stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.server == nil {
		return
	}
	close(i.released)
	i.released = make(chan struct{})
	_ = i.server.Close()
	<-i.served
	i.server = nil
	i.client.CloseIdleConnections()
}

// Close stops the issuer, which cannot be started again.
func (i *Issuer) Close() {
	i.Stop()
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
}

// handler serves the endpoints.
func (i *Issuer) handler() http.Handler {
	mux := http.NewServeMux()
	const oauth, oidc = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	paths := map[string]struct {
		endpoint Endpoint
		answer   http.HandlerFunc
	}{
		oauth + i.path:         {OAuthMetadata, i.metadata}, // RFC 8414, Section 3.1
		i.path + oidc:          {OIDCMetadata, i.metadata},  // OpenID Connect Discovery, Section 4
		i.path + "/jwks":       {JWKS, i.keySet},
		i.path + "/token":      {TokenEndpoint, i.token},
		i.path + "/introspect": {IntrospectionEndpoint, i.forClients(i.url+"/introspect", i.introspect)},
		i.path + "/revoke":     {RevocationEndpoint, i.forClients(i.url+"/revoke", i.revoke)},
	}
	for path, p := range paths {
		mux.HandleFunc(path, i.faulty(p.endpoint, p.answer))
	}
	if i.memory != nil {
		return LocalOnly(mux, memoryHost)
	}
	return LocalOnly(mux)
}

func (i *Issuer) metadata(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                   i.url,
		"jwks_uri":                 i.url + "/jwks",
		"token_endpoint":           i.url + "/token",
		"response_types_supported": []string{},
		"grant_types_supported":    []string{"client_credentials"},
		"token_endpoint_auth_methods_supported": []string{
			"client_secret_basic", "client_secret_post", "none"},
		"dpop_signing_alg_values_supported": jose.Algorithms(), // RFC 9449, Section 5.1
		"introspection_endpoint":            i.url + "/introspect",
		"introspection_endpoint_auth_methods_supported": []string{
			"client_secret_basic", "client_secret_post", "private_key_jwt", "Bearer"},
		"introspection_endpoint_auth_signing_alg_values_supported": jose.Algorithms(),
		"introspection_signing_alg_values_supported":               []string{string(introspectionAlgorithm)},
		"revocation_endpoint":                                      i.url + "/revoke",
		"revocation_endpoint_auth_methods_supported": []string{
			"client_secret_basic", "client_secret_post", "private_key_jwt"},
		"revocation_endpoint_auth_signing_alg_values_supported": jose.Algorithms(),
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil { // a test's overlay returned a value without JSON
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
