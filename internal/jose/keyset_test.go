package jose_test

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

func b64(b ...byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// keyOps returns a list of n different operations, with verify at the end.
func keyOps(n int) string {
	var b strings.Builder
	for i := range n - 1 {
		fmt.Fprintf(&b, `"op%d",`, i)
	}
	return "[" + b.String() + `"verify"]`
}

// rsaOf returns an RSA key with a modulus of the given size, which is odd if last
// is.
func rsaOf(bits uint, last int64, e string) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	n.Add(n, big.NewInt(last))
	return `"kty":"RSA","n":"` + b64(n.Bytes()...) + `","e":"` + e + `"`
}

// okp returns an Ed25519 key with the given first and last octets.
func okp(first, middle, last byte) string {
	x := slices.Repeat([]byte{middle}, 32)
	x[0], x[31] = first, last
	return `"kty":"OKP","crv":"Ed25519","x":"` + b64(x...) + `"`
}

var (
	rs = []jose.Algorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
	ed = []jose.Algorithm{jose.EdDSA, jose.Ed25519}
)

func TestKeysThatAreAccepted(t *testing.T) {
	tests := []struct {
		name, members string
		can           []jose.Algorithm
	}{
		// C8: an RSA key without alg serves all RSA algorithms.
		{"RSA", rsaMembers, rs},
		{"RSA of 2048 bits", rsaOf(2048, 1, "AQAB"), rs},
		{"RSA of 8192 bits", rsaOf(8192, 1, "AQAB"), rs},
		{"RSA with e 3", rsaOf(2048, 1, "Aw"), rs},
		{"RSA with e 2^31-1", rsaOf(2048, 1, b64(0x7f, 0xff, 0xff, 0xff)), rs},
		// K6, J1; RFC 7517, Section 4.4.
		{"RSA with alg PS256", rsaMembers + `,"alg":"PS256"`, []jose.Algorithm{jose.PS256}},
		{"RSA with alg RS512", rsaMembers + `,"alg":"RS512"`, []jose.Algorithm{jose.RS512}},
		// K7; RFC 7518, Section 3.4.
		{"P-256", p256Members, []jose.Algorithm{jose.ES256}},
		{"P-256 with alg", p256Members + `,"alg":"ES256"`, []jose.Algorithm{jose.ES256}},
		{"RSA with a curve", rsaMembers + `,"crv":"P-256"`, rs},
		{"P-521", p521Members, []jose.Algorithm{jose.ES512}},
		{"Ed25519", edMembers, ed},
		// RFC 9864: synonyms.
		{"Ed25519 with alg EdDSA", edMembers + `,"alg":"EdDSA"`, ed},
		{"Ed25519 with alg Ed25519", edMembers + `,"alg":"Ed25519"`, ed},
		// K6; RFC 7517, Sections 4.2 and 4.3.
		{"use sig", p256Members + `,"use":"sig"`, []jose.Algorithm{jose.ES256}},
		{"use jwt-svid, of a SPIFFE bundle", p256Members + `,"use":"jwt-svid"`, []jose.Algorithm{jose.ES256}},
		{"key_ops verify", p256Members + `,"key_ops":["verify"]`, []jose.Algorithm{jose.ES256}},
		{"key_ops sign and verify", p256Members + `,"key_ops":["sign","verify"]`, []jose.Algorithm{jose.ES256}},
		{"use and key_ops that agree on both", p256Members + `,"use":"sig","key_ops":["sign","verify"]`, []jose.Algorithm{jose.ES256}},
		{"use and key_ops that agree", p256Members + `,"use":"sig","key_ops":["verify"]`, []jose.Algorithm{jose.ES256}},
		// Reports L4: an empty list counts as absent.
		{"key_ops empty", rsaMembers + `,"key_ops":[]`, rs},
		{"key_ops empty, use sig", rsaMembers + `,"use":"sig","key_ops":[ ]`, rs},
		// Reports V10: at most sixteen operations.
		{"key_ops of 16", rsaMembers + `,"key_ops":` + keyOps(16), rs},
		// Reports L1: a member that is null is absent.
		{"alg null", rsaMembers + `,"alg":null`, rs},
		{"optional members that are null", p256Members + `,"alg":null,"use":null,"key_ops":null,"kid":null,"x5c":null,"x5t":null,"x5u":null`, []jose.Algorithm{jose.ES256}},
		{"private members that are null", rsaMembers + `,"d":null,"p":null,"q":null,"dp":null,"dq":null,"qi":null,"oth":null,"k":null`, rs},
		{"members of other types that are null", edMembers + `,"y":null,"n":null,"e":null`, ed},
		// K4: certificates are ignored, valid or not.
		{"x5c of another key", p256Members + `,"x5c":["AA"],"x5t":1,"x5u":"http://127.0.0.1/"`, []jose.Algorithm{jose.ES256}},
		{"names in capitals", p256Members + `,"D":"AA","K":1,"Use":"enc"`, []jose.Algorithm{jose.ES256}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key := mustKey(t, tt.members)
			for _, alg := range append(jose.Algorithms(), "none", "HS256", "") {
				if got, want := key.Can(alg), slices.Contains(tt.can, alg); got != want {
					t.Errorf("Can(%q) = %v, want %v", alg, got, want)
				}
			}
			set, err := jose.ParseKeySet([]byte(`{"keys":[{` + tt.members + `}]}`))
			if err != nil || len(set.Keys) != 1 || set.Keys[0].Thumbprint() != key.Thumbprint() {
				t.Errorf("in a set: %v, %+v", err, set.Skipped)
			}
		})
	}
}

