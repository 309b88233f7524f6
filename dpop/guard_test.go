package dpop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// D15, D16, C4, C10: a guard accepts a bound token, JWT or opaque, only with
// the DPoP scheme and a proof. It accepts the proof once.
func TestBehindAGuard(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	audience := []string{"https://api.example.com"}
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: audience}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	opaque, err := introspect.New(introspect.Config{
		Issuer: issuer.URL(), Audience: audience, Auth: introspect.ClientSecretBasic("api", "secret"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer opaque.Close()
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	checker, err := dpop.New(dpop.Config{Origin: "https://api.example.com", Nonces: nonces})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens, opaque}, Proofs: checker})
	if err != nil {
		t.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
	send := func(scheme, token, proof string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/orders?page=2", nil)
		r.Header.Set("Authorization", scheme+" "+token)
		if proof != "" {
			r.Header.Set("DPoP", proof)
		}
		w := httptest.NewRecorder()
		if admitted, ok := route.Admit(w, r); ok {
			p, _ := bearer.FromContext(admitted.Context())
			w.Header().Set("Token-Type", p.TokenType)
			w.WriteHeader(http.StatusOK)
		}
		return w
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	bound := bearertest.Token{Scope: "orders:read", Claims: map[string]any{"cnf": map[string]string{"jkt": jkt}}}
	for kind, token := range map[string]string{"JWT": issuer.Mint(bound), "opaque": issuer.MintOpaque(bound)} {
		prove := func(nonce string) string {
			proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: "GET", URL: "https://api.example.com/orders", AccessToken: token, Nonce: nonce})
			if err != nil {
				t.Fatal(err)
			}
			return proof
		}
		// The answer to a request without a nonce has a nonce, in one header.
		w := send("DPoP", token, prove(""))
		nonce := w.Header().Values("DPoP-Nonce")
		if w.Code != 401 || len(nonce) != 1 || !challenged(w, `DPoP realm="api", error="use_dpop_nonce"`) {
			t.Fatalf("%s: without a nonce: %d %v", kind, w.Code, w.Header())
		}
		proof := prove(nonce[0])
		if w = send("DPoP", token, proof); w.Code != 200 || w.Header().Get("Token-Type") != "DPoP" || w.Header().Get("DPoP-Nonce") == "" {
			t.Errorf("%s: with it: %d %v", kind, w.Code, w.Header())
		}
		if w = send("DPoP", token, proof); w.Code != 401 || !challenged(w, `DPoP realm="api", error="invalid_dpop_proof"`) {
			t.Errorf("%s: the same proof again: %d %v", kind, w.Code, w.Header())
		}
		if w = send("Bearer", token, prove(nonce[0])); w.Code != 401 || !challenged(w, `Bearer realm="api", error="invalid_token"`) {
			t.Errorf("%s: as Bearer: %d %v", kind, w.Code, w.Header())
		}
		if w = send("DPoP", token, ""); w.Code != 401 || !challenged(w, `DPoP realm="api", error="invalid_dpop_proof"`) {
			t.Errorf("%s: without a proof: %d %v", kind, w.Code, w.Header())
		}
	}
	plain := issuer.Mint(bearertest.Token{Scope: "orders:read"})
	if w := send("Bearer", plain, ""); w.Code != 200 {
		t.Errorf("a token that is not bound: %d", w.Code)
	}
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: "GET", URL: "https://api.example.com/orders", AccessToken: plain, Nonce: nonces.Current()})
	if err != nil {
		t.Fatal(err)
	}
	if w := send("DPoP", plain, proof); w.Code != 401 || !challenged(w, `DPoP realm="api", error="invalid_token"`) {
		t.Errorf("it under DPoP: %d %v", w.Code, w.Header())
	}
}

// Reports V11: "a proof is used up only after the scope is enough". A request
// with insufficient scope does not use its proof: the store does not record it,
// and the client may send it again to another route.
func TestProofIsNotUsedUpWithoutTheScope(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	memory := newMemory(t, dpop.MemoryConfig{Capacity: 16})
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{
			"weak": {Subject: "alice", ClientID: "app", Scopes: scope.Of("orders:read"), Confirmation: bearer.Confirmation{JKT: jkt}},
		}},
		Proofs: newChecker(t, dpop.Config{Replays: memory}),
	})
	if err != nil {
		t.Fatal(err)
	}
	admin, read := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("admin")}), guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
	var proof string
	send := func(route *bearer.Route) int {
		r := httptest.NewRequest("GET", "/orders", nil)
		r.Header.Set("Authorization", "DPoP weak")
		r.Header.Set("DPoP", proof)
		w := httptest.NewRecorder()
		route.Admit(w, r)
		return w.Code
	}
	for range 100 {
		if proof, err = dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: "GET", URL: origin + "/orders", AccessToken: "weak"}); err != nil {
			t.Fatal(err)
		}
		if status := send(admin); status != 403 {
			t.Fatalf("too little scope: %d", status)
		}
	}
	if s := memory.Stats(); s.Live != 0 {
		t.Errorf("Stats() = %+v", s)
	}
	if status := send(read); status != 200 {
		t.Errorf("the same proof where the scope is enough: %d", status)
	}
	if status := send(read); status != 401 {
		t.Errorf("once more: %d", status)
	}
	if status := send(admin); status != 403 { // the scope comes first, and says no more than it did
		t.Errorf("a used proof, and too little scope: %d", status)
	}
}

func challenged(w *httptest.ResponseRecorder, prefix string) bool {
	return slices.ContainsFunc(w.Header().Values("WWW-Authenticate"), func(c string) bool { return strings.HasPrefix(c, prefix) })
}
