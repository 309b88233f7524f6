package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// Key is a checked public key with the algorithms that it may verify. It is
// immutable and safe for concurrent use. The zero Key verifies nothing.
type Key struct {
	id         string
	hasID      bool
	public     crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	algs       []Algorithm
	thumbprint string
}

// ErrSignature is returned for a signature that the key did not make over the
// input.
var ErrSignature = errors.New("jose: the signature is invalid")

var errCannotVerify = errors.New("jose: the key must not be used with this algorithm")

// NewKey returns a Key for public, a *rsa.PublicKey, a *ecdsa.PublicKey or an
// ed25519.PublicKey. It may verify algs, or without algs all algorithms that its
// type and curve allow. If id is empty, the key has no ID. NewKey copies public and
// applies the rules of [ParseKey].
func NewKey(public crypto.PublicKey, id string, algs ...Algorithm) (*Key, error) {
	key, err := keyOf(public, algs)
	if err != nil {
		return nil, fmt.Errorf("jose: %w", err)
	}
	key.id, key.hasID = id, id != ""
	return key, nil
}

func keyOf(public crypto.PublicKey, algs []Algorithm) (*Key, error) {
	m, err := materialOf(public)
	if err != nil {
		return nil, err
	}
	return newKey(m, algs, material.public)
}

// converter checks material and turns it into a public key.
type converter func(material) (crypto.PublicKey, error)

func newKey(m material, algs []Algorithm, convert converter) (*Key, error) {
	public, err := convert(m)
	if err != nil {
		return nil, err
	}
	fitting := algorithmsOf(m.kty, m.crv)
	for _, alg := range algs {
		if !slices.Contains(fitting, alg) {
			return nil, fmt.Errorf("alg %q, which %s key cannot verify", Printable(string(alg)), m.article())
		}
	}
	// The two names of Ed25519 are synonyms.
	if len(algs) > 0 && m.kty != "OKP" {
		fitting = slices.Clone(algs)
	}
	sum := sha256.Sum256(m.canonical())
	return &Key{
		public:     public,
		algs:       fitting,
		thumbprint: base64url.EncodeToString(sum[:]),
	}, nil
}

func (m material) article() string {
	switch m.kty {
	case "RSA":
		return "an RSA"
	case "EC":
		return "a " + m.crv
	default:
		return "an " + m.crv
	}
}

// ID returns the key's `kid`, and whether it has one.
func (k *Key) ID() (string, bool) { return k.id, k.hasID }

// Can reports whether the key may verify alg: its type and curve fit, and its
// publisher's `alg`, `use` and `key_ops` allow it.
func (k *Key) Can(alg Algorithm) bool { return slices.Contains(k.algs, alg) }

// Thumbprint returns the key's SHA-256 thumbprint in base64url (RFC 7638), which
// identifies the key regardless of its `kid`.
func (k *Key) Thumbprint() string { return k.thumbprint }

// Public returns a copy of the public key, a *rsa.PublicKey, a
// *ecdsa.PublicKey or an ed25519.PublicKey.
func (k *Key) Public() crypto.PublicKey {
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return &rsa.PublicKey{N: new(big.Int).Set(public.N), E: public.E}
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			return nil
		}
		clone, err := ecdsa.ParseUncompressedPublicKey(public.Curve, point)
		if err != nil {
			return nil
		}
		return clone
	case ed25519.PublicKey:
		return slices.Clone(public)
	}
	return nil
}

// Verify verifies a signature by alg over signingInput. The error is
// [ErrSignature] if the key did not make the signature, and another error if the
// key must not be used with alg: call [Key.Can] first to choose a key.
func (k *Key) Verify(alg Algorithm, signingInput string, signature []byte) error {
	if !k.Can(alg) {
		return errCannotVerify
	}
	input := []byte(signingInput)
	return k.verify(alg, input, alg.digest(input), nil, signature)
}

// VerifyInput is [Key.Verify] for an Input. It saves allocations and, if several
// keys are tried, hashing.
func (k *Key) VerifyInput(alg Algorithm, in *Input, signature []byte) error {
	if !k.Can(alg) {
		return errCannotVerify
	}
	return k.verify(alg, in.text, in.digestFor(alg), in.der[:0], signature)
}

// verify uses der as scratch memory. It may be nil.
func (k *Key) verify(alg Algorithm, input, digest, der, signature []byte) error {
	if !k.holds(alg, input, digest, der, signature) {
		return ErrSignature
	}
	return nil
}

func (k *Key) holds(alg Algorithm, input, digest, der, signature []byte) bool {
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		// RFC 8017, Sections 8.1.2 and 8.2.2: the length of the modulus.
		if len(signature) != public.Size() {
			return false
		}
		if alg == PS256 || alg == PS384 || alg == PS512 {
			// RFC 7518, Section 3.5: the salt has the length of the hash.
			opts := rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			return rsa.VerifyPSS(public, alg.hash(), digest, signature, &opts) == nil
		}
		return rsa.VerifyPKCS1v15(public, alg.hash(), digest, signature) == nil
	case *ecdsa.PublicKey:
		// RFC 7518, Section 3.4: R and S, each with the length of the order.
		size := (public.Params().BitSize + 7) / 8
		if len(signature) != 2*size {
			return false
		}
		// VerifyASN1 refuses numbers outside of 1 to n-1.
		return ecdsa.VerifyASN1(public, digest, appendDER(der, signature))
	case ed25519.PublicKey:
		return len(signature) == ed25519.SignatureSize &&
			ed25519.Verify(public, input, signature)
	}
	return false
}

// maxDER is the length that appendDER appends for a signature of P-521.
const maxDER = 3 + 2*(3+66)

// appendDER appends R and S as a SEQUENCE of two INTEGERs, which crypto/ecdsa reads
// (RFC 3279, Section 2.2.3).
func appendDER(der, signature []byte) []byte {
	half := len(signature) / 2
	integers := [2][]byte{signature[:half], signature[half:]}
	size := 0
	for i, n := range integers {
		for len(n) > 1 && n[0] == 0 {
			n = n[1:]
		}
		integers[i] = n
		size += 2 + len(n) + int(n[0]>>7)
	}
	der = append(slices.Grow(der, 3+size), 0x30)
	if size >= 0x80 { // a length of more than seven bits (X.690, Section 8.1.3)
		der = append(der, 0x81)
	}
	der = append(der, byte(size))
	for _, n := range integers {
		if n[0] >= 0x80 { // a zero octet keeps it positive
			der = append(der, 2, byte(len(n)+1), 0)
		} else {
			der = append(der, 2, byte(len(n)))
		}
		der = append(der, n...)
	}
	return der
}