func TestKeysThatAreSkipped(t *testing.T) {
	zeros31 := strings.Repeat("A", 42)
	tests := []struct{ name, jwk, reason string }{
		// K7: RFC 7518, Sections 3.3 and 6.3.1; 2.1 CVE-2022-23539.
		{"RSA of 1024 bits", "{" + rsaOf(1024, 1, "AQAB") + "}", "RSA modulus of 1024 bits; want 2048 to 8192"},
		{"RSA of 2047 bits", "{" + rsaOf(2047, 1, "AQAB") + "}", "RSA modulus of 2047 bits; want 2048 to 8192"},
		{"RSA of 8193 bits", "{" + rsaOf(8193, 1, "AQAB") + "}", "RSA modulus of 8193 bits; want 2048 to 8192"},
		{"RSA of 65,536 bits", "{" + rsaOf(65536, 1, "AQAB") + "}", "RSA modulus of 65536 bits; want 2048 to 8192"},
		{"RSA with an even modulus", "{" + rsaOf(2048, 2, "AQAB") + "}", "even RSA modulus"},
		{"RSA with e 1", "{" + rsaOf(2048, 1, "AQ") + "}", "RSA exponent"},
		{"RSA with e 2", "{" + rsaOf(2048, 1, "Ag") + "}", "RSA exponent"},
		{"RSA with e 65536", "{" + rsaOf(2048, 1, "AQAA") + "}", "RSA exponent"},
		{"RSA with e 2^31+1", "{" + rsaOf(2048, 1, b64(0x80, 0, 0, 1)) + "}", "RSA exponent"},
		{"RSA with e of 2048 bits", "{" + rsaOf(2048, 1, a2N) + "}", "RSA exponent"},
		{"RSA with e 2^64+3", "{" + rsaOf(2048, 1, b64(1, 0, 0, 0, 0, 0, 0, 0, 3)) + "}", "RSA exponent"},
		{"RSA with e 0", "{" + rsaOf(2048, 1, "AA") + "}", "e: a leading zero octet"},
		{"RSA with e of nothing but zeros", "{" + rsaOf(2048, 1, "AAAA") + "}", "e: a leading zero octet"},
		{"RSA with n of nothing but zeros", `{"kty":"RSA","e":"AQAB","n":"` + b64(make([]byte, 257)...) + `"}`, "n: a leading zero octet"},
		// Reports L4: the leading zero octet does not affect checks.
		{"RSA of 2040 bits and a leading zero", `{"kty":"RSA","e":"AQAB","n":"` + b64(append([]byte{0, 0x80}, make([]byte, 254)...)...) + `"}`, "RSA modulus of 2040 bits"},
		{"RSA with e 1 and a leading zero", "{" + rsaOf(2048, 1, "AAE") + "}", "RSA exponent"},
		{"RSA without n", `{"kty":"RSA","e":"AQAB"}`, "RSA key without n"},
		{"RSA without e", `{"kty":"RSA","n":"` + a2N + `"}`, "RSA key without e"},
		{"RSA with a padded n", `{"kty":"RSA","n":"` + a2N + `==","e":"AQAB"}`, "n: not base64url"},
		{"RSA with a line feed in n", `{"kty":"RSA","n":"` + a2N + `\n","e":"AQAB"}`, "n: not base64url"},
		{"RSA with e a number", `{"kty":"RSA","n":"` + a2N + `","e":65537}`, "e: a JSON number"},
		// K7, J4: RFC 7518, Section 6.2.1.
		{"EC off the curve", `{"kty":"EC","crv":"P-256","x":"` + a3X + `","y":"` + a3X + `"}`, "not on the curve"},
		{"EC at 0, 0", `{"kty":"EC","crv":"P-256","x":"` + zeros31 + `A","y":"` + zeros31 + `A"}`, "not on the curve"},
		{"EC with x one octet short", `{"kty":"EC","crv":"P-256","x":"` + zeros31[:40] + `","y":"` + a3Y + `"}`, "x: 30 octets; P-256 has 32"},
		{"EC with x one octet long", `{"kty":"EC","crv":"P-256","x":"AA` + a3X[:42] + `","y":"` + a3Y + `"}`, "x: 33 octets; P-256 has 32"},
		{"EC of P-256 that says P-384", `{"kty":"EC","crv":"P-384","x":"` + a3X + `","y":"` + a3Y + `"}`, "x: 32 octets; P-384 has 48"},
		{"EC of secp256k1", `{"kty":"EC","crv":"secp256k1","x":"` + a3X + `","y":"` + a3Y + `"}`, `EC curve "secp256k1"`},
		{"EC of a curve in lower case", `{"kty":"EC","crv":"p-256","x":"` + a3X + `","y":"` + a3Y + `"}`, `EC curve "p-256"`},
		{"EC without crv", `{"kty":"EC","x":"` + a3X + `","y":"` + a3Y + `"}`, `EC curve ""`},
		{"EC without y", `{"kty":"EC","crv":"P-256","x":"` + a3X + `"}`, "EC key without y"},
		{"EC with Ed25519", `{"kty":"EC","crv":"Ed25519","x":"` + edX + `"}`, `EC curve "Ed25519"`},
		// K7: RFC 8037, Section 2.
		{"OKP of X25519", `{"kty":"OKP","crv":"X25519","x":"` + edX + `"}`, `OKP curve "X25519"`},
		{"OKP of Ed448", `{"kty":"OKP","crv":"Ed448","x":"` + b64(make([]byte, 57)...) + `"}`, `OKP curve "Ed448"`},
		{"OKP of 31 octets", `{"kty":"OKP","crv":"Ed25519","x":"` + b64(make([]byte, 31)...) + `"}`, "x: 31 octets; Ed25519 has 32"},
		{"OKP of zeros", "{" + okp(0, 0, 0) + "}", "small order"},
		{"OKP of the identity", "{" + okp(1, 0, 0) + "}", "small order"},
		{"OKP of the identity, sign set", "{" + okp(1, 0, 0x80) + "}", "small order"},
		{"OKP of order 2", "{" + okp(0xec, 0xff, 0x7f) + "}", "small order"},
		{"OKP of zero beyond p", "{" + okp(0xed, 0xff, 0x7f) + "}", "small order"},
		{"OKP of the identity beyond p", "{" + okp(0xee, 0xff, 0xff) + "}", "small order"},
		{"OKP of order 8", `{"kty":"OKP","crv":"Ed25519","x":"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU"}`, "small order"},
		{"OKP of order 8, the other", `{"kty":"OKP","crv":"Ed25519","x":"xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o"}`, "small order"},
		// 2.1: private and symmetric keys.
		{"private RSA", "{" + rsaMembers + `,"d":"AQ"}`, "private or symmetric key in a public key set"},
		{"private EC", "{" + p256Members + `,"d":"AQ"}`, "private or symmetric key in a public key set"},
		{"private OKP", "{" + edMembers + `,"d":"AQ"}`, "private or symmetric key in a public key set"},
		{"a prime of RSA", "{" + rsaMembers + `,"p":"AQ"}`, "private or symmetric key in a public key set"},
		{"the other prime", "{" + rsaMembers + `,"q":"AQ"}`, "private or symmetric key in a public key set"},
		{"dp of RSA", "{" + rsaMembers + `,"dp":"AQ"}`, "private or symmetric key in a public key set"},
		{"dq of RSA", "{" + rsaMembers + `,"dq":"AQ"}`, "private or symmetric key in a public key set"},
		{"qi of RSA", "{" + rsaMembers + `,"qi":"AQ"}`, "private or symmetric key in a public key set"},
		{"k in an RSA key", "{" + rsaMembers + `,"k":"AQ"}`, "private or symmetric key in a public key set"},
		{"oth of RSA", "{" + rsaMembers + `,"oth":[]}`, "private or symmetric key in a public key set"},
		{"symmetric", `{"kty":"oct","k":"AQ"}`, "private or symmetric key in a public key set"},
		{"symmetric without k", `{"kty":"oct"}`, "private or symmetric key in a public key set"},
		// K6: RFC 7517, Sections 4.1 to 4.4 and 5.
		{"kty unknown", `{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}`, `key type "AKP"`},
		{"kty in lower case", `{"kty":"ec","crv":"P-256","x":"` + a3X + `","y":"` + a3Y + `"}`, `key type "ec"`},
		{"kty missing", `{"crv":"P-256","x":"` + a3X + `","y":"` + a3Y + `"}`, "no kty"},
		{"kty null", `{"kty":null}`, "no kty"},
		{"n null", `{"kty":"RSA","n":null,"e":"AQAB"}`, "RSA key without n"},
		{"x null", `{"kty":"OKP","crv":"Ed25519","x":null}`, "OKP key without x"},
		{"use enc", "{" + rsaMembers + `,"use":"enc"}`, `use "enc"; want sig`},
		{"use x509-svid", "{" + p256Members + `,"use":"x509-svid","x5c":["AA"]}`, `use "x509-svid"; want sig`},
		{"use empty", "{" + rsaMembers + `,"use":""}`, `use ""`},
		{"key_ops without verify", "{" + rsaMembers + `,"key_ops":["sign"]}`, "key_ops without verify"},
		// Reports V10: reading stops at the limit, so thousands cost no more.
		{"key_ops of 17", "{" + rsaMembers + `,"key_ops":` + keyOps(17) + "}", "key_ops: more than 16 operations"},
		{"key_ops of 20,000", "{" + rsaMembers + `,"key_ops":` + keyOps(20_000) + "}", "key_ops: more than 16 operations"},
		{"key_ops of null", "{" + rsaMembers + `,"key_ops":["verify",null]}`, "key_ops: a JSON null"},
		{"key_ops a string", "{" + rsaMembers + `,"key_ops":"verify"}`, "key_ops: a JSON string"},
		{"key_ops with a number", "{" + rsaMembers + `,"key_ops":["verify",1]}`, "key_ops: a JSON number"},
		{"key_ops with a duplicate", "{" + rsaMembers + `,"key_ops":["verify","verify"]}`, "key_ops has a duplicate"},
		{"use and key_ops that disagree", "{" + rsaMembers + `,"use":"sig","key_ops":["verify","encrypt"]}`, "contradict"},
		{"alg of another type", "{" + rsaMembers + `,"alg":"ES256"}`, `alg "ES256", which an RSA key cannot verify`},
		{"alg of another curve", "{" + p256Members + `,"alg":"ES512"}`, `alg "ES512", which a P-256 key cannot verify`},
		{"alg HS256 of an RSA key", "{" + rsaMembers + `,"alg":"HS256"}`, `alg "HS256"`},
		{"alg none", "{" + edMembers + `,"alg":"none"}`, `alg "none", which an Ed25519 key cannot verify`},
		{"alg of encryption", "{" + rsaMembers + `,"alg":"RSA-OAEP"}`, `alg "RSA-OAEP"`},
		{"alg empty", "{" + rsaMembers + `,"alg":""}`, `alg ""`},
		{"kid a number", "{" + rsaMembers + `,"kid":1}`, "kid: a JSON number"},
		// K1, J6.
		{"a duplicate member", `{"kty":"oct",` + rsaMembers + `}`, "duplicate member name"},
		{"a duplicate of an unknown member", "{" + rsaMembers + `,"a":1,"a":1}`, "duplicate member name"},
		{"invalid UTF-8", "{" + rsaMembers + ",\"a\":\"\xff\"}", "invalid JSON"},
		{"a number", `1`, "not a JSON object"},
		{"null", `null`, "not a JSON object"},
		{"an array", `[]`, "not a JSON object"},
		{"an empty object", `{}`, "no kty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := jose.ParseKey([]byte(tt.jwk)); err == nil || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("ParseKey: %v, want %q", err, tt.reason)
			}
			// K6: only this key is skipped.
			set, err := jose.ParseKeySet([]byte(`{"keys":[{` + p256Members + `},` + tt.jwk + `,{` + edMembers + `}]}`))
			if err != nil {
				t.Fatalf("ParseKeySet: %v", err)
			}
			if len(set.Keys) != 2 || len(set.Skipped) != 1 {
				t.Fatalf("%d keys, skipped %+v; want 2 and 1", len(set.Keys), set.Skipped)
			}
			if s := set.Skipped[0]; s.Index != 1 || !strings.Contains(s.Reason, tt.reason) {
				t.Errorf("skipped %+v, want %q", s, tt.reason)
			}
		})
	}
}

