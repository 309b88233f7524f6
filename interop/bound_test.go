package interop_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// boundAPI is an API that accepts sender-constrained tokens. Its url is its
// resource identifier, which has a path. Below it are /me and /files/, which need
// any valid token, and /orders, which needs the scope orders:read. /place needs
// orders:write, and /strong a step-up to the acr mfa.
type boundAPI struct {
	*api
	metadata   *resource.Metadata
	algorithms string // of proofs
	server     *httptest.Server
}

type boundConfig struct {
	issuer         string
	proofsRequired bool
	nonces         *dpop.Nonces
	certificates   *bearer.Certificates // if not nil, the API uses TLS and the client's certificate
}

func newBoundAPI(t *testing.T, c boundConfig) *boundAPI {
	t.Helper()
	a := &boundAPI{api: &api{events: make(map[string]bearer.Event)}, server: httptest.NewUnstartedServer(nil)}
	t.Cleanup(a.server.Close)
	origin := "http://" + a.server.Listener.Addr().String()
	if c.certificates != nil {
		origin = "https" + strings.TrimPrefix(origin, "http")
		a.server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	}
	a.url = origin + "/api/v1"

	var err error
	a.verifier, err = jwks.New(jwks.Config{
		Issuers: []jwks.Issuer{{URL: c.issuer, Audience: []string{a.url}}},
		Logger:  a.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.verifier.Close)
	proofs, err := dpop.New(dpop.Config{Origin: origin, Nonces: c.nonces, Logger: a.logger()})
	if err != nil {
		t.Fatal(err)
	}
	a.algorithms = strings.Join(proofs.Algorithms(), " ")
	orders := scope.All("orders:read")
	a.metadata, err = resource.New(resource.Config{
		Resource:             a.url,
		AuthorizationServers: []string{c.issuer},
		Rules:                []scope.Rule{orders},
		MTLSBound:            c.certificates != nil,
		DPoPAlgorithms:       proofs.Algorithms(),
		DPoPRequired:         c.proofsRequired,
	})
	if err != nil {
		t.Fatal(err)
	}
	guard := a.guard(t, bearer.Config{
		Verifiers:        []bearer.Verifier{a.verifier},
		ResourceMetadata: a.metadata.URL(),
		Proofs:           proofs,
		ProofsRequired:   c.proofsRequired,
		Certificates:     c.certificates,
	})

	me := bearerhttp.Require(guard, scope.None)(http.HandlerFunc(showPrincipal))
	mux := http.NewServeMux()
	mux.Handle(a.metadata.Path(), a.metadata)
	mux.Handle("/api/v1/me", me)
	mux.Handle("/api/v1/orders", bearerhttp.Require(guard, orders)(http.HandlerFunc(showPrincipal)))
	mux.Handle("/api/v1/place", bearerhttp.Require(guard, scope.All("orders:write"))(http.HandlerFunc(showPrincipal)))
	mux.Handle("/api/v1/strong", bearerhttp.Require(guard, orders, bearer.StepUp{ACR: []string{"mfa"}})(http.HandlerFunc(showPrincipal)))
	a.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/files/") { // the mux would redirect some of these
			me.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	if c.certificates != nil {
		a.server.StartTLS()
	} else {
		a.server.Start()
	}
	return a
}

// challenge is a challenge as the client parses it.
type challenge struct {
	Scheme     string            `json:"scheme"` // in lower case
	Parameters map[string]string `json:"parameters"`
}

// challenge returns a challenge of the API with more parameters, names and values.
func (a *boundAPI) challenge(scheme string, more ...string) challenge {
	c := challenge{scheme, map[string]string{"realm": "interop", "resource_metadata": a.metadata.URL()}}
	if scheme == "dpop" {
		c.Parameters["algs"] = a.algorithms
	}
	for i := 0; i < len(more); i += 2 {
		c.Parameters[more[i]] = more[i+1]
	}
	return c
}

// failed returns a challenge with an error.
func (a *boundAPI) failed(scheme, code string, more ...string) challenge {
	description := map[string]string{
		"invalid_token":      "The access token is invalid.",
		"insufficient_scope": "The access token lacks a scope that the request needs.",
		"invalid_dpop_proof": "The DPoP proof is missing or invalid.",
		"use_dpop_nonce":     "The DPoP proof needs the nonce of this response.",
	}[code]
	return a.challenge(scheme, append(more, "error", code, "error_description", description)...)
}
