package interop_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// clientCertificate is a self-signed certificate (RFC 8705, Section 2.2) and its
// key, both in files.
type clientCertificate struct {
	cert, key  string
	der        []byte
	thumbprint string // x5t#S256
}

func newClientCertificate(t *testing.T) *clientCertificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "client"},
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return &clientCertificate{
		cert:       writePEM(t, "CERTIFICATE", der),
		key:        writePEM(t, "PRIVATE KEY", private),
		der:        der,
		thumbprint: base64.RawURLEncoding.EncodeToString(sum[:]),
	}
}

func writePEM(t *testing.T, kind string, der []byte) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// curl sends a request with the program curl and an optional certificate.
func (a *boundAPI) curl(t *testing.T, url string, cert *clientCertificate, header ...string) (*http.Response, []byte) {
	t.Helper()
	args := []string{
		"--silent", "--show-error", "--include", "--max-time", "20", "--noproxy", "*",
		"--cacert", writePEM(t, "CERTIFICATE", a.server.Certificate().Raw), "--header", "@-",
	}
	if cert != nil {
		args = append(args, "--cert", cert.cert, "--key", cert.key)
	}
	cmd := exec.Command("curl", append(args, url)...)
	cmd.Stdin = strings.NewReader(strings.Join(header, "\n"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("curl: %v: %s", err, &stderr)
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func TestCurlCertificates(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		leftOut(t, "certificate-bound tokens were NOT tested with curl: %v; to include it, install curl 7.55 or later", err)
	}
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	a := newBoundAPI(t, boundConfig{issuer: issuer.URL(), certificates: &bearer.Certificates{}})
	strict := newBoundAPI(t, boundConfig{issuer: issuer.URL(), certificates: &bearer.Certificates{Required: true}})
	mine, another := newClientCertificate(t), newClientCertificate(t)
	key, anotherKey := newProofKey(t), newProofKey(t)

	mint := func(cnf map[string]any) string {
		token := bearertest.Token{Audience: []string{a.url, strict.url}, Scope: "orders:read"}
		if cnf != nil {
			token.Claims = map[string]any{"cnf": cnf}
		}
		return issuer.Mint(token)
	}
	free := mint(nil)
	bound := mint(map[string]any{"x5t#S256": mine.thumbprint})
	toKey := mint(map[string]any{"jkt": key.thumbprint(t)})
	both := mint(map[string]any{"x5t#S256": mine.thumbprint, "jkt": key.thumbprint(t)})

	proof := func(a *boundAPI, key proofKey, token string) []string {
		return []string{"Authorization: DPoP " + token, "DPoP: " + key.proof(t, "GET", a.url+"/orders", token)}
	}
	bearerOf := func(token string) []string { return []string{"Authorization: Bearer " + token} }
	forged := "Client-Cert: :" + base64.StdEncoding.EncodeToString(mine.der) + ":" // RFC 9440, but not from a proxy
	tests := []struct {
		name    string
		api     *boundAPI
		cert    *clientCertificate
		header  []string
		refusal string // "": 200; "scheme code check"
	}{
		{"its certificate", a, mine, bearerOf(bound), ""},
		{"no certificate", a, nil, bearerOf(bound), "bearer invalid_token client certificate"},
		{"another certificate", a, another, bearerOf(bound), "bearer invalid_token client certificate"},
		{"a field in place of a certificate", a, nil, append(bearerOf(bound), forged), "bearer invalid_token client certificate"},
		{"a field beside another certificate", a, another, append(bearerOf(bound), forged), "bearer invalid_token client certificate"},
		{"a certificate, under DPoP", a, mine, []string{"Authorization: DPoP " + bound}, "dpop invalid_token cnf"},
		{"not bound, a certificate", a, mine, bearerOf(free), ""},
		{"not bound, no certificate", a, nil, bearerOf(free), ""},

		{"both, and both are there", a, mine, proof(a, key, both), ""},
		{"both, no certificate", a, nil, proof(a, key, both), "dpop invalid_token client certificate"},
		{"both, another certificate", a, another, proof(a, key, both), "dpop invalid_token client certificate"},
		{"both, no proof", a, mine, bearerOf(both), "bearer invalid_token cnf"},
		{"both, no proof under DPoP", a, mine, proof(a, key, both)[:1], "dpop invalid_dpop_proof DPoP"},
		{"both, a proof of another key", a, mine, proof(a, anotherKey, both), "dpop invalid_token jkt"},
		{"bound to a key, no certificate", a, nil, proof(a, key, toKey), ""},

		{"required, its certificate", strict, mine, bearerOf(bound), ""},
		{"required, no certificate", strict, nil, bearerOf(bound), "bearer invalid_token client certificate"},
		{"required, not bound", strict, mine, bearerOf(free), "bearer invalid_token cnf"},
		{"required, bound to a key alone", strict, mine, proof(strict, key, toKey), "dpop invalid_token cnf"},
		{"required, both", strict, mine, proof(strict, key, both), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := tt.api.curl(t, tt.api.url+"/orders", tt.cert, tt.header...)
			if tt.refusal == "" {
				var got principal
				if err := json.Unmarshal(body, &got); resp.StatusCode != http.StatusOK || err != nil || got.Subject != "alice" {
					t.Errorf("%s %s; want 200 for alice", resp.Status, body)
				}
				return
			}
			refusal := strings.SplitN(tt.refusal, " ", 3)
			event := tt.api.refusal(t, body)
			if resp.StatusCode != http.StatusUnauthorized || event.Check != refusal[2] {
				t.Errorf("%s by check %q (expected %s, got %s); want 401 by %q", resp.Status, event.Check, event.Expected, event.Got, refusal[2])
			}
			challenges, err := bearertest.ParseChallenges(resp.Header.Values("WWW-Authenticate"))
			if err != nil {
				t.Fatal(err)
			}
			var got []challenge
			for _, c := range challenges {
				got = append(got, challenge{strings.ToLower(c.Scheme), c.Params})
			}
			want := []challenge{
				tt.api.challenge("bearer", "scope", "orders:read"), tt.api.challenge("dpop", "scope", "orders:read"),
			}
			for i := range want {
				if want[i].Scheme == refusal[0] {
					want[i] = tt.api.failed(refusal[0], refusal[1], "scope", "orders:read")
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v; want %+v", got, want)
			}
		})
	}

	t.Run("metadata, from a request without a token", func(t *testing.T) {
		refused, _ := strict.curl(t, strict.url+"/orders", nil)
		challenges, err := bearertest.ParseChallenges(refused.Header.Values("WWW-Authenticate"))
		if err != nil || len(challenges) == 0 || refused.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%s, challenges %v, %v; want 401", refused.Status, challenges, err)
		}
		for _, c := range challenges {
			if want := strict.challenge(strings.ToLower(c.Scheme), "scope", "orders:read"); !reflect.DeepEqual(c.Params, want.Parameters) {
				t.Errorf("%+v; want %+v", c, want)
			}
		}
		resp, body := strict.curl(t, challenges[0].Params["resource_metadata"], nil)
		var got struct {
			Resource string `json:"resource"`
			Bound    bool   `json:"tls_client_certificate_bound_access_tokens"`
		}
		if err := json.Unmarshal(body, &got); err != nil || resp.StatusCode != http.StatusOK || got.Resource != strict.url || !got.Bound {
			t.Errorf("%s %s", resp.Status, body)
		}
	})
}
