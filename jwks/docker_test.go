package jwks_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// docs/issuers.md contains dockerTokens.

func dockerTokens(client *http.Client) (*jwks.Verifier, error) {
	return jwks.New(jwks.Config{Client: client, Issuers: []jwks.Issuer{{
		URL:               "http://localhost:8080/realms/shop", // what Keycloak calls itself
		Keys:              jwks.KeysFromURL("http://keycloak:8080/realms/shop/protocol/openid-connect/certs"),
		InsecureAllowHTTP: true, // keycloak is no loopback host
		Audience:          []string{"orders-api"},
		Profile:           jwks.Keycloak(),
	}}})
}

// Reports L7: an issuer has one name in its tokens, and is reached by another one,
// as in Docker. Keys come from the second, and only tokens with the first are
// accepted.
func TestTwoNames(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{Audience: []string{"orders-api"}})
	mux := http.NewServeMux()
	mux.HandleFunc("GET keycloak/realms/shop/protocol/openid-connect/certs", func(w http.ResponseWriter, _ *http.Request) { w.Write(issuer.KeySet()) })
	mux.HandleFunc("GET keycloak/realms/shop/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"issuer":"http://localhost:8080/realms/shop","jwks_uri":"http://keycloak:8080/realms/shop/protocol/openid-connect/certs"}`))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr != "keycloak:8080" {
			t.Errorf("%s is dialed", addr)
		}
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}

	byURL, err := dockerTokens(client)
	if err != nil {
		t.Fatal(err)
	}
	defer byURL.Close()
	byMetadata := newVerifier(t, jwks.Config{Client: client, Issuers: []jwks.Issuer{{
		URL:               "http://localhost:8080/realms/shop",
		Keys:              jwks.KeysFromMetadata("http://keycloak:8080/realms/shop/.well-known/openid-configuration"),
		InsecureAllowHTTP: true, Audience: []string{"orders-api"}, Profile: jwks.Keycloak(),
	}}})
	token := func(iss string) string {
		return issuer.Mint(bearertest.Token{Shape: bearertest.Keycloak, Claims: map[string]any{"iss": iss}})
	}
	for name, v := range map[string]*jwks.Verifier{"KeysFromURL": byURL, "KeysFromMetadata": byMetadata} {
		if _, err := v.Verify(t.Context(), token("http://localhost:8080/realms/shop")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// Without a fixed name, Keycloak writes the name by which it was reached.
		for _, iss := range []string{"http://keycloak:8080/realms/shop", "http://127.0.0.1:8080/realms/shop"} {
			if e := refusedWith(second(v.Verify(t.Context(), token(iss)))); e == nil || e.Check != "iss" {
				t.Errorf("%s, iss %s: %v; want a refusal by iss", name, iss, e)
			}
		}
	}

	// The service's name needs InsecureAllowHTTP.
	if _, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL: "http://localhost:8080/realms/shop", Audience: []string{"orders-api"},
		Keys: jwks.KeysFromURL("http://keycloak:8080/realms/shop/protocol/openid-connect/certs"),
	}}}); err == nil {
		t.Error("plain HTTP to a service name is accepted without InsecureAllowHTTP")
	}
}
