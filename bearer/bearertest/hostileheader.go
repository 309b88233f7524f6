package bearertest

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/jose"
)

func (h *hostile) algorithms() {
	_, payload := h.parts()
	_, _, signature := cutToken(h.token)
	header := func(alg, kid any) string {
		return encode(overlay(members{"typ": h.form.typ, "alg": alg, "kid": kid}, h.good.Header)) + "." + encode(payload)
	}
	for _, alg := range []string{"none", "None", "nOnE", "NONE"} {
		input := header(alg, nil)
		h.add("alg "+alg+", no signature", "RFC 9068, Section 2.1: alg must not be none", input+".")
		h.add("alg "+alg+", a signature", "RFC 9068, Section 2.1: alg must not be none", input+"."+signature)
	}
	h.add("no alg", "RFC 7515, Section 4.1.1: alg is required", h.with(map[string]any{"alg": nil}, nil))
	h.add("alg in lower case", "RFC 7515, Section 4.1.1: alg is case-sensitive",
		h.with(map[string]any{"alg": strings.ToLower(h.good.Algorithm)}, nil))

	// The public key as an HMAC secret, in each of its encodings.
	rsaKey, err := h.issuer.signer(jose.RS256)
	if err != nil {
		return
	}
	public := rsaKey.private.Public().(*rsa.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(fmt.Errorf("bearertest: %w", err))
	}
	secrets := []struct {
		form  string
		bytes []byte
	}{
		{"PEM", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})},
		{"DER", der},
		{"JWK", rsaKey.jwk},
		{"modulus", public.N.Bytes()},
		{"nothing", nil},
	}
	for _, secret := range secrets {
		for _, kid := range []any{nil, rsaKey.id} {
			input := header("HS256", kid)
			mac := hmac.New(sha256.New, secret.bytes)
			mac.Write([]byte(input))
			h.add("HS256 by the public key as "+secret.form, "RFC 8725, Section 3.1: only the listed algorithms",
				input+"."+encode(mac.Sum(nil)))
		}
	}
}

func (h *hostile) headers() {
	const crit = "RFC 7515, Section 4.1.11: an unknown extension is rejected"
	h.add("crit with an unknown name", crit, h.with(map[string]any{"crit": []string{"foo"}, "foo": 1}, nil))
	h.add("crit with an absent name", crit, h.with(map[string]any{"crit": []string{"foo"}}, nil))
	h.add("crit with a registered name", crit, h.with(map[string]any{"crit": []string{"alg"}}, nil))
	h.add("crit that is empty", crit, h.with(map[string]any{"crit": []string{}}, nil))
	h.add("b64 false", "RFC 7797, Section 6: not supported", h.with(map[string]any{"crit": []string{"b64"}, "b64": false}, nil))
	const kid = "RFC 8725, Section 3.10: kid is untrusted"
	for _, value := range []string{"nobody", "../../../../dev/null", "' OR 1=1 --", "\x00\r\n", strings.Repeat("k", 8<<10), ""} {
		h.add(fmt.Sprintf("kid %.16q", value), kid, h.with(map[string]any{"kid": value}, aged(h.good).Claims))
	}
	h.add("kid that is a number", kid, h.with(map[string]any{"kid": 1}, nil))
	h.add("kid that is null", kid, h.with(map[string]any{"kid": rawJSON("null")}, nil))
}

func (h *hostile) types() {
	rule := "RFC 8725, Section 3.11: typ is one that the issuer's access tokens have"
	if h.good.Shape == RFC9068 {
		rule = "RFC 9068, Section 4: typ is at+jwt"
	}
	for _, typ := range []string{
		"JWT", "", "at+jwt ", "x/at+jwt", "at", "logout+jwt", "dpop+jwt", "token-introspection+jwt", "secevent+jwt",
		"client-authentication+jwt", "oauth-authz-req+jwt",
	} {
		if !slices.Contains(h.form.types, typ) {
			h.add(fmt.Sprintf("typ %q", typ), rule, h.with(map[string]any{"typ": typ}, nil))
		}
	}
	if !slices.Contains(h.form.types, "") {
		h.add("no typ", rule, h.with(map[string]any{"typ": nil}, nil))
		h.add("typ that is null", rule, h.with(map[string]any{"typ": rawJSON("null")}, nil))
	}
}

// kinds adds the other tokens that the issuer signs.
func (h *hostile) kinds() {
	const rule = "RFC 8725, Section 3.12: an API accepts one kind of token"
	for _, kind := range h.good.Shape.Kinds()[1:] {
		t := h.good
		t.Kind = kind
		h.add("the issuer's "+string(kind), rule, h.issuer.Mint(t))
	}
	for _, value := range h.form.kinds {
		h.add(fmt.Sprintf("claim %s that is %v", h.form.kind, value), rule, h.with(nil, map[string]any{h.form.kind: value}))
	}
}
