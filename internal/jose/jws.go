package jose

import (
	"bytes"
	"errors"
	"strings"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// JWS is a JSON Web Signature in compact serialization, parsed but not verified.
// Do not trust its contents before [Key.Verify] succeeds.
type JWS struct {
	Header       Header
	Payload      []byte // decoded
	Signature    []byte // decoded
	SigningInput string // the part that the signature covers, a prefix of the token

	known bool // Headers knew the header
}

// Header holds the parameters of a JWS's protected header that this module uses.
// Parameters that point to keys elsewhere (`jku`, `x5u`, `x5c`) are ignored (RFC
// 8725, Section 3.10).
type Header struct {
	Algorithm string // `alg`, never empty; may be unsupported
	KeyID     string // `kid`
	HasKeyID  bool   // distinguishes `"kid":""` from no kid
	Type      string // `typ` as sent; see [NormalizeType]
	HasType   bool

	// JWK is the raw JSON of the `jwk` parameter, of any type. It is nil if the
	// header has none, or if [Headers] knew the header. The sender chooses this
	// key: it may verify a DPoP proof, and never an access token.
	JWK []byte
}

// ErrNotJWS is returned for a token that does not look like a JWS in compact
// serialization: it does not have exactly two dots, or its first segment is not
// the base64url of a JSON object's beginning. Examples are opaque tokens, JWEs and
// the JSON serializations.
var ErrNotJWS = errors.New("jose: not a JWS in compact serialization")

// MalformedError is returned for a token that looks like a JWS but is malformed.
type MalformedError struct {
	Part   string // "header", "payload", "signature" or "crit"
	Reason string // does not quote the token
}

func (e *MalformedError) Error() string {
	return "jose: malformed JWS " + e.Part + ": " + e.Reason
}

// Buffer is memory for parsing tokens, one after the other. The result of Parse is
// valid until the next call. The zero Buffer is ready to use. A Buffer is not safe
// for concurrent use.
type Buffer struct{ header, payload, signature []byte }

// maxBuffer is the size up to which a Buffer keeps the memory of one part.
const maxBuffer = 16 << 10

// Clear erases the token that was parsed into the buffer.
func (b *Buffer) Clear() {
	for _, part := range []*[]byte{&b.header, &b.payload, &b.signature} {
		clear(*part)
		*part = (*part)[:0]
		if cap(*part) > maxBuffer {
			*part = nil
		}
	}
}

// Parse reads token as a JWS in compact serialization (RFC 7515, Section 7.1).
// The error is [ErrNotJWS] or a *[MalformedError]. Parse does not limit the
// token's length. It allocates at most a small multiple of that, and nothing if
// the number of dots is wrong.
func Parse(token string) (JWS, error) {
	var b Buffer
	return b.Parse(token, nil)
}

// Parse is like the function [Parse], but it returns bytes of the buffer, and does
// not parse a header that known contains. known may be nil.
func (b *Buffer) Parse(token string, known *Headers) (JWS, error) {
	first, last, ok := dots(token)
	if !ok {
		return JWS{}, ErrNotJWS
	}
	b.Clear()
	header, found := known.find(token[:first])
	if !found {
		var err error
		b.header, err = decode(b.header, token[:first])
		if err != nil || !bytes.HasPrefix(bytes.TrimLeft(b.header, " \t\r\n"), []byte("{")) {
			return JWS{}, ErrNotJWS
		}
		if header, err = parseHeader(b.header); err != nil {
			return JWS{}, err
		}
	}
	jws, err := b.body(token, first, last)
	if err != nil {
		return JWS{}, err
	}
	jws.Header, jws.known = header, found
	return jws, nil
}

// dots finds the two dots of a token. It does not split at dots, because a token
// with a million dots would become a million strings.
func dots(token string) (first, last int, ok bool) {
	first = strings.IndexByte(token, '.')
	last = first + 1 + strings.IndexByte(token[first+1:], '.')
	// Without a second dot, last is first, which is -1 without any dot.
	return first, last, last > first && strings.IndexByte(token[last+1:], '.') < 0
}

// ParseBody is [Parse] without the header, for a caller who has parsed the same
// first segment before. It returns an empty Header.
func ParseBody(token string) (JWS, error) {
	first, last, ok := dots(token)
	if !ok {
		return JWS{}, ErrNotJWS
	}
	var b Buffer
	return b.body(token, first, last)
}

func (b *Buffer) body(token string, first, last int) (JWS, error) {
	var err error
	if b.payload, err = segment(b.payload, "payload", token[first+1:last]); err != nil {
		return JWS{}, err
	}
	if b.signature, err = segment(b.signature, "signature", token[last+1:]); err != nil {
		return JWS{}, err
	}
	return JWS{Payload: b.payload, Signature: b.signature, SigningInput: token[:last]}, nil
}

// segment decodes the payload or the signature into buffer. RFC 7515 allows an
// empty payload, but a JWT cannot have one (RFC 7519, Section 7.2).
func segment(buffer []byte, part, s string) ([]byte, error) {
	if s == "" {
		return buffer[:0], &MalformedError{Part: part, Reason: "empty"}
	}
	b, err := decode(buffer, s)
	if err != nil {
		return b, &MalformedError{Part: part, Reason: err.Error()}
	}
	return b, nil
}

func parseHeader(raw []byte) (Header, error) {
	var h Header
	err := strictjson.Object(raw, func(name []byte, value strictjson.Value) error {
		var err error
		switch string(name) {
		case "alg":
			h.Algorithm, err = headerString("alg", value)
		case "kid":
			h.HasKeyID = true
			h.KeyID, err = headerString("kid", value)
		case "typ":
			h.HasType = true
			h.Type, err = headerString("typ", value)
		case "jwk":
			h.JWK = value
		case "crit":
			// No extension is supported, so any that is listed must be refused,
			// and an empty list is not allowed (RFC 7515, Section 4.1.11; RFC
			// 7797, Section 6).
			err = &MalformedError{Part: "crit", Reason: "no extension is supported"}
		case "zip", "enc":
			err = &MalformedError{Part: "header", Reason: "a parameter of JWE"}
		}
		return err
	})
	var malformed *MalformedError
	switch {
	case errors.As(err, &malformed):
		return Header{}, malformed
	case err != nil:
		return Header{}, &MalformedError{Part: "header", Reason: err.Error()}
	case h.Algorithm == "":
		return Header{}, &MalformedError{Part: "header", Reason: "no alg"}
	}
	return h, nil
}

func headerString(name string, value strictjson.Value) (string, error) {
	s, err := strictjson.String(value)
	if err != nil {
		return "", &MalformedError{Part: "header", Reason: name + ": " + err.Error()}
	}
	return s, nil
}
