package resource_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/resource"
)

type checker struct{}

func (checker) CheckProof(*http.Request, string, bearer.Principal) (bearer.Proof, error) {
	return nil, bearer.ErrUnrecognized
}
func (checker) Algorithms() []string { return []string{"ES256", "EdDSA"} }
func (checker) Nonce() string        { return "" }

// P4: the document describes how the guard accepts tokens.
func TestDocumentMatchesTheGuard(t *testing.T) {
	const (
		begins = `{"resource":"https://api.example.com","bearer_methods_supported":`
		dpop   = `,"dpop_signing_alg_values_supported":["ES256","EdDSA"]`
		needs  = `,"dpop_bound_access_tokens_required":true`
		mtls   = `,"tls_client_certificate_bound_access_tokens":true`
	)
	certificates := &bearer.Certificates{}
	for _, tt := range []struct {
		guard bearer.Config
		want  string
	}{
		{bearer.Config{}, `["header"]`},
		{bearer.Config{Sources: []bearer.TokenSource{bearer.InsecureFromQuery(), bearer.FromFormBody(), bearer.FromAuthorization()}}, `["header","body","query"]`},
		{bearer.Config{Proofs: checker{}}, `["header"]` + dpop},
		{bearer.Config{Proofs: checker{}, ProofsRequired: true}, `["header"]` + dpop + needs},
		{bearer.Config{Proofs: checker{}, BoundTokensOnly: true}, `["header"]` + dpop + needs},
		{bearer.Config{Proofs: checker{}, BoundTokensOnly: true, Certificates: certificates}, `["header"]` + mtls + dpop},
		{bearer.Config{Certificates: certificates}, `["header"]` + mtls},
	} {
		wrong := resource.Config{
			Resource: "https://api.example.com", BearerMethods: []string{"query"}, MTLSBound: true,
			DPoPAlgorithms: []string{"RS256"}, DPoPRequired: true,
		}
		document, err := resource.New(wrong.Matching(tt.guard))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		document.ServeHTTP(w, httptest.NewRequest(http.MethodGet, document.Path(), nil))
		if got := w.Body.String(); got != begins+tt.want+"}\n" {
			t.Errorf("%+v:\n%s\nwant\n%s", tt.guard, got, begins+tt.want+"}")
		}
	}
}
