package bearer

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// CertificateField is the header field in which a proxy sends its client's
// certificate, and the field's format. Set it in [Certificates]. The zero value is
// [CertificateFromRFC9440].
//
// The guard rejects a token that is bound to a certificate if the field is missing
// or malformed, has a second line, exceeds 64 KiB (16 KiB where it can hold only
// one certificate), or also occurs under a name with underscores in place of
// hyphens. The log says which.
type CertificateField struct {
	kind    certificateKind
	name    string
	proxies int // that append an element to X-Forwarded-Client-Cert
}

type certificateKind uint8

const (
	certificateRFC9440   certificateKind = iota + 1
	certificatePEM                       // percent-encoded PEM
	certificatePEMChain                  // the same, with the rest of the chain after it
	certificateDER                       // base64
	certificateDERChain                  // base64, with the rest of the chain after commas
	certificateForwarded                 // X-Forwarded-Client-Cert
)

// CertificateFromRFC9440 is the field Client-Cert: one Byte Sequence (RFC 9440,
// Section 2.2; RFC 8941, Section 3.3.5).
func CertificateFromRFC9440() CertificateField {
	return CertificateField{kind: certificateRFC9440, name: "Client-Cert"}
}

// CertificateFromNginx is a field that nginx sets to $ssl_client_escaped_cert: the
// percent-encoded PEM of one certificate.
//
//	proxy_set_header X-Client-Cert $ssl_client_escaped_cert;
func CertificateFromNginx(field string) CertificateField {
	return CertificateField{kind: certificatePEM, name: http.CanonicalHeaderKey(field)}
}

// CertificateFromHAProxy is a field that HAProxy sets to the base64 of the
// certificate in DER.
//
//	http-request set-header X-Client-Cert %[ssl_c_der,base64]
func CertificateFromHAProxy(field string) CertificateField {
	return CertificateField{kind: certificateDER, name: http.CanonicalHeaderKey(field)}
}

// CertificateFromEnvoy is the field X-Forwarded-Client-Cert of Envoy and Istio.
// Each proxy appends an element for its own client. The field must have exactly as
// many elements as there are proxies, and the guard reads the first one: Hash, or
// Cert, or both, which must then agree.
//
// The outermost proxy must use SANITIZE_SET, which removes the field of its
// clients. For more than one proxy, the others must use APPEND_FORWARD, and must
// accept requests only from the proxy before them: any other client of theirs can
// forge the first element.
func CertificateFromEnvoy(proxies int) CertificateField {
	return CertificateField{kind: certificateForwarded, name: "X-Forwarded-Client-Cert", proxies: proxies}
}

// CertificateFromALB is a field of an AWS Application Load Balancer with the
// percent-encoded PEM: X-Amzn-Mtls-Clientcert-Leaf in verify mode, and
// X-Amzn-Mtls-Clientcert in passthrough mode. The client's certificate is the first
// of the chain.
func CertificateFromALB(field string) CertificateField {
	return CertificateField{kind: certificatePEMChain, name: http.CanonicalHeaderKey(field)}
}

// CertificateFromTraefik is the field X-Forwarded-Tls-Client-Cert of Traefik's
// middleware passTLSClientCert with pem: true: PEM without its delimiters and line
// breaks, which is the base64 of DER. The client's certificate is the first of the
// chain.
func CertificateFromTraefik() CertificateField {
	return CertificateField{kind: certificateDERChain, name: "X-Forwarded-Tls-Client-Cert"}
}

func (f CertificateField) validate() error {
	switch {
	case !isName(f.name):
		return fmt.Errorf("From has the field name %q; want letters, digits and hyphens", f.name)
	case strings.Contains(f.name, "_"):
		return fmt.Errorf("From has the field name %q; want hyphens in place of underscores, since some proxies treat both alike", f.name)
	case f.kind == certificateForwarded && f.proxies < 1:
		return errors.New("From is CertificateFromEnvoy without a proxy; want at least 1")
	}
	return nil
}

