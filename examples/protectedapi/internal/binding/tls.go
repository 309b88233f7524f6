package binding

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/usage"
)

// Transport are the flags for TLS, and for the client certificates that tokens
// are bound to (RFC 8705).
type Transport struct {
	Mode           string // Off, Allowed or Required
	Cert, key      string // files
	proxies        []string
	trustedProxies []netip.Prefix
}

// Register adds the flags to a flag set.
func (t *Transport) Register(flags *flag.FlagSet) {
	flags.StringVar(&t.Mode, "mtls", Off, "`whether` tokens are bound to client certificates (RFC 8705): off, allowed or required")
	flags.StringVar(&t.Cert, "tls-cert", "", "`file` of the certificate for TLS, PEM (default: no TLS; with -dev and -mtls a self-signed one)")
	flags.StringVar(&t.key, "tls-key", "", "`file` of the private key for TLS, PEM")
	flags.Func("trusted-proxy", "`CIDR` or address of a proxy that terminates TLS and whose Client-Cert field (RFC 9440) is trusted; repeatable", func(s string) error {
		if s == "" {
			return errors.New("want a CIDR, such as 10.0.0.0/8")
		}
		t.proxies = append(t.proxies, s)
		return nil
	})
}

// Check returns the mistakes in the flags. It parses the proxies' prefixes.
func (t *Transport) Check(dev bool) (errs []error) {
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains(Modes(), t.Mode) {
		mistake("-mtls %q; want one of %s", t.Mode, strings.Join(Modes(), ", "))
	}
	switch {
	case t.Cert == "" && t.key != "":
		mistake("-tls-key without -tls-cert; want both")
	case t.Cert != "" && t.key == "":
		mistake("-tls-cert without -tls-key; want both")
	case (t.Mode == Allowed || t.Mode == Required) && t.Cert == "" && len(t.proxies) == 0 && !dev:
		mistake("-mtls %s without -tls-cert and -tls-key; want them, or -trusted-proxy if a proxy terminates TLS", t.Mode)
	}
	if t.Mode == Off && len(t.proxies) > 0 {
		mistake("-trusted-proxy with -mtls off; want -mtls, since otherwise client certificates are ignored")
	}
	for _, proxy := range t.proxies {
		prefix, err := parsePrefix(proxy)
		if err != nil {
			mistake("-trusted-proxy %q; %w", proxy, err)
		}
		t.trustedProxies = append(t.trustedProxies, prefix)
	}
	return errs
}

func parsePrefix(s string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(s)
	if addr, addrErr := netip.ParseAddr(s); addrErr == nil && addr.Zone() == "" {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	switch {
	case err != nil:
		return prefix, errors.New("want a CIDR, such as 10.0.0.0/8, or an address")
	case prefix.Addr().Is4In6():
		return prefix, errors.New("want the address in its IPv4 form")
	case prefix.Bits() == 0:
		return prefix, errors.New("want a smaller network: every trusted address can claim any certificate")
	}
	return prefix, nil
}

// Trusts reports whether the API believes the Client-Cert field of a peer.
func (t *Transport) Trusts(peer netip.Addr) bool {
	return slices.ContainsFunc(t.trustedProxies, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// Certificates says where the guard finds client certificates. It returns nil if
// the API does not check them.
func (t *Transport) Certificates() *bearer.Certificates {
	if t.Mode == Off {
		return nil
	}
	certificates := &bearer.Certificates{Required: t.Mode == Required}
	if len(t.trustedProxies) > 0 {
		certificates.TrustedProxy = t.Trusts
	}
	return certificates
}

// TLS reports whether the program serves TLS.
func (t *Transport) TLS(dev bool) bool { return t.Cert != "" || t.SelfSigned(dev) }

// SelfSigned reports whether the program makes its own certificate.
func (t *Transport) SelfSigned(dev bool) bool {
	return dev && t.Mode != Off && t.Cert == "" && len(t.proxies) == 0
}

// FilesNamed reports whether the flags name both files, or neither. Otherwise
// Check has found a mistake.
func (t *Transport) FilesNamed() bool { return (t.Cert == "") == (t.key == "") }

// Config returns the TLS configuration for the certificate of the files, or nil
// for plain HTTP.
func (t *Transport) Config() (*tls.Config, error) {
	if t.Cert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(t.Cert, t.key)
	if err != nil {
		return nil, usage.Errorf("-tls-cert and -tls-key: %w", err)
	}
	return t.ConfigFor(certificate), nil
}

// ConfigFor returns the TLS configuration for a certificate.
//
// The server requests a client certificate and does not require one. A client
// without one gets a 401 that says what is missing, instead of a failed
// handshake, and public routes stay open. In return, anyone who reaches the port
// can send HTTP requests. Client certificates may be self-signed (RFC
// 8705, Section 2.2): the handshake proves that the client holds the key, and
// the token names the certificate.
func (t *Transport) ConfigFor(certificate tls.Certificate) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	if t.Mode != Off {
		c.ClientAuth = tls.RequestClientCert
	}
	return c
}
