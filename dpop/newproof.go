package dpop

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/nilcheck"
)

// ProofConfig is the input of [NewProof].
type ProofConfig struct {
	Key       crypto.Signer // required: the client's private key
	Algorithm string        // required: an algorithm for the key, such as ES256

	Method string // required: the request's method
	URL    string // required: the request's URL; query and fragment are left out

	// AccessToken is the access token in the request. It must be bound to the
	// [Thumbprint] of Key. Default: none, for a request to an authorization
	// server.
	AccessToken string

	// Nonce is the last nonce that the server sent. Default: none.
	Nonce string
}

// NewProof creates a proof as a client does (RFC 9449, Section 4.2). Each
// request needs a new proof.
func NewProof(c ProofConfig) (string, error) {
	signer, alg := c.Key, c.Algorithm
	if nilcheck.IsNil(signer) {
		return "", errors.New("dpop: ProofConfig.Key is nil; want the client's private key")
	}
	key, err := jose.NewKey(signer.Public(), "")
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	if !key.Can(jose.Algorithm(alg)) {
		return "", fmt.Errorf("dpop: ProofConfig.Algorithm %q is not an algorithm of a %T", alg, signer.Public())
	}
	if _, err := normalizeURI(c.URL); err != nil {
		return "", fmt.Errorf("dpop: ProofConfig.URL: %w", err)
	}
	jwk, err := jose.MarshalKey(signer.Public(), "", "")
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	target := c.URL
	if end := strings.IndexAny(target, "?#"); end >= 0 {
		target = target[:end]
	}
	header := `{"typ":"dpop+jwt","alg":"` + alg + `","jwk":` + string(jwk) + `}`
	payload := []byte(`{"jti":"` + rand.Text() + `","iat":` + strconv.FormatInt(time.Now().Unix(), 10))
	member := func(name, value string) {
		var quoteErr error
		payload = append(payload, `,"`+name+`":`...)
		payload, quoteErr = jsontext.AppendQuote(payload, value)
		err = errors.Join(err, quoteErr)
	}
	member("htm", c.Method)
	member("htu", target)
	if c.AccessToken != "" {
		sum := sha256.Sum256([]byte(c.AccessToken))
		member("ath", base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	if c.Nonce != "" {
		member("nonce", c.Nonce)
	}
	if err != nil {
		return "", errors.New("dpop: ProofConfig.Method or Nonce is not UTF-8")
	}
	return jose.Sign(signer, jose.Algorithm(alg), []byte(header), append(payload, '}'))
}

// Thumbprint returns the SHA-256 thumbprint of a public key in base64url (RFC
// 7638). It is the jkt of tokens that are bound to the key.
func Thumbprint(public crypto.PublicKey) (string, error) {
	key, err := jose.NewKey(public, "")
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	return key.Thumbprint(), nil
}
