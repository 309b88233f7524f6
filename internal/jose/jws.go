package jose

import (
	"bytes"
	"errors"
	"strings"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// JWS is a JSON Web Signature in compact serialization, parsed and not
// verified: all that it says is a claim until [Key.Verify] has agreed.
type JWS struct {
	Header       Header
	Payload      []byte // decoded
	Signature    []byte // decoded
	SigningInput string // what the signature covers: a prefix of the token

	known bool // the header was
}

// Header is what this package reads of a JWS's protected header. Parameters
// that point to keys elsewhere (`jku`, `x5u`, `x5c`) are neither kept nor
// followed (RFC 8725, Section 3.10).
type Header struct {
	Algorithm string // `alg`, never empty; not necessarily a supported one
	KeyID     string // `kid`
	HasKeyID  bool   // tells `"kid":""` from none
	Type      string // `typ`, as it is spelled
	HasType   bool

	// JWK is the raw JSON of the `jwk` parameter, nil if there is none, and of
	// a header that [Headers] knew. It may be of any kind and is the sender's
	// own claim: only a DPoP proof may be verified by it, an access token never.
	JWK []byte
}

// ErrNotJWS is returned for a token that does not have the form of a JWS in
// compact serialization: not exactly two dots, or a first segment that is not
// base64url of what begins as a JSON object. Such are opaque tokens, JWE and
// the JSON serializations.
var ErrNotJWS = errors.New("jose: not a JWS in compact serialization")

// MalformedError is returned for a token that has the form of a JWS and breaks
// its rules.
type MalformedError struct {
	Part   string // "header", "payload", "signature" or "crit"
	Reason string // what is wrong, without a word of the token
}

func (e *MalformedError) Error() string {
	return "jose: malformed JWS " + e.Part + ": " + e.Reason
}

// Buffer is memory that one token after the other is parsed into. What Parse
// returns of a token is there until the next one. The zero Buffer is ready to
// use; a Buffer is not safe for concurrent use.
type Buffer struct{ header, payload, signature []byte }

// maxBuffer is how much a Buffer may keep of one part of a token.
const maxBuffer = 16 << 10

// Clear makes the buffer forget the token that was parsed into it.
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
// The error is [ErrNotJWS] or a *[MalformedError]. Parse does not bound the
// token's length; it allocates a small multiple of it at most, and nothing for
// a token with the wrong number of dots.
func Parse(token string) (JWS, error) {
	var b Buffer
	return b.Parse(token, nil)
}

// Parse is the function [Parse], but that the bytes it returns are the
// buffer's. A header that known knows is not read again; known may be nil.
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

// dots finds the two dots of a token. It is not split on them: a token of a
// million dots must not become a million strings.
func dots(token string) (first, last int, ok bool) {
	first = strings.IndexByte(token, '.')
	if first < 0 {
		return 0, 0, false
	}
	last = strings.IndexByte(token[first+1:], '.')
	if last < 0 {
		return 0, 0, false
	}
	last += first + 1
	return first, last, strings.IndexByte(token[last+1:], '.') < 0
}

// ParseBody is [Parse] for a token whose header the caller has parsed before,
// in another token whose first segment is the same. The Header that it returns
// is empty.
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
// empty payload, of which no JWT is made (RFC 7519, Section 7.2).
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
			// No extension is understood, so whatever it lists must be refused,
			// and an empty list is not allowed (RFC 7515, Section 4.1.11;
			// RFC 7797, Section 6).
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
