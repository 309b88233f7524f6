package dev

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// Limits of a DPoP proof.
const (
	proofAge   = time.Minute // how far its iat may be from now
	maxProofID = 512
)

// keyOfProof returns the thumbprint of the key that signed the proof of a token
// request (RFC 9449, Section 5), or nothing for a request without a proof. The
// checks are those of Section 4.3, except for ath, since there is no token yet.
func (i *issuer) keyOfProof(r *http.Request) (jkt string, refused *refusal) {
	invalid := func(text string) (string, *refusal) { return "", badRequest("invalid_dpop_proof", text) }
	lines := r.Header.Values("DPoP")
	if len(lines) == 0 {
		return "", nil
	}
	if len(lines) > 1 {
		return invalid("more than one DPoP field")
	}
	jws, err := jose.Parse(lines[0])
	if err != nil {
		return invalid("the proof is not a JWS")
	}
	if jose.NormalizeType(jws.Header.Type) != "dpop+jwt" || jws.Header.JWK == nil {
		return invalid("the proof's typ must be dpop+jwt, and its header must have jwk")
	}
	key, err := jose.ParseProofKey(jws.Header.JWK)
	alg := jose.Algorithm(jws.Header.Algorithm)
	if err != nil || !key.Can(alg) || key.Verify(alg, jws.SigningInput, jws.Signature) != nil {
		return invalid("jwk must be a public key that fits alg and verifies the signature")
	}
	var claims struct {
		ID     string  `json:"jti"`
		Method string  `json:"htm"`
		URL    string  `json:"htu"`
		Issued float64 `json:"iat"`
		Nonce  string  `json:"nonce"`
	}
	if json.Unmarshal(jws.Payload, &claims) != nil || claims.ID == "" || len(claims.ID) > maxProofID {
		return invalid("the claims of the proof are malformed, or jti is missing or too long")
	}
	url := claims.URL
	if end := strings.IndexAny(url, "?#"); end >= 0 {
		url = url[:end]
	}
	issued := time.UnixMilli(int64(claims.Issued * 1000))
	switch age := time.Since(issued); {
	case claims.Method != r.Method:
		return invalid("htm must be " + r.Method)
	case url != i.url+"/token":
		return invalid("htu must be " + i.url + "/token")
	case i.nonces != nil && !i.nonces.Accept(claims.Nonce):
		return "", badRequest("use_dpop_nonce", "put the nonce from the field DPoP-Nonce into the proof")
	case age > proofAge || age < -proofAge:
		return invalid("iat must be within a minute of now")
	case !i.proofs.add(digestOf(key.Thumbprint()+" "+claims.ID), struct{}{}, 2*proofAge):
		return invalid("jti must be unique to each proof")
	}
	return key.Thumbprint(), nil
}
