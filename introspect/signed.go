package introspect

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// Signed requires signed answers (RFC 9701): with the issuer's signature, with the
// verifier as audience, and issued within the last minute. A plain answer or error
// then says nothing about the token.
//
// RFC 9701 does not bind an answer to its question: a signed answer names no token.
// Only TLS prevents an attacker in the network from replacing an answer with
// another answer from the last minute.
type Signed struct {
	// Audience is the aud of the server's answers, usually the client ID of
	// [Config.Auth]. Required.
	Audience string

	// JWKSURI is the URL of the issuer's keys. Default: the jwks_uri of its
	// metadata.
	JWKSURI string

	// Algorithms are the accepted signature algorithms. Default: those of
	// jwks.Issuer.
	Algorithms []string
}

func (s *Signed) check(insecureHTTP bool) error {
	if s.Audience == "" {
		return errors.New("Audience is empty; want the aud of the server's answers, usually the client ID")
	}
	if err := weburl.Unfilled(s.Audience); err != nil {
		return fmt.Errorf("Audience %q: %w", s.Audience, err)
	}
	if s.JWKSURI != "" {
		if _, err := fetch.CheckURL(s.JWKSURI, insecureHTTP); err != nil {
			return fmt.Errorf("JWKSURI: %w", err)
		}
	}
	for _, name := range s.Algorithms {
		if !jose.Algorithm(name).Supported() {
			return fmt.Errorf("Algorithms: %q; want some of %v", name, jose.Algorithms())
		}
	}
	return nil
}

// maxSignedAge is how old a signed answer may be, plus the leeway. The server signs
// each answer when it is requested.
const maxSignedAge = time.Minute

const signedType = "application/token-introspection+jwt"

// opener opens signed answers.
type opener struct {
	issuer     string
	audience   string
	algorithms []jose.Algorithm
	leeway     time.Duration
	keys       *keysource.Source
	names      *claims.Names
	inner      int // the claim token_introspection
}

func newOpener(c Config, client *fetch.Client) *opener {
	o := &opener{
		issuer:     c.Issuer,
		audience:   c.Signed.Audience,
		algorithms: jose.Algorithms(),
		leeway:     c.Leeway,
		names:      claims.NewNames(),
		keys: keysource.New(keysource.Config{
			Issuer: c.Issuer, JWKSURI: c.Signed.JWKSURI, Client: client, Logger: c.Logger,
		}),
	}
	o.inner = o.names.Add("token_introspection")
	if len(c.Signed.Algorithms) > 0 {
		o.algorithms = nil
		for _, name := range c.Signed.Algorithms {
			o.algorithms = append(o.algorithms, jose.Algorithm(name))
		}
	}
	return o
}

// open returns the answer inside a signed response (RFC 9701, Section 5). If the
// response proves nothing, the error says why.
func (o *opener) open(ctx context.Context, header http.Header, body []byte) ([]byte, error) {
	if mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || mediaType != signedType {
		return nil, errors.New("the answer is not signed, but Config.Signed requires a signature")
	}
	jws, err := jose.Parse(strings.TrimSpace(string(body)))
	if err != nil {
		return nil, err
	}
	algorithm := jose.Algorithm(jws.Header.Algorithm)
	switch {
	case jose.NormalizeType(jws.Header.Type) != jose.NormalizeType(signedType):
		return nil, errors.New("the signed answer's typ is not token-introspection+jwt")
	case !slices.Contains(o.algorithms, algorithm):
		return nil, fmt.Errorf("the signed answer's alg is %.16q, want one of %v", string(algorithm), o.algorithms)
	}
	var input jose.Input
	input.Set([]byte(jws.SigningInput))
	tried := false
	err = o.keys.Verify(ctx, time.Now(), keysource.QueryFor(&jws.Header), func(keys keysource.Candidates) error {
		tried = true
		return keys.Verify(algorithm, &input, jws.Signature)
	})
	switch {
	case err == nil:
		return o.read(jws.Payload)
	case tried: // whether or not newer keys could be fetched
		return nil, errors.New("the signed answer's signature is invalid")
	}
	return nil, err
}

func (o *opener) read(payload []byte) ([]byte, error) {
	v, err := o.names.Read(payload)
	if err != nil {
		return nil, err
	}
	iss, err := v.Text(claims.Iss)
	if err != nil || iss != o.issuer {
		return nil, errors.New("the signed answer's iss is not the issuer")
	}
	aud, err := v.List(claims.Aud)
	if err != nil || !slices.Contains(aud, o.audience) {
		return nil, errors.New("the signed answer's aud is not Config.Signed.Audience")
	}
	p, malformed := v.Principal()
	if malformed != nil {
		return nil, malformed
	}
	if !v.Has(claims.Iat) {
		return nil, errors.New("the signed answer has no iat")
	}
	if age := time.Since(p.IssuedAt); age > maxSignedAge+o.leeway {
		return nil, fmt.Errorf("the signed answer was issued %v ago (iat), want at most %v", age.Truncate(time.Second), maxSignedAge+o.leeway)
	}
	notBefore, err := v.Date(claims.Nbf)
	if err != nil {
		return nil, err
	}
	if e := claims.CheckTimes(time.Now(), notBefore, &p, o.leeway); e != nil {
		return nil, fmt.Errorf("the signed answer: %w", error(e))
	}
	inner := v.Raw(o.inner)
	if inner.Kind() != '{' {
		return nil, errors.New("the signed answer has no object token_introspection")
	}
	return []byte(inner), nil
}
