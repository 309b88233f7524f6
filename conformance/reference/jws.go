package reference

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // SHA-384 and SHA-512 of algorithms
	"math/big"
	"slices"
	"strings"
)

// algorithm is an algorithm of RFC 7518 or RFC 8037. Hash 0 is EdDSA.
type algorithm struct {
	hash  crypto.Hash
	pss   bool
	curve elliptic.Curve
}

var algorithms = map[string]algorithm{
	"RS256": {hash: crypto.SHA256}, "PS256": {hash: crypto.SHA256, pss: true},
	"ES256": {hash: crypto.SHA256, curve: elliptic.P256()}, "ES384": {hash: crypto.SHA384, curve: elliptic.P384()},
	"ES512": {hash: crypto.SHA512, curve: elliptic.P521()}, "EdDSA": {},
}

// jws is a JWS in compact serialization whose signature is not yet verified.
type jws struct {
	header, claims map[string]any
	alg            string
	signed         []byte
	signature      []byte
}

// parse parses a JWS. It refuses algorithms that are not listed, and all
// extensions.
func parse(token string, allowed []string) (*jws, error) {
	if strings.Count(token, ".") != 2 {
		return nil, errMalformed
	}
	parts := strings.SplitN(token, ".", 3)
	var decoded [3][]byte
	for i, part := range parts {
		raw, err := base64url(part)
		if err != nil {
			return nil, errMalformed
		}
		decoded[i] = raw
	}
	header, err := object(decoded[0])
	if err != nil {
		return nil, err
	}
	claims, err := object(decoded[1])
	if err != nil {
		return nil, err
	}
	alg, _ := text(header, "alg")
	// RFC 7515, Section 4.1.11: no extension is understood, so every crit is refused.
	if !slices.Contains(allowed, alg) || has(header, "crit") || has(header, "b64") || has(header, "zip") {
		return nil, errMalformed
	}
	return &jws{header, claims, alg, []byte(parts[0] + "." + parts[1]), decoded[2]}, nil
}

// isSignedBy verifies the signature.
func (j *jws) isSignedBy(public crypto.PublicKey) bool {
	a := algorithms[j.alg]
	if key, ok := public.(ed25519.PublicKey); ok {
		return a.hash == 0 && ed25519.Verify(key, j.signed, j.signature)
	}
	if a.hash == 0 {
		return false
	}
	hash := a.hash.New()
	hash.Write(j.signed)
	digest := hash.Sum(nil)
	switch key := public.(type) {
	case *rsa.PublicKey:
		switch {
		case a.curve != nil:
			return false
		case a.pss:
			return rsa.VerifyPSS(key, a.hash, digest, j.signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(key, a.hash, digest, j.signature) == nil
	case *ecdsa.PublicKey:
		if a.curve != key.Curve {
			return false
		}
		size := (key.Curve.Params().BitSize + 7) / 8 // RFC 7518, Section 3.4
		if len(j.signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(j.signature[:size]), new(big.Int).SetBytes(j.signature[size:])
		return ecdsa.Verify(key, digest, r, s)
	}
	return false
}

// publicKey reads a JWK. RFC 8725, Section 3.5 and RFC 7518, Section 3.3: RSA keys
// have at least 2,048 bits. Larger keys than 4,096 bits cost too much.
func publicKey(jwk map[string]any) (crypto.PublicKey, error) {
	kty, _ := text(jwk, "kty")
	crv, _ := text(jwk, "crv")
	part := func(name string) []byte {
		encoded, _ := text(jwk, name)
		raw, err := base64url(encoded)
		if err != nil {
			return nil
		}
		return raw
	}
	switch kty {
	case "RSA":
		n, e := new(big.Int).SetBytes(part("n")), new(big.Int).SetBytes(part("e"))
		if bits := n.BitLen(); bits < 2048 || bits > 4096 || e.Cmp(big.NewInt(65537)) != 0 {
			return nil, errMalformed
		}
		return &rsa.PublicKey{N: n, E: 65537}, nil
	case "EC":
		curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[crv]
		if curve == nil {
			return nil, errMalformed
		}
		// It refuses points that are not on the curve.
		return ecdsa.ParseUncompressedPublicKey(curve, bytes.Join([][]byte{{4}, part("x"), part("y")}, nil))
	case "OKP":
		if x := part("x"); crv == "Ed25519" && len(x) == ed25519.PublicKeySize {
			return ed25519.PublicKey(x), nil
		}
	}
	return nil, errMalformed
}

// thumbprint returns the thumbprint of a JWK (RFC 7638).
func thumbprint(jwk map[string]any) string {
	names := map[string][]string{"RSA": {"e", "kty", "n"}, "EC": {"crv", "kty", "x", "y"}, "OKP": {"crv", "kty", "x"}}
	kty, _ := text(jwk, "kty")
	var members []string
	for _, name := range names[kty] {
		value, _ := text(jwk, name) // base64url or a registered name: nothing to escape
		members = append(members, `"`+name+`":"`+value+`"`)
	}
	return sum("{" + strings.Join(members, ",") + "}")
}

// sum returns the SHA-256 hash of a text in base64url.
func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return encoded(digest[:])
}
