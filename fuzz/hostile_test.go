package fuzz_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// The invariants hold for each hostile token of the test kit, under each setup. A
// token that the kit has signed well is signed by our key, so that only what is
// wrong with it can refuse it.
func TestHostileTokens(t *testing.T) {
	var tokens []string
	synctest.Test(t, func(t *testing.T) {
		kit := must(bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true}))
		defer kit.Close()
		if kit.URL() != issuerURL {
			t.Fatalf("the kit's issuer is %s", kit.URL())
		}
		kid := must(jose.Parse(kit.Mint(bearertest.Token{}))).Header.KeyID
		keys := must(jose.ParseKeySet(kit.KeySet())).Keys
		key := keys[slices.IndexFunc(keys, func(k *jose.Key) bool { id, _ := k.ID(); return id == kid })]
		for _, hostile := range kit.Hostile(bearertest.Token{Scope: "orders:read"}) {
			tokens = append(tokens, adopted(hostile.Token, key))
		}
	})
	for _, token := range tokens {
		for setup := range setups {
			input := request("GET "+path, "Authorization: Bearer "+token)
			if strings.ContainsAny(token, "\r\n\x00") || len(input) > maxInput {
				continue
			}
			for _, r := range check(t, setup, input, standard).requests {
				if r.admitted {
					t.Errorf("admitted: %s", token)
				}
			}
		}
	}
	if len(tokens) < 100 {
		t.Errorf("%d tokens", len(tokens))
	}
}

// adopted returns a token with our signature and key ID in place of those of the
// kit's key. It returns a token that the key did not sign unchanged.
func adopted(token string, key *jose.Key) string {
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 || strings.Count(token, ".") != 2 {
		return token
	}
	header, payload, _ := strings.Cut(token[:cut], ".")
	signature, err := jose.DecodeBase64URL(token[cut+1:])
	if err != nil || key.Verify(jose.ES256, token[:cut], signature) != nil {
		return token
	}
	kid, _ := key.ID()
	text := strings.Replace(string(must(jose.DecodeBase64URL(header))), kid, issuerEC.kid, 1)
	return issuerEC.sign([]byte(text), must(jose.DecodeBase64URL(payload)))
}
