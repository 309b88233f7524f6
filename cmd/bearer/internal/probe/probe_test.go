package probe_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/probe"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// tests are set-ups with one planted fault each. want has the codes of all findings
// that it must cause.
var tests = []struct {
	name string
	want string
	world
}{
	{"nothing is wrong", "", world{}},
	{"nothing is wrong, by https", "", world{tls: good}},
	{"nothing is wrong, by HTTP/2 only", "", world{tls: good, h2only: true}},
	{"no metadata, which is allowed", "", world{private: true}},
	{"only DPoP, which a wrong Bearer token does not concern", "", private(onAPI(func(_ *http.Request, a answer) {
		if a.Code == 401 {
			a.Header()["Www-Authenticate"] = []string{`DPoP realm="orders", algs="ES256"`}
		}
	}))},
	{"a method of its own", "", world{change: func(c *probe.Config) { c.Method = "POST" }}},

	{"no such host", "dns", world{wire: func(c *wire.Config, _ string) {
		c.Resolve = func(_ context.Context, host string) ([]string, error) {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
	}, url: func(string) string { return "https://api.example.test/orders" }}},
	{"connection refused", "refused", world{listener: closedPort}},
	{"no answer", "timeout", world{listener: silent, wire: func(c *wire.Config, _ string) { c.Timeout = 200 * time.Millisecond }}},
	{"a header of 100 KiB", "not-http", withoutToken(func(a answer) { a.Header().Set("X-Long", strings.Repeat("x", 100<<10)) })},
	{"an answer of 2 MiB", "body-long", withoutToken(func(a answer) { a.Body.WriteString(strings.Repeat("x", 2<<20)) })},
	{"another protocol", "not-http", world{listener: says("SSH-2.0-OpenSSH_9.9\r\n")}},
	{"HTTP/2 only, without TLS", "closed", world{h2only: true}},
	{"the connection is closed", "closed", world{listener: says("")}},
	{"a control character in a field", "header-malformed", challenge("Bearer realm=\"orders\x1b\"")},
	{"plain HTTP at an https URL", "not-tls", world{url: func(api string) string { return "https" + strings.TrimPrefix(api, "http") + "/orders" }}},
	{"http", "plain-http", world{private: true, wire: func(c *wire.Config, api string) { here(c, strings.TrimPrefix(api, "http://")) },
		url: func(string) string { return "http://api.example.test/orders" }}},

	{"expired certificate", "certificate-expired", certificate(x509.Certificate{NotAfter: time.Now().AddDate(0, 0, -3)})},
	{"certificate that ends soon", "certificate-ends-soon", certificate(x509.Certificate{NotAfter: time.Now().AddDate(0, 0, 3)})},
	{"self-signed certificate", "certificate-chain", certificate(x509.Certificate{Subject: pkix.Name{CommonName: "self-signed"}})},
	{"unknown authority", "certificate-chain", world{tls: good, wire: func(c *wire.Config, _ string) { c.Roots = x509.NewCertPool() }}},
	{"certificate for another name", "certificate-name", certificate(x509.Certificate{DNSNames: []string{"api.example.com"}})},
	{"TLS 1.1", "tls-version", world{h1only: true, tls: func(t *testing.T, c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }}},

	{"200 without a token", "open", onAPI(func(r *http.Request, a answer) { a.Code = 200; a.Header().Del("WWW-Authenticate") })},
	{"403 without a token", "forbidden", withoutToken(func(a answer) { a.Code = 403 })},
	{"400 without a token", "bad-request", withoutToken(func(a answer) { a.Code = 400 })},
	{"500 without a token", "server-error", withoutToken(func(a answer) { a.Code = 500 })},
	{"404", "not-found", world{private: true, url: func(api string) string { return api + "/order" }, change: func(c *probe.Config) { c.Origin = "" }}},
	{"a redirect to a login page", "redirect-elsewhere", onAPI(func(r *http.Request, a answer) {
		if r.Method == "OPTIONS" {
			return
		}
		a.Code = 302
		a.Header().Set("Location", "https://login.example.com/?next=/orders")
	})},
	{"a redirect within the origin", "redirect", world{url: func(api string) string { return api + "/orders/" }, api: func(r *http.Request, a answer) {
		if r.URL.Path == "/orders/" {
			a.Code = 308
			a.Header().Set("Location", "/orders")
		}
	}}},

	{"no challenge", "challenge-missing", onAPI(func(_ *http.Request, a answer) { a.Header().Del("WWW-Authenticate") })},
	{"a proxy that removes the challenge", "challenge-missing", onAPI(func(_ *http.Request, a answer) {
		a.Header().Del("WWW-Authenticate")
		a.Header().Set("Via", "1.1 edge.example.com")
	})},
	{"two challenges in one line without a comma", "challenge-malformed", challenge(`Bearer realm="orders" Basic realm="orders"`)},
	{"an unquoted scope", "challenge-malformed", challenge(`Bearer realm="orders", scope=orders:read`)},
	{"an unquoted realm", "challenge-malformed", challenge(`Bearer realm=orders`)},
	{"a realm twice", "challenge-malformed", challenge(`Bearer realm="a", realm="b"`)},
	{"a challenge without parameters", "challenge-bare", private(challenge(`Bearer`))},
	{"only Basic", "challenge-scheme", private(challenge(`Basic realm="orders"`))},
	{"an error code without credentials", "challenge-error", private(challenge(`Bearer realm="orders", error="invalid_token"`))},
	{"a metadata document that no challenge names", "metadata-unannounced", challenge(`Bearer realm="orders"`)},

	{"500 for a wrong token", "wrong-token-error", wrongToken(func(_ string, a answer) { a.Code = 500 })},
	{"503 for a wrong token", "wrong-token-unavailable", wrongToken(func(_ string, a answer) { a.Code = 503 })},
	{"400 for a wrong token", "wrong-token-bad-request", wrongToken(func(_ string, a answer) { a.Code = 400 })},
	{"403 for a wrong token", "wrong-token-forbidden", wrongToken(func(_ string, a answer) { a.Code = 403 })},
	{"200 for a wrong token", "wrong-token-accepted", wrongToken(func(_ string, a answer) { a.Code = 200 })},
	{"no challenge for a wrong token", "wrong-token-challenge", wrongToken(func(_ string, a answer) { a.Header().Del("WWW-Authenticate") })},
	{"no error code for a wrong token", "wrong-token-code", wrongToken(func(_ string, a answer) { a.Header().Set("WWW-Authenticate", `Bearer realm="orders"`) })},
	{"another error code for a wrong token", "wrong-token-code", wrongToken(func(_ string, a answer) {
		a.Header().Set("WWW-Authenticate", `Bearer realm="orders", error="invalid_request"`)
	})},
	{"the token in the body", "token-echo", wrongToken(func(token string, a answer) { fmt.Fprintf(a.Body, "cannot parse %s", token) })},
	{"the token in a field", "token-echo", wrongToken(func(token string, a answer) { a.Header().Set("X-Debug", token) })},
	{"a refusal that caches may keep", "cacheable", wrongToken(func(_ string, a answer) { a.Header().Set("Cache-Control", "public, max-age=60") })},
	{"two tokens in one request", "two-tokens", world{change: func(c *probe.Config) { c.Thorough = true }, api: func(r *http.Request, a answer) {
		if len(r.Header["Authorization"]) == 2 {
			a.Code = 401
		}
	}}},

	{"no CORS", "cors-missing", onAPI(func(_ *http.Request, a answer) { a.Header().Del("Access-Control-Allow-Origin") })},
	{"CORS only for the preflight", "cors-missing", onAPI(func(r *http.Request, a answer) {
		if r.Method != "OPTIONS" {
			a.Header().Del("Access-Control-Allow-Origin")
		}
	})},
	{"CORS of the API and of a proxy", "cors-twice", onAPI(func(r *http.Request, a answer) {
		if r.Method != "OPTIONS" {
			a.Header().Add("Access-Control-Allow-Origin", page)
		}
	})},
	{"CORS for another origin", "cors-origin", onAPI(func(r *http.Request, a answer) {
		if r.Method != "OPTIONS" {
			a.Header().Set("Access-Control-Allow-Origin", "https://other.example.com")
		}
	})},
	{"the challenge is not exposed", "cors-exposed", onAPI(func(_ *http.Request, a answer) { a.Header().Del("Access-Control-Expose-Headers") })},
	{"a preflight is answered 401", "preflight-status", preflight(func(a answer) { a.Code = 401 })},
	{"a preflight with an asterisk for the fields", "preflight-headers", preflight(func(a answer) { a.Header().Set("Access-Control-Allow-Headers", "*") })},
	{"a preflight without the origin", "preflight-origin", preflight(func(a answer) { a.Header().Del("Access-Control-Allow-Origin") })},
	{"a preflight without the method", "preflight-method", world{change: func(c *probe.Config) { c.Method = "DELETE" }}},

	{"metadata at the wrong path", "metadata-path", world{api: func(r *http.Request, a answer) {
		const wrong = "/orders/.well-known/oauth-protected-resource"
		value := a.Header().Get("WWW-Authenticate")
		a.Header()["Www-Authenticate"] = []string{strings.Replace(value, "/.well-known/oauth-protected-resource/orders", wrong, 1)}
		if value == "" {
			a.Header().Del("WWW-Authenticate")
		}
		if r.URL.Path == wrong {
			a.Code = 200
			a.Header().Set("Content-Type", "application/json")
			a.Header().Set("Access-Control-Allow-Origin", "*")
			a.Body = bytes.NewBufferString(`{"resource":"http://` + r.Host + `/orders"}`)
		}
	}}},
	{"metadata at an http URL", "metadata-http", announce("http://api.example.test/.well-known/oauth-protected-resource")},
	{"metadata at a path without host", "metadata-url", announce("/.well-known/oauth-protected-resource")},
	{"no metadata where the challenge says", "metadata-unavailable", onMetadata(func(a answer) { a.Code = 404 })},
	{"metadata that need a token", "metadata-unavailable", onMetadata(func(a answer) { a.Code = 401 })},
	{"a page instead of metadata", "metadata-unavailable", onMetadata(func(a answer) { a.Body = bytes.NewBufferString("<!doctype html><title>Orders</title>") })},
	{"malformed metadata", "metadata-malformed", onMetadata(func(a answer) { a.Body = bytes.NewBufferString(`{"resource":1}`) })},
	{"metadata that pages cannot read", "metadata-cors", onMetadata(func(a answer) { a.Header().Del("Access-Control-Allow-Origin") })},
	{"metadata of another type", "metadata-type", onMetadata(func(a answer) { a.Header().Set("Content-Type", "text/plain") })},
	{"metadata with a byte order mark", "json-bom", onMetadata(func(a answer) { a.Body = bytes.NewBufferString("\xef\xbb\xbf" + a.Body.String()) })},
	{"a slash after the resource", "resource-mismatch", onMetadata(replace(`/orders"`, `/orders/"`))},
	{"metadata of another resource", "resource-mismatch", onMetadata(replace(`/orders"`, `/customers"`))},
	{"an issuer with an http URL", "issuer-http", onMetadata(func(a answer) {
		a.Body = bytes.NewBufferString(regexp.MustCompile(`"authorization_servers":\[".*?"\]`).ReplaceAllString(a.Body.String(), `"authorization_servers":["http://sso.example.test"]`))
	})},
	{"a slash after the issuer", "issuer-mismatch", onMetadata(replace(`"],`, `/"],`))},

	{"no metadata of the issuer", "issuer-metadata", onIssuer("/.well-known/", func(a answer) { a.Code = 404 })},
	{"another issuer in the metadata", "issuer-mismatch", onIssuer("/.well-known/", replace(`"issuer":"http://`, `"issuer":"http://sso.`))},
	{"the issuer's metadata with a byte order mark", "json-bom", onIssuer("/.well-known/oauth-authorization-server", func(a answer) { a.Body = bytes.NewBufferString("\xef\xbb\xbf" + a.Body.String()) })},
	{"keys at an http URL", "keys-http", onIssuer("/.well-known/", func(a answer) {
		a.Body = bytes.NewBufferString(regexp.MustCompile(`"jwks_uri":".*?"`).ReplaceAllString(a.Body.String(), `"jwks_uri":"http://sso.example.test/keys"`))
	})},
	{"no keys", "keys-empty", keys(`{"keys":[]}`)},
	{"a page instead of keys", "keys-unavailable", keys(`<html>`)},
	{"only a key for HS256", "key-secret", keys(`{"keys":[{"kty":"oct","kid":"1","alg":"HS256","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"}]}`)},
	{"only an RSA key of 1024 bits", "keys-unusable", keys(`{"keys":[{"kty":"RSA","kid":"1","e":"AQAB","n":"` + strings.Repeat("z", 170) + `w"}]}`)},
	{"only a key for encryption", "keys-unusable", onIssuer("/jwks", replace(`"use":"sig"`, `"use":"enc"`))},
	{"keys without kid", "key-id-missing", onIssuer("/jwks", func(a answer) {
		a.Body = bytes.NewBufferString(regexp.MustCompile(`"kid":".*?",?`).ReplaceAllString(a.Body.String(), ""))
	})},

	{"the API's clock is late", "clock", world{api: func(_ *http.Request, a answer) { a.Header().Set("Date", date(-time.Hour)) }}},
	{"the issuer's clock is early", "clock", world{issuer: func(_ *http.Request, a answer) { a.Header().Set("Date", date(time.Hour)) }}},
	{"this machine's clock", "clock-here", world{
		api:    func(_ *http.Request, a answer) { a.Header().Set("Date", date(time.Hour)) },
		issuer: func(_ *http.Request, a answer) { a.Header().Set("Date", date(time.Hour)) },
	}},
	{"too many requests", "request-limit", world{wire: func(c *wire.Config, _ string) { c.MaxRequests = 4 }}},
	{"too many requests for the keys", "request-limit", world{wire: func(c *wire.Config, _ string) { c.MaxRequests = 5 }}},
	{"metadata that redirect to another origin", "metadata-unavailable", onMetadata(func(a answer) {
		a.Code = 302
		a.Header().Set("Location", "https://other.example.test/?token=secret")
	})},
	{"the issuer is out of reach", "issuer-unreachable", onMetadata(func(a answer) {
		a.Body = bytes.NewBufferString(regexp.MustCompile(`"authorization_servers":\[".*?"\]`).ReplaceAllString(a.Body.String(), `"authorization_servers":["http://127.0.0.1:1"]`))
	})},
}

// Each planted fault is found, and nothing else is claimed. testdata/faults.txt has
// the texts.
func TestFindsThePlantedFault(t *testing.T) {
	texts := make([]string, len(tests))
	t.Run("all", func(t *testing.T) {
		for i, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				report, api, issuer := tt.probe(t)
				var codes []string
				text := tt.name + "\n"
				for _, f := range report.Findings() {
					codes = append(codes, f.Code)
					text += fmt.Sprintf("  %s %s: %s\n    do: %s\n", f.Severity, f.Code, f.Text, f.Do)
				}
				if got := strings.Join(codes, " "); got != tt.want {
					t.Errorf("got the findings %q, want %q", got, tt.want)
					for _, step := range report.Steps {
						t.Logf("%+v", *step)
					}
				}
				if report.Requests > 20 {
					t.Errorf("%d requests, want at most 20", report.Requests)
				}
				texts[i] = stable(text, api, issuer)
			})
		}
	})
	golden(t, "testdata/faults.txt", strings.Join(texts, "\n"))
}

