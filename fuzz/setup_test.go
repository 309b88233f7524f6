package fuzz_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

// setup is a way to configure an API, and where its requests come from.
type setup struct {
	name                    string
	jwt, opaque, dpop, mtls bool
	nonces                  bool
	outage                  bool              // neither keys nor introspection are within reach
	peer                    *x509.Certificate // of the TLS connection
	proxy                   string            // the address whose Client-Cert is trusted
}

const peerAddress = "192.0.2.1"

var setups = []setup{
	{name: "jwt", jwt: true},
	{name: "opaque", opaque: true},
	{name: "jwt and opaque", jwt: true, opaque: true},
	{name: "dpop", jwt: true, opaque: true, dpop: true},
	{name: "dpop with nonces", jwt: true, dpop: true, nonces: true},
	{name: "mtls", jwt: true, opaque: true, mtls: true, peer: ownCert},
	{name: "mtls, another certificate", jwt: true, mtls: true, peer: otherCert},
	{name: "mtls behind a proxy", jwt: true, opaque: true, mtls: true, dpop: true, proxy: peerAddress},
	{name: "mtls, not the proxy", jwt: true, opaque: true, mtls: true, proxy: "192.0.2.2"},
	{name: "outage", jwt: true, opaque: true, dpop: true, outage: true},
}

// guard returns the guard of an API. It lives as long as the process. What has a
// memory of requests, or starts goroutines, is the exchange's.
func (a *api) guard() *bearer.Guard {
	s := a.setup
	config := bearer.Config{
		ResourceMetadata: apiURL + "/.well-known/oauth-protected-resource",
		RequestID:        func(*http.Request) string { return "request" },
		Logger:           slog.New(slog.NewJSONHandler(a, nil)),
		OnRefusal:        func(_ *http.Request, e bearer.Event) { a.x.last().refused = &e },
	}
	switch {
	case s.jwt && s.outage:
		config.Verifiers = append(config.Verifiers, bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
			return a.x.withoutKeys().Verify(ctx, token)
		}))
	case s.jwt:
		config.Verifiers = append(config.Verifiers, withKeys())
	}
	if s.opaque {
		config.Verifiers = append(config.Verifiers, bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
			return a.x.asking(s.outage).Verify(ctx, token)
		}))
	}
	if s.dpop {
		config.Proofs = a
	}
	if s.mtls {
		config.Certificates = &bearer.Certificates{}
		if s.proxy != "" {
			config.Certificates.TrustedProxy = func(peer netip.Addr) bool { return peer.String() == s.proxy }
		}
	}
	return must(bearer.New(config))
}

// withKeys returns a verifier that has the issuer's keys. It caches no token: each
// input must find the same state.
func withKeys() *jwks.Verifier {
	return must(jwks.New(jwks.Config{CacheEntries: -1, Issuers: []jwks.Issuer{{
		URL: issuerURL, Audience: []string{apiURL}, Keys: jwks.KeysFromJWKS(keySet()),
	}}}))
}

// withoutKeys returns a verifier that cannot fetch the issuer's keys.
func (x *exchange) withoutKeys() bearer.Verifier {
	if x.keyless == nil {
		defer x.build(allocated())
		x.keyless = must(jwks.New(jwks.Config{Client: &http.Client{Transport: issuer{down: true}}, Issuers: []jwks.Issuer{{
			URL: issuerURL, Audience: []string{apiURL}, Keys: jwks.KeysFromURL(issuerURL + "/keys"),
		}}}))
		x.ends = append(x.ends, x.keyless.Close)
	}
	return x.keyless
}

// asking returns a verifier that asks the issuer about tokens.
func (x *exchange) asking(down bool) bearer.Verifier {
	if x.asker == nil {
		defer x.build(allocated())
		x.asker = must(introspect.New(introspect.Config{
			Issuer: issuerURL, Endpoint: issuerURL + "/introspect", Auth: introspect.ClientSecretBasic("api", "secret"),
			Audience: []string{apiURL}, Client: &http.Client{Transport: issuer{down: down}},
		}))
		x.ends = append(x.ends, x.asker.Close)
	}
	return x.asker
}

// checker returns a checker that has seen no proof yet.
func (x *exchange) checker(nonces bool) *dpop.Checker {
	if x.proofs == nil {
		defer x.build(allocated())
		config := dpop.Config{Origin: apiURL, Replays: must(dpop.NewMemoryReplays(dpop.MemoryConfig{Capacity: 64, PerKey: -1, PerOwner: -1}))}
		if nonces {
			config.Nonces = must(dpop.NewNonces(dpop.NoncesConfig{Key: bytes.Repeat([]byte("k"), 32)}))
		}
		x.proofs = must(dpop.New(config))
	}
	return x.proofs
}

// build notes what was allocated since before.
func (x *exchange) build(before uint64) { x.built += allocated() - before }

// An api is the [bearer.ProofChecker] of its guard, and the writer of its log.

func (a *api) CheckProof(r *http.Request, token string, p bearer.Principal) (bearer.Proof, error) {
	return a.x.checker(a.setup.nonces).CheckProof(r, token, p)
}
func (a *api) Algorithms() []string        { return must(dpop.New(dpop.Config{Origin: apiURL})).Algorithms() }
func (a *api) Nonce() string               { return a.x.checker(a.setup.nonces).Nonce() }
func (a *api) Write(p []byte) (int, error) { return a.x.logged.Write(p) }

// connection returns r with the connection of the setup, which is not part of a
// request's bytes.
func (s setup) connection(r *http.Request) {
	if s.peer != nil {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, PeerCertificates: []*x509.Certificate{s.peer}}
	}
}

// issuer answers introspection requests without a network.
type issuer struct{ down bool }

var errDown = errors.New("the issuer is down")

func (i issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	if i.down {
		return nil, errDown
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	status, document := http.StatusOK, members{"active": false}
	switch answer, active := answers[form.Get("token")]; {
	case active:
		document = answer
	case form.Get("token") == opaqueDown:
		status = http.StatusBadGateway
	}
	return answerOf(r, status, string(document.json())), nil
}

func answerOf(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}
