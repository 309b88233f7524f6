//lint:file-ignore SA1019 Only coordinates can express a broken key.

package jose_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func edKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newKey(t testing.TB, public crypto.PublicKey, algs ...jose.Algorithm) *jose.Key {
	t.Helper()
	key, err := jose.NewKey(public, "kid", algs...)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signers(t testing.TB) map[jose.Algorithm]crypto.Signer {
	t.Helper()
	return map[jose.Algorithm]crypto.Signer{
		jose.RS256: rsaKey(), jose.RS384: rsaKey(), jose.RS512: rsaKey(),
		jose.PS256: rsaKey(), jose.PS384: rsaKey(), jose.PS512: rsaKey(),
		jose.ES256: ecKey(t, elliptic.P256()), jose.ES384: ecKey(t, elliptic.P384()), jose.ES512: ecKey(t, elliptic.P521()),
		jose.EdDSA: edKey(t), jose.Ed25519: edKey(t),
	}
}

// J1, K7: a token that Sign returns can be verified by its own algorithm and by
// no other.
func TestSignAndVerify(t *testing.T) {
	keys := signers(t)
	for _, alg := range jose.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			token, err := jose.Sign(keys[alg], alg, []byte(`{"alg":"`+string(alg)+`"}`), []byte(`{"sub":"a"}`))
			if err != nil {
				t.Fatal(err)
			}
			jws, err := jose.Parse(token)
			if err != nil {
				t.Fatal(err)
			}
			key := newKey(t, keys[alg].Public())
			twin := map[jose.Algorithm]jose.Algorithm{jose.EdDSA: jose.Ed25519, jose.Ed25519: jose.EdDSA}
			for _, other := range jose.Algorithms() {
				err := key.Verify(other, jws.SigningInput, jws.Signature)
				switch {
				case other == alg || other == twin[alg]:
					if err != nil {
						t.Errorf("Verify by %s: %v", other, err)
					}
				case key.Can(other):
					if !errors.Is(err, jose.ErrSignature) {
						t.Errorf("Verify by %s: %v, want ErrSignature", other, err)
					}
				case err == nil || errors.Is(err, jose.ErrSignature):
					t.Errorf("Verify by %s: %v, want an error that is not ErrSignature", other, err)
				}
			}
			// K7: a signature that is too short or too long.
			for _, signature := range [][]byte{nil, {}, jws.Signature[1:], jws.Signature[:len(jws.Signature)-1],
				append(bytes.Clone(jws.Signature), 0), append([]byte{0}, jws.Signature...), append(bytes.Clone(jws.Signature), jws.Signature...)} {
				if err := key.Verify(alg, jws.SigningInput, signature); !errors.Is(err, jose.ErrSignature) {
					t.Errorf("Verify with %d bytes of signature: %v, want ErrSignature", len(signature), err)
				}
			}
			// Another key of the same kind.
			stranger := newKey(t, signers(t)[alg].Public())
			if stranger.Thumbprint() != key.Thumbprint() {
				if err := stranger.Verify(alg, jws.SigningInput, jws.Signature); !errors.Is(err, jose.ErrSignature) {
					t.Errorf("Verify by another key: %v, want ErrSignature", err)
				}
			}
		})
	}
}

