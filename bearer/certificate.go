package bearer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/netip"
	"strings"
)

// Certificates says where the client certificates come from to which tokens may
// be bound (RFC 8705, Section 3): from the TLS connection, or from a trusted
// proxy that ended it. Certificates are compared with the token and not
// verified otherwise: a self-signed one will do, and the server's tls.Config
// asks for it by RequireAnyClientCert or RequestClientCert.
type Certificates struct {
	// Required refuses tokens that are not bound to a certificate. Default:
	// they are taken.
	Required bool

	// TrustedProxy reports whether the peer of a connection is a proxy whose
	// Client-Cert field (RFC 9440) is believed. Such a proxy must remove the
	// field from what its clients send. Default: no peer is, and the field is
	// ignored.
	TrustedProxy func(peer netip.Addr) bool
}

func (c *Certificates) clone() *Certificates {
	if c == nil {
		return nil
	}
	own := *c
	return &own
}

// check judges whether the certificate of the request is the one of that
// thumbprint. One that is missing is as bad as another (RFC 8705, Section 3).
func (c *Certificates) check(r *http.Request, thumbprint string) *Error {
	der, got := c.of(r)
	if der == nil {
		return Invalid("client certificate", "that to which the token is bound", got)
	}
	sum := sha256.Sum256(der)
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(thumbprint)) != 1 {
		return Invalid("client certificate", "that to which the token is bound", "another")
	}
	return nil
}

// of returns the certificate of the request's client, or why there is none.
func (c *Certificates) of(r *http.Request) (der []byte, why string) {
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

// maxCertificate bounds a certificate in a field.
const maxCertificate = 16 << 10

// fromProxy reads Client-Cert: one Byte Sequence of RFC 8941 (RFC 9440, Section
// 2.2). A second value, or one under another spelling of the name, may be the
// client's own and not the proxy's.
func fromProxy(h http.Header) (der []byte, why string) {
	for name := range h {
		if strings.EqualFold(strings.ReplaceAll(name, "_", "-"), "Client-Cert") && name != "Client-Cert" {
			return nil, "the field under another spelling of its name"
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
		return nil, "a field that is malformed"
	}
	der, err := base64.StdEncoding.Strict().DecodeString(value[1 : len(value)-1])
	if err != nil || len(der) == 0 {
		return nil, "a field that is malformed"
	}
	return der, ""
}
