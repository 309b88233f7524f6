package bearertest_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

func TestOpaqueTokensAreDistinct(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	form := regexp.MustCompile(`^opaque_[A-Za-z0-9_-]{43}$`)
	seen := map[string]bool{}
	for range 100 {
		token := issuer.MintOpaque(bearertest.Token{})
		if !form.MatchString(token) || seen[token] {
			t.Errorf("got %q, new: %v", token, !seen[token])
		}
		seen[token] = true
	}
}

func TestRevocation(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	atTheEndpoint := func(token string) {
		got := send(t, issuer, "POST", "/revoke", basic("api", "secret"), url.Values{"token": {token}, "token_type_hint": {"x"}})
		if got.status != 200 || got.body != "" {
			t.Errorf("got %d %s, want 200", got.status, got.body)
		}
	}
	for way, revoke := range map[string]func(string){"Revoke": issuer.Revoke, "the endpoint": atTheEndpoint} {
		for kind, mint := range map[string]func(bearertest.Token) string{"JWT": issuer.Mint, "opaque": issuer.MintOpaque} {
			token, other := mint(bearertest.Token{}), mint(bearertest.Token{})
			if got := introspect(t, issuer, token); got["active"] != true {
				t.Errorf("%s, %s: got %v", way, kind, got)
			}
			revoke(token)
			revoke(token)
			if got := introspect(t, issuer, token); !reflect.DeepEqual(got, inactive) {
				t.Errorf("%s, %s: got %v of a revoked token", way, kind, got)
			}
			if got := introspect(t, issuer, other); got["active"] != true {
				t.Errorf("%s, %s: got %v of another token", way, kind, got)
			}
		}
	}
	atTheEndpoint("unknown")
	if n := issuer.Requests(bearertest.RevocationEndpoint); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
}

// An ECDSA signature (r, s) has a second form (r, n-s), which anybody can
// compute.
func TestRevocationCoversTheSecondSignature(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	token := issuer.Mint(bearertest.Token{Algorithm: "ES256"})
	end := strings.LastIndexByte(token, '.') + 1
	signature, err := base64.RawURLEncoding.DecodeString(token[end:])
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	twin := token[:end] + base64.RawURLEncoding.EncodeToString(signature)
	if got := introspect(t, issuer, twin); got["active"] != true {
		t.Fatalf("got %v of the twin", got)
	}
	issuer.Revoke(token)
	if got := introspect(t, issuer, twin); !reflect.DeepEqual(got, inactive) {
		t.Errorf("got %v of the twin of a revoked token", got)
	}
}

func TestTokenEndpointIssuesOpaqueTokens(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"a"}, "token_format": {"opaque"}}
	got := send(t, issuer, "POST", "/token", basic(oddID, oddSecret), form).members(t)
	token, _ := got["access_token"].(string)
	claims := introspect(t, issuer, token)
	if claims["active"] != true || claims["client_id"] != oddID || claims["scope"] != "a" {
		t.Errorf("got %v for %q", claims, token)
	}
	for format, status := range map[string]int{"jwt": 200, "saml": 400} {
		form.Set("token_format", format)
		if got := send(t, issuer, "POST", "/token", nil, form); got.status != status {
			t.Errorf("%s: got %d %s", format, got.status, got.body)
		}
	}
}