// K7; RFC 7518, Section 3.4; CVE-2022-21449.
func TestECDSASignaturesThatAreNeverValid(t *testing.T) {
	for alg, curve := range map[jose.Algorithm]elliptic.Curve{jose.ES256: elliptic.P256(), jose.ES384: elliptic.P384(), jose.ES512: elliptic.P521()} {
		private := ecKey(t, curve)
		key := newKey(t, private.Public())
		token, err := jose.Sign(private, alg, []byte(`{}`), []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		input, encoded := token[:strings.LastIndexByte(token, '.')], token[strings.LastIndexByte(token, '.')+1:]
		good, err := jose.DecodeBase64URL(encoded)
		if err != nil {
			t.Fatal(err)
		}
		size := len(good) / 2
		r, s := new(big.Int).SetBytes(good[:size]), new(big.Int).SetBytes(good[size:])
		n, zero, one := curve.Params().N, new(big.Int), big.NewInt(1)
		pair := func(r, s *big.Int) []byte {
			b := make([]byte, 2*size)
			r.FillBytes(b[:size])
			s.FillBytes(b[size:])
			return b
		}
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			t.Fatal(err)
		}
		if err := key.Verify(alg, input, good); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		tests := []struct {
			name      string
			signature []byte
		}{
			{"r = s = 0", pair(zero, zero)},
			{"r = 0", pair(zero, s)},
			{"s = 0", pair(r, zero)},
			{"r = s = 1", pair(one, one)},
			{"r = n", pair(n, s)},
			{"s = n", pair(r, n)},
			{"r = s = n", pair(n, n)},
			{"r and s swapped", pair(s, r)},
			{"all ones", bytes.Repeat([]byte{0xff}, 2*size)},
			{"DER", der},
			{"DER filled up", append(bytes.Clone(der), make([]byte, 64)...)[:2*size]},
			{"one byte short", good[:2*size-1]},
			{"one byte long", append(bytes.Clone(good), 0)},
			{"r alone", good[:size]},
		}
		for _, tt := range tests {
			t.Run(string(alg)+", "+tt.name, func(t *testing.T) {
				if err := key.Verify(alg, input, tt.signature); !errors.Is(err, jose.ErrSignature) {
					t.Errorf("Verify: %v, want ErrSignature", err)
				}
			})
		}
		// r + n, if it fits the size: the same point, but another number.
		if sum := new(big.Int).Add(r, n); sum.BitLen() <= 8*size {
			if err := key.Verify(alg, input, pair(sum, s)); !errors.Is(err, jose.ErrSignature) {
				t.Errorf("%s with r + n: %v, want ErrSignature", alg, err)
			}
		}
	}
}

// crafted returns a key and a valid ECDSA signature whose R is the smallest
// possible number from least on, and whose S is s.
func crafted(t *testing.T, curve elliptic.Curve, least, s *big.Int, digest []byte) (*ecdsa.PublicKey, []byte) {
	t.Helper()
	p := curve.Params()
	x, y := new(big.Int).Set(least), (*big.Int)(nil)
	for ; y == nil; x.Add(x, big.NewInt(1)) { // y² = x³ - 3x + b
		square := new(big.Int).Exp(x, big.NewInt(3), p.P)
		square.Sub(square, new(big.Int).Mul(x, big.NewInt(3))).Add(square, p.B).Mod(square, p.P)
		y = square.ModSqrt(square, p.P)
	}
	r := x.Sub(x, big.NewInt(1))
	e := new(big.Int).SetBytes(digest)
	e.Sub(p.N, e.Mod(e, p.N))
	// The key is (s·R - e·G) / r.
	sx, sy := curve.ScalarMult(r, y, s.Bytes())
	ex, ey := curve.ScalarBaseMult(e.Bytes())
	qx, qy := curve.Add(sx, sy, ex, ey)
	qx, qy = curve.ScalarMult(qx, qy, new(big.Int).ModInverse(r, p.N).Bytes())
	size := (p.BitSize + 7) / 8
	return &ecdsa.PublicKey{Curve: curve, X: qx, Y: qy}, append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
}