// Reports L4: the numbers of an RSA key may begin with zero octets, as Java's
// BigInteger writes them. The key and its thumbprint (RFC 7638) are computed
// without them, and a note says so.
func TestZeroOctetsAreRemoved(t *testing.T) {
	n, err := base64.RawURLEncoding.DecodeString(a2N)
	if err != nil {
		t.Fatal(err)
	}
	want := mustKey(t, rsaMembers)
	tests := []struct{ name, n, e, note string }{
		{"n", b64(append([]byte{0}, n...)...), "AQAB", "n began with a zero octet (RFC 7518, Section 2), which was removed"},
		{"e", a2N, "AAEAAQ", "e began with a zero octet (RFC 7518, Section 2), which was removed"},
		{"both, and more than one", b64(append([]byte{0, 0, 0}, n...)...), b64(0, 0, 1, 0, 1), "n and e began with a zero octet (RFC 7518, Section 2), which was removed"},
		{"neither", a2N, "AQAB", ""},
	}
	for _, tt := range tests {
		document := `{"kty":"RSA","n":"` + tt.n + `","e":"` + tt.e + `","kid":"k\u0000"}`
		set, err := jose.ParseKeySet([]byte(`{"keys":[{` + edMembers + `},` + document + `]}`))
		if err != nil || len(set.Keys) != 2 || len(set.Skipped) > 0 {
			t.Fatalf("%s: %v, %+v", tt.name, err, set.Skipped)
		}
		if key := set.Keys[1]; key.Thumbprint() != want.Thumbprint() || !key.Public().(*rsa.PublicKey).Equal(want.Public()) {
			t.Errorf("%s: the thumbprint of another key, %s", tt.name, key.Thumbprint())
		}
		switch {
		case tt.note == "" && len(set.Notes) == 0:
		case len(set.Notes) != 1 || set.Notes[0] != (jose.Note{Index: 1, ID: "k?", Text: tt.note}):
			t.Errorf("%s: notes %+v, want %q", tt.name, set.Notes, tt.note)
		}
		key, err := jose.ParseKey([]byte(document))
		if err != nil || key.Thumbprint() != want.Thumbprint() {
			t.Errorf("%s: ParseKey: %v", tt.name, err)
		}
		// The members of an RSA key mean nothing in another key.
		set, err = jose.ParseKeySet([]byte(`{"keys":[{` + p256Members + `,"n":"` + tt.n + `","e":"` + tt.e + `"}]}`))
		if err != nil || len(set.Keys) != 1 || len(set.Notes) > 0 {
			t.Errorf("%s, in an EC key: %v, %+v", tt.name, err, set)
		}
		// A DPoP client computes the thumbprint with the zero octets.
		if _, err := jose.ParseProofKey([]byte(document)); (err == nil) != (tt.note == "") {
			t.Errorf("%s: ParseProofKey: %v", tt.name, err)
		}
	}
}

