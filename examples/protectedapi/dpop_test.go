package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
)

// holder is a client with a key.
type holder struct {
	t   *testing.T
	key crypto.Signer
}

func newHolder(t *testing.T) holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return holder{t, key}
}

// token mints a token that is bound to the key.
func (h holder) token(issuer *bearertest.Issuer, scope string) string {
	return issuer.Mint(bearertest.Token{Scope: scope, Claims: h.cnf()})
}

func (h holder) cnf() map[string]any {
	jkt, err := dpop.Thumbprint(h.key.Public())
	if err != nil {
		h.t.Fatal(err)
	}
	return map[string]any{"cnf": map[string]any{"jkt": jkt}}
}

// proof returns the header line of a proof for a request such as "GET /orders".
func (h holder) proof(origin, request, token, nonce string) string {
	h.t.Helper()
	method, path, _ := strings.Cut(request, " ")
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: h.key, Algorithm: "ES256", Method: method, URL: origin + path, AccessToken: token, Nonce: nonce})
	if err != nil {
		h.t.Fatal(err)
	}
	return "\nDPoP: " + proof
}

const (
	bearerScheme = "\nAuthorization: Bearer "
	dpopScheme   = "\nAuthorization: DPoP "
)

// The status and the whole challenges, for each value of -dpop, each scheme, bound
// and unbound tokens, and each state of the proof.
func TestProofs(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	mine, another := newHolder(t), newHolder(t)
	const request, scope = "GET /orders", "orders:read"
	bearerNo, dpopNo := bearerChallenge("", scope), dpopChallenge("", scope)
	failed := func(code string) map[string]string {
		return map[string]string{
			allowed:  bearerNo + " | " + dpopChallenge(code, scope),
			required: dpopChallenge(code, scope),
		}
	}
	badToken, badProof := failed("invalid_token"), failed("invalid_dpop_proof")
	asBearer := map[string]string{
		off:      bearerChallenge("invalid_token", scope),
		allowed:  bearerChallenge("invalid_token", scope) + " | " + dpopNo,
		required: dpopChallenge("invalid_token", scope),
	}
	none := map[string]string{off: bearerNo, allowed: bearerNo + " | " + dpopNo, required: dpopNo}

	for _, mode := range binding.Modes() {
		for _, framework := range frameworks {
			t.Run(mode+" "+framework, func(t *testing.T) {
				url := start(t, asks(issuer, "-framework", framework, "-dpop", mode)...)
				eventually(t, patience, "ready", func() bool { return send(t, url, "GET /readyz").status == 200 })
				check := func(name, request string, status int, challenge string) {
					t.Helper()
					got := send(t, url, request)
					if got.status != status || got.challenges(url) != challenge {
						t.Errorf("%s: %d %s\nwant %d %s", name, got.status, got.challenges(url), status, challenge)
					}
					if got.header.Get("Dpop-Nonce") != "" {
						t.Errorf("%s: a nonce, of which there are none", name)
					}
					checkBody(t, answerTest{request, status, challenge}, got)
				}
				check("no credentials", request, 401, none[mode])
				free := issuer.Mint(bearertest.Token{Scope: scope})
				bound := mine.token(issuer, scope)
				opaque := issuer.MintOpaque(bearertest.Token{Scope: scope, Claims: mine.cnf()})
				for _, token := range []string{free, bound, opaque} {
					isBound := token != free
					used := mine.proof(url, request, token, "")
					if isBound && mode != off {
						check("the first use", request+dpopScheme+token+used, 200, "")
					}
					for _, tt := range []struct {
						name, proof string
						good        bool
						otherKey    bool
					}{
						{name: "no proof"},
						{name: "a good proof", proof: mine.proof(url, request, token, ""), good: true},
						{name: "of another key", proof: another.proof(url, request, token, ""), otherKey: true},
						{name: "for another URL", proof: mine.proof(url, "GET /me", token, "")},
						{name: "for another method", proof: mine.proof(url, "POST /orders", token, "")},
						{name: "for another host", proof: mine.proof("https://other.example.com", request, token, "")},
						{name: "for another token", proof: mine.proof(url, request, token+"x", "")},
						{name: "for no token", proof: mine.proof(url, request, "", "")},
						{name: "two", proof: mine.proof(url, request, token, "") + mine.proof(url, request, token, "")},
						{name: "used before", proof: used, good: !isBound || mode == off},
						{name: "not one", proof: "\nDPoP: proof"},
						{name: "an access token", proof: "\nDPoP: " + token},
					} {
						name := fmt.Sprintf("bound %v, %s, ", isBound, tt.name)
						switch {
						case mode == required || isBound:
							check(name+"Bearer", request+bearerScheme+token+tt.proof, 401, asBearer[mode])
						default: // an unnecessary proof is ignored
							check(name+"Bearer", request+bearerScheme+token+tt.proof, 200, "")
						}
						switch {
						case mode == off: // an unknown scheme
							check(name+"DPoP", request+dpopScheme+token+tt.proof, 401, none[mode])
						case !isBound || tt.otherKey:
							check(name+"DPoP", request+dpopScheme+token+tt.proof, 401, badToken[mode])
						case tt.good:
							check(name+"DPoP", request+dpopScheme+token+tt.proof, 200, "")
						default:
							check(name+"DPoP", request+dpopScheme+token+tt.proof, 401, badProof[mode])
						}
					}
				}
				if mode == off {
					return
				}
				poor := mine.token(issuer, "")
				check("no scope", request+dpopScheme+poor+mine.proof(url, request, poor, ""), 403, dpopChallenge("insufficient_scope", scope))
				both := bearerChallenge("invalid_request", "") + " | " + dpopChallenge("invalid_request", "")
				if mode == required {
					both = dpopChallenge("invalid_request", "")
				}
				check("both schemes", request+bearerScheme+free+dpopScheme+bound+mine.proof(url, request, bound, ""), 400, both)
				me := send(t, url, "GET /me"+dpopScheme+bound+mine.proof(url, "GET /me", bound, ""))
				if me.status != 200 || !strings.Contains(me.body, `"token_type":"DPoP"`) {
					t.Errorf("/me: %+v", me)
				}
			})
		}
	}
}

