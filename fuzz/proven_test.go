package fuzz_test

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// issued is what the issuer and the client made. It is compared with byte for byte,
// and nothing is read from a token itself.
type issued struct {
	tokens map[string]credential
	proofs map[string]proof
}

// unproven returns why the handler must not run for a request, or the empty string
// if it must. used are the proofs that were used up.
func (k *issued) unproven(s setup, r *seen, used map[string]bool) string {
	lines := r.header["Authorization"]
	if len(lines) != 1 {
		return "not one Authorization field"
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	token = strings.TrimLeft(token, " ")
	c, ok := k.tokens[token]
	switch {
	case !ok:
		return "a token that nobody minted"
	case len(token) > 16<<10:
		return "a token that is too long"
	case s.outage:
		return "nobody can check a token"
	case c.opaque && !s.opaque || !c.opaque && !s.jwt:
		return "a token of the other form"
	case !c.scope:
		return "a token without the scope"
	case c.jkt == "" && !strings.EqualFold(scheme, "Bearer"), c.jkt != "" && !strings.EqualFold(scheme, "DPoP"):
		return "the scheme " + scheme
	case c.jkt != "" && !s.dpop:
		return "a key that nobody checks"
	case c.cert != "" && (!s.mtls || s.certificate(r) != c.cert):
		return "not the certificate of the token"
	case c.jkt != "":
		return k.unprovenKey(s, r, token, c.jkt, used)
	}
	return ""
}

// unprovenKey returns why a request does not prove that it holds a token's key.
func (k *issued) unprovenKey(s setup, r *seen, token, jkt string, used map[string]bool) string {
	lines := r.header["Dpop"]
	if len(lines) != 1 {
		return "not one DPoP field"
	}
	p, ok := k.proofs[lines[0]]
	switch {
	case !ok:
		return "a proof that nobody made"
	case s.nonces:
		return "a proof without a nonce"
	case p.jkt != jkt || p.token != token:
		return "a proof of another key or for another token"
	case p.method != r.method || r.path != path:
		return "a proof for another request"
	case used[lines[0]]:
		return "a used proof"
	}
	used[lines[0]] = true
	return ""
}

// certificate returns the thumbprint of the certificate that the client has shown.
func (s setup) certificate(r *seen) string {
	if s.proxy == "" {
		if s.peer == nil {
			return ""
		}
		return sum(s.peer.Raw)
	}
	field := r.header["Client-Cert"]
	if s.proxy != peerAddress || len(field) != 1 {
		return ""
	}
	text, _, _ := strings.Cut(strings.TrimPrefix(strings.Trim(field[0], " "), ":"), ":")
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		der, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil || !bytes.Equal(der, ownCert.Raw) {
		return ""
	}
	return sum(der)
}
