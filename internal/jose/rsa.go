package jose

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// The accepted sizes of an RSA modulus. RFC 7518, Section 3.3 requires 2048 bits.
// The upper limit bounds the cost of a verification. It is lower for a key that
// the sender of a request chooses, whose exponent must be the usual one.
const (
	minModulusBits      = 2048
	maxModulusBits      = 8192
	maxProofModulusBits = 4096
	proofExponent       = 65537
)

func (m material) checkRSA() (equaler, error) {
	key, err := m.rsa(maxModulusBits)
	if err != nil {
		return nil, err
	}
	return key, nil
}

// checkProof checks a key that comes with a proof.
func (m material) checkProof() (crypto.PublicKey, error) {
	if m.kty != "RSA" {
		return m.check()
	}
	key, err := m.rsa(maxProofModulusBits)
	if err != nil {
		return nil, err
	}
	if key.E != proofExponent {
		return nil, fmt.Errorf("the RSA exponent of a proof's key is not %d", proofExponent)
	}
	return key, nil
}

func (m material) rsa(maxBits int) (*rsa.PublicKey, error) {
	n, err := m.number("n", m.n)
	if err != nil {
		return nil, err
	}
	e, err := m.number("e", m.e)
	if err != nil {
		return nil, err
	}
	if bits := n.BitLen(); bits < minModulusBits || bits > maxBits {
		return nil, fmt.Errorf("RSA modulus of %d bits; want %d to %d", bits, minModulusBits, maxBits)
	}
	if n.Bit(0) == 0 {
		return nil, errors.New("an even RSA modulus")
	}
	// An exponent of 1 would verify every signature, and a long one costs time.
	// crypto/rsa accepts at most 31 bits.
	if e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0 {
		return nil, errors.New("the RSA exponent is even or not from 3 to 2^31-1")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// trim removes leading zero octets from the numbers of an RSA key, and returns the
// names of the members that it changed. RFC 7518, Section 2 forbids these octets,
// but Java's BigInteger writes one in front of a modulus whose first bit is set.
// The thumbprint is computed from the trimmed key (RFC 7638, Section 3.3).
func (m *material) trim() (trimmed []string) {
	if m.kty != "RSA" {
		return nil
	}
	for _, number := range [...]struct {
		name  string
		value *string
	}{{"n", &m.n}, {"e", &m.e}} {
		b, _ := DecodeBase64URL(*number.value) // check reports the error
		if short := bytes.TrimLeft(b, "\x00"); len(short) > 0 && len(short) < len(b) {
			*number.value = base64url.EncodeToString(short)
			trimmed = append(trimmed, number.name)
		}
	}
	return trimmed
}

// number decodes a Base64urlUInt (RFC 7518, Section 2): no leading zero octet.
func (m material) number(name, value string) (*big.Int, error) {
	b, err := m.octets(name, value)
	if err != nil {
		return nil, err
	}
	if b[0] == 0 {
		return nil, fmt.Errorf("%s: a leading zero octet", name)
	}
	return new(big.Int).SetBytes(b), nil
}
