package probe_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/probe"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

const page = "https://app.example.com"

// answer is an answer that a test may change before it is sent.
type answer = *httptest.ResponseRecorder

// world is an API that bearerkit protects, and its issuer, both as they should be.
// A test plants one fault.
type world struct {
	// api and issuer change the servers' answers. Default: no change.
	api, issuer func(r *http.Request, a answer)

	// listener replaces the API's server.
	listener func(t *testing.T) (url string)

	tls     func(t *testing.T, c *tls.Config) // serves the API by https; changes its configuration
	private bool                              // the API publishes no metadata
	h1only  bool                              // the API speaks only HTTP/1.1
	h2only  bool                              // the API speaks only HTTP/2

	url    func(api string) string // the URL to probe. Default: /orders of the API
	wire   func(c *wire.Config, api string)
	change func(c *probe.Config)
}

// probe starts the servers and probes the API. It returns the addresses of both.
func (w world) probe(t *testing.T) (report *probe.Report, api, issuer string) {
	t.Helper()
	network := wire.Config{Timeout: 30 * time.Second, Roots: authority.pool}
	if w.listener != nil {
		api = w.listener(t)
	} else {
		issuer = w.startIssuer(t)
		api = w.startAPI(t, issuer)
	}
	if w.wire != nil {
		w.wire(&network, api)
	}
	client := wire.New(network)
	defer client.Close()
	config := probe.Config{Client: client, URL: api + "/orders", Origin: page}
	if w.url != nil {
		config.URL = w.url(api)
	}
	if w.change != nil {
		w.change(&config)
	}
	report, err := probe.Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return report, api, issuer
}

func (w world) startIssuer(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = changed(issuer, w.issuer)
	server.Start()
	t.Cleanup(func() { server.Close(); issuer.Close() })
	return url
}

func (w world) startAPI(t *testing.T, issuer string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	scheme := "http"
	if w.tls != nil {
		scheme = "https"
		server.TLS = &tls.Config{Certificates: []tls.Certificate{authority.sign(t, x509.Certificate{})}}
		w.tls(t, server.TLS)
		server.EnableHTTP2 = !w.h1only
	}
	if w.h2only {
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetUnencryptedHTTP2(w.tls == nil)
		server.Config.Protocols.SetHTTP2(w.tls != nil)
	}
	url := scheme + "://" + server.Listener.Addr().String()
	server.Config.Handler = changed(withCORS(protected(t, url, issuer, w.private)), w.api)
	if w.tls != nil {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return url
}

// protected is the API: /orders needs a token.
func protected(t *testing.T, origin, issuer string, private bool) http.Handler {
	t.Helper()
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{origin}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	metadata, err := resource.New(resource.Config{Resource: origin + "/orders", AuthorizationServers: []string{issuer}})
	if err != nil {
		t.Fatal(err)
	}
	config := bearer.Config{Verifiers: []bearer.Verifier{tokens}, Realm: "orders"}
	mux := http.NewServeMux()
	if !private {
		config.ResourceMetadata = metadata.URL()
		mux.Handle(metadata.Path(), metadata)
	}
	guard, err := bearer.New(config)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/orders", bearerhttp.Require(guard, scope.All("orders:read"))(http.NotFoundHandler()))
	return mux
}

// withCORS allows the page to call the API.
func withCORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/orders" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", page)
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Headers", "Authorization")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
		next.ServeHTTP(w, r)
	})
}

// changed lets change alter the answers of next.
func changed(next http.Handler, change func(*http.Request, answer)) http.Handler {
	if change == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := httptest.NewRecorder()
		next.ServeHTTP(a, r)
		a.Header().Del("Content-Length")
		change(r, a)
		maps.Copy(w.Header(), a.Header())
		w.WriteHeader(a.Code)
		_, _ = w.Write(a.Body.Bytes())
	})
}

// An authority signs the certificates of the tests.
type certificateAuthority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
}

var authority = newAuthority()

func newAuthority() *certificateAuthority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().AddDate(-3, 0, 0), NotAfter: time.Now().AddDate(3, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &certificateAuthority{certificate, key, pool}
}

// sign returns a certificate for this machine, valid for a year, changed by template.
func (a *certificateAuthority) sign(t *testing.T, template x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(2)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().AddDate(1, 0, 0)
	}
	template.NotBefore = template.NotAfter.AddDate(-2, 0, 0)
	if template.DNSNames == nil {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	parent, signer := a.certificate, a.key
	if template.Subject.CommonName == "self-signed" {
		parent, signer = &template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// here resolves each name to this machine, and connects to the address of a server.
func here(c *wire.Config, address string) {
	c.Resolve = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}
