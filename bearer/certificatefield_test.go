package bearer_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// The encodings that proxies use.
func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
func escapedPEM(der []byte) string {
	return strings.ReplaceAll(url.QueryEscape(pemOf(der)), "+", "%20")
}
func albPEM(ders ...[]byte) (s string) { // +=/ are not encoded
	for _, der := range ders {
		s += strings.NewReplacer("\n", "%0A", " ", "%20").Replace(pemOf(der))
	}
	return s
}
func base64DER(der []byte) string { return base64.StdEncoding.EncodeToString(der) }
func hashOf(der []byte) string    { sum := sha256.Sum256(der); return hex.EncodeToString(sum[:]) }

// certificateRoute returns a route whose tokens are bound to the certificate, and
// whose proxy sends it in a field.
func certificateRoute(t testing.TB, der []byte, from bearer.CertificateField, log *eventLog) *bearer.Route {
	sum := sha256.Sum256(der)
	bound := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		return &bearer.Principal{Subject: "alice", Confirmation: bearer.Confirmation{X5TS256: base64.RawURLEncoding.EncodeToString(sum[:])}}, nil
	})
	return newRoute(t, log.config(bearer.Config{
		Verifiers: []bearer.Verifier{bound},
		Certificates: &bearer.Certificates{
			TrustedProxy: func(peer netip.Addr) bool { return peer == netip.MustParseAddr("192.0.2.1") },
			From:         from,
		},
	}), bearer.RouteConfig{Rule: scope.None})
}

// proxied returns a request of the trusted proxy. The TLS connection has a
// certificate too, which is the proxy's.
func proxied(proxyCertificate []byte, header http.Header) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "192.0.2.1:4711"
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: proxyCertificate}}}
	r.Header = header.Clone()
	r.Header.Set("Authorization", "Bearer token")
	return r
}

