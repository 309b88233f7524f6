package inspect_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/inspect"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const tenant = "11111111-2222-3333-4444-555555555555"

// documents are the metadata of issuers by the URL where they publish it: the issuer
// and the URL of its keys.
var documents = map[string][2]string{
	"https://sso.example.com/realms/shop/.well-known/openid-configuration":                          {"https://sso.example.com/realms/shop", "https://sso.example.com/realms/shop/protocol/openid-connect/certs"},
	"https://as.example.com/.well-known/oauth-authorization-server/t1":                              {"https://as.example.com/t1", "https://as.example.com/t1/keys"},
	"https://shop.eu.auth0.com/.well-known/openid-configuration":                                    {"https://shop.eu.auth0.com/", "https://shop.eu.auth0.com/.well-known/jwks.json"},
	"https://shop.okta.com/oauth2/default/.well-known/openid-configuration":                         {"https://shop.okta.com/oauth2/default", "https://shop.okta.com/oauth2/default/v1/keys"},
	"https://shop.okta.com/.well-known/openid-configuration":                                        {"https://shop.okta.com", "https://shop.okta.com/oauth2/v1/keys"},
	"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X/.well-known/openid-configuration":      {"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X/.well-known/jwks.json"},
	"https://accounts.google.com/.well-known/openid-configuration":                                  {"https://accounts.google.com", "https://www.googleapis.com/oauth2/v3/certs"},
	"https://login.microsoftonline.com/" + tenant + "/v2.0/.well-known/openid-configuration":        {"https://login.microsoftonline.com/" + tenant + "/v2.0", "https://login.microsoftonline.com/" + tenant + "/discovery/v2.0/keys"},
	"https://login.microsoftonline.com/" + tenant + "/.well-known/openid-configuration":             {"https://sts.windows.net/" + tenant + "/", "https://login.microsoftonline.com/common/discovery/keys"},
	"https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration":                {"https://login.microsoftonline.com/{tenantid}/v2.0", "https://login.microsoftonline.com/common/discovery/v2.0/keys"},
	"https://shop.b2clogin.com/shop.onmicrosoft.com/b2c_1_in/v2.0/.well-known/openid-configuration": {"https://shop.b2clogin.com/" + tenant + "/v2.0/", "https://shop.b2clogin.com/shop.onmicrosoft.com/b2c_1_in/discovery/v2.0/keys"},
	"https://fs.example.com/adfs/.well-known/openid-configuration":                                  {"https://fs.example.com/adfs", "https://fs.example.com/adfs/discovery/keys"},
	"https://keycloak.example.com/realms/shop/.well-known/openid-configuration":                     {"http://localhost:8080/realms/shop", "https://keycloak.example.com/realms/shop/protocol/openid-connect/certs"},
	"http://plain.example.com/.well-known/openid-configuration":                                     {"http://plain.example.com", "http://plain.example.com/keys"},
	"https://id.example.com/.well-known/openid-configuration":                                       {"https://id.example.com", "https://id.example.com/.well-known/openid-configuration/jwks"},
	"https://hydra.example.com/.well-known/openid-configuration":                                    {"https://hydra.example.com", "https://hydra.example.com/.well-known/jwks.json"},
}

// more are other members of the metadata, by issuer.
var more = map[string]string{
	"https://fs.example.com/adfs":         `,"access_token_issuer":"http://fs.example.com/adfs/services/trust"`,
	"https://hydra.example.com":           `,"credentials_endpoint_draft_00":"https://hydra.example.com/credentials"`,
	"https://sso.example.com/realms/shop": `,"introspection_endpoint":"https://sso.example.com/realms/shop/introspect","dpop_signing_alg_values_supported":["ES256"]`,
}

