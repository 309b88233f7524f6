package jwks_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// A guard accepts the tokens of one issuer, whose keys discovery finds.
func ExampleNew() {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL:      "https://login.example.com",
		Audience: []string{"https://api.example.com"},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	orders := func(w http.ResponseWriter, r *http.Request) {
		p, _ := bearer.FromContext(r.Context())
		fmt.Fprintf(w, "orders of %s", p.Subject)
	}
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(orders)))
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if tokens.Ready() != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}

// An issuer whose access tokens do not follow RFC 9068 needs a profile.
func ExampleKeycloak() {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL:      "https://sso.example.com/realms/main",
		Audience: []string{"orders-api"},
		Profile:  jwks.Keycloak(),
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
}

// New reports all mistakes in a configuration at once.
func ExampleNew_mistakes() {
	_, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: "https://login.example.com?tenant=1"}}})
	fmt.Println(err)
	// Output:
	// jwks: Config.Issuers[0]: URL "https://login.example.com" has a query; want none (RFC 8414, Section 2)
	// Audience is empty; want what the issuer puts into aud for this API
}

// Keys come from a URL, a document or PEM instead of discovery.
func ExampleKeysFromURL() {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL:      "https://login.example.com",
		Audience: []string{"https://api.example.com"},
		Keys:     jwks.KeysFromURL("https://login.example.com/keys"),
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
}

// AD FS publishes metadata at one URL and signs access tokens for another issuer.
func ExampleKeysFromMetadata() {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL:                     "http://adfs.example.com/adfs/services/trust", // access_token_issuer in the metadata
		AllowNonHTTPSIdentifier: true,                                          // it is compared, nothing more
		Keys:                    jwks.KeysFromMetadata("https://adfs.example.com/adfs/.well-known/openid-configuration"),
		Audience:                []string{"https://api.example.com"}, // the identifier of the web API in AD FS
		Profile:                 jwks.ADFS(),
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
}

// An identifier may be a name if Keys says where the keys are.
func ExampleIssuer_name() {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL:                     "accounts.google.com",
		AllowNonHTTPSIdentifier: true,
		Keys:                    jwks.KeysFromURL("https://www.googleapis.com/oauth2/v3/certs"),
		Audience:                []string{"https://api.example.com"},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
}

// A verifier follows the replacement of a file with keys.
func ExampleKeysFromFile() {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL:      "https://login.example.com",
		Audience: []string{"https://api.example.com"},
		Keys:     jwks.KeysFromFile("/etc/keys/jwks.json"),
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
}

// A readiness probe checks the issuers that the API needs.
func ExampleVerifier_Ready() {
	var tokens *jwks.Verifier                           // of New
	all := tokens.Ready()                               // every issuer
	needed := tokens.Ready("https://login.example.com") // the one that the API cannot do without
	fmt.Println(all, needed)
}

// A program may wait for the keys, and serve without them after a while.
func ExampleVerifier_Ready_wait() {
	const staff, customers = "https://sso.example.com", "https://login.example.com"
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{
		{URL: staff, Audience: []string{"orders-api"}},
		{URL: customers, Audience: []string{"https://api.example.com"}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
	ctx := context.Background()
	waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := bearer.WaitReady(waiting, func() error { return bearer.AnyReady(tokens.Ready(staff), tokens.Ready(customers)) }); err != nil {
		slog.Warn("serving without keys", "error", err) // the verifier keeps trying
	}
}