// Checklist M4; part 2.7: one value from the trusted proxy, in its own format.
func TestCertificateFields(t *testing.T) {
	// A length that needs padding, and bytes that give + and / in base64.
	mine, other := append([]byte("the certificate of the client"), 0xfb, 0xff, 0xbf, 0xfe), []byte("another certificate")
	nginx, haproxy, alb := bearer.CertificateFromNginx("X-Cert"), bearer.CertificateFromHAProxy("x-cert"), bearer.CertificateFromALB("X-Cert")
	const traefikField, envoyField = "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Client-Cert"
	traefik, envoy, istio := bearer.CertificateFromTraefik(), bearer.CertificateFromEnvoy(1), bearer.CertificateFromEnvoy(2)
	const accepted = "" // otherwise: a part of Got
	hash, subject := "Hash="+hashOf(mine), `Subject="CN=a\, \"b\",O=c;d\\"`
	tests := []struct {
		name  string
		from  bearer.CertificateField
		field string
		lines []string
		want  string
	}{
		{"nginx", nginx, "X-Cert", []string{escapedPEM(mine)}, accepted},
		{"nginx, another certificate", nginx, "X-Cert", []string{escapedPEM(other)}, "a different one"},
		{"nginx, no certificate", nginx, "X-Cert", nil, "none from the proxy in X-Cert"},
		{"nginx, an empty field", nginx, "X-Cert", []string{""}, "none from the proxy"},
		{"nginx, two certificates", nginx, "X-Cert", []string{escapedPEM(mine) + escapedPEM(mine)}, "got several"},
		{"nginx, two lines", nginx, "X-Cert", []string{escapedPEM(mine), escapedPEM(mine)}, "several lines of X-Cert"},
		{"nginx, a broken escape", nginx, "X-Cert", []string{escapedPEM(mine) + "%4"}, "percent-encoded"},
		{"nginx, another type", nginx, "X-Cert", []string{strings.ReplaceAll(escapedPEM(mine), "CERTIFICATE", "PUBLIC%20KEY")}, "type CERTIFICATE"},
		{"nginx, text before", nginx, "X-Cert", []string{"a%0A" + escapedPEM(mine)}, "type CERTIFICATE"},
		{"nginx, text after", nginx, "X-Cert", []string{escapedPEM(mine) + "a"}, "type CERTIFICATE"},
		{"nginx, PEM headers", nginx, "X-Cert", []string{strings.Replace(escapedPEM(mine), "%0A", "%0AA%3A%20b%0A%0A", 1)}, "base64"},
		{"nginx, no end", nginx, "X-Cert", []string{escapedPEM(mine)[:60]}, "type CERTIFICATE"},
		{"nginx, an empty certificate", nginx, "X-Cert", []string{escapedPEM(nil)}, "an empty certificate"},
		{"nginx, too long", nginx, "X-Cert", []string{escapedPEM(make([]byte, 16<<10))}, "more than 16384 bytes"},
		{"nginx, the format of HAProxy", nginx, "X-Cert", []string{base64DER(mine)}, "type CERTIFICATE"},

		{"HAProxy", haproxy, "X-Cert", []string{base64DER(mine)}, accepted},
		{"HAProxy, another certificate", haproxy, "X-Cert", []string{base64DER(other)}, "a different one"},
		{"HAProxy, as long as it may be", haproxy, "X-Cert", []string{strings.Repeat("A", 16<<10)}, "a different one"},
		{"HAProxy, too long by one", haproxy, "X-Cert", []string{strings.Repeat("A", 16<<10+1)}, "more than 16384 bytes"},
		{"HAProxy, two", haproxy, "X-Cert", []string{base64DER(mine) + "," + base64DER(mine)}, "base64"},
		{"HAProxy, base64url", haproxy, "X-Cert", []string{base64.URLEncoding.EncodeToString(mine)}, "base64"},
		{"HAProxy, no padding", haproxy, "X-Cert", []string{strings.TrimRight(base64DER(other), "=")}, "base64"},
		{"HAProxy, the format of RFC 9440", haproxy, "X-Cert", []string{":" + base64DER(mine) + ":"}, "base64"},

		{"ALB, verify", alb, "X-Cert", []string{albPEM(mine)}, accepted},
		{"ALB, passthrough", alb, "X-Cert", []string{albPEM(mine, other)}, accepted},
		{"ALB, another first", alb, "X-Cert", []string{albPEM(other, mine)}, "a different one"},
		{"ALB, rubbish in the chain", alb, "X-Cert", []string{albPEM(mine) + "a"}, "type CERTIFICATE"},
		{"ALB, broken chain", alb, "X-Cert", []string{albPEM(mine) + "-----BEGIN%20CERTIFICATE-----a-----END%20CERTIFICATE-----"}, "base64"},
		{"ALB, too long", alb, "X-Cert", []string{albPEM(mine, make([]byte, 64<<10))}, "more than 65536 bytes"},

		{"Traefik", traefik, traefikField, []string{base64DER(mine)}, accepted},
		{"Traefik, a chain", traefik, traefikField, []string{base64DER(mine) + "," + base64DER(other)}, accepted},
		{"Traefik, escaped", traefik, traefikField, []string{url.QueryEscape(base64DER(mine) + "," + base64DER(other))}, accepted},
		{"Traefik, another first", traefik, traefikField, []string{base64DER(other) + "," + base64DER(mine)}, "a different one"},
		{"Traefik, a broken escape", traefik, traefikField, []string{base64DER(mine) + "%4"}, "percent-encoded"},
		{"Traefik, a comma too many", traefik, traefikField, []string{base64DER(mine) + ","}, "an empty certificate"},
		{"Traefik, broken chain", traefik, traefikField, []string{base64DER(mine) + ",a"}, "base64"},

		{"Envoy, Hash", envoy, envoyField, []string{"By=spiffe://a;" + hash + ";" + subject + ";URI=spiffe://b?c=d;DNS=e;DNS=f"}, accepted},
		{"Envoy, Hash in upper case", envoy, envoyField, []string{"HASH=" + strings.ToUpper(hashOf(mine))}, accepted},
		{"Envoy, Cert", envoy, envoyField, []string{`Cert="` + escapedPEM(mine) + `"`}, accepted},
		{"Envoy, both", envoy, envoyField, []string{hash + `;Cert="` + escapedPEM(mine) + `";Chain="` + escapedPEM(mine) + escapedPEM(other) + `"`}, accepted},
		{"Envoy, both, which differ", envoy, envoyField, []string{hash + `;Cert="` + escapedPEM(other) + `"`}, "Hash and Cert differ"},
		{"Envoy, another certificate", envoy, envoyField, []string{"Hash=" + hashOf(other)}, "a different one"},
		{"Envoy, neither", envoy, envoyField, []string{subject + `;URI=a`}, "want Hash or Cert"},
		{"Envoy, Chain alone", envoy, envoyField, []string{`Chain="` + escapedPEM(mine) + `"`}, "want Hash or Cert"},
		{"Envoy, Hash twice", envoy, envoyField, []string{hash + ";" + hash}, "one value of Hash"},
		{"Envoy, an empty Hash", envoy, envoyField, []string{"Hash="}, "one value of Hash"},
		{"Envoy, half a Hash", envoy, envoyField, []string{hash[:40]}, "SHA-256"},
		{"Envoy, a Hash and half a byte", envoy, envoyField, []string{hash + "a"}, "SHA-256"},
		{"Envoy, sixteen bytes of Hash", envoy, envoyField, []string{hash[:len("Hash=")+32]}, "SHA-256"},
		{"Envoy, a Hash that is not hexadecimal", envoy, envoyField, []string{"Hash=" + strings.Repeat("z", 64)}, "SHA-256"},
		{"Envoy, a Cert that is no PEM", envoy, envoyField, []string{`Cert="x"`}, "Cert: want PEM"},
		{"Envoy, two certificates in Cert", envoy, envoyField, []string{`Cert="` + escapedPEM(mine) + escapedPEM(other) + `"`}, "Cert: want one certificate"},
		{"Envoy, an empty value before Hash", envoy, envoyField, []string{"URI=;" + hash}, accepted},
		{"Envoy, an empty value before another element", envoy, envoyField, []string{hash + ";URI=," + hash}, "want 1 elements, got 2"},
		{"Envoy, two elements", envoy, envoyField, []string{hash + "," + hash}, "want 1 elements, got 2"},
		{"Envoy, a name that looks like another element", envoy, envoyField, []string{"Hash=" + hashOf(other) + ";URI=a," + hash}, "want 1 elements, got 2"},
		{"Envoy, a name that looks like another Hash", envoy, envoyField, []string{"Hash=" + hashOf(other) + ";URI=a;" + hash}, "one value of Hash"},
		{"Envoy, a name in quotes that looks like another Hash", envoy, envoyField, []string{"Hash=" + hashOf(other) + `;Subject="CN=a\";` + hash + `"`}, "a different one"},
		{"Envoy, a name that ends with a backslash", envoy, envoyField, []string{hash + `;Subject="CN=a\\";URI=`}, accepted},
		{"Envoy, a quote without its end", envoy, envoyField, []string{hash + `;Subject="CN=a`}, "a quote without its end"},
		{"Envoy, text after a quote", envoy, envoyField, []string{hash + `;Subject="CN=a"b`}, "separator"},
		{"Envoy, a quote within", envoy, envoyField, []string{hash + `;URI=a"b`}, "a quote within"},
		{"Envoy, no pair", envoy, envoyField, []string{hash + ";"}, "key=value"},
		{"Envoy, two lines", envoy, envoyField, []string{hash, hash}, "several lines"},
		{"Istio, gateway and sidecar", istio, envoyField, []string{hash + ";" + subject + ",By=c;Hash=" + hashOf(other)}, accepted},
		{"Istio, the client is the second", istio, envoyField, []string{"Hash=" + hashOf(other) + "," + hash}, "a different one"},
		{"Istio, past the gateway", istio, envoyField, []string{hash}, "want 2 elements, got 1"},
		{"Istio, three elements too many", istio, envoyField, []string{strings.Repeat(hash+",", 4) + hash}, "want 2 elements, got 3"},
		{"Istio, an element too many", istio, envoyField, []string{hash + "," + hash + "," + hash}, "want 2 elements, got 3"},

		{"RFC 9440 by name", bearer.CertificateFromRFC9440(), "Client-Cert", []string{":" + base64DER(mine) + ":"}, accepted},
		{"RFC 9440 by default", bearer.CertificateField{}, "Client-Cert", []string{":" + base64DER(mine) + ":"}, accepted},
		{"RFC 9440, a colon alone", bearer.CertificateField{}, "Client-Cert", []string{":"}, "want a Byte Sequence"},
		{"RFC 9440, one character", bearer.CertificateField{}, "Client-Cert", []string{"a"}, "want a Byte Sequence"},
		{"RFC 9440, nothing in the sequence", bearer.CertificateField{}, "Client-Cert", []string{"::"}, "an empty certificate"},
		{"RFC 9440, no first colon", bearer.CertificateField{}, "Client-Cert", []string{"a" + base64DER(mine) + ":"}, "want a Byte Sequence"},
		{"RFC 9440, no last colon", bearer.CertificateField{}, "Client-Cert", []string{":" + base64DER(mine) + "a"}, "want a Byte Sequence"},
		{"RFC 9440, two in a list", bearer.CertificateField{}, "Client-Cert", []string{":" + base64DER(mine) + ":, :" + base64DER(mine) + ":"}, "base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log eventLog
			header := http.Header{"Client-Cert": {":" + base64DER(mine) + ":"}} // that of another format is ignored
			header[tt.field] = tt.lines
			got := serve(certificateRoute(t, mine, tt.from, &log), proxied(mine, header))
			if tt.want == accepted {
				if got.status != 200 {
					t.Fatalf("%d; %s", got.status, log.buf.String())
				}
				return
			}
			record, event := log.only(t)
			if got.status != 401 || event.Check != "client certificate" || !strings.Contains(event.Got, tt.want) || record["got"] != event.Got {
				t.Errorf("%d by %q, got %q; want 401 with %q", got.status, event.Check, event.Got, tt.want)
			}
			const challenge = `Bearer realm="api", error="invalid_token", error_description="The access token is invalid."`
			if got.challenge() != challenge || strings.Contains(got.body+event.Got, hashOf(mine)) {
				t.Errorf("challenge %q, body %s", got.challenge(), got.body)
			}
		})
	}
}

