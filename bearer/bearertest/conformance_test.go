package bearertest_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/compliance"
	"github.com/bearerkit/bearerkit/dpop"
	introspection "github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

const conformURL = "https://api.example.com/orders"

// corpus is the corpus of the module conformance, which this module must not
// require.
func corpus(t *testing.T) fs.FS {
	t.Helper()
	const dir = "../../conformance"
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("NOT tested: %v (the corpus is in a module of its own)", err)
	}
	return os.DirFS(dir)
}

// conformAPI is an API with everything that the corpus asks for.
type conformAPI struct {
	*bearertest.Issuer
	handler http.Handler
}

func newConformAPI(t *testing.T, change func(*bearer.Config, *dpop.Config)) conformAPI {
	t.Helper()
	return newConformAPIOf(t, func(s compliance.Settings) {
		if change != nil {
			change(s.Guard, s.Proofs)
		}
	})
}

func newConformAPIOf(t *testing.T, change func(compliance.Settings)) conformAPI {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	const audience = "https://api.example.com"
	jwtConfig := jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}}
	opaqueConfig := introspection.Config{
		Issuer: issuer.URL(), Endpoint: issuer.URL() + "/introspect", Audience: []string{audience},
		Auth: introspection.ClientSecretBasic("api", "secret"), Timeout: time.Second,
	}
	proofConfig := dpop.Config{Origin: audience}
	guardConfig := bearer.Config{
		Certificates: &bearer.Certificates{}, ResourceMetadata: audience + "/.well-known/oauth-protected-resource",
	}
	change(compliance.Settings{Guard: &guardConfig, Tokens: &jwtConfig, Opaque: &opaqueConfig, Proofs: &proofConfig})
	tokens, err := jwks.New(jwtConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	opaque, err := introspection.New(opaqueConfig)
	if err != nil {
		t.Fatal(err)
	}
	guardConfig.Verifiers = []bearer.Verifier{tokens, opaque}
	if guardConfig.Proofs, err = dpop.New(proofConfig); err != nil {
		t.Fatal(err)
	}
	guard, err := bearer.New(guardConfig)
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := resource.New(resource.Config{
		Resource: audience, AuthorizationServers: []string{issuer.URL()}, Rules: []scope.Rule{scope.All("orders:read")}, Name: "Orders",
	})
	if err != nil {
		t.Fatal(err)
	}
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("orders")) })
	mux := http.NewServeMux()
	mux.Handle("/orders", bearerhttp.Require(guard, scope.All("orders:read"))(ok))
	mux.Handle("/strict", bearerhttp.Require(guard, scope.All("orders:read", "conform:strict"))(ok))
	mux.Handle("/optional", bearerhttp.Optional(guard, scope.All("orders:read"))(ok))
	mux.Handle("/transfer", bearerhttp.Require(guard, scope.All("orders:read"),
		bearer.StepUp{ACR: []string{"phr"}, MaxAge: 5 * time.Minute})(ok))
	published, err := resource.Handler(metadata)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle(resource.WellKnownPath, published)
	return conformAPI{issuer, mux}
}

// options are what the API of newConformAPI supports.
func (a conformAPI) options(t *testing.T) bearertest.ConformanceOptions {
	return bearertest.ConformanceOptions{
		Corpus: corpus(t), Issuer: a.Issuer, URL: conformURL, Scope: "orders:read",
		Supports: []string{"jwt", "introspection", "dpop", "mtls", "metadata", "mcp"},
		Routes:   map[string]string{"strict": "/strict", "optional": "/optional", "step-up": "/transfer"},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	api := newConformAPI(t, nil)
	o := api.options(t)
	o.Levels = []string{"core", "rfc9068", "bcp", "dpop", "mtls", "metadata"}
	bearertest.RunConformance(t, api.handler, o)
}

// Most of the time of this test is waiting, since a verifier fetches keys only now
// and then.
func TestConformanceInOutages(t *testing.T) {
	t.Parallel()
	api := newConformAPI(t, nil)
	o := api.options(t)
	o.Levels = []string{"outage"}
	bearertest.RunConformance(t, api.handler, o)
}

// An API at a URL, as bearer conform tests it.
func TestConformanceByURL(t *testing.T) {
	t.Parallel()
	api := newConformAPI(t, nil)
	server := httptest.NewUnstartedServer(api.handler)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	o := api.options(t)
	o.URL, o.TLS = server.URL+"/orders", &tls.Config{RootCAs: roots}
	o.Levels = []string{"core", "rfc9068", "mtls"}
	bearertest.RunConformance(t, nil, o)
}
