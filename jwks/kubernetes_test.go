package jwks_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// docs/issuers.md contains the code from here to Example_kubernetes.

// clusterTransport trusts the cluster's authority and shows the pod's token to
// the API server.
type clusterTransport struct {
	base *http.Transport
	host string // the API server: nobody else is shown the token
	dir  string // /var/run/secrets/kubernetes.io/serviceaccount
}

func newClusterTransport(host, dir string) (*clusterTransport, error) {
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("ca.crt has no certificate")
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.TLSClientConfig = &tls.Config{RootCAs: roots}
	// Finds a dead connection within 6 s.
	base.HTTP2 = &http.HTTP2Config{SendPingTimeout: 3 * time.Second, PingTimeout: 3 * time.Second}
	return &clusterTransport{base: base, host: host, dir: dir}, nil
}

func (c *clusterTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" && r.URL.Host == c.host {
		token, err := os.ReadFile(filepath.Join(c.dir, "token")) // the kubelet replaces it
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	return c.base.RoundTrip(r)
}

// CloseIdleConnections lets a dead connection be replaced after a timeout.
func (c *clusterTransport) CloseIdleConnections() { c.base.CloseIdleConnections() }

// clusterURL returns the cluster's issuer: the iss of the pod's own token.
func clusterURL(dir string) (string, error) {
	token, err := os.ReadFile(filepath.Join(dir, "token"))
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(token), ".")
	payload, _, _ := strings.Cut(rest, ".")
	document, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", err
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	err = json.Unmarshal(document, &claims)
	return claims.Issuer, err
}

// clusterIssuer returns the issuer of the cluster's service account tokens, for
// the service accounts that may call the API.
func clusterIssuer(host, dir, audience string, subjects ...string) (jwks.Issuer, error) {
	transport, err := newClusterTransport(host, dir)
	if err != nil {
		return jwks.Issuer{}, err
	}
	url, err := clusterURL(dir)
	if err != nil {
		return jwks.Issuer{}, err
	}
	profile := jwks.Kubernetes()
	profile.Subjects = subjects
	return jwks.Issuer{
		URL:                     url,  // such as https://kubernetes.default.svc.cluster.local
		AllowNonHTTPSIdentifier: true, // it is compared, nothing more
		Audience:                []string{audience},
		Keys:                    jwks.KeysFromURL("https://" + host + "/openid/v1/jwks"),
		Profile:                 profile,
		Client:                  &http.Client{Transport: transport},
	}, nil
}

// Kubernetes has a certificate authority of its own, and gives its keys only to
// those who show a token. The other issuer of the verifier needs neither.
func Example_kubernetes() {
	cluster, err := clusterIssuer("kubernetes.default.svc", "/var/run/secrets/kubernetes.io/serviceaccount",
		"https://api.example.com", "system:serviceaccount:shop:")
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{cluster, keycloak()}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
}

// Reports L9: the recipe of docs/issuers.md, over real TLS: a private authority,
// a token that is replaced, and nobody else is shown it.
func TestKubernetes(t *testing.T) {
	const iss = "https://kubernetes.default.svc.cluster.local"
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	var wanted atomic.Value
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+wanted.Load().(string):
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/openid/v1/jwks":
			w.Write(issuer.KeySet())
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	dir, host := t.TempDir(), strings.TrimPrefix(server.URL, "https://")
	write(t, filepath.Join(dir, "ca.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	podToken := func() string {
		return issuer.Mint(bearertest.Token{Shape: bearertest.Kubernetes, Claims: map[string]any{"iss": iss}})
	}
	wanted.Store(podToken())
	write(t, filepath.Join(dir, "token"), []byte(wanted.Load().(string)+"\n"))
	cluster, err := clusterIssuer(host, dir, audience, "system:serviceaccount:shop:web", "system:serviceaccount:jobs:")
	if err != nil {
		t.Fatal(err)
	}
	// Each issuer can be reached with its own client only.
	elsewhere := newIssuer(t, bearertest.IssuerConfig{InMemory: true})
	tokens := newVerifier(t, jwks.Config{Client: elsewhere.Client(), Issuers: []jwks.Issuer{
		cluster, {URL: elsewhere.URL(), Audience: []string{audience}},
	}})
	if _, err := tokens.Verify(t.Context(), elsewhere.Mint(bearertest.Token{})); err != nil {
		t.Errorf("another issuer in the same verifier: %v", err)
	}
	token := func(subject string) string {
		return issuer.Mint(bearertest.Token{Shape: bearertest.Kubernetes, Subject: subject, Claims: map[string]any{"iss": iss}})
	}
	const web = "system:serviceaccount:shop:web"
	p, err := tokens.Verify(t.Context(), token(web))
	if err != nil || p.ClientID != web || !p.IsClient() {
		t.Fatalf("a service account: %+v, %v", p, err)
	}
	if _, err := tokens.Verify(t.Context(), token("system:serviceaccount:shop:other")); refusedWith(err) == nil || refusedWith(err).Check != "sub" {
		t.Errorf("another service account: %v", err)
	}

	// The kubelet replaces the token, and the cluster replaces its key.
	wanted.Store(podToken())
	replace(t, filepath.Join(dir, "token"), []byte(wanted.Load().(string)))
	if _, err := issuer.Rotate("RS256"); err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Verify(t.Context(), token(web)); err != nil {
		t.Errorf("after both were replaced: %v", err)
	}

	// Neither another server nor the same one over http receives the token.
	var shown atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown.Add(int32(len(r.Header.Values("Authorization"))))
	}))
	defer other.Close()
	for _, host := range []string{host, strings.TrimPrefix(other.URL, "http://")} {
		transport, err := newClusterTransport(host, dir)
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Client{Transport: transport}).Get(other.URL)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		transport.CloseIdleConnections()
	}
	if shown.Load() != 0 {
		t.Error("another server received the token")
	}

	// Without the authority, or the token, the keys cannot be fetched: 503.
	for name, client := range map[string]*http.Client{"without the authority": nil, "without the token": server.Client()} {
		v := newVerifier(t, jwks.Config{Client: client, Issuers: []jwks.Issuer{{
			URL: iss, Audience: []string{audience}, Keys: jwks.KeysFromURL(server.URL + "/openid/v1/jwks"),
			Profile: jwks.Profile{Types: []string{""}, ClientID: []string{"sub"}},
		}}})
		if _, err := v.Verify(t.Context(), token(web)); codeOf(err) != bearer.CodeUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}
