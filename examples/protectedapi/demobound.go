package main

import (
	"encoding/base64"
	"maps"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/resource"
)

// demo builds the requests that -dev prints. Where a binding is required, each
// token has it, and each request proves it.
type demo struct {
	issuer       *devIssuer
	config       config
	origin       string // under which curl reaches the API
	metadataPath string
	program      string                    // for /bin/sh
	scheme       string                    // of all requests that are not about schemes
	certify      func(*certificate) string // words with which a request has a certificate; nil: it cannot have one
}

func newDemo(d *devIssuer, origin string, addr net.Addr, c config) *demo {
	m := &demo{issuer: d, config: c, origin: origin, scheme: "Bearer", program: "protectedapi"}
	if path, err := os.Executable(); err == nil {
		m.program = quote(path)
	}
	if c.bindsToKey() {
		m.scheme = "DPoP"
	}
	if metadata, err := resource.New(resource.Config{Resource: c.resource}); err == nil {
		m.metadataPath = metadata.Path()
	}
	here, _ := netip.ParseAddrPort(addr.String())
	switch {
	case c.transport.mtls == off:
	case c.transport.trusts(here.Addr().Unmap()):
		// This machine is a trusted proxy, and curl is one that plays it.
		m.certify = func(c *certificate) string {
			return "-H 'Client-Cert: :" + base64.StdEncoding.EncodeToString(c.der) + ":'"
		}
	case strings.HasPrefix(origin, "https:"):
		m.certify = func(c *certificate) string { return "--cert " + quote(c.file) + " --key " + quote(c.keyFile) }
	}
	return m
}

// bound mints a token that is bound to the key, to the certificate, or to both.
func (m *demo) bound(t bearertest.Token, toKey, toCertificate bool) string {
	return m.issuer.issuer.Mint(m.bind(t, toKey, toCertificate))
}

func (m *demo) mint(t bearertest.Token) string {
	return m.bound(t, m.config.bindsToKey(), m.config.bindsToCertificate())
}

func (m *demo) mintOpaque(scope string) string {
	t := bearertest.Token{Scope: scope}
	return m.issuer.issuer.MintOpaque(m.bind(t, m.config.bindsToKey(), m.config.bindsToCertificate()))
}

func (m *demo) bind(t bearertest.Token, toKey, toCertificate bool) bearertest.Token {
	if t.TTL == 0 {
		t.TTL = 12 * time.Hour // a demonstration may stay open for a day
	}
	cnf := map[string]any{}
	if toKey {
		cnf["jkt"] = m.issuer.files.jkt
	}
	if toCertificate {
		cnf["x5t#S256"] = m.issuer.files.client.thumbprint()
	}
	if len(cnf) > 0 {
		claims := map[string]any{"cnf": cnf}
		maps.Copy(claims, t.Claims)
		t.Claims = claims
	}
	return t
}

// tokenRequest is what follows curl to get a token for alice.
func (m *demo) tokenRequest(scope string) string {
	return quote(m.issuer.url()+"/token") + " -d grant_type=client_credentials -d client_id=app -d sub=alice -d " + quote("scope="+scope)
}

// binding is what follows a request for a token that must be bound.
func (m *demo) binding() string {
	words := ""
	if m.config.bindsToKey() {
		words += m.bindingToKey()
	}
	if m.config.bindsToCertificate() {
		words += m.bindingToCertificate()
	}
	return words
}

func (m *demo) bindingToKey() string {
	return ` -H "DPoP: $(` + m.program + " proof -key " + quote(m.issuer.files.key) + " -method POST -url " + quote(m.issuer.url()+"/token") + `)"`
}

func (m *demo) bindingToCertificate() string {
	return " --data-urlencode " + quote("client_certificate@"+m.issuer.files.client.file)
}

// curl returns a request. The words, for /bin/sh as they stand, follow its URL.
func (m *demo) curl(method, path string, words ...string) string {
	if m.config.bindsToCertificate() && m.certify != nil {
		words = append(words, m.certify(m.issuer.files.client))
	}
	return m.plain(method, path, words...)
}

// plain is curl without a client certificate.
func (m *demo) plain(method, path string, words ...string) string {
	line := []string{"curl -si", quote(m.origin + path)}
	switch {
	case m.config.transport.cert != "":
		line = append(line, "--cacert "+quote(m.config.transport.cert))
	case strings.HasPrefix(m.origin, "https:"):
		line = append(line, "--cacert "+quote(m.issuer.files.server.file))
	}
	if method != "GET" {
		line = append(line, "-X "+method)
	}
	return strings.Join(append(line, words...), " ")
}

// send returns a request that carries a token, which may be a word that the
// shell expands, with the proof that it needs.
func (m *demo) send(method, path, token string) string {
	return m.curl(method, path, m.carry(m.scheme, method, path, token)...)
}

func (m *demo) carry(scheme, method, path, token string) []string {
	words := []string{"-H", authorization(scheme, token)}
	if scheme == "DPoP" {
		words = append(words, m.proof(method, path, token))
	}
	return words
}

// authorization returns the word of a field.
func authorization(scheme, token string) string {
	if strings.Contains(token, "$") {
		return `"Authorization: ` + scheme + " " + token + `"`
	}
	return quote("Authorization: " + scheme + " " + token)
}

