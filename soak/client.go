package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

// client sends requests to the instances, and reads their answers strictly.
type client struct {
	plain, certified *http.Client
	key, otherKey    crypto.Signer
	jkt, x5t         string
	cert, certKey    []byte // of the instances, in PEM
}

func newClient() (*client, error) {
	c := &client{}
	server, err := newCertificate()
	if err != nil {
		return nil, err
	}
	own, err := newCertificate()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	if err != nil {
		return nil, err
	}
	c.cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate[0]})
	c.certKey = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	sum := sha256.Sum256(own.Certificate[0])
	c.x5t = base64.RawURLEncoding.EncodeToString(sum[:])
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.cert)
	c.plain, c.certified = newHTTP(roots), newHTTP(roots, own)
	for _, key := range []*crypto.Signer{&c.key, &c.otherKey} {
		if *key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	c.jkt, err = dpop.Thumbprint(c.key.Public())
	return c, err
}

func newHTTP(roots *x509.CertPool, own ...tls.Certificate) *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second, // longer than any documented wait
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: roots, Certificates: own},
			MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func (c *client) close() {
	c.plain.CloseIdleConnections()
	c.certified.CloseIdleConnections()
}

// fields returns the fields of a request that carry its token.
func (c *client) fields(r *request, path string) (http.Header, error) {
	fields := http.Header{}
	value := r.token.value
	switch r.kind {
	case anonymous:
		return fields, nil
	case proven, replayed:
		proof, err := c.proof(c.key, path, value)
		fields.Set("DPoP", proof)
		fields.Set("Authorization", "DPoP "+value)
		return fields, err
	case stolen:
		// The thief has the token only, or signs with a key of his own.
		if len(r.token.id)%2 == 0 && r.token.id[0]%2 == 0 {
			proof, err := c.proof(c.otherKey, path, value)
			fields.Set("DPoP", proof)
			fields.Set("Authorization", "DPoP "+value)
			return fields, err
		}
	}
	fields.Set("Authorization", "Bearer "+value)
	return fields, nil
}

func (c *client) proof(key crypto.Signer, path, value string) (string, error) {
	return dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: http.MethodGet, URL: instance.Origin + path, AccessToken: value})
}

// send sends a request and returns the answer. Detail says what is wrong with it
// besides its status, or why there is none.
func (c *client) send(ctx context.Context, r *request, url string, fields http.Header) (got answers, detail string) {
	sent, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return other, err.Error()
	}
	sent.Header = fields
	with := c.plain
	if r.kind == mutual {
		with = c.certified
	}
	resp, err := with.Do(sent)
	if err != nil {
		return none, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return none, err.Error()
	}
	got = answerOf(resp.StatusCode)
	if detail = c.wrong(r, resp, body, got); detail != "" {
		return other, fmt.Sprintf("%d, %s", resp.StatusCode, detail)
	}
	return got, ""
}

// wrong says what is wrong with an answer besides its status.
func (c *client) wrong(r *request, resp *http.Response, body []byte, got answers) string {
	lines := resp.Header.Values("WWW-Authenticate")
	if value := r.token.value; len(value) > 20 && bytes.Contains(body, []byte(value)) {
		return "the body has the token"
	}
	switch got {
	case admitted:
		var caller instance.Caller
		if err := json.Unmarshal(body, &caller); err != nil || caller.Subject != r.token.subject {
			return fmt.Sprintf("the caller is %q, want %q", caller.Subject, r.token.subject)
		}
	case refused:
		challenges, err := bearertest.ParseChallenges(lines)
		if err != nil || len(challenges) == 0 {
			return fmt.Sprintf("the challenge %q", lines)
		}
		for _, challenge := range challenges {
			if code := challenge.Params["error"]; (code != "") != (r.kind != anonymous) && strings.EqualFold(challenge.Scheme, schemeOf(r)) {
				return fmt.Sprintf("the challenge has the error %q", code)
			}
		}
	case later:
		if len(lines) != 0 || resp.Header.Get("Retry-After") == "" {
			return "503 with a challenge or without Retry-After"
		}
	case other:
		return "a status that no request may get"
	}
	return ""
}

// schemeOf returns the scheme whose challenge has the error.
func schemeOf(r *request) string {
	if r.kind == proven || r.kind == replayed {
		return "DPoP"
	}
	if r.kind == stolen {
		return ""
	}
	return "Bearer"
}
