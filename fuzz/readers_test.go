package fuzz_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"unicode/utf8"

	gojose "github.com/go-jose/go-jose/v4"
	gojosejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// keyFor returns a key that can sign by an algorithm.
func keyFor(alg jose.Algorithm) crypto.Signer {
	switch alg {
	case jose.ES256:
		return issuerEC.private
	case jose.ES384:
		return p384()
	case jose.ES512:
		return p521()
	case jose.EdDSA, jose.Ed25519:
		return issuerEd.private
	}
	return rsaKey()
}

var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	p384   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
)

// reading is what a library reads from a token whose signature it has verified.
type reading struct {
	alg, kid string
	claims   map[string]any
}

// readOurs reads a token as bearerkit does. The claims are the raw values.
func readOurs(token string, public crypto.PublicKey) (alg, kid string, claims map[string]strictjson.Value, err error) {
	jws, err := jose.Parse(token)
	if err != nil {
		return "", "", nil, err
	}
	alg, kid = jws.Header.Algorithm, jws.Header.KeyID
	key := must(jose.NewKey(public, ""))
	if !key.Can(jose.Algorithm(alg)) {
		return alg, kid, nil, errAlgorithm
	}
	if err := key.Verify(jose.Algorithm(alg), jws.SigningInput, jws.Signature); err != nil {
		return alg, kid, nil, err
	}
	claims = map[string]strictjson.Value{}
	err = strictjson.Object(jws.Payload, func(name []byte, value strictjson.Value) error {
		claims[string(name)] = value
		return nil
	})
	if err != nil {
		err = &claimsError{jws.Payload, err}
	}
	return alg, kid, claims, err
}

var errAlgorithm = errors.New("an algorithm that the key does not have")

type claimsError struct {
	payload []byte
	err     error
}

func (e *claimsError) Error() string { return e.err.Error() }
func (e *claimsError) Unwrap() error { return e.err }

// names are the algorithms as both libraries know them.
var names = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// readGolangJWT reads a token by golang-jwt, which does not judge the claims.
func readGolangJWT(token string, public crypto.PublicKey) (reading, error) {
	claims := jwt.MapClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods(names), jwt.WithoutClaimsValidation(), jwt.WithJSONNumber())
	read, err := parser.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return public, nil })
	if err != nil {
		return reading{}, err
	}
	kid, _ := read.Header["kid"].(string)
	return reading{read.Method.Alg(), kid, claims}, nil
}

// readGoJose reads a token by go-jose.
func readGoJose(token string, public crypto.PublicKey) (reading, error) {
	algorithms := make([]gojose.SignatureAlgorithm, len(names))
	for i, name := range names {
		algorithms[i] = gojose.SignatureAlgorithm(name)
	}
	read, err := gojosejwt.ParseSigned(token, algorithms)
	if err != nil {
		return reading{}, err
	}
	claims := map[string]any{}
	if err := read.Claims(public, &claims); err != nil {
		return reading{}, err
	}
	return reading{read.Headers[0].Algorithm, read.Headers[0].KeyID, claims}, nil
}

// reason classifies our refusal of a token.
func reason(err error, token string) string {
	var malformed *jose.MalformedError
	var claims *claimsError
	encoded, _, _ := strings.Cut(token, ".")
	switch {
	case errors.Is(err, jose.ErrNotJWS):
		if _, err := jose.DecodeBase64URL(encoded); err != nil || strings.Count(token, ".") != 2 {
			return "the form of the token"
		}
		return "a header that is not an object"
	case errors.Is(err, errAlgorithm):
		return "the algorithm"
	case errors.Is(err, jose.ErrSignature):
		return "the signature"
	case errors.As(err, &malformed) && malformed.Part == "header":
		header, _ := jose.DecodeBase64URL(encoded)
		return "header: " + documentReason(header, malformed.Reason)
	case errors.As(err, &malformed):
		return malformed.Part + ": " + malformed.Reason
	case errors.As(err, &claims):
		return "claims: " + documentReason(claims.payload, claims.Error())
	}
	return err.Error()
}

// documentReason classifies our refusal of a JSON document.
func documentReason(document []byte, text string) string {
	switch {
	case !strings.Contains(text, "invalid JSON"):
		return text
	case !utf8.Valid(document):
		return "invalid UTF-8"
	case strings.Contains(strings.ToLower(string(document)), `\ud`):
		return "a lone surrogate"
	}
	return "invalid JSON"
}
