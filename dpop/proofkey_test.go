package dpop_test

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/dpop"
)

var jsonNull = json.RawMessage("null")

// Reports V13, V10, L4: unsuitable client keys are rejected before a signature
// is verified with them, so that they cost almost nothing.
func TestProofKeyIsBounded(t *testing.T) {
	c, checker := newClient(t, "RS256"), newChecker(t, dpop.Config{})
	n := c.signer.Public().(*rsa.PublicKey).N.Bytes()
	encode := base64.RawURLEncoding.EncodeToString
	ops := slices.Repeat([]string{"verify"}, 500)
	tests := []struct {
		name    string
		changes members
		got     string // what is refused; empty: nothing is
	}{
		{"2048 bits and 65537", nil, ""},
		{"optional members that are null (L1)", members{"alg": jsonNull, "use": jsonNull, "key_ops": jsonNull, "d": jsonNull}, ""},
		{"key_ops empty (L4)", members{"key_ops": []string{}}, ""},
		{"8192 bits", members{"n": encode(append(slices.Repeat([]byte{0xff}, 1023), 1))}, "RSA modulus of"},
		{"an exponent of 2^31-1", members{"e": encode([]byte{0x7f, 0xff, 0xff, 0xff})}, "exponent of a proof's key"},
		{"an exponent of 3", members{"e": "Aw"}, "exponent of a proof's key"},
		{"key_ops of hundreds", members{"key_ops": ops}, "more than 16 operations"},
		// RFC 7638, Section 3.3: this client hashes a different text.
		{"a zero octet before the modulus", members{"n": encode(append([]byte{0}, n...))}, "a leading zero octet"},
	}
	for _, tt := range tests {
		jwk := maps.Clone(c.jwk)
		maps.Copy(jwk, tt.changes)
		proof := c.sign(t, c.header(members{"jwk": jwk}).json(t), payload(nil).json(t))
		if len(proof) > 8<<10 {
			t.Fatalf("%s: a proof of %d bytes is too long to be read", tt.name, len(proof))
		}
		err := checkAndUse(checker, orders(t, proof), token, c.jkt)
		if tt.got == "" {
			wantRefusal(t, err, "")
			continue
		}
		wantRefusal(t, err, "jwk")
		if err != nil && !strings.Contains(err.Error(), tt.got) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.got)
		}
	}
}
