package jose

import (
	"math/big"
	"strings"
)

// Twin returns the other valid form of a JWS with an ECDSA signature: if (R, S) is
// valid, so is (R, N−S), and anybody can compute it. ok is false for any other
// token. Twin verifies nothing.
func Twin(token string) (twin string, ok bool) {
	jws, err := Parse(token)
	if err != nil {
		return "", false
	}
	var curve string
	switch Algorithm(jws.Header.Algorithm) {
	case ES256:
		curve = "P-256"
	case ES384:
		curve = "P-384"
	case ES512:
		curve = "P-521"
	default:
		return "", false
	}
	params := curveOf(curve).Params()
	size := (params.BitSize + 7) / 8
	if len(jws.Signature) != 2*size {
		return "", false
	}
	s := new(big.Int).SetBytes(jws.Signature[size:])
	if s.Sign() == 0 || s.Cmp(params.N) >= 0 {
		return "", false
	}
	other := make([]byte, 2*size)
	copy(other, jws.Signature[:size])
	s.Sub(params.N, s).FillBytes(other[size:])
	head := token[:strings.LastIndexByte(token, '.')+1]
	return head + base64url.EncodeToString(other), true
}
