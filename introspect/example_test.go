package introspect_test

import (
	"context"
	"crypto/tls"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

func ExampleNew() {
	opaque, err := introspect.New(introspect.Config{
		Issuer:   "https://login.example.com", // its metadata names the endpoint
		Auth:     introspect.ClientSecretBasic("orders-api", os.Getenv("CLIENT_SECRET")),
		Audience: []string{"https://api.example.com"},
		Logger:   slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer opaque.Close()
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{opaque}})
	if err != nil {
		log.Fatal(err)
	}
	_ = guard // for routes: bearerhttp.Require(guard, scope.All("orders:read"))
}

func ExampleClientSecretBasic() {
	_ = introspect.Config{
		Issuer:   "https://login.example.com",
		Auth:     introspect.ClientSecretBasic("orders-api", os.Getenv("CLIENT_SECRET")),
		Audience: []string{"https://api.example.com"},
	}
}

// For a server that does not accept HTTP Basic.
func ExampleClientSecretPost() {
	_ = introspect.Config{
		Issuer:   "https://login.example.com",
		Auth:     introspect.ClientSecretPost("orders-api", os.Getenv("CLIENT_SECRET")),
		Audience: []string{"https://api.example.com"},
	}
}

// The server knows only the public key. A JWK states its kid and alg; for a PEM
// file the type of the key decides.
func ExamplePrivateKeyJWT() {
	key, err := os.ReadFile("/run/secrets/introspection.jwk")
	if err != nil {
		log.Fatal(err)
	}
	_ = introspect.Config{
		Issuer:   "https://login.example.com",
		Auth:     introspect.PrivateKeyJWT("orders-api", key),
		Audience: []string{"https://api.example.com"},
	}
}

// The HTTP client has the certificate. Metadata list the endpoint that requires
// one as an alias (RFC 8705, Section 5), so configure it.
func ExampleMutualTLS() {
	certificate, err := tls.LoadX509KeyPair("/run/secrets/client.crt", "/run/secrets/client.key")
	if err != nil {
		log.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	_ = introspect.Config{
		Issuer:   "https://login.example.com",
		Endpoint: "https://mtls.login.example.com/introspect",
		Auth:     introspect.MutualTLS("orders-api"),
		Audience: []string{"https://api.example.com"},
		Client:   &http.Client{Transport: transport},
	}
}

// The endpoint requires an access token, which this program gets for itself.
func ExampleBearerToken() {
	// Without this timeout a token endpoint that hangs blocks the source.
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: 5 * time.Second})
	source := (&clientcredentials.Config{
		ClientID:     "orders-api",
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		TokenURL:     "https://login.example.com/token",
		Scopes:       []string{"introspection"},
	}).TokenSource(ctx)
	_ = introspect.Config{
		Issuer:   "https://login.example.com",
		Auth:     introspect.BearerToken(source),
		Audience: []string{"https://api.example.com"},
	}
}

// JWTs beside opaque tokens. JWTs of trusted issuers are verified locally, JWTs
// of other issuers are refused, and neither are sent to a server. All other
// tokens are introspected.
func ExampleVerifier() {
	const issuer, audience = "https://login.example.com", "https://api.example.com"
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
	opaque, err := introspect.New(introspect.Config{
		Issuer:   issuer,
		Auth:     introspect.ClientSecretBasic("orders-api", os.Getenv("CLIENT_SECRET")),
		Audience: []string{audience},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer opaque.Close()
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens, opaque}})
	if err != nil {
		log.Fatal(err)
	}
	_ = guard
}

// All tokens are introspected, which detects the revocation of a JWT. A JWT
// must be valid by the issuer's keys, and the issuer must call it active.
func ExampleVerifier_TakingJWTs() {
	const issuer, audience = "https://login.example.com", "https://api.example.com"
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
	opaque, err := introspect.New(introspect.Config{
		Issuer:   issuer,
		Auth:     introspect.ClientSecretBasic("orders-api", os.Getenv("CLIENT_SECRET")),
		Audience: []string{audience},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer opaque.Close()
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{
		bearer.Both(tokens, opaque.TakingJWTs()),
		opaque,
	}})
	if err != nil {
		log.Fatal(err)
	}
	_ = guard
}

// A program learns of a revocation by the issuer's webhook or at its own
// logout.
func ExampleVerifier_Forget() {
	var opaque *introspect.Verifier // from New
	http.HandleFunc("POST /internal/revoked", func(w http.ResponseWriter, r *http.Request) {
		if err := opaque.Forget(r.Context(), r.PostFormValue("token")); err != nil {
			// The token is forgotten here, but the other instances were not
			// reached.
			w.WriteHeader(http.StatusBadGateway)
		}
	})
}