// limit is the maximum length of the field in bytes.
func (f CertificateField) limit() int {
	switch f.kind {
	case certificateRFC9440, certificatePEM, certificateDER:
		return 16 << 10
	}
	return 64 << 10
}

// read returns the certificate in the field, or why there is none. A second line,
// or a line under another spelling of the name, may come from the client and not
// from the proxy.
func (f CertificateField) read(h http.Header) (sum thumbprint, problem string) {
	for name := range h {
		if name != f.name && strings.EqualFold(strings.ReplaceAll(name, "_", "-"), f.name) {
			return sum, "the field " + f.name + " in another spelling"
		}
	}
	lines := h[f.name]
	switch {
	case len(lines) > 1:
		return sum, "several lines of " + f.name + " from the proxy"
	case len(lines) == 0 || lines[0] == "":
		return sum, "none from the proxy in " + f.name
	case len(lines[0]) > f.limit():
		return sum, fmt.Sprintf("a field %s of more than %d bytes", f.name, f.limit())
	}
	sum, err := f.parse(strings.TrimSpace(lines[0]))
	if err != nil {
		return thumbprint{}, "a malformed field " + f.name + ": " + err.Error()
	}
	return sum, ""
}

// parse returns the certificate in the field's value. No error quotes the value.
func (f CertificateField) parse(value string) (thumbprint, error) {
	switch f.kind {
	case certificateRFC9440:
		if len(value) < 2 || value[0] != ':' || value[len(value)-1] != ':' {
			return thumbprint{}, errors.New("want a Byte Sequence, :base64:")
		}
		return sumOfBase64(value[1 : len(value)-1])
	case certificateDER:
		return sumOfBase64(value)
	case certificateDERChain:
		return sumOfChain(value)
	case certificateForwarded:
		return sumOfForwarded(value, f.proxies)
	default:
		return sumOfPEM(value, f.kind == certificatePEMChain)
	}
}

func sumOfBase64(encoded string) (thumbprint, error) {
	// The decoder ignores line breaks, which PEM has.
	der, err := base64.StdEncoding.Strict().DecodeString(encoded)
	switch {
	case err != nil:
		return thumbprint{}, errors.New("want base64 with padding")
	case len(der) == 0:
		return thumbprint{}, errors.New("an empty certificate")
	}
	return sha256.Sum256(der), nil
}

// sumOfChain reads certificates in base64, separated by commas. Old versions of
// Traefik also percent-encode them.
func sumOfChain(encoded string) (first thumbprint, err error) {
	encoded, err = url.PathUnescape(encoded)
	if err != nil {
		return first, errNotPercentEncoded
	}
	for i, each := range strings.Split(encoded, ",") {
		sum, err := sumOfBase64(each)
		if err != nil {
			return thumbprint{}, err
		}
		if i == 0 {
			first = sum
		}
	}
	return first, nil
}

var errNotPercentEncoded = errors.New("want a percent-encoded text")

// sumOfPEM reads a percent-encoded PEM file of one certificate, or of a chain. It
// does not use encoding/pem, which skips text that is not PEM: this field has
// nothing else.
func sumOfPEM(escaped string, isChain bool) (first thumbprint, err error) {
	text, err := url.PathUnescape(escaped) // "+" stands for itself
	if err != nil {
		return first, errNotPercentEncoded
	}
	for n := 0; ; n++ {
		body, ok := strings.CutPrefix(text, "-----BEGIN CERTIFICATE-----")
		body, rest, ended := strings.Cut(body, "-----END CERTIFICATE-----")
		switch {
		case !ok || !ended:
			return thumbprint{}, errors.New("want PEM of the type CERTIFICATE")
		case n == 1 && !isChain:
			return thumbprint{}, errors.New("want one certificate, got several")
		}
		sum, err := sumOfBase64(body)
		if err != nil {
			return thumbprint{}, err
		}
		if n == 0 {
			first = sum
		}
		if text = strings.Trim(rest, "\r\n"); text == "" {
			return first, nil
		}
	}
}
