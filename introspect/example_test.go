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
		Issuer:   "https://login.example.com", // its metadata name the endpoint
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
	_ = guard // its routes: bearerhttp.Require(guard, scope.All("orders:read"))
}

func ExampleClientSecretBasic() {
	_ = introspect.Config{
		Issuer:   "https://login.example.com",
		Auth:     introspect.ClientSecretBasic("orders-api", os.Getenv("CLIENT_SECRET")),
		Audience: []string{"https://api.example.com"},
	}
}

// For a server that takes no Authorization header.
func ExampleClientSecretPost() {
	_ = introspect.Config{
		Issuer:   "https://login.example.com",
		Auth:     introspect.ClientSecretPost("orders-api", os.Getenv("CLIENT_SECRET")),
		Audience: []string{"https://api.example.com"},
	}
}

// The server knows the public key, and nobody a secret. A JWK says which kid
// and alg it has; of a PEM file the type of the key decides.
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

// The certificate is that of the HTTP client. Metadata list the endpoint that
// asks for one as an alias (RFC 8705, Section 5): name it.
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

// The endpoint is a protected resource, for which this program gets tokens of
// its own.
func ExampleBearerToken() {
	// Without a timeout a token endpoint that hangs is waited for.
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

// JWTs beside opaque tokens: JWTs of trusted issuers are verified here and sent
// to nobody, those of others are refused and sent to nobody, and what is no JWT
// is asked about.
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

// The issuer is asked about everything, and so the revocation of a JWT is seen:
// it must be good by the issuer's keys, and the issuer must call it active.
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

// What a program does that is told of a revocation, by the issuer's webhook or
// at its own logout.
func ExampleVerifier_Forget() {
	var opaque *introspect.Verifier // as New returns it
	http.HandleFunc("POST /internal/revoked", func(w http.ResponseWriter, r *http.Request) {
		if err := opaque.Forget(r.Context(), r.PostFormValue("token")); err != nil {
			// Forgotten here; the other instances could not be told.
			w.WriteHeader(http.StatusBadGateway)
		}
	})
}
