package jose

import (
	"encoding/base64"
	"errors"
	"strings"
)

// An Encoding cannot be changed; Strict allocates a new one at each call.
var base64url = base64.RawURLEncoding.Strict()

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
func decode(buffer []byte, s string) ([]byte, error) {
	size := base64url.DecodedLen(len(s))
	if cap(buffer) < size {
		buffer = make([]byte, size)
	}
	buffer = buffer[:size]
	// Go's decoder skips line breaks.
	if strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 {
		return buffer, errBase64URL
	}
	n, err := base64url.Decode(buffer, []byte(s))
	if err != nil {
		return buffer, errBase64URL
	}
	return buffer[:n], nil
}