func TestDocumentsThatAreNotKeySets(t *testing.T) {
	many := func(n int) string {
		return `{"keys":[` + strings.TrimSuffix(strings.Repeat("1,", n), ",") + `]}`
	}
	tests := []struct{ name, doc, want string }{
		{"empty", ``, "not a JSON object"},
		{"an array", `[]`, "not a JSON object"},
		{"HTML", `<html>`, "not a JSON object"},
		{"no keys", `{"Keys":[]}`, "no keys member"},
		{"keys null", `{"keys":null}`, "not an array"},
		{"keys an object", `{"keys":{}}`, "not an array"},
		{"keys twice", `{"keys":[],"keys":[]}`, "two keys members"},
		{"keys twice, by an escape", `{"keys":[],"\u006beys":[]}`, "two keys members"},
		{"cut within keys", `{"keys":[{`, "invalid JSON"},
		{"cut behind keys", `{"keys":[]`, "invalid JSON"},
		{"cut behind an element", `{"keys":[1`, "invalid JSON"},
		{"cut behind another member", `{"a":`, "invalid JSON"},
		{"cut behind a brace", `{`, "invalid JSON"},
		{"broken JSON within a key", `{"keys":[{"kty":}]}`, "invalid JSON"},
		{"trailing data", `{"keys":[]}{}`, "data after"},
		{"trailing junk", `{"keys":[]}]`, "data after"},
		{"33 levels", `{"keys":[` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `]}`, "deeper"},
		{"10,000 levels", strings.Repeat(`{"keys":[`, 10_000), "deeper"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := jose.ParseKeySet([]byte(tt.doc))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseKeySet: %v, want %q", err, tt.want)
			}
			if len(set.Keys)+len(set.Skipped) > 0 {
				t.Errorf("a set with the error: %+v", set)
			}
		})
	}
	// Reports V15: any number of keys that fits the document.
	t.Run("300,000 keys that are skipped", func(t *testing.T) {
		set, err := jose.ParseKeySet([]byte(many(300_000)))
		if err != nil || len(set.Skipped) != 100 || set.More != 300_000-100 {
			t.Errorf("%v, %d skipped, and %d more", err, len(set.Skipped), set.More)
		}
	})
	t.Run("no key at all", func(t *testing.T) {
		set, err := jose.ParseKeySet([]byte(` {"issuer":"x","issuer":"y","\xff":1,"keys":[ ]} `))
		if err == nil {
			t.Fatalf("an invalid escape was accepted: %+v", set)
		}
		set, err = jose.ParseKeySet([]byte(" {\"issuer\":\"x\",\"issuer\":\"y\",\"\xff\":1,\"keys\":[ ]}\n"))
		if err != nil || len(set.Keys)+len(set.Skipped) != 0 {
			t.Errorf("%v, %+v", err, set)
		}
	})
}