// proof returns the words of a proof, with a nonce where one is needed.
func (m *demo) proof(method, path, token string) string {
	nonce := ""
	if m.config.proofs.nonce == required {
		// Any request under DPoP is told the nonce.
		nonce = ` -nonce "$(` + m.plain("GET", "/me", "-H 'Authorization: DPoP x'") +
			` | tr -d '\r' | sed -n 's/^[Dd][Pp][Oo][Pp]-[Nn]once: //p')"`
	}
	return m.proofWithout(method, path, token, nonce)
}

func (m *demo) proofWithout(method, path, token, more string) string {
	if strings.Contains(token, "$") {
		token = `"` + token + `"`
	}
	line := m.program + " proof -key " + quote(m.issuer.files.key)
	if method != "GET" {
		line += " -method " + method
	}
	return `-H "DPoP: $(` + line + " -url " + quote(originOf(m.config.resource)+path) + " -token " + token + more + `)"`
}

// proofRows are about tokens that are bound to a key (RFC 9449).
func (m *demo) proofRows() []demoRow {
	if m.config.proofs.use == off {
		token := m.issuer.issuer.Mint(bearertest.Token{Scope: "orders:read", TTL: 12 * time.Hour,
			Claims: map[string]any{"cnf": map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}})
		return []demoRow{{401, "a token bound to a key (cnf), where no such binding is checked: invalid_token",
			m.curl("GET", "/orders", m.carry("Bearer", "GET", "/orders", token)...)}}
	}
	withCertificate := m.config.bindsToCertificate()
	token := m.bound(bearertest.Token{Scope: "orders:read"}, true, withCertificate)
	unbound := m.bound(bearertest.Token{Scope: "orders:read"}, false, withCertificate)
	asDPoP := authorization("DPoP", token)
	rows := []demoRow{
		{200, "the development issuer: a fresh token bound to the key of a proof (RFC 9449, Section 5), of the type DPoP",
			"curl -si " + m.tokenRequest("orders:read") + m.bindingToKey()},
		{200, "a token bound to a key, with a proof of that key for this request", m.curl("GET", "/orders", m.carry("DPoP", "GET", "/orders", token)...)},
		{401, "the same without a proof: invalid_dpop_proof", m.curl("GET", "/orders", "-H", asDPoP)},
		{401, "a proof for another URL: invalid_dpop_proof", m.curl("GET", "/orders", "-H", asDPoP, m.proof("GET", "/me", token))},
		{401, "a proof that is used twice, of which the second answer is shown: invalid_dpop_proof",
			m.curl("GET", "/orders", append([]string{"-o /dev/null " + quote(m.origin+"/orders")}, m.carry("DPoP", "GET", "/orders", token)...)...)},
		{401, "a token bound to a key, sent as Bearer: invalid_token", m.curl("GET", "/orders", "-H", authorization("Bearer", token))},
		{401, "a token that is not bound, under DPoP: invalid_token", m.curl("GET", "/orders", m.carry("DPoP", "GET", "/orders", unbound)...)},
		{400, "both schemes at once: invalid_request", m.curl("GET", "/orders", "-H", authorization("Bearer", token), "-H", asDPoP)},
	}
	if m.config.proofs.use == required {
		rows = append(rows, demoRow{401, "Bearer, where DPoP is required: invalid_token", m.curl("GET", "/orders", "-H", authorization("Bearer", unbound))})
	}
	if m.config.proofs.nonce == required {
		rows = append(rows, demoRow{401, "a proof without a nonce: use_dpop_nonce, and the nonce to use",
			m.curl("GET", "/orders", "-H", asDPoP, m.proofWithout("GET", "/orders", token, ""))})
	}
	return rows
}

// certificateRows are about tokens that are bound to a client certificate (RFC
// 8705).
func (m *demo) certificateRows() []demoRow {
	if m.certify == nil {
		return nil
	}
	files := m.issuer.files
	mine, another := m.certify(files.client), m.certify(files.other)
	withProof := m.config.bindsToKey()
	token := m.bound(bearertest.Token{Scope: "orders:read"}, withProof, true)
	plain := func(token string, more ...string) string {
		return m.plain("GET", "/orders", append(m.carry(m.scheme, "GET", "/orders", token), more...)...)
	}
	rows := []demoRow{
		{200, "the development issuer: a fresh token bound to a client certificate (RFC 8705, Section 3)",
			"curl -si " + m.tokenRequest("orders:read") + m.bindingToCertificate()},
		{200, "a token bound to a client certificate, with that certificate", plain(token, mine)},
		{401, "the same without a certificate: invalid_token", plain(token)},
		{401, "the same with another certificate: invalid_token", plain(token, another)},
	}
	if strings.HasPrefix(mine, "--cert") {
		rows = append(rows, demoRow{401, "a Client-Cert field of the client's own, which no trusted proxy sent: invalid_token",
			plain(token, "-H 'Client-Cert: :"+base64.StdEncoding.EncodeToString(files.client.der)+":'")})
	}
	if m.config.proofs.use != off {
		both := m.bound(bearertest.Token{Scope: "orders:read"}, true, true)
		rows = append(rows, demoRow{200, "a token bound to a key and to a certificate, with both",
			m.plain("GET", "/orders", append(m.carry("DPoP", "GET", "/orders", both), mine)...)})
	}
	if m.config.transport.mtls == required {
		unbound := m.bound(bearertest.Token{Scope: "orders:read"}, withProof, false)
		rows = append(rows, demoRow{401, "a token that is bound to no certificate, where one is required: invalid_token", plain(unbound, mine)})
	}
	return rows
}
