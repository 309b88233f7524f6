package jose

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// base64url encodes. It is not what decodes: see decode.
var base64url = base64.RawURLEncoding

var errBase64URL = errors.New("not base64url without padding, line breaks or stray bits")

// DecodeBase64URL decodes s as RFC 7515, Section 2 defines base64url: no
// padding, no line breaks or other characters, and trailing bits that are
// zero, so that exactly one string decodes to given bytes. The error does not
// quote s.
func DecodeBase64URL(s string) ([]byte, error) {
	b, err := decode(nil, s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// decode is [DecodeBase64URL] into buffer, if it is large enough. It returns
// the buffer also with an error, with what was decoded until then.
//
// encoding/base64 skips line breaks, and takes twice as long.
func decode(buffer []byte, s string) ([]byte, error) {
	size := base64url.DecodedLen(len(s))
	if cap(buffer) < size {
		buffer = make([]byte, size)
	}
	buffer = buffer[:size]
	dst := buffer
	for len(s) >= 8 && len(dst) >= 8 {
		high, low := quantum(s[:4]), quantum(s[4:8])
		if high|low >= notBase64URL {
			return buffer, errBase64URL
		}
		// 48 bits at the top; the rest is overwritten by what comes next.
		binary.BigEndian.PutUint64(dst, uint64(high)<<40|uint64(low)<<16)
		s, dst = s[8:], dst[6:]
	}
	for len(s) >= 4 {
		bits := quantum(s[:4])
		if bits >= notBase64URL {
			return buffer, errBase64URL
		}
		dst[0], dst[1], dst[2] = byte(bits>>16), byte(bits>>8), byte(bits)
		s, dst = s[4:], dst[3:]
	}
	switch len(s) {
	case 0:
		return buffer, nil
	case 2:
		bits := quantumOf[0][s[0]] | quantumOf[1][s[1]]
		dst[0] = byte(bits >> 16)
		if bits < notBase64URL && bits&0xffff == 0 {
			return buffer, nil
		}
	case 3:
		bits := quantumOf[0][s[0]] | quantumOf[1][s[1]] | quantumOf[2][s[2]]
		dst[0], dst[1] = byte(bits>>16), byte(bits>>8)
		if bits < notBase64URL && bits&0xff == 0 {
			return buffer, nil
		}
	}
	return buffer, errBase64URL
}

// quantum returns the 24 bits that four characters stand for, or
// [notBase64URL] or more.
func quantum(s string) uint32 {
	_ = s[3]
	return quantumOf[0][s[0]] | quantumOf[1][s[1]] | quantumOf[2][s[2]] | quantumOf[3][s[3]]
}

const notBase64URL = 1 << 24

// quantumOf has the bits of a character in each of four places.
var quantumOf = func() (bits [4][256]uint32) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for place := range bits {
		for c := range bits[place] {
			bits[place][c] = notBase64URL
		}
		for value, c := range []byte(alphabet) {
			bits[place][c] = uint32(value) << (18 - 6*place)
		}
	}
	return bits
}()
