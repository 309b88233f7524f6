package dev_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// proofKey signs proofs for token requests, which have no ath.
type proofKey struct{ *ecdsa.PrivateKey }

func newProofKey(t *testing.T) proofKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return proofKey{key}
}

func (k proofKey) jkt(t *testing.T) string {
	t.Helper()
	jkt, err := dpop.Thumbprint(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return jkt
}

// proof returns a proof for the token endpoint; changed members replace good ones.
func (k proofKey) proof(t *testing.T, s *running, changed map[string]any) string {
	t.Helper()
	var public crypto.PublicKey = k.Public()
	jwk, err := jose.MarshalKey(public, "", "")
	if err != nil {
		t.Fatal(err)
	}
	typ := "dpop+jwt"
	claims := map[string]any{"jti": rand.Text(), "htm": "POST", "htu": s.url + "/token", "iat": time.Now().Unix()}
	for name, value := range changed {
		if name == "typ" {
			typ = value.(string)
			continue
		}
		claims[name] = value
	}
	proof, err := jose.Sign(k.PrivateKey, jose.ES256, []byte(`{"typ":"`+typ+`","alg":"ES256","jwk":`+string(jwk)+`}`), marshal(t, claims))
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func TestProofRefused(t *testing.T) {
	s := start(t, dev.Config{})
	key := newProofKey(t)
	used := key.proof(t, s, nil)
	form := values("grant_type", "client_credentials")
	if a := s.post(t, "/token", form, "DPoP", used); a.status != http.StatusOK || a.get("token_type") != "DPoP" {
		t.Fatalf("%d %s", a.status, a.text)
	}
	for name, header := range map[string][]string{
		"used before":        {"DPoP", used},
		"two proofs":         {"DPoP", key.proof(t, s, nil), "DPoP", key.proof(t, s, nil)},
		"no JWS":             {"DPoP", "x"},
		"typ":                {"DPoP", key.proof(t, s, map[string]any{"typ": "JWT"})},
		"another method":     {"DPoP", key.proof(t, s, map[string]any{"htm": "GET"})},
		"another URL":        {"DPoP", key.proof(t, s, map[string]any{"htu": s.url + "/revoke"})},
		"too old":            {"DPoP", key.proof(t, s, map[string]any{"iat": time.Now().Unix() - 90})},
		"of the future":      {"DPoP", key.proof(t, s, map[string]any{"iat": time.Now().Unix() + 90})},
		"no jti":             {"DPoP", key.proof(t, s, map[string]any{"jti": ""})},
		"a forged signature": {"DPoP", used[:len(used)-8] + "AAAAAAAA"},
	} {
		a := s.post(t, "/token", form, header...)
		t.Run(name, func(t *testing.T) { refusedWith(t, a, 400, "invalid_dpop_proof") })
	}
}

// A token that is bound to a key passes an API only with that key. The refresh token
// of a public client is bound as well, and a code to dpop_jkt.
func TestBoundTokens(t *testing.T) {
	s := start(t, dev.Config{})
	key, other := newProofKey(t), newProofKey(t)
	b := s.browser(t)
	code := b.signIn(t, authorization("dpop_jkt", key.jkt(t)), "alice")
	redeem := func(proof ...string) answer {
		return s.post(t, "/token", values("grant_type", "authorization_code", "client_id", "app", "code", code, "redirect_uri", callback, "code_verifier", verifier), proof...)
	}
	refusedWith(t, redeem(), 400, "invalid_dpop_proof")
	refusedWith(t, redeem("DPoP", other.proof(t, s, nil)), 400, "invalid_dpop_proof")
	got := redeem("DPoP", key.proof(t, s, nil))
	if got.status != http.StatusOK || got.get("token_type") != "DPoP" {
		t.Fatalf("%d %s", got.status, got.text)
	}

	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{api(s.url)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	const origin = "http://127.0.0.1:7"
	checker, err := dpop.New(dpop.Config{Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Proofs: checker})
	if err != nil {
		t.Fatal(err)
	}
	orders := bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	call := func(scheme string, with proofKey) int {
		r := newRequest(t, http.MethodGet, origin+"/orders", "", "Authorization", scheme+" "+got.get("access_token"))
		r.RequestURI = "/orders"
		proof, err := dpop.NewProof(dpop.ProofConfig{Key: with.PrivateKey, Algorithm: "ES256", Method: http.MethodGet, URL: origin + "/orders", AccessToken: got.get("access_token")})
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("DPoP", proof)
		return serve(orders, r)
	}
	if status := call("DPoP", key); status != http.StatusOK {
		t.Errorf("with the key: %d", status)
	}
	if status := call("DPoP", other); status != http.StatusUnauthorized {
		t.Errorf("with another key: %d", status)
	}
	if status := call("Bearer", key); status != http.StatusUnauthorized {
		t.Errorf("as Bearer: %d", status)
	}

	refresh := values("grant_type", "refresh_token", "client_id", "app", "refresh_token", got.get("refresh_token"))
	refusedWith(t, s.post(t, "/token", refresh), 400, "invalid_dpop_proof")
	refusedWith(t, s.post(t, "/token", refresh, "DPoP", other.proof(t, s, nil)), 400, "invalid_dpop_proof")
	if a := s.post(t, "/token", refresh, "DPoP", key.proof(t, s, nil)); a.status != http.StatusOK {
		t.Errorf("refreshed with the key: %d %s", a.status, a.text)
	}

	if a := s.get(t, "/userinfo", "Authorization", "Bearer "+got.get("access_token")); a.status != http.StatusUnauthorized {
		t.Errorf("UserInfo without a proof: %d", a.status)
	}
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: key.PrivateKey, Algorithm: "ES256", Method: http.MethodGet, URL: s.url + "/userinfo", AccessToken: got.get("access_token")})
	if err != nil {
		t.Fatal(err)
	}
	if a := s.get(t, "/userinfo", "Authorization", "DPoP "+got.get("access_token"), "DPoP", proof); a.status != http.StatusOK {
		t.Errorf("UserInfo with a proof: %d %s", a.status, a.text)
	}
}

// A server that requires nonces gives one with its refusal, which does not use up a
// code.
func TestNonces(t *testing.T) {
	s := start(t, dev.Config{Issuers: []dev.Issuer{{Nonces: true}}})
	key := newProofKey(t)
	form := values("grant_type", "authorization_code", "client_id", "app", "code", s.browser(t).signIn(t, authorization(), "bob"), "redirect_uri", callback, "code_verifier", verifier)
	first := s.post(t, "/token", form, "DPoP", key.proof(t, s, nil))
	refusedWith(t, first, 400, "use_dpop_nonce")
	a := s.post(t, "/token", form, "DPoP", key.proof(t, s, map[string]any{"nonce": first.header.Get("DPoP-Nonce")}))
	if a.status != http.StatusOK || a.header.Get("DPoP-Nonce") == "" {
		t.Errorf("with the nonce: %d %s", a.status, a.text)
	}
	if a := s.post(t, "/token", values("grant_type", "client_credentials")); a.status != http.StatusOK {
		t.Errorf("without a proof: %d", a.status)
	}
}
