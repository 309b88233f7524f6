package bearer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/netip"
	"strings"
)

// Certificates defines where the guard finds the client certificates to which
// tokens may be bound (RFC 8705, Section 3): in the TLS connection, or in a field
// set by a trusted proxy that terminates TLS. The zero value reads the TLS
// connection.
//
// The guard compares a certificate with the token and does not verify it
// otherwise, so self-signed certificates work. For the TLS connection to have
// one, set ClientAuth in the server's tls.Config to RequireAnyClientCert or
// RequestClientCert.
type Certificates struct {
	// Required rejects tokens that are not bound to a certificate. Default: off.
	Required bool

	// TrustedProxy reports whether the peer of a connection is a proxy whose
	// Client-Cert field (RFC 9440) the guard trusts. Such a proxy must remove
	// the field from its clients' requests. Default: no peer is trusted, and the
	// guard ignores the field.
	TrustedProxy func(peer netip.Addr) bool
}

func (c *Certificates) clone() *Certificates {
	if c == nil {
		return nil
	}
	own := *c
	return &own
}

// check judges whether the request's certificate has the given thumbprint. If the
// certificate is missing or different, the token is invalid (RFC 8705, Section 3).
func (c *Certificates) check(r *http.Request, thumbprint string) *Error {
	const expected = "the certificate to which the token is bound"
	der, got := c.certificateOf(r)
	if der == nil {
		return Invalid("client certificate", expected, got)
	}
	sum := sha256.Sum256(der)
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(thumbprint)) != 1 {
		return Invalid("client certificate", expected, "a different one")
	}
	return nil
}

// certificateOf returns the certificate of the request's client, or why the
// request has none.
func (c *Certificates) certificateOf(r *http.Request) (der []byte, why string) {
	if c.TrustedProxy != nil {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && c.TrustedProxy(peer.Addr().Unmap()) {
			return fromProxy(r.Header)
		}
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, "none"
	}
	return r.TLS.PeerCertificates[0].Raw, ""
}

// maxCertificate is the maximum length of the Client-Cert field in bytes.
const maxCertificate = 16 << 10

// fromProxy reads Client-Cert: one Byte Sequence of RFC 8941 (RFC 9440, Section
// 2.2). A second value, or a value under another spelling of the name, may come
// from the client and not from the proxy.
func fromProxy(h http.Header) (der []byte, why string) {
	for name := range h {
		if strings.EqualFold(strings.ReplaceAll(name, "_", "-"), "Client-Cert") && name != "Client-Cert" {
			return nil, "the field Client-Cert in another spelling"
		}
	}
	lines := h["Client-Cert"]
	switch {
	case len(lines) == 0:
		return nil, "none from the proxy"
	case len(lines) > 1:
		return nil, "several from the proxy"
	}
	value := strings.TrimSpace(lines[0])
	if len(value) < 2 || len(value) > maxCertificate || value[0] != ':' || value[len(value)-1] != ':' {
		return nil, "a malformed Client-Cert field"
	}
	der, err := base64.StdEncoding.Strict().DecodeString(value[1 : len(value)-1])
	if err != nil || len(der) == 0 {
		return nil, "a malformed Client-Cert field"
	}
	return der, ""
}