// internet serves the documents, and the keys of a development issuer elsewhere.
// Each name leads there.
func internet(t *testing.T) wire.Config {
	t.Helper()
	keys := newIssuer(t).KeySet()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := "http://"
		if r.TLS != nil {
			scheme = "https://"
		}
		if document, ok := documents[scheme+r.Host+r.URL.EscapedPath()]; ok {
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q%s}`, document[0], document[1], more[document[0]])
		} else if strings.Contains(r.URL.Path, "/.well-known/o") && !strings.HasSuffix(r.URL.Path, "jwks") {
			http.NotFound(w, r)
		} else {
			w.Header().Set("Cache-Control", "max-age=600")
			_, _ = w.Write(keys)
		}
	}))
	plain := httptest.NewServer(server.Config.Handler)
	t.Cleanup(plain.Close)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	certificate, roots := certificateFor(t)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return wire.Config{Roots: roots, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasSuffix(address, ":80") {
			return (&net.Dialer{}).DialContext(ctx, network, plain.Listener.Addr().String())
		}
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}}
}

// certificateFor returns a certificate for the hosts of all documents.
func certificateFor(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true}
	for at, document := range documents {
		for _, text := range []string{at, document[1]} {
			u, err := url.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			template.DNSNames = append(template.DNSNames, u.Host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// inputs are what people type, and what is found.
var inputs = []struct{ input, issuer, profile, findings string }{
	{"https://sso.example.com/realms/shop", "https://sso.example.com/realms/shop", "keycloak", ""},
	{"sso.example.com/realms/shop", "https://sso.example.com/realms/shop", "keycloak", ""},
	{" 'https://sso.example.com/realms/shop/' ", "https://sso.example.com/realms/shop", "keycloak", ""},
	{"https://sso.example.com/realms/shop//", "https://sso.example.com/realms/shop", "keycloak", ""},
	{"https://sso.example.com/realms/shop?x=1#y", "https://sso.example.com/realms/shop", "keycloak", ""},
	{"https://sso.example.com/realms/shop/.well-known/openid-configuration", "https://sso.example.com/realms/shop", "keycloak", ""},
	{"https://sso.example.com/realms/shop/protocol/openid-connect/token", "https://sso.example.com/realms/shop", "keycloak", ""},
	{"https://as.example.com/t1", "https://as.example.com/t1", "rfc9068", ""},
	{"https://as.example.com/.well-known/oauth-authorization-server/t1", "https://as.example.com/t1", "rfc9068", ""},
	{"https://as.example.com/t1/.well-known/oauth-authorization-server", "https://as.example.com/t1", "rfc9068", ""},
	{"shop.eu.auth0.com", "https://shop.eu.auth0.com/", "auth0", ""},
	{"https://shop.eu.auth0.com/.well-known/jwks.json", "https://shop.eu.auth0.com/", "auth0", ""},
	{"https://shop.okta.com/oauth2/default", "https://shop.okta.com/oauth2/default", "okta", ""},
	{"https://shop.okta.com/oauth2/default/v1/token", "https://shop.okta.com/oauth2/default", "okta", ""},
	{"https://shop.okta.com", "https://shop.okta.com", "okta", "okta-org"},
	{"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X", "cognito", ""},
	{"accounts.google.com", "https://accounts.google.com", "google", ""},
	{"https://login.microsoftonline.com/" + tenant, "https://login.microsoftonline.com/" + tenant + "/v2.0", "entraid", ""},
	{"https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0/authorize?client_id=x", "https://login.microsoftonline.com/" + tenant + "/v2.0", "entraid", ""},
	{"https://portal.azure.com/#view/Microsoft_AAD_IAM/Overview/tenantId/" + tenant, "https://login.microsoftonline.com/" + tenant + "/v2.0", "entraid", ""},
	{"https://login.microsoftonline.com/common", "https://login.microsoftonline.com/{tenantid}/v2.0", "entraid", "issuer-template"},
	{"https://shop.b2clogin.com/shop.onmicrosoft.com/b2c_1_in/v2.0", "https://shop.b2clogin.com/" + tenant + "/v2.0/", "b2c", "issuer-elsewhere"},
	{"https://fs.example.com/adfs", "http://fs.example.com/adfs/services/trust", "adfs", "issuer-elsewhere"},
	{"https://keycloak.example.com/realms/shop", "http://localhost:8080/realms/shop", "keycloak", "issuer-elsewhere"},
	{"https://id.example.com/", "https://id.example.com", "duende", ""},
	{"http://plain.example.com", "http://plain.example.com", "rfc9068", "keys-http issuer-http"},
	{"https://hydra.example.com", "https://hydra.example.com", "hydra", ""},
	{"https://sso.example.com/realms/wrong", "", "", "issuer-metadata"},
}

// The issuer is found whatever people type, and the Go lines compile.
// testdata/issuers.txt has the notes and the lines.
func TestFindsTheIssuer(t *testing.T) {
	network := internet(t)
	var text, program strings.Builder
	program.WriteString("package main\n\nimport \"github.com/bearerkit/bearerkit/jwks\"\n\nfunc main() {\n")
	for _, tt := range inputs {
		client := wire.New(network)
		report, err := inspect.Inspect(t.Context(), inspect.Config{Client: client, Input: tt.input})
		client.Close()
		if err != nil {
			t.Errorf("%s: %v", tt.input, err)
			continue
		}
		var codes []string
		for _, f := range report.Findings {
			codes = append(codes, f.Code)
		}
		profile := ""
		if report.Profile != nil {
			profile = report.Profile.Name
			if report.Profile.Sure {
				t.Errorf("%s: sure without a token", tt.input)
			}
		}
		if found := strings.Join(codes, " "); report.Issuer != tt.issuer || profile != tt.profile || found != tt.findings {
			t.Errorf("%s: got %q, %q, %q; want %q, %q, %q", tt.input, report.Issuer, profile, found, tt.issuer, tt.profile, tt.findings)
		}
		if report.Go != "" {
			fmt.Fprintf(&program, "_ = %s\n", report.Go)
			if len(report.Keys) != 5 || *report.KeysFresh != 600 {
				t.Errorf("%s: the keys are %v", tt.input, report.Keys)
			}
		}
		fmt.Fprintln(&text, tt.input)
		for _, note := range report.Notes {
			fmt.Fprintln(&text, "  note:", note)
		}
		for _, f := range report.Findings {
			fmt.Fprintf(&text, "  %s: %s\n    do: %s\n", f.Code, f.Text, f.Do)
		}
		fmt.Fprintf(&text, "%s\n\n", report.Go)
	}
	program.WriteString("}\n")
	compile(t, program.String())
	golden(t, "testdata/issuers.txt", text.String())
}

// compile compiles a program against this repository.
func compile(t *testing.T, program string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", os.DevNull, file).CombinedOutput(); err != nil {
		t.Errorf("the Go lines do not compile: %v\n%s\n%s", err, out, program)
	}
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

// Inputs that cannot be an issuer's URL say what to write.
func TestMistakesInTheInput(t *testing.T) {
	for _, input := range []string{"", "://", "ftp://sso.example.com", "https://alice:secret@sso.example.com", "https://portal.azure.com/#home"} {
		_, err := inspect.Inspect(t.Context(), inspect.Config{Client: wire.New(wire.Config{}), Input: input})
		if err == nil || !strings.Contains(err.Error(), "want") && !strings.Contains(err.Error(), "has none") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v", input, err)
		}
	}
}

// Each key says whether bearerkit uses it, or why not.
func TestKeys(t *testing.T) {
	issuer := newIssuer(t)
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(issuer.KeySet(), &set); err != nil {
		t.Fatal(err)
	}
	expired := leafThatExpired(t)
	set.Keys[1]["x5c"] = []string{expired}
	set.Keys = append(set.Keys,
		map[string]any{"kty": "oct", "kid": "shared", "k": "c2VjcmV0", "alg": "HS256"},
		map[string]any{"kty": "RSA", "kid": "weak", "e": "AQAB", "n": strings.Repeat("z", 170) + "w"},
		map[string]any{"kty": "EC", "kid": "curve", "crv": "secp256k1", "x": "AA", "y": "AA"},
		map[string]any{"kty": "\x1b[31mred", "kid": strings.Repeat("k", 999)},
	)
	document, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: document})
	report := ask(t, issuer, "")
	var text strings.Builder
	for _, key := range report.Keys {
		fmt.Fprintf(&text, "%s %s %s %q usable=%t %s %s\n", key.ID, key.Type, key.Size, key.Algorithms, key.Usable, key.Reason, key.Expires)
	}
	for _, f := range report.Findings {
		fmt.Fprintf(&text, "%s: %s\n", f.Code, f.Text)
	}
	for _, note := range report.Notes {
		fmt.Fprintln(&text, note)
	}
	golden(t, "testdata/keys.txt", regexp.MustCompile(`\d{4}-\d\d-\d\d`).ReplaceAllString(text.String(), "DATE"))
}

// leafThatExpired returns a certificate as x5c has it.
func leafThatExpired(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(0, 0, -1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(der)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(text), `"`)
}