// CVE-2025-64484: a proxy may pass on the same field in another spelling, which
// the client has set. The proxy's own certificate never stands in for the client's.
func TestCertificateFieldSpellings(t *testing.T) {
	mine := []byte("the certificate")
	for name, from := range map[string]bearer.CertificateField{
		"X-Cert": bearer.CertificateFromNginx("X-Cert"), "X-Forwarded-Client-Cert": bearer.CertificateFromEnvoy(1),
		"X-Forwarded-Tls-Client-Cert": bearer.CertificateFromTraefik(), "Client-Cert": {},
	} {
		values := map[string]string{
			"X-Cert": escapedPEM(mine), "X-Forwarded-Client-Cert": "Hash=" + hashOf(mine),
			"X-Forwarded-Tls-Client-Cert": base64DER(mine), "Client-Cert": ":" + base64DER(mine) + ":",
		}
		var log eventLog
		rt := certificateRoute(t, mine, from, &log)
		for _, alias := range []string{strings.ReplaceAll(name, "-", "_"), strings.ToLower(name), strings.Replace(name, "-", "_", 1)} {
			for _, header := range []http.Header{{name: {values[name]}, alias: {"x"}}, {alias: {values[name]}}} {
				log.reset()
				if got := serve(rt, proxied(mine, header)); got.status != 401 || !strings.Contains(log.buf.String(), "another spelling") {
					t.Errorf("%v: %d %s", header, got.status, log.buf.String())
				}
			}
		}
		r := proxied(mine, http.Header{name: {values[name]}})
		r.RemoteAddr = "198.51.100.1:1"
		r.TLS = nil
		if got := serve(rt, r); got.status != 401 {
			t.Errorf("%s from an untrusted peer: %d", name, got.status)
		}
	}
}

