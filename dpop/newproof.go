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

// NewProof makes a proof, as a client does: for one request of that method to
// that URL, whose query and fragment do not count, with a bound access token,
// and with the nonce that the server gave last, if it has. Without a token the
// proof is one for an authorization server. It is signed by alg, such as ES256,
// and good once. Its token is bound to the key by [Thumbprint].
func NewProof(signer crypto.Signer, alg, method, url, token, nonce string) (string, error) {
	if nilcheck.IsNil(signer) {
		return "", errors.New("dpop: a nil signer; want the client's private key")
	}
	key, err := jose.NewKey(signer.Public(), "")
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	if !key.Can(jose.Algorithm(alg)) {
		return "", fmt.Errorf("dpop: a %T cannot sign %q", signer.Public(), alg)
	}
	if _, err := normalizeURI(url); err != nil {
		return "", fmt.Errorf("dpop: the URL of a proof: %w", err)
	}
	jwk, err := jose.MarshalKey(signer.Public(), "", "")
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	if end := strings.IndexAny(url, "?#"); end >= 0 {
		url = url[:end]
	}
	header := `{"typ":"dpop+jwt","alg":"` + alg + `","jwk":` + string(jwk) + `}`
	payload := []byte(`{"jti":"` + rand.Text() + `","iat":` + strconv.FormatInt(time.Now().Unix(), 10))
	member := func(name, value string) {
		var quoteErr error
		payload = append(payload, `,"`+name+`":`...)
		payload, quoteErr = jsontext.AppendQuote(payload, value)
		err = errors.Join(err, quoteErr)
	}
	member("htm", method)
	member("htu", url)
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		member("ath", base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	if nonce != "" {
		member("nonce", nonce)
	}
	if err != nil {
		return "", errors.New("dpop: a method or nonce that is not UTF-8")
	}
	return jose.Sign(signer, jose.Algorithm(alg), []byte(header), append(payload, '}'))
}

// Thumbprint returns the SHA-256 thumbprint of a public key in base64url (RFC
// 7638): the jkt that binds a token to it.
func Thumbprint(public crypto.PublicKey) (string, error) {
	key, err := jose.NewKey(public, "")
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	return key.Thumbprint(), nil
}
