package jose

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// base64url encodes. Use decode, which is stricter, for decoding.
var base64url = base64.RawURLEncoding

var errBase64URL = errors.New("not base64url; want no padding, no line breaks and no trailing bits")

// DecodeBase64URL decodes base64url (RFC 7515, Section 2): no padding, no line
// breaks or other characters, and no trailing bits other than zero. Therefore
// exactly one string decodes to given bytes. The error does not quote s.
func DecodeBase64URL(s string) ([]byte, error) {
	b, err := decode(nil, s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// decode is [DecodeBase64URL] into buffer, or into a new buffer if that is too
// small. It returns the buffer even with an error, so that the caller can erase
// it.
//
// encoding/base64 ignores line breaks, and takes twice as long.
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
		// The upper 48 bits count; the next write overwrites the rest.
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

// quantum returns the 24 bits that four characters encode. The result is
// [notBase64URL] or more if a character is invalid.
func quantum(s string) uint32 {
	_ = s[3]
	return quantumOf[0][s[0]] | quantumOf[1][s[1]] | quantumOf[2][s[2]] | quantumOf[3][s[3]]
}

const notBase64URL = 1 << 24

// quantumOf has the bits of each character at each of four places.
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