// K7; RFC 7518, Section 3.4: R and S of every length verify, with and without the
// first bit set.
func TestECDSASignaturesOfEveryLength(t *testing.T) {
	for alg, curve := range map[jose.Algorithm]elliptic.Curve{jose.ES256: elliptic.P256(), jose.ES384: elliptic.P384(), jose.ES512: elliptic.P521()} {
		hash := map[jose.Algorithm]crypto.Hash{jose.ES256: crypto.SHA256, jose.ES384: crypto.SHA384, jose.ES512: crypto.SHA512}[alg].New()
		hash.Write([]byte("input"))
		digest := hash.Sum(nil)
		verify := func(first int64, rLength, sLength int) {
			r := new(big.Int).Lsh(big.NewInt(first), uint(8*(rLength-1)))
			s := new(big.Int).Lsh(big.NewInt(first), uint(8*(sLength-1)))
			public, signature := crafted(t, curve, r, s, digest)
			if err := newKey(t, public).Verify(alg, "input", signature); err != nil {
				t.Errorf("%s: R of %d and S of %d octets that begin with %#x: %v", alg, rLength, sLength, first, err)
			}
		}
		size := (curve.Params().BitSize + 7) / 8
		for _, first := range []int64{0x01, 0x7f, 0x80, 0x81, 0xfe} {
			for _, length := range []int{1, 2, 3, size - 1} {
				verify(first, length, length)
			}
		}
		for sLength := 59; sLength < size; sLength++ { // around 127 octets of DER, for P-521
			verify(1, 62, sLength)
		}
	}
}