func TestCertificateFieldMistakes(t *testing.T) {
	trusted := func(netip.Addr) bool { return true }
	for want, c := range map[string]bearer.Certificates{
		"From needs TrustedProxy":          {From: bearer.CertificateFromTraefik()},
		`From has the field name ""`:       {From: bearer.CertificateFromNginx(""), TrustedProxy: trusted},
		`From has the field name "a b"`:    {From: bearer.CertificateFromHAProxy("a b"), TrustedProxy: trusted},
		`the field name "X_cert"; want hy`: {From: bearer.CertificateFromALB("x_cert"), TrustedProxy: trusted},
		"CertificateFromEnvoy without a":   {From: bearer.CertificateFromEnvoy(0), TrustedProxy: trusted},
	} {
		_, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(byName)}, Certificates: &c})
		if err == nil || !strings.Contains(err.Error(), "bearer: Config.Certificates.") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

// Each format accepts what its proxy writes, whatever the certificate. Other input
// is accepted only if it contains the certificate or its hash, and no record quotes
// it.
func FuzzCertificateFields(f *testing.F) {
	mine := []byte("the certificate")
	for _, seed := range []string{
		"", "a", escapedPEM(mine), albPEM(mine, mine), base64DER(mine), ":" + base64DER(mine) + ":", base64DER(mine) + ",AAAA",
		"Hash=" + hashOf(mine), `By=a;Hash=` + hashOf(mine) + `;Cert="` + escapedPEM(mine) + `";Subject="CN=\"b\\",URI=`, `Subject="a\`, "%", "%0A", "=,=;",
	} {
		f.Add(mine, seed)
	}
	type format struct {
		name   string
		from   bearer.CertificateField
		encode func([]byte) string
	}
	formats := []format{
		{"Client-Cert", bearer.CertificateFromRFC9440(), func(der []byte) string { return ":" + base64DER(der) + ":" }},
		{"X-Cert", bearer.CertificateFromNginx("X-Cert"), escapedPEM},
		{"X-Cert", bearer.CertificateFromALB("X-Cert"), func(der []byte) string { return albPEM(der, der) }},
		{"X-Cert", bearer.CertificateFromHAProxy("X-Cert"), base64DER},
		{"X-Forwarded-Tls-Client-Cert", bearer.CertificateFromTraefik(), func(der []byte) string { return base64DER(der) + "," + base64DER(der) }},
		{"X-Forwarded-Client-Cert", bearer.CertificateFromEnvoy(1), func(der []byte) string { return `Hash=` + hashOf(der) + `;Cert="` + escapedPEM(der) + `"` }},
	}
	f.Fuzz(func(t *testing.T, der []byte, input string) {
		for _, each := range formats {
			var log eventLog
			if len(der) > 0 && len(der) < 4<<10 {
				if got := serve(certificateRoute(t, der, each.from, &log), proxied(nil, http.Header{each.name: {each.encode(der)}})); got.status != 200 {
					t.Fatalf("%v does not accept its own format: %s", each.name, log.buf.String())
				}
			}
			log.reset()
			got := serve(certificateRoute(t, mine, each.from, &log), proxied(mine, http.Header{each.name: {input}}))
			plain, _ := url.PathUnescape(input)
			plain = strings.NewReplacer("\n", "", "\r", "").Replace(plain)
			contains := strings.Contains(plain, base64DER(mine)) || strings.Contains(strings.ToLower(input), hashOf(mine))
			if got.status == 200 && !contains || got.status != 200 && got.status != 401 {
				t.Fatalf("%s: %q: %d", each.name, input, got.status)
			}
		}
	})
}
