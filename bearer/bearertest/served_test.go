package bearertest_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// Two issuers on one address: a verifier discovers the keys of both.
func TestIssuersThatTheCallerServes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewUnstartedServer(mux)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)

	config := jwks.Config{}
	var issuers []*bearertest.Issuer
	for _, path := range []string{"/staff", "/shop"} {
		issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{URL: server.URL + path + "/"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(issuer.Close)
		if issuer.URL() != server.URL+path {
			t.Errorf("the URL is %q", issuer.URL())
		}
		if err := issuer.Start(); err == nil {
			t.Error("the issuer serves itself")
		}
		mux.Handle(path+"/", issuer)
		mux.Handle("/.well-known/oauth-authorization-server"+path, issuer)
		issuers = append(issuers, issuer)
		config.Issuers = append(config.Issuers, jwks.Issuer{URL: issuer.URL(), Audience: []string{"https://api.example.com"}})
	}
	v, err := jwks.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	for n, issuer := range issuers {
		token := issuer.Mint(bearertest.Token{})
		var p *bearer.Principal
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); { // the first fetch may be under way
			if p, err = v.Verify(t.Context(), token); err == nil {
				break
			}
		}
		if err != nil || p.Issuer != issuer.URL() {
			t.Errorf("issuer %d: %v, %v", n, p, err)
		}
	}
}

func TestServedIssuerMistakes(t *testing.T) {
	for _, url := range []string{"https://127.0.0.1:1", "http://issuer.example.com", "http://127.0.0.1:1?a=b", "127.0.0.1", "http://u@127.0.0.1"} {
		if _, err := bearertest.NewIssuer(bearertest.IssuerConfig{URL: url}); err == nil || !strings.Contains(err.Error(), "IssuerConfig.URL") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// An endpoint that the caller adds to an issuer has faults like the issuer's own.
func TestEndpointOfTheCallerHasFaults(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{URL: "http://127.0.0.1:9000"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	const registration bearertest.Endpoint = "registration"
	handler := issuer.WithFaults(registration, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
	}))
	answer := func() int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/register", strings.NewReader("{}")))
		return w.Code
	}
	if got := answer(); got != http.StatusCreated {
		t.Errorf("without a fault: %d", got)
	}
	issuer.SetFault(registration, bearertest.Fault{Status: http.StatusBadGateway, Times: 1})
	if got := answer(); got != http.StatusBadGateway {
		t.Errorf("with a fault: %d", got)
	}
	if got := answer(); got != http.StatusCreated || issuer.Requests(registration) != 3 {
		t.Errorf("after the fault: %d, and %d requests", got, issuer.Requests(registration))
	}
}
