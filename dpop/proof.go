package dpop

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// proof holds the claims of a proof (RFC 9449, Section 4.2).
type proof struct {
	id        string // jti
	method    string // htm
	uri       string // htu
	tokenHash string // ath
	nonce     string
	issued    time.Time // iat
}

// maxIDLen is the maximum length of a jti in bytes (RFC 9449, Section 11.1).
const maxIDLen = 512

// verify returns the claims of a proof if the key with the thumbprint jkt
// signed it.
func (c *Checker) verify(encoded, jkt string) (*proof, *bearer.Error) {
	segment, _, _ := strings.Cut(encoded, ".")
	h, known := c.headers.known(segment, jkt)
	var jws jose.JWS
	var err error
	if known {
		jws, err = jose.ParseBody(encoded)
	} else {
		jws, err = jose.Parse(encoded)
	}
	if err != nil {
		return nil, invalid("form", "a JWS in compact serialization", err.Error())
	}
	if !known {
		var refusal *bearer.Error
		if h, refusal = c.readHeader(jws, jkt); refusal != nil {
			return nil, refusal
		}
	}
	if err := h.key.Verify(h.alg, jws.SigningInput, jws.Signature); err != nil {
		return nil, invalid("signature", "a valid signature", "an invalid signature")
	}
	if !known {
		c.headers.keep(h, jkt)
	}
	return readProof(jws.Payload)
}

// claimError reports a claim of the wrong type.
type claimError struct {
	name string
	err  error
}

func (e *claimError) Error() string { return e.name + ": " + e.err.Error() }

func readProof(payload []byte) (*proof, *bearer.Error) {
	p := new(proof)
	err := strictjson.Object(payload, func(name []byte, value strictjson.Value) (err error) {
		switch string(name) {
		case "jti":
			p.id, err = text(value)
		case "htm":
			p.method, err = text(value)
		case "htu":
			p.uri, err = text(value)
		case "ath":
			p.tokenHash, err = text(value)
		case "nonce":
			p.nonce, err = text(value)
		case "iat":
			p.issued, err = claims.Date(value)
		}
		if err != nil {
			return &claimError{string(name), err}
		}
		return nil
	})
	if err != nil {
		if malformed, ok := errors.AsType[*claimError](err); ok {
			return nil, invalid(malformed.name, "a claim of the right type", malformed.err.Error())
		}
		return nil, invalid("claims", "a JSON object", err.Error())
	}
	for _, required := range [...]struct{ name, value string }{
		{"jti", p.id}, {"htm", p.method}, {"htu", p.uri}, {"ath", p.tokenHash},
	} {
		if required.value == "" {
			return nil, invalid(required.name, "a claim that is not empty", "none or an empty one")
		}
	}
	if p.issued.IsZero() {
		return nil, invalid("iat", "a time", "none")
	}
	if len(p.id) > maxIDLen {
		return nil, invalid("jti", fmt.Sprintf("at most %d bytes", maxIDLen), fmt.Sprintf("%d", len(p.id)))
	}
	return p, nil
}

// text returns a claim that must be a string.
func text(v strictjson.Value) (string, error) {
	// Most strings have no escapes. strictjson.Object has validated them
	// already.
	if v.Kind() == '"' && bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1]), nil
	}
	return strictjson.String(v)
}