// RFC 9449, Section 9: a proof needs the nonce, which each answer contains.
// Instances that share the key accept each other's nonces.
func TestNonces(t *testing.T) {
	issuer := newIssuer(t)
	mine := newHolder(t)
	const resource = "https://api.example.com"
	flags := []string{"-issuer", issuer.URL(), "-audience", audience, "-resource", resource, "-dpop-nonce", "required"}
	t.Setenv(binding.NonceKeyVariable, base64.RawURLEncoding.EncodeToString([]byte("a key of thirty-two random bytes")))
	a, same := start(t, flags...), start(t, flags...)
	t.Setenv(binding.NonceKeyVariable, "")
	other := start(t, flags...)
	token := mine.token(issuer, "orders:read")
	try := func(url, nonce string) answer {
		return send(t, url, "GET /orders"+dpopScheme+token+mine.proof(resource, "GET /orders", token, nonce))
	}
	challenges := strings.ReplaceAll(bearerChallenge("", "orders:read")+" | "+dpopChallenge("use_dpop_nonce", "orders:read"),
		"METADATA", resource+"/.well-known/oauth-protected-resource")

	refused := try(a, "")
	nonces := refused.header["Dpop-Nonce"]
	if refused.status != 401 || refused.challenges(a) != challenges || len(nonces) != 1 || refused.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("without a nonce: %+v\nwant %s", refused, challenges)
	}
	for name, tt := range map[string]struct {
		url, nonce string
		want       int
	}{
		"the nonce":                   {a, nonces[0], 200},
		"again":                       {a, nonces[0], 200},
		"at an instance of one key":   {same, nonces[0], 200},
		"at one that has its own":     {other, nonces[0], 401},
		"another":                     {a, nonces[0][1:], 401},
		"one of the issuer, as it is": {a, "nonce", 401},
	} {
		got := try(tt.url, tt.nonce)
		if got.status != tt.want || len(got.header["Dpop-Nonce"]) != 1 {
			t.Errorf("%s: %+v; want %d and one nonce", name, got, tt.want)
		}
		if tt.want == 401 && got.challenges(tt.url) != challenges {
			t.Errorf("%s: %s; want %s", name, got.challenges(tt.url), challenges)
		}
	}
	if got := send(t, a, "GET /orders"); got.status != 401 || got.header.Get("Dpop-Nonce") != "" {
		t.Errorf("no credentials: %+v; want no nonce", got)
	}
}

func TestNonceKeys(t *testing.T) {
	for key, good := range map[string]bool{
		"": true,
		base64.RawURLEncoding.EncodeToString(make([]byte, 32)): true,
		base64.URLEncoding.EncodeToString(make([]byte, 32)):    true,
		base64.RawURLEncoding.EncodeToString(make([]byte, 64)): true,
		base64.RawURLEncoding.EncodeToString(make([]byte, 31)): false,
		"hush-hush": false, "hush hush hush hush hush hush hush hush hush hush": false,
	} {
		t.Setenv(binding.NonceKeyVariable, key)
		_, err := parseFlags([]string{"-dev", "-dpop-nonce", "required"}, nil)
		if (err == nil) != good || err != nil && (!strings.Contains(err.Error(), binding.NonceKeyVariable) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%q: %v", key, err)
		}
		if _, err := parseFlags([]string{"-dev"}, nil); err != nil {
			t.Errorf("%q, and no nonces: %v", key, err)
		}
	}
}

// Proofs name the API's configured URL. The Host field does not matter.
func TestProofsNameTheResource(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	mine := newHolder(t)
	token := mine.token(issuer, "")
	for _, tt := range []struct {
		args   []string
		origin string // empty: where the API listens
	}{
		{nil, ""},
		{[]string{"-listen", "[::1]:0"}, ""},
		{[]string{"-listen", "localhost:0"}, ""},
		{[]string{"-resource", "https://api.example.com"}, "https://api.example.com"},
		{[]string{"-resource", "https://API.example.com/v1"}, "https://api.example.com"},
	} {
		t.Run(fmt.Sprint(tt.args), func(t *testing.T) {
			url := start(t, append([]string{"-issuer", issuer.URL(), "-audience", audience}, tt.args...)...)
			origin := tt.origin
			if origin == "" {
				origin = url
			}
			for _, candidate := range []string{origin, url, "https://elsewhere.example.com"} {
				want := 200
				if candidate != origin {
					want = 401
				}
				got := send(t, url, "GET /me"+dpopScheme+token+mine.proof(candidate, "GET /me", token, "")+"\nX-Forwarded-Host: elsewhere.example.com")
				if got.status != want {
					t.Errorf("a proof for %s: %+v; want %d", candidate, got, want)
				}
			}
		})
	}
}
