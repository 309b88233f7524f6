package client

import (
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/credential"
	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
)

// prover makes DPoP proofs for one server, whose last nonce it keeps. The nonces of
// an API and those of an authorization server are distinct (RFC 9449, Section 9). A
// nil prover makes no proofs.
type prover struct {
	key       crypto.Signer
	algorithm string
	nonce     atomic.Pointer[string]
}

// newProver returns a prover, or nil for a nil key.
func newProver(field string, key crypto.Signer) (*prover, error) {
	if nilcheck.IsNil(key) {
		return nil, nil
	}
	algorithm := credential.Algorithm(key)
	if algorithm == "" {
		return nil, fmt.Errorf("client: %s is a %T that cannot sign proofs; want EC (P-256, P-384), RSA or Ed25519", field, key.Public())
	}
	p := &prover{key: key, algorithm: algorithm}
	if _, err := p.proveTokenRequest("https://login.example.com/token", ""); err != nil {
		return nil, fmt.Errorf("client: %s: %w", field, errors.Unwrap(err))
	}
	return p, nil
}

// proof is a proof and the nonce in it.
type proof struct{ text, nonce string }

// prove makes a proof for a request with a token.
func (p *prover) prove(method string, u *url.URL, token string) (proof, error) {
	if method == "" {
		method = http.MethodGet
	}
	nonce := p.lastNonce()
	text, err := p.sign(dpop.ProofConfig{
		Method: method, AccessToken: token, Nonce: nonce,
		URL: (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String(),
	})
	return proof{text, nonce}, err
}

// proveTokenRequest makes a proof for a token request (RFC 9449, Section 5). The
// token endpoint keeps its nonces itself.
func (p *prover) proveTokenRequest(endpoint, nonce string) (string, error) {
	return p.sign(dpop.ProofConfig{Method: http.MethodPost, URL: endpoint, Nonce: nonce})
}

func (p *prover) sign(c dpop.ProofConfig) (string, error) {
	c.Key, c.Algorithm = p.key, p.algorithm
	text, err := dpop.NewProof(c)
	if err != nil {
		return "", fmt.Errorf("client: %w", err)
	}
	return text, nil
}

func (p *prover) lastNonce() string {
	if nonce := p.nonce.Load(); nonce != nil {
		return *nonce
	}
	return ""
}

// take keeps the nonce of an answer of any status (RFC 9449, Section 8.2).
func (p *prover) take(h http.Header) {
	if p == nil {
		return
	}
	if nonce := tokenendpoint.Nonce(h); nonce != "" && nonce != p.lastNonce() {
		p.nonce.Store(&nonce)
	}
}