// K6; RFC 7517, Section 4.5: distinct kids are a SHOULD.
func TestKeysWithTheSameIDAreKept(t *testing.T) {
	set, err := jose.ParseKeySet([]byte(`{"keys":[{` + rsaMembers + `,"kid":"a"},{` + p256Members + `,"kid":"a"},{` + edMembers + `},{` + p521Members + `,"kid":""}]}`))
	if err != nil || len(set.Keys) != 4 {
		t.Fatalf("%v, %+v", err, set)
	}
	want := []struct {
		id string
		ok bool
	}{{"a", true}, {"a", true}, {"", false}, {"", true}}
	for i, key := range set.Keys {
		if id, ok := key.ID(); id != want[i].id || ok != want[i].ok {
			t.Errorf("key %d has ID %q, %v; want %+v", i, id, ok, want[i])
		}
	}
}

// Texts from a key set that go to a log are short and printable.
func TestSkippedTextsAreFitForALog(t *testing.T) {
	hostile := `\r\nINFO all is well \u001b[2J é \u0000` + strings.Repeat("x", 10_000)
	for _, member := range []string{`"kty":"` + hostile + `"`, rsaMembers + `,"alg":"` + hostile + `"`,
		rsaMembers + `,"use":"` + hostile + `"`, `"kty":"EC","crv":"` + hostile + `"`, `"kty":"OKP","crv":"` + hostile + `"`} {
		set, err := jose.ParseKeySet([]byte(`{"keys":[{"kid":"` + hostile + `",` + member + `}]}`))
		if err != nil || len(set.Skipped) != 1 {
			t.Fatalf("%v, %+v", err, set)
		}
		s := set.Skipped[0]
		if len(s.ID) != 64 || !strings.HasPrefix(s.ID, "??INFO all is well ?[2J ? ?xx") {
			t.Errorf("ID %q", s.ID)
		}
		for _, text := range []string{s.ID, s.Reason} {
			if len(text) > 200 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q", text)
			}
		}
	}
}

// Part 2.8: a log gets the printable characters of ASCII, and nothing else.
func TestPrintable(t *testing.T) {
	for r := range rune(300) {
		want := "?"
		if 0x20 <= r && r <= 0x7e {
			want = string(r)
		}
		if got := jose.Printable(string(r)); got != want {
			t.Errorf("Printable(%q) = %q, want %q", r, got, want)
		}
	}
	for n, want := range map[int]int{63: 63, 64: 64, 65: 64} {
		if got := jose.Printable(strings.Repeat("x", n)); len(got) != want {
			t.Errorf("%d of %d characters", len(got), n)
		}
	}
}
