package bearer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
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
	// field the guard trusts. The guard then reads the field From, and never the
	// certificate of the TLS connection, which is the proxy's. Such a proxy must
	// remove the field from its clients' requests. The peer is the RemoteAddr of
	// the request, so no outer middleware may replace that with an address from a
	// header field. If it is not an address with a port, or the server
	// listens on a Unix socket, the guard finds no certificate. Default: no peer is trusted, and the guard ignores the field.
	TrustedProxy func(peer netip.Addr) bool

	// From is the field in which trusted proxies send the client certificate,
	// and its format. It needs TrustedProxy. Default: the field Client-Cert
	// (RFC 9440).
	From CertificateField
}

// clone returns a copy with the defaults.
func (c *Certificates) clone() *Certificates {
	if c == nil {
		return nil
	}
	own := *c
	if own.From == (CertificateField{}) {
		own.From = CertificateFromRFC9440()
	}
	return &own
}

func (c *Certificates) validate() error {
	switch {
	case c == nil || c.From == CertificateField{}:
		return nil
	case c.TrustedProxy == nil:
		return errors.New("From needs TrustedProxy to say whose field the guard trusts")
	}
	return c.From.validate()
}

// thumbprint is the SHA-256 of a certificate in DER (RFC 8705, Section 3.1).
type thumbprint [sha256.Size]byte

// check judges whether the request's certificate has the given thumbprint. If the
// certificate is missing or different, the token is invalid (RFC 8705, Section 3).
func (c *Certificates) check(r *http.Request, want string) *Error {
	const expected = "the certificate to which the token is bound"
	sum, problem := c.certificateOf(r)
	if problem != "" {
		return Invalid("client certificate", expected, problem)
	}
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(want)) != 1 {
		return Invalid("client certificate", expected, "a different one")
	}
	return nil
}

// certificateOf returns the certificate of the request's client, or why the
// request has none.
func (c *Certificates) certificateOf(r *http.Request) (sum thumbprint, problem string) {
	if c.TrustedProxy != nil {
		peer, ok := peerOf(r)
		if !ok { // the TLS connection may be that of a proxy
			return thumbprint{}, "a peer whose address is unknown"
		}
		if c.TrustedProxy(peer) {
			return c.From.read(r.Header)
		}
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return thumbprint{}, "none"
	}
	return sha256.Sum256(r.TLS.PeerCertificates[0].Raw), ""
}
