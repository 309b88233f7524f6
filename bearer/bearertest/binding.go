package bearertest

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// proofAge is how far the iat of a proof may be from now.
const proofAge = time.Minute

// maxProofID bounds the jti of a proof, since the issuer remembers it.
const maxProofID = 512

// keyOfProof returns the thumbprint of the key that signed the proof of a token
// request (RFC 9449, Section 5), or the empty string for a request without a
// proof. It makes the checks of Section 4.3, except for ath, since there is no
// token yet.
func (i *Issuer) keyOfProof(r *http.Request) (jkt string, err error) {
	lines := r.Header["Dpop"]
	if len(lines) == 0 {
		return "", nil
	}
	if len(lines) > 1 {
		return "", errors.New("more than one DPoP field")
	}
	jws, err := jose.Parse(lines[0])
	if err != nil {
		return "", errors.New("not a JWS")
	}
	if !strings.EqualFold(strings.TrimPrefix(jws.Header.Type, "application/"), "dpop+jwt") {
		return "", errors.New("typ must be dpop+jwt")
	}
	if jws.Header.JWK == nil {
		return "", errors.New("jwk is missing")
	}
	key, err := jose.ParseProofKey(jws.Header.JWK)
	alg := jose.Algorithm(jws.Header.Algorithm)
	if err != nil || !key.Can(alg) {
		return "", errors.New("jwk must be a public key that fits alg")
	}
	if key.Verify(alg, jws.SigningInput, jws.Signature) != nil {
		return "", errors.New("jwk does not verify the signature")
	}
	var claims struct {
		ID     string  `json:"jti"`
		Method string  `json:"htm"`
		URL    string  `json:"htu"`
		Issued float64 `json:"iat"`
	}
	if json.Unmarshal(jws.Payload, &claims) != nil {
		return "", errors.New("the claims cannot be read")
	}
	url := claims.URL
	if end := strings.IndexAny(url, "?#"); end >= 0 {
		url = url[:end]
	}
	age := numericDate(time.Now()) - claims.Issued
	switch {
	case claims.Method != r.Method:
		return "", errors.New("htm must be " + r.Method)
	case url != i.url+"/token":
		return "", errors.New("htu must be " + i.url + "/token")
	case age > proofAge.Seconds() || -age > proofAge.Seconds():
		return "", errors.New("iat must be within one minute of now")
	case claims.ID == "" || len(claims.ID) > maxProofID:
		return "", fmt.Errorf("jti must have 1 to %d bytes", maxProofID)
	case !i.firstUse(assertionID{"DPoP " + key.Thumbprint(), claims.ID}):
		return "", errors.New("jti must be unique to each proof")
	}
	return key.Thumbprint(), nil
}

// thumbprintOf returns the x5t#S256 (RFC 8705, Section 3.1) of the first
// certificate in a PEM text.
func thumbprintOf(certificate string) (string, error) {
	block, _ := pem.Decode([]byte(certificate))
	if block == nil || block.Type != "CERTIFICATE" {
		return "", errors.New("no certificate in PEM")
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return "", err
	}
	sum := sha256.Sum256(block.Bytes)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}
