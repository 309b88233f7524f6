package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
)

// transport is what the command line says of TLS, and of the client
// certificates to which tokens are bound (RFC 8705).
type transport struct {
	mtls      string // off, allowed or required
	cert, key string // files
	proxies   []string
	trusted   []netip.Prefix // of proxies
}

func (t *transport) flags(fs *flag.FlagSet) {
	fs.StringVar(&t.mtls, "mtls", off, "`whether` tokens are bound to client certificates (RFC 8705): off, allowed or required")
	fs.StringVar(&t.cert, "tls-cert", "", "`file` of the certificate for TLS, PEM (default: no TLS; with -dev and -mtls a self-signed one)")
	fs.StringVar(&t.key, "tls-key", "", "`file` of the private key for TLS, PEM")
	fs.Func("trusted-proxy", "`CIDR` or address of a proxy that ends TLS, whose Client-Cert field (RFC 9440) is believed; repeatable", func(s string) error {
		if s == "" {
			return errors.New("want a CIDR, such as 10.0.0.0/8")
		}
		t.proxies = append(t.proxies, s)
		return nil
	})
}

// check returns what is wrong with the flags, and completes the prefixes.
func (t *transport) check(dev bool) (errs []error) {
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains(uses, t.mtls) {
		mistake("-mtls %q; want one of %s", t.mtls, strings.Join(uses, ", "))
	}
	switch {
	case t.cert == "" && t.key != "":
		mistake("-tls-key without -tls-cert; want both")
	case t.cert != "" && t.key == "":
		mistake("-tls-cert without -tls-key; want both")
	case (t.mtls == allowed || t.mtls == required) && t.cert == "" && len(t.proxies) == 0 && !dev:
		mistake("-mtls %s without -tls-cert and -tls-key; want them, or -trusted-proxy if a proxy ends TLS", t.mtls)
	}
	if t.mtls == off && len(t.proxies) > 0 {
		mistake("-trusted-proxy with -mtls off, where no client certificate is looked at")
	}
	for _, proxy := range t.proxies {
		prefix, err := parsePrefix(proxy)
		if err != nil {
			mistake("-trusted-proxy %q; %w", proxy, err)
		}
		t.trusted = append(t.trusted, prefix)
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
		return prefix, errors.New("want less than everybody: whoever is trusted can claim any certificate")
	}
	return prefix, nil
}

// trusts reports whether the Client-Cert field of a peer is believed.
func (t *transport) trusts(peer netip.Addr) bool {
	return slices.ContainsFunc(t.trusted, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// certificates says where the guard finds client certificates; nil: nowhere.
func (t *transport) certificates() *bearer.Certificates {
	if t.mtls == off {
		return nil
	}
	certificates := &bearer.Certificates{Required: t.mtls == required}
	if len(t.trusted) > 0 {
		certificates.TrustedProxy = t.trusts
	}
	return certificates
}

// selfSigned reports whether the program makes its own certificate.
func (t *transport) selfSigned(dev bool) bool {
	return dev && t.mtls != off && t.cert == "" && len(t.proxies) == 0
}

// config returns the TLS configuration with the certificate of the files, or
// nil for plain HTTP.
func (t *transport) config() (*tls.Config, error) {
	if t.cert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(t.cert, t.key)
	if err != nil {
		return nil, usage("-tls-cert and -tls-key: %w", err)
	}
	return t.serving(certificate), nil
}

// serving asks for a client certificate and does not insist, so that a client
// without one gets an answer that says what is missing (401) and not a
// handshake that broke, and the public routes stay open. The price: whoever
// reaches the port reaches HTTP. Certificates may be self-signed (RFC 8705,
// Section 2.2): the handshake proves who holds the key, and the token says
// whose it is.
func (t *transport) serving(certificate tls.Certificate) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	if t.mtls != off {
		c.ClientAuth = tls.RequestClientCert
	}
	return c
}
