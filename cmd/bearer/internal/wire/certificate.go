package wire

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
)

// soon is how long before its end a certificate is worth a warning.
const soon = 14 * 24 * time.Hour

const tlsSpec = "RFC 9110, Section 4.3.4; RFC 6750, Section 5.2"

// Certificate returns what is wrong with the TLS connection to host: its version,
// and the certificate's time, name and chain. Each mistake is reported by itself, as
// if the others were absent.
func (c *Client) Certificate(state tls.ConnectionState, host string) []finding.Finding {
	var found []finding.Finding
	if state.Version < tls.VersionTLS12 {
		found = append(found, finding.Finding{Code: "tls-version", Severity: finding.Fault, Spec: "RFC 9325, Section 3.1.1",
			Text: "the server speaks " + tls.VersionName(state.Version), Do: "enable TLS 1.2 and 1.3, and disable older versions"})
	}
	if len(state.PeerCertificates) == 0 {
		return found
	}
	leaf := state.PeerCertificates[0]
	now := time.Now()
	add := func(code string, severity finding.Severity, text, do string) {
		found = append(found, finding.Finding{Code: code, Severity: severity, Text: text, Do: do, Spec: tlsSpec})
	}
	switch {
	case now.After(leaf.NotAfter):
		add("certificate-expired", finding.Fault, "the certificate expired on "+day(leaf.NotAfter), "renew the certificate, and let a program renew it from now on")
	case now.Before(leaf.NotBefore):
		add("certificate-early", finding.Fault, "the certificate is valid only from "+day(leaf.NotBefore), "check the clocks of the server and of this machine")
	case leaf.NotAfter.Sub(now) < soon:
		add("certificate-ends-soon", finding.Warning, "the certificate expires on "+day(leaf.NotAfter), "renew the certificate")
	}
	if err := leaf.VerifyHostname(host); err != nil {
		add("certificate-name", finding.Fault, fmt.Sprintf("the certificate is for %s, not for %s", names(leaf), finding.Clip(host)), "use a certificate for this name, or call the API by a name that the certificate has")
	}
	if err := c.verifyChain(state.PeerCertificates); err != nil {
		text, do := chainFault(state.PeerCertificates)
		add("certificate-chain", finding.Fault, text, do)
	}
	return found
}

// verifyChain verifies the chain at a time when the leaf was valid, so that an
// expired certificate is not reported twice.
func (c *Client) verifyChain(chain []*x509.Certificate) error {
	at := time.Now()
	if leaf := chain[0]; at.After(leaf.NotAfter) {
		at = leaf.NotAfter
	} else if at.Before(leaf.NotBefore) {
		at = leaf.NotBefore
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: c.config.Roots, Intermediates: intermediates, CurrentTime: at})
	return err
}

func chainFault(chain []*x509.Certificate) (text, do string) {
	leaf := chain[0]
	switch {
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		return "the certificate is self-signed", "use a certificate of an authority that clients trust; for a development server, name its file by --cacert"
	case len(chain) == 1:
		return "no trusted authority signed the certificate, and the server sends no intermediate certificates", "configure the server with the full chain, or name the authority's certificate by --cacert"
	}
	return "no trusted authority signed the certificate's chain", "use a certificate of an authority that clients trust, or name the authority's certificate by --cacert"
}

// names returns some of the names in a certificate.
func names(leaf *x509.Certificate) string {
	all := leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no name"
	}
	text := finding.Clip(all[0])
	if len(all) > 1 {
		text += fmt.Sprintf(" and %d more", len(all)-1)
	}
	return text
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
