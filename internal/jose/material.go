package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// material holds the encoded members of a JWK that make up its public key: those
// that RFC 7638, Section 3.2 calls required.
type material struct {
	kty, crv, n, e, x, y string
}

// materialOf returns the material of one of the standard library's public keys.
func materialOf(public crypto.PublicKey) (material, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if key == nil || key.N == nil || key.N.Sign() <= 0 || key.E <= 0 {
			return material{}, errors.New("an incomplete RSA key")
		}
		return material{
			kty: "RSA",
			n:   base64url.EncodeToString(key.N.Bytes()),
			e:   base64url.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		}, nil
	case *ecdsa.PublicKey:
		//lint:ignore SA1019 Bytes panics on nil coordinates; no other method finds them.
		if key == nil || key.X == nil || key.Y == nil {
			return material{}, errors.New("an incomplete EC key")
		}
		crv := curveName(key.Curve)
		if crv == "" {
			return material{}, errors.New("an EC key of a curve that is not supported")
		}
		point, err := key.Bytes()
		if err != nil {
			return material{}, errPoint
		}
		size := (len(point) - 1) / 2
		return material{
			kty: "EC", crv: crv,
			x: base64url.EncodeToString(point[1 : 1+size]),
			y: base64url.EncodeToString(point[1+size:]),
		}, nil
	case ed25519.PublicKey:
		return material{kty: "OKP", crv: "Ed25519", x: base64url.EncodeToString(key)}, nil
	}
	return material{}, fmt.Errorf("a key of type %T; want *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey", public)
}

// canonical returns the JSON that RFC 7638, Section 3 hashes, and the only part of
// a JWK that jwx sees. Call it only for checked material, whose values need no
// escapes.
func (m material) canonical() []byte {
	switch m.kty {
	case "RSA":
		return []byte(`{"e":"` + m.e + `","kty":"RSA","n":"` + m.n + `"}`)
	case "EC":
		return []byte(`{"crv":"` + m.crv + `","kty":"EC","x":"` + m.x + `","y":"` + m.y + `"}`)
	default:
		return []byte(`{"crv":"` + m.crv + `","kty":"OKP","x":"` + m.x + `"}`)
	}
}

// public checks m, lets jwx convert it to a public key, and verifies that the
// result is the key that was checked.
func (m material) public() (crypto.PublicKey, error) {
	checked, err := m.check()
	if err != nil {
		return nil, err
	}
	converted, err := jwk.ParseKey(m.canonical())
	if err != nil {
		return nil, errConversion
	}
	var public any
	if err := converted.Raw(&public); err != nil || !checked.Equal(public) {
		return nil, errConversion
	}
	return public, nil
}

var (
	errPoint      = errors.New("an EC point that is not on the curve")
	errConversion = errors.New("jwx converts it to a different key")
)

// equaler is implemented by every public key of the standard library.
type equaler interface{ Equal(crypto.PublicKey) bool }

func (m material) check() (equaler, error) {
	switch m.kty {
	case "RSA":
		return m.checkRSA()
	case "EC":
		return m.checkEC()
	default:
		return m.checkOKP()
	}
}

func (m material) octets(name, value string) ([]byte, error) {
	if value == "" {
		return nil, fmt.Errorf("%s key without %s", m.kty, name)
	}
	b, err := DecodeBase64URL(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func (m material) checkEC() (equaler, error) {
	curve := curveOf(m.crv)
	if curve == nil {
		return nil, fmt.Errorf("EC curve %q; want P-256, P-384 or P-521", Printable(m.crv))
	}
	size := (curve.Params().BitSize + 7) / 8
	point := append(make([]byte, 0, 1+2*size), 4) // uncompressed, SEC 1, Section 2.3.3
	for _, c := range []struct{ name, value string }{{"x", m.x}, {"y", m.y}} {
		b, err := m.octets(c.name, c.value)
		if err != nil {
			return nil, err
		}
		// RFC 7518, Section 6.2.1.2: the full size of a coordinate.
		if len(b) != size {
			return nil, fmt.Errorf("%s: %d octets; %s has %d", c.name, len(b), m.crv, size)
		}
		point = append(point, b...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, errPoint
	}
	return key, nil
}

func curveOf(crv string) elliptic.Curve {
	switch crv {
	case "P-256":
		return elliptic.P256()
	case "P-384":
		return elliptic.P384()
	case "P-521":
		return elliptic.P521()
	}
	return nil
}

func curveName(curve elliptic.Curve) string {
	for _, crv := range []string{"P-256", "P-384", "P-521"} {
		if curve == curveOf(crv) {
			return crv
		}
	}
	return ""
}

// checkOKP checks an Ed25519 key. It accepts a point that is not on the curve:
// ed25519.Verify refuses every signature with such a key.
func (m material) checkOKP() (equaler, error) {
	if m.crv != "Ed25519" {
		return nil, fmt.Errorf("OKP curve %q; want Ed25519", Printable(m.crv))
	}
	x, err := m.octets("x", m.x)
	if err != nil {
		return nil, err
	}
	if len(x) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("x: %d octets; Ed25519 has %d", len(x), ed25519.PublicKeySize)
	}
	if smallOrder(x) {
		return nil, errors.New("an Ed25519 point of small order")
	}
	return ed25519.PublicKey(x), nil
}

// smallOrder reports whether x encodes one of the eight points of small order,
// such as 32 zero octets. Anybody can sign for such a key.
func smallOrder(x []byte) bool {
	y := make([]byte, len(x))
	copy(y, x)
	y[len(y)-1] &= 0x7f // the sign of the other coordinate
	switch hex.EncodeToString(y) {
	case "0000000000000000000000000000000000000000000000000000000000000000", // order 4
		"0100000000000000000000000000000000000000000000000000000000000000", // the identity
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 0 + p
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f": // 1 + p
		return true
	}
	return false
}
