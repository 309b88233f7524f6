// Package reference is a strict resource server that shares no code with bearerkit
// and needs only the standard library. It proves that the corpus demands the
// specifications, and not the habits of bearerkit: a run on it must not fail. It is
// for tests. It asks its issuer for keys one request at a time and has no cache of
// introspection, so do not serve real traffic with it.
package reference

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config configures a server. All fields are required, unless a comment says
// otherwise.
type Config struct {
	Resource string // the API's identifier, which is its name in aud
	Origin   string // where clients find it, such as https://api.example.com
	Issuer   string // compared with iss
	KeySet   string // the URL of the issuer's key set
	Scope    string // what the routes require

	// Introspection is the URL that knows opaque tokens. Default: they are refused.
	Introspection          string
	ClientID, ClientSecret string

	// Nonces demands a nonce of the server in DPoP proofs. Default: no.
	Nonces bool

	// FAPI accepts only bound tokens, and the algorithms of FAPI 2.0, Section 5.4.
	// Default: also bearer tokens.
	FAPI bool

	// Client asks the issuer. It must not follow redirects. Default: one that does
	// not.
	Client *http.Client
}

// The paths of the routes. StrictPath also requires the scope conform:strict,
// StepUpPath the acr phr and an authentication within five minutes, and
// OptionalPath serves requests without a token too.
const (
	Path         = "/orders"
	StrictPath   = "/strict"
	StepUpPath   = "/transfer"
	OptionalPath = "/catalog"
	metadataPath = "/.well-known/oauth-protected-resource" // RFC 9728, Section 3
)

type server struct {
	Config
	algorithms, proofAlgorithms []string
	origin                      string
	nonce                       string
	keys                        keySet
	used                        used
	metadata                    []byte
}

// New returns a server for the four paths and the metadata of RFC 9728.
func New(c Config) (http.Handler, error) {
	var mistakes []error
	for _, field := range []struct{ name, value string }{
		{"Resource", c.Resource}, {"Origin", c.Origin}, {"Issuer", c.Issuer}, {"KeySet", c.KeySet}, {"Scope", c.Scope},
	} {
		if field.value == "" {
			mistakes = append(mistakes, fmt.Errorf("reference: Config.%s is required", field.name))
		}
	}
	for _, field := range []struct{ name, value string }{{"Origin", c.Origin}, {"KeySet", c.KeySet}, {"Introspection", c.Introspection}} {
		if u, err := url.Parse(field.value); field.value != "" && (err != nil || u.Host == "") {
			mistakes = append(mistakes, fmt.Errorf("reference: Config.%s %q: want a URL with scheme and host", field.name, field.value))
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	if c.Client == nil {
		c.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	s := &server{
		Config: c, origin: strings.TrimSuffix(c.Origin, "/"), nonce: rand.Text(),
		algorithms:      []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"},
		proofAlgorithms: []string{"RS256", "PS256", "ES256", "EdDSA"},
		keys:            keySet{url: c.KeySet, client: c.Client},
		used:            used{proofs: map[string]time.Time{}},
	}
	if c.FAPI {
		s.algorithms = []string{"PS256", "ES256", "EdDSA"}
		s.proofAlgorithms = s.algorithms
	}
	return s.routes()
}
