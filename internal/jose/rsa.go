package jose

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// The sizes of an RSA modulus. RFC 7518, Section 3.3 asks for 2048 bits; the
// upper bound is what one verification may cost. A key that its sender chooses
// gets less, and the exponent that all libraries choose.
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
		return nil, fmt.Errorf("an RSA exponent of a proof key that is not %d", proofExponent)
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
		return nil, fmt.Errorf("RSA modulus of %d bits, %d to %d are accepted", bits, minModulusBits, maxBits)
	}
	if n.Bit(0) == 0 {
		return nil, errors.New("an even RSA modulus")
	}
	// With an exponent of 1 every signature holds; a long one costs time, and
	// crypto/rsa takes none beyond 31 bits.
	if e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0 {
		return nil, errors.New("an RSA exponent that is even or not from 3 to 2^31-1")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// trim removes the zero octets that the numbers of an RSA key begin with, and
// returns the names of those it changed. RFC 7518, Section 2 forbids such octets,
// but Java's BigInteger writes one before a modulus whose first bit is set. The
// thumbprint is that of the trimmed key (RFC 7638, Section 3.3).
func (m *material) trim() (trimmed []string) {
	if m.kty != "RSA" {
		return nil
	}
	for _, number := range [...]struct {
		name  string
		value *string
	}{{"n", &m.n}, {"e", &m.e}} {
		b, err := DecodeBase64URL(*number.value)
		if err != nil {
			continue // check says so
		}
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