// K7; RFC 7518, Section 3.5.
func TestPSSSaltMustHaveTheLengthOfTheHash(t *testing.T) {
	key := newKey(t, rsaKey().Public())
	digest := sha256.Sum256([]byte("input"))
	for _, salt := range []int{1, 20, 31, 32, 33, 48, 190, 222, rsa.PSSSaltLengthAuto} {
		signature, err := rsa.SignPSS(rand.Reader, rsaKey(), crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		if err := key.Verify(jose.PS256, "input", signature); (err == nil) != (salt == 32) {
			t.Errorf("a salt of %d: %v", salt, err)
		}
	}
}

// An Ed25519 key of small order verifies signatures that nobody made. The
// standard library accepts such keys, and this package must not.
func TestEd25519KeyOfSmallOrderIsRefused(t *testing.T) {
	identity := ed25519.PublicKey(append([]byte{1}, make([]byte, 31)...))
	forged := append(bytes.Clone(identity), make([]byte, 32)...) // R = identity, S = 0
	if !ed25519.Verify(identity, []byte("anything"), forged) {
		t.Error("ed25519.Verify refuses the key: delete smallOrder")
	}
	if _, err := jose.NewKey(identity, ""); err == nil {
		t.Error("NewKey accepts it")
	}
}

// J1: a key verifies no algorithm but its own, although the signature would hold.
func TestKeyOfOneAlgorithm(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.RS256, jose.RS384, jose.PS512} {
		token, err := jose.Sign(rsaKey(), alg, []byte(`{}`), []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		end := strings.LastIndexByte(token, '.')
		signature, err := jose.DecodeBase64URL(token[end+1:])
		if err != nil {
			t.Fatal(err)
		}
		for _, own := range rs {
			key := newKey(t, rsaKey().Public(), own)
			var in jose.Input
			in.Set([]byte(token[:end]))
			for name, err := range map[string]error{
				"Verify":      key.Verify(alg, token[:end], signature),
				"VerifyInput": key.VerifyInput(alg, &in, signature),
			} {
				if (err == nil) != (own == alg) || errors.Is(err, jose.ErrSignature) {
					t.Errorf("%s: a key of %s and a signature of %s: %v", name, own, alg, err)
				}
			}
		}
	}
}

func TestNewKeyRefuses(t *testing.T) {
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	p256 := ecKey(t, elliptic.P256())
	tests := []struct {
		name   string
		public crypto.PublicKey
		algs   []jose.Algorithm
		want   string
	}{
		{"nil", nil, nil, "type <nil>"},
		{"a private key", rsaKey(), nil, "type *rsa.PrivateKey"},
		{"a private Ed25519 key", edKey(t), nil, "type ed25519.PrivateKey"},
		{"a secret", []byte("secret"), nil, "type []uint8"},
		{"X25519", x25519.PublicKey(), nil, "type *ecdh.PublicKey"},
		{"a nil RSA key", (*rsa.PublicKey)(nil), nil, "incomplete"},
		{"an empty RSA key", &rsa.PublicKey{}, nil, "incomplete"},
		{"an RSA key with n 0", &rsa.PublicKey{N: new(big.Int), E: 65537}, nil, "incomplete"},
		{"an RSA key with a negative n", &rsa.PublicKey{N: new(big.Int).Neg(rsaKey().N), E: 65537}, nil, "incomplete"},
		{"an RSA key with e 0", &rsa.PublicKey{N: rsaKey().N}, nil, "incomplete"},
		{"an RSA key with a negative e", &rsa.PublicKey{N: rsaKey().N, E: -3}, nil, "incomplete"},
		{"an RSA key with e 1", &rsa.PublicKey{N: rsaKey().N, E: 1}, nil, "exponent"},
		{"a weak RSA key", weak, nil, "RSA modulus of 1024 bits"},
		{"a nil EC key", (*ecdsa.PublicKey)(nil), nil, "incomplete"},
		{"an empty EC key", &ecdsa.PublicKey{Curve: elliptic.P256()}, nil, "incomplete"},
		{"an EC key without x", &ecdsa.PublicKey{Curve: elliptic.P256(), Y: p256.Y}, nil, "incomplete"},
		{"an EC key without y", &ecdsa.PublicKey{Curve: elliptic.P256(), X: p256.X}, nil, "incomplete"},
		{"an EC key without a curve", &ecdsa.PublicKey{X: p256.X, Y: p256.Y}, nil, "curve"},
		{"P-224", ecKey(t, elliptic.P224()).Public(), nil, "curve"},
		{"an EC key off the curve", &ecdsa.PublicKey{Curve: elliptic.P256(), X: p256.X, Y: p256.X}, nil, "not on the curve"},
		{"a P-256 key that says P-384", &ecdsa.PublicKey{Curve: elliptic.P384(), X: p256.X, Y: p256.Y}, nil, "not on the curve"},
		{"a nil Ed25519 key", ed25519.PublicKey(nil), nil, "without x"},
		{"a short Ed25519 key", ed25519.PublicKey(make([]byte, 31)), nil, "31 octets"},
		{"an algorithm of another type", rsaKey().Public(), []jose.Algorithm{jose.RS256, jose.ES256}, `alg "ES256"`},
		{"an algorithm of another curve", p256.Public(), []jose.Algorithm{jose.ES384}, `alg "ES384"`},
		{"none", p256.Public(), []jose.Algorithm{"none"}, `alg "none"`},
		{"HS256", rsaKey().Public(), []jose.Algorithm{"HS256"}, `alg "HS256"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := jose.NewKey(tt.public, "", tt.algs...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewKey: %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNewKey(t *testing.T) {
	key, err := jose.NewKey(rsaKey().Public(), "", jose.RS256, jose.PS256)
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := key.ID(); id != "" || ok {
		t.Errorf("ID() = %q, %v, want none", id, ok)
	}
	if !key.Can(jose.RS256) || !key.Can(jose.PS256) || key.Can(jose.RS384) {
		t.Error("the key may verify other algorithms")
	}
	if key := newKey(t, edKey(t).Public(), jose.EdDSA); !key.Can(jose.Ed25519) {
		t.Error("EdDSA and Ed25519 are not synonyms")
	}
	if id, ok := newKey(t, rsaKey().Public()).ID(); id != "kid" || !ok {
		t.Errorf("ID() = %q, %v", id, ok)
	}
	var zero jose.Key
	for _, alg := range append(jose.Algorithms(), "") {
		if zero.Verify(alg, "", nil) == nil {
			t.Errorf("the zero Key verifies %q", alg)
		}
	}
}

func TestKeyIsImmutable(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		public := signers(t)[alg].Public()
		if shared, ok := public.(*rsa.PublicKey); ok {
			public = &rsa.PublicKey{N: new(big.Int).Set(shared.N), E: shared.E}
		}
		algs := []jose.Algorithm{alg}
		key := newKey(t, public, algs...)
		algs[0] = "none"
		twin := newKey(t, public)
		for _, p := range []crypto.PublicKey{public, key.Public()} {
			switch p := p.(type) {
			case *rsa.PublicKey:
				p.N = p.N.Add(p.N, big.NewInt(2))
			case *ecdsa.PublicKey:
				p.X.Add(p.X, big.NewInt(1))
			case ed25519.PublicKey:
				p[0] ^= 1
			}
		}
		if !key.Can(alg) || !twin.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
			t.Errorf("%s: changing the result changes the key", alg)
		}
		if again := newKey(t, key.Public()); again.Thumbprint() != key.Thumbprint() {
			t.Errorf("%s: thumbprint %q, want %q", alg, again.Thumbprint(), key.Thumbprint())
		}
	}
}

func TestMarshalKey(t *testing.T) {
	for alg, signer := range signers(t) {
		want := newKey(t, signer.Public())
		doc, err := jose.MarshalKey(signer.Public(), `k"<1`, alg)
		if err != nil {
			t.Fatal(err)
		}
		key, err := jose.ParseKey(doc)
		if err != nil {
			t.Fatalf("ParseKey(%s): %v", doc, err)
		}
		if id, _ := key.ID(); id != `k"<1` || !key.Can(alg) || key.Thumbprint() != want.Thumbprint() || !strings.Contains(string(doc), `"use":"sig"`) {
			t.Errorf("MarshalKey = %s", doc)
		}
	}
	doc, err := jose.MarshalKey(edKey(t).Public(), "", "")
	if err != nil || strings.Contains(string(doc), "kid") || strings.Contains(string(doc), "alg") {
		t.Errorf("MarshalKey = %s, %v", doc, err)
	}
	if _, err := jose.MarshalKey("x", "", ""); err == nil {
		t.Error("MarshalKey of a string")
	}
}

// broken is a signer that fails, or whose signature is not DER.
type broken struct {
	crypto.Signer
	err error
}

func (b broken) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return []byte("not DER"), b.err
}

func TestSignReportsABrokenSigner(t *testing.T) {
	failure := errors.New("the hardware is gone")
	for alg, signer := range signers(t) {
		if token, err := jose.Sign(broken{signer, failure}, alg, []byte(`{}`), nil); !errors.Is(err, failure) {
			t.Errorf("%s: %q, %v", alg, token, err)
		}
	}
	if token, err := jose.Sign(broken{ecKey(t, elliptic.P256()), nil}, jose.ES256, []byte(`{}`), nil); err == nil {
		t.Errorf("a signature that is not DER: %q", token)
	}
}

func TestSignRefusesAlgorithmsOfAnotherKey(t *testing.T) {
	for _, alg := range []jose.Algorithm{"none", "HS256", "", jose.RS256, jose.PS256, jose.EdDSA, jose.Ed25519} {
		if token, err := jose.Sign(ecKey(t, elliptic.P256()), alg, []byte(`{}`), nil); err == nil {
			t.Errorf("Sign with an EC key by %q = %q", alg, token)
		}
	}
	for _, alg := range []jose.Algorithm{"none", "HS256", "", jose.RS256, jose.PS256, jose.ES256} {
		if token, err := jose.Sign(edKey(t), alg, []byte(`{}`), nil); err == nil {
			t.Errorf("Sign with an Ed25519 key by %q = %q", alg, token)
		}
	}
	for _, alg := range []jose.Algorithm{"none", "HS256", "", jose.ES256, jose.EdDSA} {
		if token, err := jose.Sign(rsaKey(), alg, []byte(`{}`), nil); err == nil {
			t.Errorf("Sign by %q = %q", alg, token)
		}
	}
	// The test kit forges tokens: ES256 with a P-384 key, under another header.
	private := ecKey(t, elliptic.P384())
	token, err := jose.Sign(private, jose.ES256, []byte(`{"alg":"ES256"}`), []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := jose.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	if err := newKey(t, private.Public()).Verify(jose.ES256, jws.SigningInput, jws.Signature); err == nil {
		t.Error("a P-384 key verifies ES256")
	}
}
