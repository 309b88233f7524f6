package jose

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
)

// Algorithm is a JWS signature algorithm by its registered name (RFC 7518,
// Section 3.1). Names are case-sensitive.
type Algorithm string

// The algorithms that this package verifies. EdDSA (RFC 8037) and Ed25519 (RFC
// 9864) are synonyms here: signatures with Ed25519 keys.
const (
	RS256   Algorithm = "RS256"
	RS384   Algorithm = "RS384"
	RS512   Algorithm = "RS512"
	PS256   Algorithm = "PS256"
	PS384   Algorithm = "PS384"
	PS512   Algorithm = "PS512"
	ES256   Algorithm = "ES256"
	ES384   Algorithm = "ES384"
	ES512   Algorithm = "ES512"
	EdDSA   Algorithm = "EdDSA"
	Ed25519 Algorithm = "Ed25519"
)

// Algorithms returns all supported algorithms in a new slice.
func Algorithms() []Algorithm {
	return []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519}
}

// Supported reports whether a is one of [Algorithms]. `none` and the HS family,
// whose keys are secrets, are never supported.
func (a Algorithm) Supported() bool {
	return a == EdDSA || a == Ed25519 || a.hash() != 0
}

// hash returns the hash that a signs. It returns 0 for unsupported algorithms, and
// for Ed25519, which hashes the input as part of the signature.
func (a Algorithm) hash() crypto.Hash {
	switch a {
	case RS256, PS256, ES256:
		return crypto.SHA256
	case RS384, PS384, ES384:
		return crypto.SHA384
	case RS512, PS512, ES512:
		return crypto.SHA512
	}
	return 0
}

// digest returns the hash of input that a signs, or nil if a does not sign a
// hash.
func (a Algorithm) digest(input []byte) []byte {
	switch a.hash() {
	case crypto.SHA256:
		sum := sha256.Sum256(input)
		return sum[:]
	case crypto.SHA384:
		sum := sha512.Sum384(input)
		return sum[:]
	case crypto.SHA512:
		sum := sha512.Sum512(input)
		return sum[:]
	}
	return nil
}

// algorithmsOf returns the algorithms that a key of the given type and curve
// may verify. An ECDSA algorithm requires one curve (RFC 7518, Section 3.4). The
// key was checked, so that its curve fits its type.
func algorithmsOf(kty, crv string) []Algorithm {
	if kty == "RSA" { // whose crv is an unknown member
		return []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512}
	}
	switch crv {
	case "P-256":
		return []Algorithm{ES256}
	case "P-384":
		return []Algorithm{ES384}
	case "P-521":
		return []Algorithm{ES512}
	case "Ed25519":
		return []Algorithm{EdDSA, Ed25519}
	}
	return nil
}
