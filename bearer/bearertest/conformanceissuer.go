package bearertest

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/internal/conform"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// conformanceIssuer is an Issuer as the conformance run uses it.
type conformanceIssuer struct{ *Issuer }

var _ conform.Authority = conformanceIssuer{}

func (c conformanceIssuer) Key(alg string) (kid string, jwk []byte, err error) {
	k, err := c.signer(jose.Algorithm(alg))
	if err != nil {
		return "", nil, err
	}
	return k.id, k.jwk, nil
}

func (c conformanceIssuer) Opaque(answer []byte) string {
	token := newOpaque()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[digestOf(token)] = answer
	return token
}

func (c conformanceIssuer) Fault(endpoint string, f conform.Fault) {
	delay, drip := f.Pause()
	fault := Fault{
		Status: f.Status, Header: f.Fields(), Delay: delay, Drip: drip, Hang: f.Hang, Endless: f.Endless, Reset: f.Reset,
	}
	if f.Body != "" {
		fault.Body = []byte(f.Body)
	}
	c.SetFault(Endpoint(endpoint), fault)
}

func (c conformanceIssuer) Release() { c.release() }

func (c conformanceIssuer) Publish(jwks ...[]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if jwks == nil {
		c.published = nil
	}
	c.published = append(c.published, jwks...)
}

// serveConformance serves a handler on loopback, and makes target connect to it.
func serveConformance(handler http.Handler, target *conform.Target) (*http.Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bearertest: %w", err)
	}
	target.Address = listener.Addr().String()
	// Hostile requests make net/http log lines that say nothing about the API.
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	certificate, err := conform.Certificate("localhost")
	if err != nil {
		return nil, err
	}
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}, ClientAuth: tls.RequestClientCert}
	target.TLS = &tls.Config{InsecureSkipVerify: true} // the certificate is the one above
	go func() {
		if target.Encrypted() {
			_ = server.ServeTLS(listener, "", "") // returns when the run closes the server
		} else {
			_ = server.Serve(listener)
		}
	}()
	return server, nil
}

func conformanceChallenges(lines []string) ([]conform.Challenge, error) {
	parsed, err := ParseChallenges(lines)
	var list []conform.Challenge
	for _, c := range parsed {
		list = append(list, conform.Challenge(c))
	}
	return list, err
}
