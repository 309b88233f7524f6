package jwks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

// C17, C10: on each hit, each guard checks the binding, the deny list and the
// age again, and no guard uses another's result.
func TestBindingAndDenyListAreJudgedOnEachHit(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v, seen := caching(t, issuer, nil)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{Origin: "https://api.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	denied, err := denylist.NewMemory(denylist.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	route := func(c bearer.Config) *bearer.Route {
		c.Verifiers = []bearer.Verifier{v}
		guard, err := bearer.New(c)
		if err != nil {
			t.Fatal(err)
		}
		return guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	}
	checking, blind := route(bearer.Config{Proofs: proofs, DenyList: denied}), route(bearer.Config{})
	young := route(bearer.Config{MaxTokenAge: time.Minute})

	bound := issuer.Mint(bearertest.Token{Claims: map[string]any{"cnf": map[string]string{"jkt": jkt}}})
	old := issuer.Mint(bearertest.Token{Claims: map[string]any{"iat": time.Now().Add(-time.Hour).Unix()}})
	ask := func(rt *bearer.Route, token, proof string) int {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if proof != "" {
			r.Header.Set("Authorization", "DPoP "+token)
			r.Header.Set("DPoP", proof)
		}
		return rt.Decide(r).Status()
	}
	fresh := func() string {
		proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: http.MethodGet, URL: "https://api.example.com/orders", AccessToken: bound})
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	want := func(status, got int, why string) {
		t.Helper()
		if got != status {
			t.Errorf("%s: %d, want %d", why, got, status)
		}
	}
	used := fresh()
	want(200, ask(checking, bound, used), "a first sight with its proof")
	want(401, ask(checking, bound, used), "a hit with a used proof")
	want(401, ask(checking, bound, ""), "a hit without a proof")
	want(401, ask(blind, bound, ""), "a hit by a guard that checks no bindings")
	want(200, ask(checking, bound, fresh()), "a hit with its proof")
	want(200, ask(blind, old, ""), "an old token")
	want(401, ask(young, old, ""), "a hit by a guard for which the token is too old")

	entry := denylist.Entry{Issuer: issuer.URL(), Subject: "alice", Until: time.Now().Add(time.Hour)}
	if err := denied.Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	want(401, ask(checking, bound, fresh()), "a hit by a token that was denied meanwhile")
	want(200, ask(blind, old, ""), "the same subject by a guard without a deny list")
	if err := denied.Lift(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	want(200, ask(checking, bound, fresh()), "a hit by a token that is no longer denied")
	if hits, misses := seen(); misses != 2 || hits != 8 {
		t.Errorf("%d hits, %d misses", hits, misses)
	}
}