// stable replaces what differs between two runs.
func stable(text, api, issuer string) string {
	for url, name := range map[string]string{api: "API", issuer: "ISSUER"} {
		if _, address, ok := strings.Cut(url, "://"); ok {
			text = strings.ReplaceAll(text, address, name)
		}
	}
	text = regexp.MustCompile(`\d{4}-\d\d-\d\d`).ReplaceAllString(text, "DATE")
	return regexp.MustCompile(`-?(\d+h)?(\d+m)?\d+s\b`).ReplaceAllString(text, "TIME")
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update rewrites it. Got:\n%s", file, got)
	}
}

// All mistakes in the configuration are reported at once.
func TestMistakes(t *testing.T) {
	_, err := probe.Run(t.Context(), probe.Config{URL: "orders", Method: "get", Origin: page + "/"})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want three mistakes", err)
	}
}

// An interrupted probe ends, and names what it did not reach.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := wire.New(wire.Config{})
	defer client.Close()
	cancel()
	report, err := probe.Run(ctx, probe.Config{Client: client, URL: "http://127.0.0.1:1/"})
	if err != nil {
		t.Fatal(err)
	}
	if codes := report.Findings(); len(codes) != 1 || codes[0].Code != "canceled" {
		t.Errorf("got %v, want canceled", codes)
	}
	if !slices.ContainsFunc(report.Steps, func(s *probe.Step) bool { return s.ID == "resource-metadata" && s.Status == probe.Skipped }) {
		t.Error("the metadata is not listed as skipped")
	}
}

// A host and a port that no request can have are mistakes, and no faults of the API.
func TestURLsThatCannotBeProbed(t *testing.T) {
	for _, url := range []string{"https://bücher.example/", "http://127.0.0.1:99999/", "http://127.0.0.1:0/", "http://a:b@127.0.0.1/", "ftp://127.0.0.1/", "//127.0.0.1/", ""} {
		client := wire.New(wire.Config{})
		if _, err := probe.Run(t.Context(), probe.Config{Client: client, URL: url}); err == nil || client.Requests() != 0 {
			t.Errorf("%q: %v after %d requests", url, err, client.Requests())
		}
	}
}
